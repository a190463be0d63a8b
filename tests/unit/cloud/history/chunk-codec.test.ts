import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "#cloud/history/bytes.ts";
import { decodeChunk, encodeChunk } from "#cloud/history/chunk-codec.ts";
import { readIntegers, writeIntegers } from "#cloud/history/integer-codec.ts";
import { decodeLog, encodeLog } from "#cloud/history/log-codec.ts";
import { readNumbers, writeNumbers } from "#cloud/history/number-codec.ts";
import { codeLengths, codesOf } from "#cloud/history/prefix-code.ts";
import { newRows, type SampleRows } from "#cloud/history/sample-rows.ts";
import { readTimes, writeTimes } from "#cloud/history/time-codec.ts";
import { KIND } from "#core/model/sample-columns.ts";

const runs = process.env["PARKHUB_TEST_LONG"] === "1" ? 20_000 : 300;

type Write = (w: ByteWriter, column: Float64Array, n: number) => void;
type Read = (r: ByteReader, column: Float64Array, n: number) => void;

/** What comes back, how many bytes it took, and whether the reader ended where the writer did. */
function through(write: Write, read: Read, numbers: readonly number[]): { back: number[]; bytes: number } {
  const w = new ByteWriter();
  write(w, Float64Array.from(numbers), numbers.length);
  const bytes = w.at;
  w.uint32(0xffff_ffff);
  const r = new ByteReader(w.done().slice());
  const back = new Float64Array(numbers.length);
  read(r, back, numbers.length);
  expect(r.at).toBe(bytes);
  return { back: [...back], bytes };
}

const integer = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.integer({ min: -300, max: 300 }),
  fc.integer(),
  fc.maxSafeInteger(),
);
const integers = fc.oneof(
  fc.array(integer, { maxLength: 300 }),
  fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 128, maxLength: 600 }),
  fc.array(fc.oneof({ weight: 40, arbitrary: fc.integer({ min: 0, max: 9 }) }, fc.maxSafeInteger()), {
    minLength: 200,
    maxLength: 500,
  }),
  fc
    .array(fc.tuple(integer, fc.integer({ min: 1, max: 60 })), { maxLength: 20 })
    .map((all) => all.flatMap(([value, times]) => new Array<number>(times).fill(value))),
);

describe("a column of whole numbers", () => {
  it("comes back whatever it holds", () => {
    fc.assert(
      fc.property(integers, (numbers) => {
        expect(through(writeIntegers, readIntegers, numbers).back).toEqual(numbers);
      }),
      { numRuns: runs },
    );
  });

  it("costs what it holds of information: nothing when constant, six bits for sixty values, runs by their ends", () => {
    const jitter = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 61);
    expect(through(writeIntegers, readIntegers, jitter).bytes).toBeLessThan(770);
    expect(through(writeIntegers, readIntegers, new Array<number>(1000).fill(-7)).bytes).toBeLessThan(5);
    const runsOfTwo = Array.from({ length: 1000 }, (_, i) => (i > 400 && i < 700 ? 5 : 2));
    expect(through(writeIntegers, readIntegers, runsOfTwo).bytes).toBeLessThan(20);
  });

  it("is not spoiled by one number that is far off", () => {
    const steps = Array.from({ length: 1000 }, (_, i) => (i * 31) % 5);
    const plain = through(writeIntegers, readIntegers, steps).bytes;
    steps[500] = Number.MAX_SAFE_INTEGER;
    const odd = through(writeIntegers, readIntegers, steps);
    expect(odd.back).toEqual(steps);
    expect(odd.bytes).toBeLessThan(plain + 40);
  });

  it("has no code longer than the decoder's table, however uneven the symbols are", () => {
    const counts = Uint32Array.from({ length: 40 }, (_, i) => (i < 30 ? 2 ** i : 0));
    const lengths = codeLengths(counts);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(10);
    const codes = [...codesOf(lengths).entries()]
      .filter(([symbol]) => lengths[symbol] !== 0)
      .map(([symbol, code]) => code.toString(2).padStart(lengths[symbol] ?? 0, "0"));
    for (const a of codes) expect(codes.filter((b) => b.startsWith(a))).toEqual([a]);
  });
});

const number = fc.oneof(
  fc.double(),
  fc.float(),
  fc.integer({ min: -5000, max: 5000 }).map((i) => i / 10),
  fc.integer({ min: -500_000, max: 500_000 }).map((i) => Math.fround(i / 1000)),
  fc.constantFrom(
    -0,
    0,
    Number.MIN_VALUE,
    -Number.MIN_VALUE,
    Infinity,
    -Infinity,
    Number.NaN,
    2 ** 53,
    1e308,
    2 ** -149,
  ),
);

describe("a column of numbers", () => {
  it.each([
    ["of any shape", fc.array(number, { minLength: 1, maxLength: 80 })],
    [
      "of one decimal",
      fc.array(
        fc.integer({ min: -20, max: 20 }).map((i) => i / 10),
        { minLength: 1, maxLength: 400 },
      ),
    ],
    [
      "rounded to zero from below",
      fc.array(
        fc.double({ min: -0.2, max: 0.2 }).map((x) => Math.round(x * 10) / 10),
        { minLength: 1 },
      ),
    ],
    ["of float32", fc.array(fc.float(), { minLength: 1, maxLength: 400 })],
    [
      "that rarely change",
      fc
        .array(fc.tuple(number, fc.integer({ min: 9, max: 40 })), { minLength: 1, maxLength: 9 })
        .map((all) => all.flatMap(([value, times]) => new Array<number>(times).fill(value))),
    ],
  ])("comes back to the last bit: %s", (_name, numbers) => {
    fc.assert(
      fc.property(numbers, (values) => {
        const { back } = through(writeNumbers, readNumbers, values);
        expect(back.every((value, i) => Object.is(value, values[i]))).toBe(true);
      }),
      { numRuns: runs },
    );
  });
});

describe("a column of times", () => {
  const steps = fc.array(
    fc.oneof(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 9970, max: 10_030 }),
      fc.integer({ min: 1, max: 1e10 }),
    ),
    { maxLength: 300 },
  );
  it("comes back, polled or reported, with gaps and with times before 1970", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 4e12 }), steps, (begin, all) => {
        const times = [begin];
        for (const step of all) times.push((times.at(-1) ?? 0) + step);
        expect(through(writeTimes, readTimes, times).back).toEqual(times);
      }),
      { numRuns: runs },
    );
  });

  it("costs six bits where a poll is up to 30 ms off, though some were left out and the period is crooked", () => {
    const times = Array.from({ length: 1024 }, (_, i) =>
      Math.round(1.79e12 + (i + Math.floor(i / 100)) * 10_000.37 + ((i * 7919) % 61) - 30),
    );
    expect(through(writeTimes, readTimes, times).bytes).toBeLessThan(830);
  });
});

const row = fc.record({
  step: fc.integer({ min: 1, max: 100_000 }),
  source: fc.option(fc.integer({ min: -5000, max: 5000 })),
  value: fc.oneof(number, fc.boolean(), fc.string(), fc.constant(null)),
  quality: fc.constantFrom("good", "good", "bad|commLost", "uncertain|stale", "bad", "uncertain|é|x"),
  epoch: fc.constantFrom(1, 1, 1, 2, 70_000),
  offset: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.nat({ max: 2 ** 53 - 1 })),
});

function rowsOf(all: readonly (typeof row extends fc.Arbitrary<infer R> ? R : never)[]): SampleRows {
  const rows = newRows(all.length);
  let time = 1.79e12;
  for (const [i, { step, source, value, quality, epoch, offset }] of all.entries()) {
    time += step;
    rows.time[i] = time;
    rows.source[i] = source === null ? Number.NaN : time + source;
    rows.epoch[i] = epoch;
    rows.offset[i] = offset;
    if (!rows.qualities.includes(quality)) rows.qualities.push(quality);
    rows.quality[i] = rows.qualities.indexOf(quality);
    rows.kind[i] =
      value === null ? KIND.null : typeof value === "boolean" ? (value ? KIND.true : KIND.false) : KIND.number;
    if (typeof value === "number") rows.number[i] = value;
    if (typeof value === "string") {
      rows.kind[i] = KIND.text;
      rows.number[i] = rows.texts.push(value) - 1;
    }
  }
  rows.length = all.length;
  return rows;
}

/** Rows as plain values. */
function plain(rows: SampleRows): unknown[] {
  return Array.from({ length: rows.length }, (_, i) => [
    rows.time[i],
    rows.source[i],
    rows.kind[i],
    rows.kind[i] === KIND.text ? rows.texts[rows.number[i] ?? 0] : rows.number[i],
    rows.qualities[rows.quality[i] ?? 0],
    rows.epoch[i],
    rows.offset[i],
  ]);
}

describe("a chunk", () => {
  it("gives back every field of every sample", () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 200 }), (all) => {
        const rows = rowsOf(all);
        expect(plain(decodeChunk(encodeChunk(rows).slice()))).toEqual(plain(rows));
      }),
      { numRuns: runs },
    );
  });

  it("gives back the samples of points that are polled together, one point after the other", () => {
    const polls = fc.array(row, { minLength: 2, maxLength: 60 });
    const shared = fc.record({
      polls,
      first: fc.array(fc.nat({ max: 2 ** 40 }), { minLength: 1, maxLength: 4 }),
      odd: fc.array(fc.nat({ max: 5 }), { maxLength: 60 }),
    });
    fc.assert(
      fc.property(shared, ({ polls: all, first, odd }) => {
        const one = rowsOf(all);
        const series = first.flatMap((offset, i) => {
          const apart = (k: number): number => k * 7 + (i % 2 === 0 ? 0 : (odd[k] ?? 0));
          const of = (length: number): SampleRows => ({
            ...one,
            length,
            number: one.number.map((value, k) => (one.kind[k] === KIND.number ? value + i : value)),
            offset: Float64Array.from(one.offset, (_, k) => offset + apart(k)),
          });
          return [of(one.length), of(one.length - 1), of(one.length)];
        });
        for (const rows of series) expect(plain(decodeChunk(encodeChunk(rows).slice()))).toEqual(plain(rows));
      }),
      { numRuns: runs },
    );
  });

  it("is never read wrong when a bit of it is wrong", () => {
    const rows = rowsOf(fc.sample(row, { numRuns: 40, seed: 1 }));
    const chunk = encodeChunk(rows).slice();
    for (let bit = 0; bit < chunk.length * 8; bit += 5) {
      const damaged = chunk.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeChunk(damaged)).toThrow(expect.objectContaining({ code: "HISTORY_CORRUPT" }));
    }
    for (const length of [0, 3, 10, chunk.length - 1])
      expect(() => decodeChunk(chunk.slice(0, length))).toThrow(expect.objectContaining({ code: "HISTORY_CORRUPT" }));
  });

  // Written by the first version that had this layout: files in the field hold such chunks.
  it("of layout 2 stays readable", () => {
    const golden = [
      "AgesAgQAGGJhZHxjb21tTG9zdAIM6Ieq5Yqo4ISHxZhoAAWmnAEdBzMzMzPWNEaxojWNEaxojWNEax9A3UwAAAAAACNY0RrGiNY0",
      "RrGiNY0Rr0DdTAAAAAAAaI1jRGsaI1jRGsaI1jRHQN1MAAAAAACxojWNEaxojWNEagkAkkkkkkkkkkkkkkkkkkkkkkkkkAAxAgIA",
      "YAQAwAgBgBADAOQAwAgBgBADACAGBAYJAEA5EmgCOAgCAFoCAQArAJkyVKjRoD1BIwgQEUs+a3Bgx48mXL15cePFgutqwSQwBikE",
      "mP/G/jxpEqZMmTNaRGhQHGFEEAgyS01a+PHjy5cuXLk58N91dU8scAgxJZh6FE0JUyZMmSpUjGeaWSOIEBPPTZbfhxY+rLly5ceP",
      "FggAAAQECQJAMWTIANAPeuIPugUSHQ0iAgAAAAQ0mZmZmZmZmZmZm0zMzMzMzMzMzM2mZmZmZvwJKkAAAAAAAAAAAAA4AAAAAAAA",
      "AKpurcU=",
    ].join("");
    const rows = decodeChunk(Buffer.from(golden, "base64"));
    expect(plain(rows)).toEqual(plain(goldenRows()));
  });
});

/** Every column form a chunk knows comes up in it. */
function goldenRows(): SampleRows {
  return rowsOf(
    Array.from({ length: 150 }, (_, i) => ({
      step: i % 40 === 0 ? 30_000 : 10_000 + ((i * 13) % 7),
      source: i % 3 === 0 ? -25 : null,
      value: i === 77 ? "自动" : i % 10 === 9 ? i % 20 === 9 : i === 50 ? -0 : Math.round(Math.sin(i / 9) * 200) / 10,
      quality: i > 60 && i < 70 ? "bad|commLost" : "good",
      epoch: i < 100 ? 1 : 2,
      offset: i < 100 ? 1000 + i * 3 + (i % 2) : i,
    })),
  );
}

describe("a record of the log", () => {
  it("gives back every field of every sample and its series", () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 200 }), fc.nat({ max: 90_000 }), (all, first) => {
        const rows = rowsOf(all);
        const series = Uint32Array.from({ length: rows.length }, (_, i) => first + (i % 7));
        const back = decodeLog(encodeLog(series, rows));
        expect(plain(back.rows)).toEqual(plain(rows));
        expect(back.series).toEqual(series);
      }),
      { numRuns: runs },
    );
  });

  it("is never read wrong when a bit of it is wrong", () => {
    const rows = rowsOf(fc.sample(row, { numRuns: 4, seed: 1 }));
    const record = encodeLog(new Uint32Array(4).fill(3), rows);
    for (let bit = 8; bit < record.length * 8; bit += 7) {
      const damaged = record.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeLog(damaged)).toThrow(expect.objectContaining({ code: "HISTORY_CORRUPT" }));
    }
  });
});
