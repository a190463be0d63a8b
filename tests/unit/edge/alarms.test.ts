import { describe, expect, it } from "vitest";
import { MAX_FOUND_CONDITIONS } from "#core/alarm/field.ts";
import type { FieldCondition } from "#core/model/field-condition.ts";
import { EdgeAlarms } from "#edge/alarms.ts";
import { SelfAlarms } from "#edge/self-alarms.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { OutboxBench } from "./outbox-bench.ts";

const NOW = 1_800_000_000_000;
const SERVER = "park/gw-1/server";
const seen = (condition: string, fields: Partial<FieldCondition> = {}): FieldCondition => ({
  device: SERVER,
  condition,
  active: true,
  acknowledged: false,
  observedAt: NOW,
  ...fields,
});
const report = (...conditions: readonly FieldCondition[]) => ({ device: SERVER, conditions, complete: false });
const context = {
  zone: () => undefined,
  point: () => undefined,
  device: (id: string) => (id === SERVER ? { name: "服务器", nameEn: "Server", space: "plant" } : undefined),
};

describe("conditions that devices keep themselves", () => {
  const bench = new OutboxBench();

  function made() {
    const clock = new ManualClock(NOW);
    const outbox = bench.open();
    const acts: string[] = [];
    const alarms: EdgeAlarms = new EdgeAlarms({
      origin: "park/gw-1",
      outbox,
      clock,
      onChange: () => undefined,
      fieldAct: async ({ action, condition }) => {
        acts.push(`${action} ${condition}`);
        return undefined;
      },
    });
    const self = new SelfAlarms({
      gateway: "park/gw-1",
      clock,
      onEvent: (event) => alarms.onEvent(event),
      onRecord: () => undefined,
    });
    const configure = (): void => alarms.configure(self.definitions([]), context);
    configure();
    return { alarms, acts, clock, outbox, self, configure };
  }

  it("are acknowledged at their device also after the configuration has changed", () => {
    const { alarms, acts, configure } = made();
    alarms.onConditions(report(seen("pump")));
    configure();
    const [alarm] = alarms.open();
    alarms.command({
      id: "c",
      kind: "alarm",
      alarm: alarm?.id ?? "",
      occurrence: 1,
      action: "acknowledge",
      requestedBy: "li.wei",
      fence: 1,
      createdAt: NOW,
      expiresAt: NOW + 60_000,
    });
    expect(acts).toEqual(["acknowledgeCondition pump"]);
  });

  it("leave one record behind for a device that names new ones for ever", () => {
    const { alarms, outbox } = made();
    for (let round = 0; round < 20; round++) {
      alarms.onConditions(report(seen(`branch-${round}`)));
      alarms.onConditions(report(seen(`branch-${round}`, { active: false, acknowledged: true })));
    }
    outbox.commit();
    expect(outbox.records("alarmEpisode").size).toBe(1);
    expect(outbox.records("alarm").size).toBe(0);
  });

  it("for which there is no room raise an alarm of the gateway, which ends when none was refused for long", () => {
    const { alarms, clock, self } = made();
    const watch = (): void =>
      self.watch({
        eventsFull: false,
        fullness: 0,
        diskFull: false,
        droppedSamples: 0,
        shortLived: 0,
        clockBehind: false,
        blobsDropped: false,
        conditionsRefused: alarms.refusesConditions,
      });
    const own = () => alarms.open().find(({ definition }) => definition === "gateway.conditions-refused");
    alarms.onConditions(report(...Array.from({ length: MAX_FOUND_CONDITIONS }, (_, at) => seen(`c-${at}`))));
    watch();
    expect(own()).toBeUndefined();
    alarms.onConditions(report(seen("one-too-many")));
    watch();
    expect(own()).toMatchObject({ live: true, priority: "high" });
    expect(alarms.counters).toEqual({ conditionsRefused: 1 });
    clock.advance(600_000);
    watch();
    expect(own()).toMatchObject({ live: false });
  });
});
