import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BadActorsView, KpiView, QualityNow } from "#core/contracts/alarm-quality.ts";
import { AlarmHistory, aFacilityAlarm } from "#tests/fixtures/cloud/alarm-history.ts";
import { anAlarm } from "#tests/fixtures/cloud/alarms.ts";
import { type ParkApi, parkApi, type SignedIn, START } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let park: ParkApi;
let history: AlarmHistory;
let engineer: SignedIn;

beforeEach(async () => {
  park = await parkApi();
  history = new AlarmHistory(park.db);
  engineer = await park.person("li.wei", { role: "engineer", space: PARK.root });
  for (const [id, category] of [
    ["noisy-alarm", "equipment"],
    ["smoke", "fire"],
  ] as const)
    park.deps.definitions.add(
      {
        id,
        category,
        priority: "low",
        condition: { type: "equals", point: PARK.fence, value: false },
        message: "Noisy",
        messageEn: "Noisy",
      },
      { why: "a test", actor: { name: "somebody", grants: [] } },
    );
});
afterEach(() => park.close());

async function get<T>(url: string, as: SignedIn = engineer): Promise<T> {
  const answer = await park.ask("GET", url, { as });
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json<T>();
}
const accept = (id: string, payload: object, as = engineer) =>
  park.ask("POST", `/alarms/quality/bad-actors/${id}/accept`, { as, payload });

/** Ten seconds on, ten off, `times` times, an hour before now. */
function chatter(times: number, more: Parameters<typeof aFacilityAlarm>[2] = {}): void {
  const one = (i: number): void =>
    history.activation(aFacilityAlarm(`c-${more.definition ?? ""}${i}`, START - HOUR + i * 20_000, more), 10_000);
  history.atOnce(() => Array.from({ length: times }, (_, i) => one(i)));
}

describe("the key figures of the alarm system", () => {
  it("are found from the journal with their targets and who says so", async () => {
    history.atOnce(() => {
      for (let i = 0; i < 144; i++) {
        const alarm = aFacilityAlarm(`a-${i}`, START - DAY + i * 10 * MINUTE, { definition: `d-${i}` });
        history.activation(alarm, 5 * MINUTE, "li.wei");
      }
    });
    const view = await get<KpiView>("/alarms/kpi?by=shift");
    expect(view.total).toMatchObject({ alarmCount: 144, averageAlarmRate: 1, floodCount: 0 });
    expect(view.total.acknowledge).toEqual({ count: 144, medianMs: 30_000, p95Ms: 30_000 });
    expect(view.groups.map(({ figures }) => figures.alarmCount)).toEqual([18, 72, 54]);
    expect(view.targets.find(({ figure }) => figure === "perDay")).toMatchObject({ target: 150, limit: 300 });
    expect(view.timeZone).toBe("Asia/Shanghai");
  });

  it("hold only the alarms of the spaces that the reader may see", async () => {
    history.activation(aFacilityAlarm("here", START - HOUR), MINUTE);
    history.activation(aFacilityAlarm("there", START - HOUR, { area: "office-a" }), MINUTE);
    const guard = await park.person("guard", { role: "security", space: "perimeter" });
    expect((await get<KpiView>("/alarms/kpi", guard)).total.alarmCount).toBe(1);
    expect((await get<KpiView>("/alarms/kpi")).total.alarmCount).toBe(2);
    expect((await get<KpiView>("/alarms/kpi?position=guards")).total.alarmCount).toBe(1);
    expect((await get<KpiView>("/alarms/kpi?by=position")).groups).toMatchObject([{ key: "guards" }]);
  });

  it("count alarms that were active long before the period as stale", async () => {
    history.happened(aFacilityAlarm("old", START - 3 * DAY), "raised", START - 3 * DAY);
    const { total } = await get<KpiView>("/alarms/kpi");
    expect(total).toMatchObject({ alarmCount: 0, staleCount: 1, maximumActiveStateMs: 3 * DAY });
  });

  it("are refused for a period that is none, too long, or of a position that is not there", async () => {
    const code = async (query: string) => (await park.ask("GET", `/alarms/kpi?${query}`, { as: engineer })).json().code;
    expect(await code("from=2026-11-21T09:00:00Z&to=2026-11-20T09:00:00Z")).toBe("TIME_RANGE_INVALID");
    expect(await code("from=2020-11-21T09:00:00Z")).toBe("KPI_RANGE_TOO_LARGE");
    expect(await code("from=2026-09-21T09:00:00Z&by=hour")).toBe("KPI_RANGE_TOO_LARGE");
    expect(await code("position=nobody")).toBe("POSITION_UNKNOWN");
  });

  it("are a CSV file in both languages that a spreadsheet reads, and holds no formula", async () => {
    history.activation(aFacilityAlarm("a", START - HOUR, { area: "=cmd|'/c calc'!A1" }), MINUTE);
    const answer = await park.ask("GET", "/alarms/kpi.csv?by=area&lang=zh-CN", { as: engineer });
    expect(answer.headers["content-type"]).toContain("text/csv");
    const text = answer.rawPayload.toString("utf8");
    expect([...answer.rawPayload.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    const lines = text.slice(1).split("\r\n");
    expect(lines[0]).toMatch(/^分组,开始,结束,报警数,/);
    expect(lines[1]).toMatch(/^'=cmd\|/);
    expect(lines[2]).toMatch(/^合计,/);
    expect(lines[3]).toMatch(/^目标,.*≤ 150/);
    expect(lines.at(-1)).toBe("");
    expect(lines.slice(0, -1).map((line) => line.split(",").length)).toEqual(Array(7).fill(24));
    const english = await park.ask("GET", "/alarms/kpi.csv?lang=en", { as: engineer });
    expect(english.body).toContain("Part,From,To,Alarms,");
  });
});

describe("bad actors", () => {
  it("have a proposal that changes the definition when it is accepted", async () => {
    chatter(12);
    const { items } = await get<BadActorsView>("/alarms/quality/bad-actors");
    expect(items).toMatchObject([
      { definition: "noisy-alarm", count: 12, chattering: 4, proposal: { kind: "offDelay", value: 11_000 } },
    ]);
    const decided = await accept("noisy-alarm", { kind: "offDelay", value: 11_000, reason: "it chatters" });
    expect(decided.json()).toMatchObject({ decision: "accepted", by: "li.wei" });
    expect(park.deps.definitions.get("noisy-alarm")?.definition.offDelayMs).toBe(11_000);
    const after = await get<BadActorsView>("/alarms/quality/bad-actors");
    expect(after.items[0]?.proposal).toBeUndefined();
    expect(after.items[0]?.decision).toMatchObject({ decision: "accepted", reason: "it chatters" });
    const [entry] = park.deps.audit.list({ limit: 1 }).items;
    expect(entry).toMatchObject({ actor: "li.wei", action: "alarm.proposal.accept", target: "noisy-alarm" });
  });

  it("are left in peace for a quarter of a year when a proposal is dismissed", async () => {
    chatter(12);
    const payload = { kind: "offDelay", value: 11_000, reason: "the valve is replaced on Monday" };
    await park.ask("POST", "/alarms/quality/bad-actors/noisy-alarm/dismiss", { as: engineer, payload });
    const [actor] = (await get<BadActorsView>("/alarms/quality/bad-actors")).items;
    expect(actor?.proposal).toBeUndefined();
    expect(actor?.decision).toMatchObject({ decision: "dismissed" });
    park.clock.setWallClock(START + 91 * DAY);
    const again = await park.person("zhang", { role: "engineer", space: PARK.root });
    const from = new Date(START - DAY).toISOString();
    const [later] = (await get<BadActorsView>(`/alarms/quality/bad-actors?from=${from}`, again)).items;
    expect(later?.proposal).toMatchObject({ kind: "offDelay" });
  });

  it("of fire are never delayed, whoever asks", async () => {
    chatter(12, { definition: "smoke", law: "security", category: "fire" });
    const [actor] = (await get<BadActorsView>("/alarms/quality/bad-actors")).items;
    expect(actor).toMatchObject({ noProposal: "lawForbids" });
    for (const kind of ["onDelay", "offDelay", "deadband"]) {
      const answer = await accept("smoke", { kind, value: 100, reason: "noise" });
      expect([answer.statusCode, answer.json().code], kind).toEqual([422, "PROPOSAL_FORBIDDEN"]);
    }
    expect(park.deps.definitions.get("smoke")?.definition).not.toHaveProperty("onDelayMs");
  });

  it("of intrusion are debounced by half a second at most, and a second person has the word", async () => {
    const long = await accept("fence-alarm", { kind: "onDelay", value: 501, reason: "noise" });
    expect(long.json().code).toBe("PROPOSAL_FORBIDDEN");
    const short = await accept("fence-alarm", { kind: "onDelay", value: 300, reason: "contact bounce" });
    expect(short.json()).toMatchObject({ decision: "accepted", pending: true });
  });

  it("have no deadband where the condition has none", async () => {
    const answer = await accept("noisy-alarm", { kind: "deadband", value: 1, reason: "noise" });
    expect([answer.statusCode, answer.json().code]).toEqual([422, "PROPOSAL_NOT_APPLICABLE"]);
  });

  it("are changed only by who may configure alarms there", async () => {
    const guard = await park.person("guard", { role: "security", space: PARK.root });
    const payload = { kind: "offDelay", value: 1000, reason: "noise" };
    expect((await accept("noisy-alarm", payload, guard)).statusCode).toBe(403);
    expect((await accept("no-such-alarm", payload)).json().code).toBe("DEFINITION_UNKNOWN");
  });
});

describe("the load right now", () => {
  it("tells the whole site and its positions, and folds open alarms under their cause", async () => {
    const lost = { gateway: PARK.gateway, stale: true, law: "facility", category: "equipment" } as const;
    park.alarms.put(anAlarm("a-1", "perimeter", lost));
    park.alarms.put(anAlarm("a-2", "office-a", lost));
    park.alarms.put(anAlarm("a-3", "perimeter", { definition: `gateway:${PARK.gateway}`, category: "communication" }));
    const now = await get<QualityNow>("/alarms/quality/now");
    expect(now.loads).toMatchObject([
      { id: "site", count: 0, flood: false },
      { id: "guards", nameEn: "Guards", flood: false },
    ]);
    expect(now.groups).toMatchObject([{ cause: `gateway:${PARK.gateway}`, count: 3, first: { id: "a-3" } }]);
    const guard = await park.person("guard", { role: "security", space: "perimeter" });
    const theirs = await get<QualityNow>("/alarms/quality/now", guard);
    expect(theirs.loads.map(({ id }) => id)).toEqual(["guards"]);
    expect(theirs.groups).toMatchObject([{ count: 2 }]);
  });
});
