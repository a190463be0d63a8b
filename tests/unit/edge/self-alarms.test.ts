import { beforeEach, describe, expect, it } from "vitest";
import type { DeviceEvent } from "#core/model/event.ts";
import { SelfAlarms, type SelfState } from "#edge/self-alarms.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const WELL: SelfState = {
  eventsFull: false,
  fullness: 0,
  diskFull: false,
  droppedSamples: 0,
  shortLived: 0,
  clockBehind: false,
  blobsDropped: false,
  conditionsRefused: false,
};

describe("what a gateway says of itself", () => {
  let clock: ManualClock;
  let told: DeviceEvent[];
  let recorded: DeviceEvent[];
  let self: SelfAlarms;

  beforeEach(() => {
    clock = new ManualClock(1_800_000_000_000);
    told = [];
    recorded = [];
    self = new SelfAlarms({
      gateway: "site/gw",
      clock,
      onEvent: (event) => told.push(event),
      onRecord: (event) => recorded.push(event),
    });
    self.watch(WELL);
    told.length = 0;
  });

  const states = (kind: string) => told.filter((event) => event.kind === kind).map(({ state }) => state);

  it("has a definition of an alarm for every kind, each with an id of its own", () => {
    const definitions = self.definitions([]);
    expect(new Set(definitions.map(({ id }) => id)).size).toBe(definitions.length);
    self.watch({ ...WELL, diskFull: true, clockBehind: true, eventsFull: true });
    self.happened("clockJumped", { byMs: 5 });
    const kinds = definitions.map(({ condition }) => condition.type === "event" && condition.kind);
    for (const { kind } of told) expect(kinds).toContain(kind);
  });

  it("tells only changes", () => {
    for (let i = 0; i < 5; i++) self.watch({ ...WELL, diskFull: true });
    expect(states("diskFull")).toEqual([true]);
    self.watch(WELL);
    expect(states("diskFull")).toEqual([true, false]);
  });

  it("tells of a backlog from half of its store on until it is well below", () => {
    for (const fullness of [0.49, 0.5, 0.9, 0.45, 0.39, 0.45]) self.watch({ ...WELL, fullness });
    expect(states("backlog")).toEqual([true, false]);
  });

  it("keeps telling of dropped values for ten minutes after the last", () => {
    self.watch({ ...WELL, droppedSamples: 1 });
    clock.advance(599_000);
    self.watch({ ...WELL, droppedSamples: 2 });
    clock.advance(599_000);
    self.watch({ ...WELL, droppedSamples: 2 });
    expect(states("telemetryDropped")).toEqual([true]);
    clock.advance(1_000);
    self.watch({ ...WELL, droppedSamples: 2 });
    expect(states("telemetryDropped")).toEqual([true, false]);
  });

  it("takes connections that end again and again for a shared identity, and one now and then for none", () => {
    for (let shortLived = 1; shortLived <= 10; shortLived++) {
      clock.advance(120_000);
      self.watch({ ...WELL, shortLived });
    }
    expect(states("identityShared")).toEqual([]);
    for (let shortLived = 11; shortLived <= 13; shortLived++) {
      clock.advance(5_000);
      self.watch({ ...WELL, shortLived });
    }
    expect(states("identityShared")).toEqual([true]);
    clock.advance(120_000);
    self.watch({ ...WELL, shortLived: 13 });
    expect(states("identityShared")).toEqual([true, false]);
  });

  it("records a leap of the clock with its size, and a sleep without an alarm", () => {
    self.happened("clockJumped", { byMs: -3_600_000 });
    self.slept(20_000.4);
    expect(recorded.map(({ kind, data }) => [kind, data])).toEqual([
      ["clockJumped", { byMs: -3_600_000 }],
      ["suspended", { ms: 20_000 }],
    ]);
    expect(told.map(({ kind }) => kind)).toEqual(["clockJumped"]);
  });
});
