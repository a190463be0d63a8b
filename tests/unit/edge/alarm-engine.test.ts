import { describe, expect, it } from "vitest";
import { letter } from "#core/alarm/lifecycle.ts";
import { pointId } from "#core/ids.ts";
import type { AlarmDefinition, AlarmTransition } from "#core/model/alarm.ts";
import type { Point } from "#core/model/point.ts";
import type { Value } from "#core/model/sample.ts";
import { EdgeAlarms } from "#edge/alarms.ts";
import type { Outbox } from "#edge/outbox.ts";
import { Pipeline } from "#edge/pipeline.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { OutboxBench } from "./outbox-bench.ts";

const NOW = 1_800_000_000_000;
const DEVICE = "park/gw-1/plant";
const slots = ["flow", "running", "panic"] as const;
const id = (slot: (typeof slots)[number]) => pointId(`${DEVICE}/${slot}`);
const points: readonly Point[] = slots.map((slot) => ({
  id: id(slot),
  name: slot,
  nameEn: slot,
  kind: slot === "flow" ? "number" : "boolean",
  space: "plant-room",
  tags: [],
  writable: false,
  revision: 1,
  address: {},
  staleAfterMs: 60_000,
}));
const texts = { message: "报警", messageEn: "Alarm" };
const definitions: readonly AlarmDefinition[] = [
  {
    id: "no-flow",
    category: "equipment",
    priority: "medium",
    condition: {
      type: "expression",
      expression: "running && flow < 5",
      points: { flow: id("flow"), running: id("running") },
    },
    reAlarmMs: 600_000,
    ...texts,
  },
  {
    id: "panic",
    category: "panic",
    priority: "urgent",
    condition: { type: "equals", point: id("panic"), value: true },
    ...texts,
  },
];

/** The part of a gateway between its drivers and its store. */
class Plant {
  readonly told: [string, AlarmTransition][] = [];
  readonly alarms: EdgeAlarms;
  readonly clock: ManualClock;
  readonly #outbox: Outbox;
  readonly #pipeline: Pipeline;

  constructor(outbox: Outbox, clock: ManualClock) {
    this.clock = clock;
    this.#outbox = outbox;
    this.alarms = new EdgeAlarms({
      origin: "park/gw-1",
      outbox,
      clock,
      onChange: ({ alarm, transition }) => this.told.push([alarm.definition, transition]),
      fieldAct: async () => undefined,
    });
    this.#pipeline = new Pipeline(clock, {
      onChange: (sample) => this.alarms.onSample(sample),
      onReport: () => undefined,
    });
    this.#pipeline.configure(points);
    const byId = new Map(points.map((point) => [point.id, point]));
    this.alarms.configure(definitions, {
      zone: () => undefined,
      point: (point) => byId.get(point),
      device: () => ({ name: "机房", nameEn: "Plant", space: "plant-room" }),
    });
  }

  read(values: Partial<Record<(typeof slots)[number], Value>>): void {
    const observedAt = this.clock.now();
    for (const slot of slots) {
      const value = values[slot];
      if (value !== undefined) this.#pipeline.ingest([{ point: id(slot), value, quality: "good", observedAt }]);
    }
  }

  /** Lets time pass in which only these values are repeated. */
  pass(ms: number, values: Parameters<Plant["read"]>[0] = {}): void {
    for (let left = ms; left > 0; left -= 10_000) {
      this.clock.advance(Math.min(left, 10_000));
      this.read(values);
      this.#pipeline.sweep();
    }
  }

  /** Letters of the open alarms by their definitions. */
  letters(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.alarms.open().map((alarm) => [alarm.definition, letter(alarm)]));
  }

  acknowledge(definition: string): void {
    const alarm = this.alarms.open().find((one) => one.definition === definition);
    this.alarms.command({
      id: "c",
      kind: "alarm",
      alarm: alarm?.id ?? "",
      occurrence: alarm?.occurrence ?? 1,
      action: "acknowledge",
      requestedBy: "li.wei",
      fence: 1,
      createdAt: this.clock.now(),
      expiresAt: this.clock.now() + 1000,
    });
  }

  kill(bench: OutboxBench): void {
    this.alarms.stop();
    bench.close(this.#outbox);
  }
}

describe("the alarm engine of a gateway", () => {
  const bench = new OutboxBench();
  const stale = `stale:${DEVICE}`;

  it("AL-16 tells of points that their device no longer updates once, and holds their alarms back", () => {
    const plant = new Plant(bench.open(), new ManualClock(NOW));
    plant.read({ flow: 2, running: true, panic: true });
    plant.pass(70_000, { running: true });
    expect(plant.letters()).toEqual({ "no-flow": "B", panic: "B" });
    plant.pass(60_000, { running: true });
    expect(plant.letters()).toEqual({ "no-flow": "F", panic: "B", [stale]: "B" });
    expect(plant.alarms.open().find(({ definition }) => definition === "panic")?.stale).toBe(true);
    expect(plant.told.filter(([definition]) => definition === stale)).toEqual([[stale, "raised"]]);
    plant.read({ flow: 2, panic: true });
    expect(plant.letters()).toEqual({ "no-flow": "B", panic: "B", [stale]: "D" });
  });

  it("AL-14, AL-16 goes on with all of it after the process was killed", () => {
    const first = new Plant(bench.open(), new ManualClock(NOW));
    first.read({ flow: 2, running: true, panic: false });
    first.pass(130_000, { running: true, panic: false });
    first.kill(bench);
    const second = new Plant(bench.open(), first.clock);
    second.pass(1_200_000, { running: true, panic: false });
    expect(second.letters()).toEqual({ "no-flow": "F", [stale]: "B" });
    second.read({ flow: 9 });
    expect(second.letters()).toEqual({ "no-flow": "D", [stale]: "D" });
  });

  it("AL-09, AL-14 calls again at its time although the process was killed twice", () => {
    const first = new Plant(bench.open(), new ManualClock(NOW));
    const holding = { flow: 2, running: true, panic: false };
    first.read(holding);
    first.acknowledge("no-flow");
    first.pass(200_000, holding);
    first.kill(bench);
    const second = new Plant(bench.open(), first.clock);
    second.pass(300_000, holding);
    second.kill(bench);
    const third = new Plant(bench.open(), first.clock);
    third.pass(90_000, holding);
    expect(third.letters()).toEqual({ "no-flow": "C" });
    third.pass(10_000, holding);
    expect(third.letters()).toEqual({ "no-flow": "B" });
    expect(third.told).toEqual([["no-flow", "reAlarmed"]]);
  });
});
