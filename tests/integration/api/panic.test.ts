import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AlarmMedia } from "#cloud/alarms/media.ts";
import { Alarms } from "#cloud/alarms/service.ts";
import type { ApiRoute } from "#cloud/api/route.ts";
import { apiRoutes } from "#cloud/api/routes/index.ts";
import { Maintenance } from "#cloud/maintenance/service.ts";
import { lawOf, mayLeaveService } from "#core/alarm/law.ts";
import { type AlarmEvent, apply, raise } from "#core/alarm/lifecycle.ts";
import { Role } from "#core/contracts/session.ts";
import type { GatewayId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { type Alarm, AlarmCategory } from "#core/model/alarm.ts";
import type { AlarmCommand } from "#core/model/command.ts";
import { type ParkApi, parkApi, START } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";
import { ALARM, furnish, SAMPLES } from "./routes-and-roles.ts";

/** What hides an alarm, as an act and as what is sent to its gateway. */
const HIDING = new Set(["shelve", "outOfService"]);
/** Words that a request may need so that it is not refused for the want of them. */
const WORDS = { comment: "works", reason: "works", why: "works", minutes: 30 } as const;

let park: ParkApi;
let routes: readonly ApiRoute[];
let alarms: Alarms;
let maintenance: Maintenance;
let panic: Alarm;
const sent: AlarmCommand[] = [];

function panicAlarm(): Alarm {
  return raise(
    {
      id: ALARM,
      origin: PARK.gateway,
      definition: "lobby.panic",
      law: lawOf("panic"),
      category: "panic",
      priority: "urgent",
      source: PARK.fence,
      area: "perimeter",
      message: "紧急求助",
      messageEn: "Panic",
    },
    { type: "activate", observedAt: START },
    START,
  );
}

beforeAll(async () => {
  park = await parkApi();
  await furnish(park);
  const { db, clock } = park;
  const { catalog, audit, bus } = park.deps;
  alarms = new Alarms({
    db,
    media: new AlarmMedia(db, () => new Map()),
    catalog,
    link: {
      sendCommand: (_gateway, command) => {
        if (command.kind === "alarm") sent.push(command);
        return true;
      },
      isOnline: () => true,
    },
    audit,
    bus,
    clock,
    logger: silentLogger,
    below: (space) => new Set(space === PARK.root ? catalog.spaces().map(({ id }) => id) : [space]),
    runsOf: () => new Map(),
    permitOf: (alarm) => maintenance.permitOf(alarm),
    onTransition: (trigger, at) => maintenance.told({ ...trigger, at }),
  });
  maintenance = new Maintenance({
    db,
    catalog,
    alarms,
    below: (space) => new Set(space === PARK.root ? catalog.spaces().map(({ id }) => id) : [space]),
    audit,
    ended: () => undefined,
    clock,
    logger: silentLogger,
  });
  // The real domains behind the real routes.
  Object.assign(park.deps, { alarms, maintenance });
  routes = apiRoutes(park.deps);
  for (const role of Role.enum) await park.addUser(`${role}-of-all`, [{ role, space: PARK.root }]);
  panic = panicAlarm();
  alarms.take(PARK.gateway as GatewayId, { offset: 1, at: START, kind: "alarm", alarm: panic, transition: "raised" })();
});
afterAll(() => park.close());
beforeEach(() => {
  sent.length = 0;
});

/** Is it as loud as it was, and was nothing else asked of its gateway? */
function expectLoud(where: string): void {
  const now = alarms.get(ALARM);
  expect(now?.suppression, where).toEqual([]);
  expect(now?.permit, where).toBeUndefined();
  expect(
    now?.journal.filter(({ transition }) => ["shelved", "suppressed", "outOfService"].includes(transition)),
    where,
  ).toEqual([]);
  expect(
    sent.filter(({ alarm, action }) => alarm === ALARM && HIDING.has(action)),
    where,
  ).toEqual([]);
}

/** The words that the body of a route may have. */
function wordsOf({ body }: ApiRoute): Partial<typeof WORDS> {
  const known = body !== undefined && "properties" in body ? Object.keys(body.properties as object) : [];
  return Object.fromEntries(Object.entries(WORDS).filter(([name]) => known.includes(name)));
}

describe("a panic alarm", () => {
  it("is never hidden by the core's own rules, whatever happens to it", () => {
    const events: readonly AlarmEvent[] = [
      { type: "shelve", until: START + 60_000, reason: "works" },
      { type: "outOfService", reason: "works" },
      { type: "suppress", rule: "works" },
      { type: "stale" },
      { type: "clear" },
      { type: "acknowledge", occurrence: 1, by: "li.wei", at: START },
      { type: "reset", occurrence: 1, by: "li.wei", at: START },
    ];
    for (const first of events)
      for (const second of events) {
        const once = apply(panic, first, { now: START, side: "minting" });
        const twice = apply("refused" in once ? panic : once.alarm, second, { now: START, side: "minting" });
        const ended = "refused" in twice ? ("refused" in once ? panic : once.alarm) : twice.alarm;
        expect(ended.suppression, `${first.type}, ${second.type}`).toEqual([]);
      }
    expect(mayLeaveService("panic")).toBe(false);
  });

  it.each([...Role.enum])("is never hidden by a %s through any route", async (role) => {
    const hiding: string[] = [];
    for (const route of routes) {
      const name = `${route.method} ${route.url}`;
      // Whoever signs out here or withdraws a token does it to himself.
      const as = park.open(`${role}-of-all`);
      const sample = SAMPLES[name]?.(park, as, role);
      if (sample === undefined) throw new Error(`no sample request of ${name}`);
      const { url, status: _status, payload, ...ask } = sample;
      const asked =
        payload === undefined || typeof payload === "string" || payload instanceof Buffer
          ? payload
          : { ...wordsOf(route), ...payload };
      const body = asked === undefined ? {} : { payload: asked };
      await park.ask(route.method, url, { ...ask, ...body, as });
      expectLoud(`${role}: ${name}`);
      if (/shelve|out-of-service|permits/.test(route.url)) hiding.push(name);
    }
    expect(hiding.length).toBeGreaterThan(5);
  });

  it.each([...Role.enum])("is refused by name when a %s asks to hide it", async (role) => {
    const as = park.open(`${role}-of-all`);
    const { occurrence = 1 } = alarms.get(ALARM) ?? {};
    const item = { id: ALARM, occurrence };
    for (const [url, payload] of [
      [`/alarms/${ALARM}/shelve`, { occurrence, comment: "works", minutes: 30 }],
      [`/alarms/${ALARM}/out-of-service`, { occurrence, comment: "works" }],
    ] as const) {
      const answer = await park.ask("POST", url, { as, payload });
      expect([403, 409], `${role}: ${url}`).toContain(answer.statusCode);
      expect(["FORBIDDEN", "ALARM_LAW_FORBIDS"], `${role}: ${url}`).toContain(answer.json().code);
    }
    const many = await park.ask("POST", "/alarms/shelve", { as, payload: { items: [item], comment: "works" } });
    if (many.statusCode === 200) expect(many.json().items[0].problem.code).toBe("ALARM_LAW_FORBIDS");
    else expect(many.statusCode).toBe(403);
    expectLoud(role);
  });

  it("is never held back by a maintenance permit, whatever that names", async () => {
    const [one, other] = [park.open("engineer-of-all"), park.open("administrator-of-all")];
    const until = new Date(park.clock.now() + 3_600_000).toISOString();
    for (const category of AlarmCategory.enum) {
      const payload = {
        areas: [PARK.root],
        categories: [category],
        definitions: ["lobby.panic"],
        until,
        reason: "works",
      };
      const asked = await park.ask("POST", "/maintenance/permits", { as: one, payload });
      if (category === "panic") {
        expect(asked.json()).toMatchObject({ status: 409, code: "PERMIT_SCOPE_FORBIDDEN" });
        continue;
      }
      expect(asked.statusCode, category).toBe(201);
      const approve = `/maintenance/permits/${asked.json().id}/approve`;
      const answer = await park.ask("POST", approve, { as: other, payload: {} });
      expect(answer.json(), category).toMatchObject({ status: "active" });
      expectLoud(category);
    }
    // Also not the next one, which comes while all of them are active.
    const next: Alarm = { ...panicAlarm(), occurrence: 2, version: 5 };
    alarms.take(PARK.gateway as GatewayId, {
      offset: 9,
      at: START,
      kind: "alarm",
      alarm: next,
      transition: "raised",
    })();
    expect(alarms.get(ALARM)).toMatchObject({ occurrence: 2, state: "B" });
    expectLoud("the next occurrence");
  });
});
