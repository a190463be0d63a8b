import { describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import { targetOf } from "#protocols/bacnet/client/map.ts";
import type { BoundPoint } from "#protocols/bacnet/client/point-board.ts";
import { type FoundLog, planOf } from "#protocols/bacnet/client/trends/trend-logs.ts";
import type { LogRow } from "#protocols/bacnet/client/trends/trend-reader.ts";
import { correctionOf, samplesOf } from "#protocols/bacnet/client/trends/trend-samples.ts";
import { sequenceAfter, untaken } from "#protocols/bacnet/client/trends/trend-sequence.ts";
import { ERROR_CLASS, ERROR_CODE, OBJECT_TYPES } from "#protocols/bacnet/codec/enums.ts";
import type { BacnetAddress } from "#protocols/bacnet/config.ts";

const START = Date.UTC(2026, 2, 2);
const NOW = START + 3_600_000;
const ALWAYS = [{ from: 0, to: NOW }];

function bound(name: string, address: BacnetAddress): BoundPoint {
  return { point: pointId(`park/gw-1/ahu-1/${name}`), writable: false, target: targetOf(address) };
}
const TEMPERATURE = bound("temperature", { objectType: "analog-input", instance: 1 });
const FAN = bound("fan", { objectType: "binary-input", instance: 1 });

const key = (type: keyof typeof OBJECT_TYPES, instance: number): string =>
  `${OBJECT_TYPES[type] * 0x40_0000 + instance}:85:`;
const log = (instance: number, sources: readonly string[], more: Partial<FoundLog> = {}): FoundLog => ({
  object: { type: OBJECT_TYPES["trend-log"], instance },
  sources,
  everyMs: 60_000,
  enabled: true,
  ...more,
});
const [plan] = planOf([log(1, [key("analog-input", 1)])], [TEMPERATURE]);
if (plan === undefined) throw new Error("no plan");

const real = (at: number, value: number, statusFlags?: readonly boolean[]): LogRow => ({
  at,
  content: { type: "values", value: [{ type: "real", value }], ...(statusFlags === undefined ? {} : { statusFlags }) },
});
const told = (rows: readonly LogRow[], correctionMs = 0, outages = ALWAYS) =>
  samplesOf(plan, rows, correctionMs, outages, NOW).map(({ sourceTime, value, quality, reason }) => ({
    at: (sourceTime ?? 0) - START,
    value,
    quality,
    reason,
  }));

describe("the records of a trend log as samples", () => {
  it("are those of the outage, its end included and its beginning not", () => {
    const rows = [1, 2, 3, 4].map((minute) => real(START + minute * 60_000, minute));
    const outages = [{ from: START + 60_000, to: START + 180_000 }];
    expect(told(rows, 0, outages).map(({ value }) => value)).toEqual([2, 3]);
  });

  it("have the quality of the status that was logged with them", () => {
    expect(
      told([
        real(START, 20, [false, true, false, false]),
        real(START + 1, 21, [false, false, true, false]),
        real(START + 2, 22, [true, false, false, false]),
        real(START + 3, Number.NaN),
      ]),
    ).toMatchObject([
      { value: 20, quality: "bad", reason: "deviceFault" },
      { value: 21, quality: "uncertain", reason: "overridden" },
      { value: 22, quality: "good" },
      { value: null, quality: "bad", reason: "noValue" },
    ]);
  });

  it("are bad where the property could not be read or was NULL, and nothing where nobody knows the kind", () => {
    const failure = { errorClass: ERROR_CLASS.object, errorCode: ERROR_CODE.unknownObject };
    expect(
      told([
        { at: START, content: { type: "values", value: [{ type: "failure", value: failure }] } },
        { at: START + 1, content: { type: "values", value: [{ type: "null", value: null }] } },
        { at: START + 2, content: { type: "raw", value: { type: "null" } } },
        { at: START + 3, content: { type: "values", value: [{ type: "raw", value: { type: "null" } }] } },
        { at: undefined, content: { type: "values", value: [{ type: "real", value: 1 }] } },
      ]),
    ).toMatchObject([
      { at: 0, value: null, quality: "bad", reason: "configError" },
      { at: 1, value: null, quality: "bad", reason: "noValue" },
    ]);
  });

  it("say that there is no value where the log was stopped or interrupted, and nothing where it was only purged", () => {
    expect(
      told([
        real(START, 20),
        { at: START + 1, content: { type: "logStatus", value: [true, false, false] } },
        { at: START + 2, content: { type: "logStatus", value: [false, false, false] } },
        { at: START + 3, content: { type: "logStatus", value: [false, true, false] } },
        { at: START + 4, content: { type: "logStatus", value: [false, false, true] } },
        real(START + 5, 21),
      ]),
    ).toMatchObject([
      { at: 0, value: 20 },
      { at: 1, value: null, quality: "bad", reason: "noValue" },
      { at: 4, value: null, quality: "bad", reason: "noValue" },
      { at: 5, value: 21 },
    ]);
  });

  it("have our time, before and after the device's clock was set", () => {
    // its clock was an hour ahead until it was set back, and is half a minute late since
    const rows: LogRow[] = [
      real(START + 3_600_000, 1),
      real(START + 3_660_000, 2),
      { at: START + 90_000, content: { type: "timeChange", value: -3630 } },
      real(START + 90_000, 3),
    ];
    expect(told(rows, 30_000).map(({ at, value }) => [at, value])).toEqual([
      [0, 1],
      [60_000, 2],
      [120_000, 3],
    ]);
  });

  it("are not moved by a clock that cannot be told to be wrong", () => {
    expect(correctionOf({ utcOffsetMin: -480, driftMs: 900 })).toBe(-480 * 60_000);
    expect(correctionOf({ utcOffsetMin: -480, driftMs: 61_000 })).toBe(-480 * 60_000 - 61_000);
  });

  it("tell each point of a log of several properties its own", () => {
    const several = log(1, [key("binary-input", 1), key("analog-value", 7), key("analog-input", 1)], {
      object: { type: OBJECT_TYPES["trend-log-multiple"], instance: 1 },
    });
    const [both] = planOf([several], [TEMPERATURE, FAN]);
    const content: LogRow["content"] = {
      type: "values",
      value: [
        { type: "enumerated", value: 1 },
        { type: "real", value: 5 },
        { type: "real", value: 20 },
      ],
    };
    const samples = both === undefined ? [] : samplesOf(both, [{ at: START, content }], 0, ALWAYS, NOW);
    expect(samples.map(({ point, value }) => [point, value]).toSorted()).toEqual([
      [FAN.point, true],
      [TEMPERATURE.point, 20],
    ]);
  });
});

describe("of several logs of one property", () => {
  const source = [key("analog-input", 1)];
  const chosen = (logs: readonly FoundLog[]) => planOf(logs, [TEMPERATURE]).map((one) => one.log.object.instance);

  it("the one that is enabled, has the status and is finer is taken, and no other", () => {
    const multiple = { type: OBJECT_TYPES["trend-log-multiple"], instance: 4 };
    const logs = [
      log(4, source, { object: multiple, everyMs: 1000 }),
      log(1, source, { enabled: false, everyMs: 1000 }),
      log(2, source),
      log(3, source, { everyMs: 5000 }),
    ];
    expect(chosen(logs)).toEqual([3]);
    expect(chosen(logs.slice(0, 3))).toEqual([2]);
    expect(chosen(logs.slice(0, 2))).toEqual([4]);
  });

  it("none is read that logs what nobody has bound", () => {
    expect(chosen([log(1, [key("analog-input", 2)]), { ...log(2, []), sources: [undefined] }])).toEqual([]);
  });
});

describe("what is still to be taken of a log", () => {
  const LAST = 0xffff_ffff;

  it("is what came after the last one taken", () => {
    expect(untaken({ count: 100, total: 250 }, 240)).toEqual({ first: 241, count: 10 });
    expect(untaken({ count: 100, total: 250 }, 250)).toEqual({ first: 251, count: 0 });
  });

  it("is all that it holds where nothing was taken, or more was made than it holds", () => {
    expect(untaken({ count: 100, total: 250 }, undefined)).toEqual({ first: 151, count: 100 });
    expect(untaken({ count: 100, total: 250 }, 20)).toEqual({ first: 151, count: 100 });
    expect(untaken({ count: 0, total: 250 }, 20)).toEqual({ first: 251, count: 0 });
  });

  it("is all that it holds where it was cleared and began to count anew", () => {
    expect(untaken({ count: 7, total: 7 }, 240)).toEqual({ first: 1, count: 7 });
  });

  it("goes on across the wrap of the numbers", () => {
    expect(untaken({ count: 100, total: 5 }, LAST - 4)).toEqual({ first: LAST - 3, count: 9 });
    expect(sequenceAfter(LAST, 1)).toBe(1);
    expect(sequenceAfter(1, -1)).toBe(LAST);
    expect(sequenceAfter(0, 1)).toBe(1);
  });
});
