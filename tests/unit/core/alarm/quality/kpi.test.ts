import { describe, expect, it } from "vitest";
import { JournalReader, type KpiEntry } from "#core/alarm/annunciations.ts";
import { kpiOf } from "#core/alarm/kpi.ts";
import { figureNamed, isLong } from "#core/alarm/kpi-figures.ts";
import { judged, KPI_TARGETS } from "#core/alarm/kpi-numbers.ts";
import type { KpiSplit } from "#core/contracts/alarm-quality.ts";
import { activation, DAY, different, entry, every, HOUR, MINUTE, MONDAY, SECOND, SHANGHAI, SHIFTS } from "./journal.ts";

const kpi = (entries: Iterable<KpiEntry>, by: KpiSplit = "day", days = 1, more: object = {}) =>
  kpiOf(entries, { span: { from: MONDAY, to: MONDAY + days * DAY }, by, clock: SHANGHAI, shifts: SHIFTS, ...more });

const nowhere = ({ area: _, ...rest }: KpiEntry): KpiEntry => rest;

describe("KP-01 the key figures of a journal", () => {
  it("KP-01 steady: one alarm in ten minutes is within all loads", () => {
    const { total, floods } = kpi(different(every(10 * MINUTE, 144)));
    expect(total).toMatchObject({
      alarmCount: 144,
      averageAlarmRate: 1,
      maximumAlarmRate: 1,
      perHour: 6,
      perDay: 144,
      bucketsOver10Percent: 0,
      hoursOver30Percent: 0,
      floodPercent: 0,
      floodCount: 0,
      chatteringCount: 0,
    });
    expect(floods).toEqual([]);
    for (const name of ["perDay", "perHour", "averageAlarmRate", "maximumAlarmRate", "floodPercent"]) {
      const target = KPI_TARGETS.find(({ figure }) => figure === name);
      expect(target && judged(figureNamed(total, name), target), name).toBe("good");
    }
  });

  it("KP-01 flood: eleven alarms in ten minutes are one flood, ten are none", () => {
    const eleven = kpi(different(every(50 * SECOND, 11, MONDAY + HOUR)));
    expect(eleven.total).toMatchObject({ floodCount: 1, maximumAlarmRate: 11 });
    expect(eleven.total.bucketsOver10Percent).toBeCloseTo(100 / 144);
    // From the eleventh alarm until the eighth oldest has left the last ten minutes: four remain.
    const [flood] = eleven.floods;
    expect(flood).toMatchObject({ from: MONDAY + HOUR + 500 * SECOND, count: 11, peak: 11 });
    expect(flood?.to).toBe(MONDAY + HOUR + 6 * 50 * SECOND + 10 * MINUTE);
    expect(kpi(different(every(50 * SECOND, 10, MONDAY + HOUR))).total.floodCount).toBe(0);
  });

  it("KP-01 one alarm makes 60 % of the load", () => {
    const loud = every(10 * MINUTE, 60).flatMap((at) => activation(at, 2 * MINUTE, { definition: "loud" }));
    const rest = different(every(10 * MINUTE, 40, MONDAY + 5 * MINUTE));
    const { total } = kpi([...loud, ...rest].sort((a, b) => a.receivedAt - b.receivedAt));
    expect(total.alarmCount).toBe(100);
    // The loud one and nine others of the rest.
    expect(total.top10Percent).toBeCloseTo(69);
    const alone = kpi([...loud, ...different([MONDAY + 1])], "category").total;
    expect(alone.top10Percent).toBe(100);
  });

  it("KP-01 chatter: three raises of one alarm in 60 s are chattering, in 61 s they are not", () => {
    const thrice = (gapMs: number) => [0, 1, 2].flatMap((i) => activation(MONDAY + HOUR + i * gapMs, SECOND));
    expect(kpi(thrice(30 * SECOND)).total.chatteringCount).toBe(1);
    expect(kpi(thrice(30.5 * SECOND)).total.chatteringCount).toBe(0);
    expect(kpi(different(every(SECOND, 3))).total.chatteringCount).toBe(0);
  });

  it("KP-01 stale: active for 25 h counts on the second day", () => {
    const { total, groups } = kpi(activation(MONDAY, 25 * HOUR), "day", 3);
    expect(total.staleCount).toBe(1);
    expect(groups.map(({ figures }) => figures.staleCount)).toEqual([0, 1, 0]);
    expect(kpi(activation(MONDAY, 23 * HOUR), "day", 3).total.staleCount).toBe(0);
  });

  it("KP-01 fleeting: gone in less than 60 s", () => {
    expect(kpi(activation(MONDAY, 59 * SECOND)).total.fleetingCount).toBe(1);
    expect(kpi(activation(MONDAY, 60 * SECOND)).total.fleetingCount).toBe(0);
  });

  it("tells the time to acknowledge by priority", () => {
    const acknowledged = (i: number, afterMs: number, priority: KpiEntry["priority"]) => {
      const more = { definition: `d-${i}`, priority };
      return [
        entry("raised", MONDAY + i * HOUR, more),
        entry("acknowledged", MONDAY + i * HOUR + afterMs, { ...more, actor: "li.wei" }),
      ];
    };
    const entries = [30, 60, 90].flatMap((s, i) => acknowledged(i, s * SECOND, i === 0 ? "urgent" : "low"));
    const { total } = kpi(entries);
    expect(total.acknowledge).toEqual({ count: 3, medianMs: 60_000, p95Ms: 90_000 });
    expect(total.acknowledgeByPriority.urgent).toEqual({ count: 1, medianMs: 30_000, p95Ms: 30_000 });
    expect(total.acknowledgeByPriority.high).toEqual({ count: 0, medianMs: null, p95Ms: null });
    expect(total.priority).toEqual({ urgent: 1, high: 0, medium: 0, low: 2 });
    expect(figureNamed(total, "priority.low")).toBeCloseTo(66.67, 1);
  });

  it("counts re-alarms as calls of the operator and tells the most of one occurrence", () => {
    const again = entry("reAlarmed", MONDAY + HOUR, { raisedAt: MONDAY });
    expect(kpi([entry("raised", MONDAY), again]).total).toMatchObject({ alarmCount: 2, maximumReAlarmCount: 1 });
  });

  it("splits by hour, shift, area, priority and operator position, each part with its own figures", () => {
    const entries = [
      entry("raised", MONDAY + 30 * MINUTE, { definition: "a", area: "floor-1", priority: "high" }),
      entry("raised", MONDAY + 9 * HOUR, { definition: "b", area: "floor-2" }),
      nowhere(entry("raised", MONDAY + 9.5 * HOUR, { definition: "c" })),
    ];
    const counts = (by: KpiSplit, more: object = {}) =>
      Object.fromEntries(kpi(entries, by, 1, more).groups.map(({ key, figures }) => [key, figures.alarmCount]));
    expect(kpi(entries, "hour").groups).toHaveLength(24);
    expect(counts("shift")).toEqual({
      "2026-11-15T16:00:00.000Z": 1,
      "2026-11-16T00:00:00.000Z": 2,
      "2026-11-16T12:00:00.000Z": 0,
    });
    expect(counts("area")).toEqual({ "floor-1": 1, "floor-2": 1, "": 1 });
    expect(counts("priority")).toEqual({ high: 1, low: 2 });
    const positionsOf = ({ area }: { area?: string }) => (area === "floor-1" ? ["fire-room", "desk"] : ["desk"]);
    expect(counts("position", { positionsOf })).toEqual({ desk: 3, "fire-room": 1 });
    expect(
      kpi(entries, "day", 1, { chosen: ({ area }: { area?: string }) => area === "floor-2" }).total.alarmCount,
    ).toBe(1);
  });

  it("counts what is sent late when it could be seen, and measures it by when it happened", () => {
    const late = every(2 * MINUTE, 3).flatMap((at) => activation(at, 90 * SECOND, { receivedAt: MONDAY + 5 * HOUR }));
    const { total, buckets } = kpi(late);
    expect(buckets).toEqual([{ t: MONDAY + 5 * HOUR, count: 3 }]);
    expect(total).toMatchObject({ chatteringCount: 0, fleetingCount: 0, maximumActiveStateMs: 90_000 });
  });
});

describe("KP-02 what does not call an operator does not count", () => {
  it("KP-02 a raise while shelved", () => {
    const shelved = [
      entry("raised", MONDAY),
      entry("shelved", MONDAY + MINUTE, { actor: "li.wei" }),
      entry("cleared", MONDAY + 2 * MINUTE, { raisedAt: MONDAY }),
      entry("raised", MONDAY + 3 * MINUTE, { occurrence: 2 }),
    ];
    expect(kpi(shelved).total).toMatchObject({ alarmCount: 1, shelvedCount: 1, unauthorisedCount: 0 });
  });

  it("KP-02 a raise that logic or a permit suppresses in the same breath", () => {
    const byDesign = [entry("raised", MONDAY), entry("suppressed", MONDAY)];
    expect(kpi(byDesign).total.alarmCount).toBe(0);
    const permit = [entry("raised", MONDAY), entry("outOfService", MONDAY, { actor: "permit:7" })];
    expect(kpi(permit).total).toMatchObject({ alarmCount: 0, unauthorisedCount: 0 });
  });

  it("KP-02 a raise that a permit takes out of service as soon as its gateway has heard of it", () => {
    const by = { actor: "permit:7" };
    const slow = [entry("raised", MONDAY), entry("outOfService", MONDAY + 40 * SECOND, by)];
    expect(kpi(slow).total).toMatchObject({ alarmCount: 0, fleetingCount: 0, staleCount: 0 });
    // A permit that begins later has not made the call unheard, nor has somebody's own act, nor one that was answered.
    const later = [entry("raised", MONDAY), entry("outOfService", MONDAY + 2 * MINUTE, by)];
    expect(kpi(later).total.alarmCount).toBe(1);
    const person = [entry("raised", MONDAY), entry("outOfService", MONDAY + 40 * SECOND, { actor: "li.wei" })];
    expect(kpi(person).total.alarmCount).toBe(1);
    const answered = [
      entry("raised", MONDAY),
      entry("acknowledged", MONDAY + 20 * SECOND, { actor: "li.wei" }),
      entry("outOfService", MONDAY + 40 * SECOND, by),
    ];
    expect(kpi(answered).total.alarmCount).toBe(1);
  });

  it("KP-02 a raise under a permit, however long its gateway was away, and none that came before it began", () => {
    const by = { actor: "permit:7" };
    const permitBegan = (id: string) => (id === "7" ? MONDAY : undefined);
    const away = [entry("raised", MONDAY + SECOND), entry("outOfService", MONDAY + 3 * HOUR, by)];
    expect(kpi(away, "day", 1, { permitBegan }).total.alarmCount).toBe(0);
    const before = [entry("raised", MONDAY - SECOND), entry("outOfService", MONDAY + SECOND, by)];
    const span = { from: MONDAY - HOUR, to: MONDAY + HOUR };
    expect(kpi(before, "day", 1, { permitBegan, span }).total.alarmCount).toBe(1);
  });

  it("KP-02 one that stands since before the period and was suppressed as soon as it came is not stale", () => {
    const reader = new JournalReader(MONDAY);
    const { alarm, receivedAt: _, ...rest } = entry("raised", MONDAY - 30 * HOUR);
    reader.standing({ alarm, ...rest }, 1, MONDAY - 30 * HOUR, undefined);
    reader.take(entry("suppressed", MONDAY - 30 * HOUR));
    const stale = () => reader.record.occurrences.filter((one) => isLong(one, MONDAY + HOUR)).length;
    expect(stale()).toBe(0);
    reader.take(entry("unsuppressed", MONDAY - 20 * HOUR));
    expect(stale()).toBe(1);
  });

  it("KP-02 a shelving that began before the period hides what is raised in it", () => {
    const entries = [
      entry("shelved", MONDAY - HOUR, { actor: "li.wei" }),
      entry("raised", MONDAY + HOUR, { occurrence: 2 }),
    ];
    const { total } = kpi(entries);
    expect(total).toMatchObject({ alarmCount: 0, shelvedCount: 1, shelvedOldestMs: 25 * HOUR });
  });

  it("KP-02 entries that only go into the journal", () => {
    const entries = [
      entry("raised", MONDAY, { journalOnly: true }),
      ...(["commented", "assigned", "escalated", "stale", "fresh", "reset"] as const).map((transition) =>
        entry(transition, MONDAY + MINUTE),
      ),
    ];
    expect(kpi(entries).total.alarmCount).toBe(0);
  });

  it("AL-13 an alarm that leaves suppression while active calls again", () => {
    const back = [
      entry("raised", MONDAY),
      entry("acknowledged", MONDAY + SECOND, { actor: "li.wei" }),
      entry("shelved", MONDAY + MINUTE, { actor: "li.wei" }),
      entry("unshelved", MONDAY + HOUR, { occurrence: 2 }),
    ];
    expect(kpi(back).total.alarmCount).toBe(2);
    const gone = [...back.slice(0, 3), entry("cleared", MONDAY + 2 * MINUTE), entry("unshelved", MONDAY + HOUR)];
    expect(kpi(gone).total.alarmCount).toBe(1);
  });

  it("names suppressions for which nobody answers", () => {
    expect(kpi([entry("raised", MONDAY), entry("shelved", MONDAY + MINUTE)]).total.unauthorisedCount).toBe(1);
  });
});
