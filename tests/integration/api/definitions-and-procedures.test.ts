import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DefinitionChange } from "#core/contracts/definitions.ts";
import { Role } from "#core/contracts/session.ts";
import { AlarmDefinition } from "#core/model/alarm.ts";
import { anAlarm } from "#tests/fixtures/cloud/alarms.ts";
import { type ParkApi, parkApi, type SignedIn } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

let park: ParkApi;
let engineer: SignedIn;
beforeEach(async () => {
  park = await parkApi();
  engineer = await park.person("engineer", { role: "engineer", space: PARK.root });
});
afterEach(() => park.close());

const SOMEBODY = { name: "somebody", grants: [] };
const put = (id: string, change: DefinitionChange, as = engineer, revision = 1) =>
  park.ask("PUT", `/alarm-definitions/${id}`, { as, payload: { revision, change, why: "asked for" } });
const codeOf = (answer: { statusCode: number; json(): { code?: string } }) => [answer.statusCode, answer.json().code];

describe("an alarm definition", () => {
  it("is found by its words, and changed with a reason by who may configure there", async () => {
    const found = await park.ask("GET", "/alarm-definitions?q=INTRUSION", { as: engineer });
    expect(found.json().items.map((view: { definition: { id: string } }) => view.definition.id)).toEqual([
      "fence-alarm",
    ]);
    expect((await park.ask("GET", "/alarm-definitions?q=nothing", { as: engineer })).json()).toEqual({ items: [] });
    const done = await put("fence-alarm", { response: "Look" });
    expect([done.statusCode, done.json().status]).toEqual([200, "done"]);
    const history = await park.ask("GET", "/alarm-definitions/fence-alarm/history", { as: engineer });
    expect(history.json().items).toEqual([expect.objectContaining({ actor: "engineer", fields: ["response"] })]);
  });

  it.each([
    ["no reason", { revision: 1, change: { response: "x" } }],
    ["an empty reason", { revision: 1, change: { response: "x" }, why: "" }],
    ["no change", { revision: 1, change: {}, why: "x" }],
    ["an unknown field", { revision: 1, change: { quiet: true }, why: "x" }],
    ["another id", { revision: 1, change: { id: "other" }, why: "x" }],
    ["a text without end", { revision: 1, change: { response: "x".repeat(3000) }, why: "x" }],
    ["an unknown condition", { revision: 1, change: { condition: { type: "magic", point: "p" } }, why: "x" }],
  ])("is not changed with %s", async (_, payload) => {
    const answer = await park.ask("PUT", "/alarm-definitions/fence-alarm", { as: engineer, payload });
    expect(codeOf(answer)).toEqual([400, "VALIDATION"]);
  });

  it("is moved only by who may configure at both places", async () => {
    const guard = await park.person("fence-engineer", { role: "engineer", space: "perimeter" });
    expect(codeOf(await put("fence-alarm", { space: "building-a" }, guard))).toEqual([403, "FORBIDDEN"]);
    expect((await put("fence-alarm", { response: "x" }, guard)).statusCode).toBe(200);
  });

  it("of the security law is disabled by two people, of whom neither is alone, not even by a token of his own", async () => {
    const asked = (await put("fence-alarm", { enabled: false })).json();
    expect(asked.status).toBe("pending");
    const approve = `/alarm-definitions/proposals/${asked.proposal.id}/approve`;
    expect(codeOf(await park.ask("POST", approve, { as: engineer, payload: {} }))).toEqual([
      403,
      "SECOND_PERSON_REQUIRED",
    ]);
    const actor = { name: "engineer", grants: [] };
    const grants = [{ role: "engineer", space: PARK.root }] as const;
    const { token } = park.deps.access.addToken("engineer", "program", grants, null, { ...actor, grants });
    expect(codeOf(await park.ask("POST", approve, { token, payload: {} }))).toEqual([403, "SECOND_PERSON_REQUIRED"]);
    const second = await park.person("second", { role: "engineer", space: "perimeter" });
    const waiting = await park.ask("GET", "/alarm-definitions/proposals", { as: second });
    expect(waiting.json().items).toHaveLength(1);
    expect((await park.ask("POST", approve, { as: second, payload: {} })).json().definition).toMatchObject({
      enabled: false,
      runsOn: [],
    });
  });
});

describe("a panic definition", () => {
  const PANIC: AlarmDefinition = {
    id: "panic",
    category: "panic",
    priority: "urgent",
    condition: { type: "equals", point: PARK.fence, value: true },
    message: "Panic",
    messageEn: "Panic",
  };
  const other: DefinitionChange = {
    category: "system",
    enabled: false,
    condition: { type: "equals", point: PARK.fence, value: false },
    onDelayMs: 1000,
    offDelayMs: 1000,
    reAlarmMs: 60_000,
    reAlarmLimit: 1,
    autoAcknowledge: true,
    latching: false,
    firstOut: "group",
    suppressedBy: [{ rule: "quiet", definition: "fence-alarm" }],
  };
  const words = ["id", "priority", "zone", "space", "message", "messageEn", "response", "responseEn"];

  it.each(Role.enum)("is held back by a %s through no route and in no field", async (role) => {
    park.deps.definitions.add(PANIC, { why: "button", actor: SOMEBODY });
    const as = await park.person(`the-${role}`, { role, space: PARK.root });
    const before = park.deps.catalog.bundle(PARK.gateway as never)?.bundle.alarms;
    const names = Object.keys(AlarmDefinition.properties).filter((name) => !words.includes(name));
    for (const name of names) {
      const answer = await put("panic", { [name]: other[name as keyof DefinitionChange] ?? null }, as);
      expect([403, 409], `${name}: ${answer.body}`).toContain(answer.statusCode);
    }
    const why = "x";
    for (const [url, payload] of [
      ["/alarm-definitions/panic/retire", { revision: 1, why }],
      ["/alarm-definitions/panic/revert", { revision: 1, to: 0, why }],
    ] as const)
      expect([400, 403, 409]).toContain((await park.ask("POST", url, { as, payload })).statusCode);
    expect(park.deps.catalog.bundle(PARK.gateway as never)?.bundle.alarms).toEqual(before);
    expect(park.deps.definitions.pending()).toEqual([]);
  });
});

describe("a response procedure", () => {
  const procedure = (areas?: string[]) => ({
    id: "fence",
    title: "Intrusion",
    titleEn: "Intrusion",
    scope: { categories: ["intrusion"], ...(areas === undefined ? {} : { areas }) },
    steps: [{ title: "Look", titleEn: "Look", confirm: "person", mandatory: true }],
  });

  it("for an area is written by who may there, for the whole site by who may everywhere", async () => {
    const guard = await park.person("chief-of-the-fence", { role: "security", space: "perimeter" });
    const create = (areas?: string[]) =>
      park.ask("POST", "/procedures", { as: guard, payload: { procedure: procedure(areas) } });
    expect(codeOf(await create())).toEqual([403, "FORBIDDEN"]);
    expect(codeOf(await create([]))).toEqual([403, "FORBIDDEN"]);
    expect(codeOf(await create(["perimeter", "building-a"]))).toEqual([403, "FORBIDDEN"]);
    expect((await create(["perimeter"])).statusCode).toBe(201);
    const payload = { procedure: procedure(), revision: 1 };
    expect(codeOf(await park.ask("PUT", "/procedures/fence", { as: guard, payload }))).toEqual([403, "FORBIDDEN"]);
    const tenant = await park.person("tenant", { role: "engineer", space: "building-a" });
    expect((await park.ask("GET", "/procedures", { as: tenant })).json()).toEqual({ items: [] });
    expect(codeOf(await park.ask("GET", "/procedures/fence", { as: tenant }))).toEqual([404, "PROCEDURE_UNKNOWN"]);
  });

  it("is worked by on an alarm by who attends there, step by step", async () => {
    const { library } = park.deps.procedures;
    library.create(procedure() as Parameters<typeof library.create>[0], SOMEBODY);
    library.publish("fence", 1, "in force", SOMEBODY);
    park.alarms.put(anAlarm("a-1", "perimeter"));
    const viewer = await park.person("viewer", { role: "viewer", space: PARK.root });
    const guard = await park.person("guard", { role: "security", space: "perimeter" });
    const confirm = (as: SignedIn, n: number | string, occurrence = 1) =>
      park.ask("POST", `/alarms/a-1/procedure/steps/${n}/confirm`, { as, payload: { occurrence, station: "desk-1" } });
    expect((await park.ask("GET", "/alarms/a-1/procedure", { as: viewer })).json()).toMatchObject({
      procedure: { version: 1 },
      run: null,
    });
    expect(codeOf(await confirm(viewer, 1))).toEqual([403, "FORBIDDEN"]);
    expect(codeOf(await confirm(guard, "two"))).toEqual([400, "VALIDATION"]);
    expect(codeOf(await confirm(guard, 2))).toEqual([404, "PROCEDURE_STEP_UNKNOWN"]);
    expect(codeOf(await confirm(guard, 1, 2))).toEqual([409, "ALARM_OCCURRENCE_STALE"]);
    expect((await confirm(guard, 1)).json().run).toMatchObject({
      status: "finished",
      steps: [{ status: "confirmed", actor: "guard", station: "desk-1" }],
    });
  });
});
