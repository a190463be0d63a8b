import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Handover, HandoverContent, HandoverEntry } from "#core/contracts/shift.ts";
import { anAlarm } from "#tests/fixtures/cloud/alarms.ts";
import { PASSWORD, type ParkApi, parkApi, type SignedIn } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

let park: ParkApi;
let li: SignedIn;
let wang: SignedIn;

beforeEach(async () => {
  park = await parkApi();
  li = await park.person("li.wei", { role: "operator", space: PARK.root });
  wang = await park.person("wang.fang", { role: "operator", space: PARK.root });
  const facility = { law: "facility", category: "equipment" } as const;
  park.alarms.put(anAlarm("open-1", "perimeter"));
  park.alarms.put(anAlarm("open-2", "office-a", { ...facility, priority: "low" }));
  park.alarms.put(anAlarm("shelved", "office-a", { ...facility, suppression: ["shelved"], state: "E" }));
  park.alarms.put(anAlarm("serviced", "office-a", { ...facility, suppression: ["outOfService"], state: "G" }));
});
afterEach(() => park.close());

const post = (url: string, payload: object, as: SignedIn) =>
  park.ask("POST", `/shifts/handovers${url}`, { as, payload });
async function drafted(payload: object = {}, as = li): Promise<Handover> {
  const answer = await post("", payload, as);
  expect(answer.statusCode, answer.body).toBe(201);
  return answer.json<Handover>();
}
async function signed(): Promise<Handover> {
  const { id, revision } = await drafted();
  return (await post(`/${id}/sign`, { revision }, li)).json<Handover>();
}

describe("a shift handover", () => {
  it("holds what is open, shelved and out of service, and the figures of the shift", async () => {
    const { content, shift, status } = await drafted();
    // Five in the afternoon in Shanghai: the day shift from eight to eight.
    expect(shift).toEqual({ from: "2026-11-21T00:00:00.000Z", to: "2026-11-21T12:00:00.000Z" });
    expect(status).toBe("draft");
    expect(content.open).toMatchObject({ total: 2, items: [{ id: "open-1" }, { id: "open-2" }] });
    expect(content.shelved.items.map(({ id }) => id)).toEqual(["shelved"]);
    expect(content.outOfService.items.map(({ id }) => id)).toEqual(["serviced"]);
    expect(content.figures).toMatchObject({ alarmCount: 0, floodCount: 0 });
  });

  it("is frozen by the signature of a second person in a session of his own", async () => {
    const { id, revision, outgoing } = await signed();
    expect(outgoing?.by).toBe("li.wei");
    const alone = await post(`/${id}/confirm`, { revision }, li);
    expect([alone.statusCode, alone.json().code]).toEqual([409, "HANDOVER_SAME_PERSON"]);
    const closed = (await post(`/${id}/confirm`, { revision }, wang)).json<Handover>();
    expect(closed).toMatchObject({
      status: "closed",
      outgoing: { by: "li.wei" },
      incoming: { by: "wang.fang" },
      whole: true,
    });
    expect(closed.sha256).toMatch(/^[0-9a-f]{64}$/);
    park.alarms.alarms.clear();
    const later = (await park.ask("GET", `/shifts/handovers/${id}`, { as: li })).json<Handover>();
    expect(later.content).toEqual(closed.content);
    for (const [method, url, payload] of [
      ["PUT", `/shifts/handovers/${id}`, { revision: closed.revision, notes: "changed" }],
      ["POST", `/shifts/handovers/${id}/sign`, { revision: closed.revision }],
      ["POST", `/shifts/handovers/${id}/confirm`, { revision: closed.revision }],
    ] as const)
      expect((await park.ask(method, url, { as: wang, payload })).json().code, url).toBe("HANDOVER_CLOSED");
  });

  it("is not signed by the outgoing a second time with a token of his own", async () => {
    const { id, revision } = await signed();
    const grants = [{ role: "operator", space: PARK.root }] as const;
    const { token } = park.deps.access.addToken("li.wei", "program", grants, null, { name: "li.wei", grants });
    const answer = await park.ask("POST", `/shifts/handovers/${id}/confirm`, { token, payload: { revision } });
    expect([answer.statusCode, answer.json().code]).toEqual([409, "HANDOVER_SAME_PERSON"]);
  });

  it("is signed by the incoming with name and password at the workplace of the outgoing, who stays signed in", async () => {
    const { id, revision } = await signed();
    const wrong = await post(`/${id}/confirm`, { revision, username: "wang.fang", password: "not his password" }, li);
    expect(wrong.json().code).toBe("SIGN_IN_REFUSED");
    const closed = await post(`/${id}/confirm`, { revision, username: "wang.fang", password: PASSWORD }, li);
    expect(closed.json()).toMatchObject({ status: "closed", incoming: { by: "wang.fang" } });
    expect((await park.ask("GET", "/session", { as: li })).json().user.name).toBe("li.wei");
  });

  it("is not signed by who happens to be signed in when somebody else is named without a password", async () => {
    const { id, revision } = await signed();
    for (const half of [{ username: "li.wei" }, { password: PASSWORD }]) {
      const answer = await post(`/${id}/confirm`, { revision, ...half }, wang);
      expect(answer.json().code).toBe("SIGN_IN_REFUSED");
    }
    expect((await park.ask("GET", `/shifts/handovers/${id}`, { as: li })).json<Handover>().status).toBe("signed");
  });

  it("names what was written and not given back, but nothing that its lease has given back by itself", async () => {
    const write = (point: string, value: number | null, leaseMs?: number): void => {
      const createdAt = park.clock.now() - 10 * 60_000 + written++;
      park.db.sync.run(
        park.db.kysely.insertInto("commands").values({
          ...{ id: `c-${written}`, gateway: PARK.gateway, status: "done", requested_by: "li.wei", request: "{}" },
          ...{ idempotency_key: null, created_at: createdAt, expires_at: createdAt, sent_at: null, finished_at: null },
          ...{ code: null, message: null, read_back: null, blob: null },
          document: JSON.stringify({ kind: "write", point, value, ...(leaseMs === undefined ? {} : { leaseMs }) }),
        }),
      );
    };
    let written = 0;
    const overrides = async () =>
      (await park.ask("GET", "/shifts/preview", { as: li })).json<HandoverContent>().overrides;
    write(PARK.setpoint, 18);
    expect(await overrides()).toMatchObject([{ point: PARK.setpoint, value: 18, by: "li.wei" }]);
    write(PARK.setpoint, 19, 3_600_000);
    expect(await overrides()).toMatchObject([{ point: PARK.setpoint, value: 19 }]);
    write(PARK.setpoint, 20, 60_000);
    expect(await overrides()).toEqual([]);
    write(PARK.setpoint, 21);
    expect(await overrides()).toMatchObject([{ value: 21 }]);
    write(PARK.setpoint, null);
    expect(await overrides()).toEqual([]);
  });

  it("is not signed by somebody who may not, with his password either", async () => {
    await park.person("viewer", { role: "viewer", space: PARK.root });
    const { id, revision } = await signed();
    const answer = await post(`/${id}/confirm`, { revision, username: "viewer", password: PASSWORD }, li);
    expect(answer.statusCode).toBe(403);
    expect((await park.ask("GET", `/shifts/handovers/${id}`, { as: li })).json<Handover>().status).toBe("signed");
  });

  it("is not closed before the outgoing has signed, and a later note takes his signature back", async () => {
    const { id, revision } = await drafted();
    expect((await post(`/${id}/confirm`, { revision }, wang)).json().code).toBe("HANDOVER_NOT_SIGNED");
    const first = (await post(`/${id}/sign`, { revision }, li)).json<Handover>();
    const noted = await park.ask("PUT", `/shifts/handovers/${id}`, {
      as: li,
      payload: { revision: first.revision, notes: "gate 2 is open for a delivery" },
    });
    expect(noted.json()).toMatchObject({ status: "draft", notes: "gate 2 is open for a delivery" });
    expect(noted.json().outgoing).toBeUndefined();
    expect((await post(`/${id}/confirm`, { revision: first.revision + 1 }, wang)).json().code).toBe(
      "HANDOVER_NOT_SIGNED",
    );
  });

  it("is not written over by who has looked at an older one", async () => {
    const { id, revision } = await signed();
    const stale = await post(`/${id}/confirm`, { revision: revision - 1 }, wang);
    expect([stale.statusCode, stale.json().code]).toEqual([409, "HANDOVER_STALE"]);
  });

  it("is drawn up once for a position until it is closed, and position by position", async () => {
    await drafted();
    expect((await post("", {}, wang)).json().code).toBe("HANDOVER_OPEN");
    const guards = await drafted({ position: "guards" });
    expect(guards.content.open.items.map(({ id }) => id)).toEqual(["open-1"]);
    expect((await post("", { position: "nobody" }, li)).json().code).toBe("POSITION_UNKNOWN");
  });

  it("is given up while nobody has signed it, by the same position, with a reason, and leaves the position free", async () => {
    const first = await drafted({ position: "guards" });
    const other = await park.person("guard", { role: "security", space: "perimeter" });
    const stranger = await park.person("chen", { role: "operator", space: "office-a" });
    const discard = (payload: object, as: SignedIn) => post(`/${first.id}/discard`, payload, as);
    expect((await discard({ revision: first.revision }, other)).statusCode).toBe(400);
    expect((await discard({ revision: first.revision, reason: "mine" }, stranger)).json().code).toBe(
      "HANDOVER_UNKNOWN",
    );
    const given = await discard({ revision: first.revision, reason: "drawn up for the wrong shift" }, other);
    const discarded = { by: "guard", reason: "drawn up for the wrong shift" };
    expect(given.json()).toMatchObject({ status: "discarded", discarded });
    expect(given.json<Handover>().content).toEqual(first.content);
    const listed = (await park.ask("GET", "/shifts/handovers", { as: other })).json<{ items: HandoverEntry[] }>();
    expect(listed.items).toMatchObject([{ id: first.id, status: "discarded", discarded }]);
    const { revision } = given.json<Handover>();
    for (const act of ["sign", "confirm"])
      expect((await post(`/${first.id}/${act}`, { revision }, li)).json().code, act).toBe("HANDOVER_DISCARDED");
    expect((await discard({ revision, reason: "again" }, other)).json().code).toBe("HANDOVER_DISCARDED");
    expect((await drafted({ position: "guards" }, other)).shift).toEqual(first.shift);
    const [act] = park.deps.audit.list({ limit: 10 }).items.filter(({ action }) => action === "shift.discard");
    expect(act).toMatchObject({ actor: "guard", target: first.id, detail: { reason: "drawn up for the wrong shift" } });
  });

  it("is not given up once the outgoing has signed it", async () => {
    const { id, revision } = await signed();
    const answer = await post(`/${id}/discard`, { revision, reason: "too late" }, wang);
    expect([answer.statusCode, answer.json().code]).toEqual([409, "HANDOVER_SIGNED"]);
    expect((await park.ask("GET", `/shifts/handovers/${id}`, { as: li })).json<Handover>().status).toBe("signed");
  });

  it("is seen and signed only by those who look after its spaces", async () => {
    const guard = await park.person("guard", { role: "security", space: "perimeter" });
    const whole = await drafted();
    const theirs = await drafted({ position: "guards" }, guard);
    const listed = (await park.ask("GET", "/shifts/handovers?count=true", { as: guard })).json<{
      items: HandoverEntry[];
      total: number;
    }>();
    expect([listed.items.map(({ id }) => id), listed.total]).toEqual([[theirs.id], 1]);
    expect((await park.ask("GET", `/shifts/handovers/${whole.id}`, { as: guard })).json().code).toBe(
      "HANDOVER_UNKNOWN",
    );
    expect((await post("", {}, guard)).statusCode).toBe(403);
  });

  it("is of the shift that has just ended when nobody has handed that over yet", async () => {
    park.clock.setWallClock(Date.parse("2026-11-21T12:30:00Z"));
    const { id, revision, shift } = await drafted({}, await park.open("li.wei"));
    expect(shift.to).toBe("2026-11-21T12:00:00.000Z");
    const first = (await post(`/${id}/sign`, { revision }, park.open("li.wei"))).json<Handover>();
    await post(`/${id}/confirm`, { revision: first.revision }, park.open("wang.fang"));
    expect((await drafted({}, park.open("li.wei"))).shift.from).toBe("2026-11-21T12:00:00.000Z");
  });

  it("stands in the audit log with each act and the hash of what was signed", async () => {
    const { id, revision } = await signed();
    const { sha256 } = (await post(`/${id}/confirm`, { revision }, wang)).json<Handover>();
    const acts = park.deps.audit.list({ limit: 10 }).items.filter(({ target }) => target === id);
    expect(acts.map(({ action, actor }) => [action, actor])).toEqual([
      ["shift.confirm", "wang.fang"],
      ["shift.sign", "li.wei"],
      ["shift.draft", "li.wei"],
    ]);
    expect(acts[0]?.detail).toEqual({ sha256 });
  });

  it("tells when what was signed is no longer what stands there", async () => {
    const { id, revision } = await signed();
    await post(`/${id}/confirm`, { revision }, wang);
    park.db.sync.run(park.db.kysely.updateTable("shift_handovers").set({ notes: "forged" }).where("id", "=", id));
    expect((await park.ask("GET", `/shifts/handovers/${id}`, { as: li })).json<Handover>().whole).toBe(false);
  });
});

describe("the shift times", () => {
  it("are site data with versions, and the shift that is on follows them", async () => {
    const engineer = await park.person("chen", { role: "engineer", space: PARK.root });
    const put = (payload: object) => park.ask("PUT", "/shifts/plan", { as: engineer, payload });
    const change = { version: 0, starts: ["22:00", "06:00", "14:00"], reason: "three shifts" };
    expect((await put(change)).json()).toMatchObject({
      version: 1,
      starts: ["06:00", "14:00", "22:00"],
      changedBy: "chen",
    });
    expect((await put(change)).json().code).toBe("SHIFT_PLAN_STALE");
    expect((await park.ask("GET", "/shifts/now", { as: li })).json()).toEqual({
      plan: { version: 1, starts: ["06:00", "14:00", "22:00"], timeZone: "Asia/Shanghai" },
      shift: { from: "2026-11-21T06:00:00.000Z", to: "2026-11-21T14:00:00.000Z" },
    });
    expect((await put({ ...change, version: 1, starts: ["25:00"] })).statusCode).toBe(400);
  });
});
