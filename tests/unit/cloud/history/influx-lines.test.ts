import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineBuffer } from "#cloud/history/influx/line-buffer.ts";
import { LineEncoder, type RowPlace } from "#cloud/history/influx/line-encoder.ts";
import { parseRow } from "#cloud/history/influx/row-key.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import type { TelemetryWrite } from "#cloud/telemetry-ports.ts";
import { pointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import { SampleAppender } from "#core/model/sample-columns.ts";

const T0 = 1_790_000_000_000;
const POINT = pointId("park/gw-1/ahu-1/supply");
const GATEWAY = "park/gw-1" as TelemetryWrite["spans"][number]["gateway"];

/** What `write` puts into a buffer that is too small at first. */
function textOf(write: (buffer: LineBuffer) => void): string {
  const buffer = new LineBuffer(8);
  buffer.reserve(100_000);
  write(buffer);
  return buffer.written.toString();
}

function written(samples: readonly Sample[], epoch = "ep"): { write: TelemetryWrite; points: PointNumbers } {
  const points = new PointNumbers();
  const appender = new SampleAppender();
  for (const sample of samples) appender.sample(points.numberOf(sample.point), sample);
  const spans = [{ gateway: GATEWAY, epoch, first: 10, last: 9 + samples.length, start: 0 }];
  return { write: { columns: appender.columns, spans }, points };
}

function linesOf(samples: readonly Sample[], epoch?: string): string[] {
  const { write, points } = written(samples, epoch);
  const buffer = new LineBuffer(16);
  new LineEncoder(points).encode(write, { span: 0, row: 0 }, 1000, buffer);
  return buffer.written
    .toString()
    .split(/(?<=\d)\n/)
    .slice(0, -1);
}

const sample = (value: Sample["value"], more: Partial<Sample> = {}): Sample => {
  return { point: POINT, value, quality: "good", observedAt: T0, ...more };
};

describe("numbers in line protocol", () => {
  it("are read back to the last bit, whatever their shape", () => {
    const shapes = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }).map((i) => i / 10_000),
      fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }).map((i) => i / 100),
      fc.constantFrom(0, -0, 0.1 + 0.2, 5e-324, -Number.MAX_VALUE, 99_999.9999, 100_000, 123_456_789_012.5, 1e21),
    );
    fc.assert(
      fc.property(shapes, (value) => {
        const text = textOf((buffer) => buffer.number(value));
        expect(text).toMatch(/^-?\d+(\.\d+)?(e[+-]\d+)?$/);
        expect(Object.is(Number(text), value)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it("have no digit too many where few will do", () => {
    const texts = [0, -0, 21.5, -0.1, 1000, 0.0001, -273.15].map((value) => textOf((buffer) => buffer.number(value)));
    expect(texts).toEqual(["0", "-0", "21.5", "-0.1", "1000", "0.0001", "-273.15"]);
  });

  it("are whole where they are offsets and times", () => {
    const times = fc.oneof(fc.integer({ min: T0 - 100_000, max: T0 + 100_000 }), fc.maxSafeInteger());
    fc.assert(
      fc.property(fc.array(times), (values) => {
        const text = textOf((buffer) => {
          for (const value of values) {
            buffer.time(value);
            buffer.byte(10);
            buffer.whole(value);
            buffer.byte(10);
          }
        });
        expect(text.split("\n").slice(0, -1)).toEqual(values.flatMap((value) => [`${value}`, `${value}`]));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("samples in line protocol", () => {
  it("have their value in a field of their kind, and what is not usable apart from it", () => {
    expect(
      linesOf([
        sample(21.5),
        sample(true, { observedAt: T0 + 1, sourceTime: T0 - 39 }),
        sample(false, { quality: "uncertain", reason: "stale" }),
        sample("auto"),
        sample(null),
        sample(-1, { quality: "bad", reason: "commLost" }),
        sample(true, { quality: "bad" }),
        sample("x", { quality: "bad", sourceTime: T0 + 7 }),
      ]).map((line) => line.replace("telemetry,gateway=park/gw-1,point=park/gw-1/ahu-1/supply ", "")),
    ).toEqual([
      `value=21.5,row="ng:ep:10" ${T0}`,
      `flag=1i,row="tg:ep:11s-40" ${T0 + 1}`,
      `flag=0i,quality="uncertain|stale",row="fu:ep:12" ${T0}`,
      `text="auto",row="sg:ep:13" ${T0}`,
      `bad=1i,row="zg:ep:14" ${T0}`,
      `bad=1i,badValue=-1,quality="bad|commLost",row="nb:ep:15" ${T0}`,
      `bad=1i,badFlag=1i,quality="bad",row="tb:ep:16" ${T0}`,
      `bad=1i,badText="x",quality="bad",row="sb:ep:17s7" ${T0}`,
    ]);
  });

  it("escape quotes and backslashes in texts and epochs, and nothing else", () => {
    const [line] = linesOf([sample('a"b\\c\nd,e=f 自')], 'e"1\\');
    expect(line).toContain('text="a\\"b\\\\c\nd,e=f 自",row="sg:e\\"1\\\\:10"');
  });

  it("are the same however many go into one request", () => {
    const samples = Array.from({ length: 50 }, (_, i) => sample(i / 3, { observedAt: T0 + i * 997 }));
    const { write, points } = written(samples);
    const spans = [
      { gateway: GATEWAY, epoch: "e1", first: 0, last: 19, start: 0 },
      { gateway: GATEWAY, epoch: "e2", first: 5, last: 34, start: 20 },
    ];
    const whole = new LineBuffer(16);
    new LineEncoder(points).encode({ ...write, spans }, { span: 0, row: 0 }, 1000, whole);
    for (const lines of [1, 7, 20, 49]) {
      const encoder = new LineEncoder(points);
      const part = new LineBuffer(16);
      let text = "";
      let rows = 0;
      for (let place: RowPlace | undefined = { span: 0, row: 0 }; place !== undefined; ) {
        part.clear();
        const answer = encoder.encode({ ...write, spans }, place, lines, part);
        rows += answer.rows;
        place = answer.next;
        text += part.written.toString();
      }
      expect(rows).toBe(50);
      expect(text).toBe(whole.written.toString());
    }
  });

  it.each([
    ["a value that is no number", sample(Number.NaN)],
    ["a value without end", sample(Number.NEGATIVE_INFINITY)],
    ["a time beyond the year 2262", sample(1, { observedAt: 9_300_000_000_000 })],
    ["a time that is none", sample(1, { observedAt: Number.NaN })],
    ["a text of more than 64 KiB", sample("自".repeat(22_000))],
  ])("are refused with point and offset for %s", (_name, wrong) => {
    expect(() => linesOf([sample(1), wrong])).toThrowError(
      expect.objectContaining({
        code: "TELEMETRY_BATCH_INVALID",
        message: expect.stringContaining("park/gw-1: offset 11, point park/gw-1/ahu-1/supply"),
      }),
    );
  });
});

describe("the key of a row", () => {
  it("is read back whatever its epoch holds", () => {
    fc.assert(
      fc.property(fc.string(), fc.maxSafeInteger().map(Math.abs), fc.option(fc.integer()), (epoch, offset, source) => {
        const text = `nu:${epoch}:${offset}${source === null ? "" : `s${source}`}`;
        expect(parseRow(text)).toEqual({ kind: 1, quality: "uncertain", epoch, offset, source: source ?? undefined });
      }),
    );
  });

  it("is none where somebody else has written", () => {
    for (const text of [undefined, null, 7, "", "ng:ep", "xg:ep:1", "ng:ep:-1", "ng:ep:1x"])
      expect(parseRow(text)).toBeUndefined();
  });
});
