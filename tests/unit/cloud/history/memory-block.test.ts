import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryBlock, RowRoom, SegmentPool } from "#cloud/history/memory-block.ts";
import { newRows, rowAt, type SampleRows } from "#cloud/history/sample-rows.ts";
import { KIND } from "#core/model/sample-columns.ts";

interface Row {
  readonly series: number;
  readonly time: number;
  readonly epoch: number;
  readonly offset: number;
  readonly text: boolean;
  readonly source: boolean;
}

function rowsOf(all: readonly Row[]): { series: Uint32Array; rows: SampleRows } {
  const rows = newRows(all.length);
  rows.length = all.length;
  rows.qualities.push("uncertain", "good");
  rows.texts.push("off", "auto");
  for (const [i, { time, epoch, offset, text, source }] of all.entries()) {
    rows.time[i] = time;
    rows.epoch[i] = epoch;
    rows.offset[i] = offset;
    rows.kind[i] = text ? KIND.text : KIND.number;
    rows.number[i] = text ? offset % 2 : offset / 8;
    rows.quality[i] = offset % 2;
    rows.source[i] = source ? time - 5 : Number.NaN;
  }
  return { series: Uint32Array.from(all, ({ series }) => series), rows };
}

function told(rows: SampleRows): readonly unknown[] {
  return Array.from({ length: rows.length }, (_, i) => rowAt(rows, i));
}

/** What a block should say of a series: by time, of each time the oldest key. */
function expected(all: readonly Row[], series: number): readonly unknown[] {
  const byTime = new Map<number, Row>();
  for (const row of all) {
    const known = byTime.get(row.time);
    const isOlder = known === undefined || row.epoch - known.epoch || row.offset - known.offset;
    if (row.series === series && (known === undefined || Number(isOlder) < 0)) byTime.set(row.time, row);
  }
  return told(rowsOf([...byTime.values()].sort((a, b) => a.time - b.time)).rows);
}

const row = fc.record({
  series: fc.integer({ min: 1, max: 4 }),
  time: fc.integer({ min: 0, max: 60 }),
  epoch: fc.integer({ min: 1, max: 2 }),
  offset: fc.integer({ min: 0, max: 50 }),
  text: fc.boolean(),
  source: fc.boolean(),
});

const pool = new SegmentPool();

describe("a block of samples in memory", () => {
  it("gives the samples of a series in order of time, of each time the one with the oldest key", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(row, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 6 }),
        (batches) => {
          const block = new MemoryBlock(pool);
          const room = new RowRoom();
          for (const batch of batches) {
            const { series, rows } = rowsOf(batch);
            block.append(series, rows);
          }
          for (let series = 0; series < 6; series++) {
            expect(told(block.rowsOf(series))).toEqual(expected(batches.flat(), series));
            expect(told(block.rowsOf(series, block.length, room))).toEqual(expected(batches.flat(), series));
          }
          block.release();
        },
      ),
    );
  });

  it("stays for a reader what it was when it was looked at, whatever is appended later", () => {
    const block = new MemoryBlock(new SegmentPool());
    const batch = (from: number): Row[] =>
      Array.from({ length: 30 }, (_, i) => ({
        series: 1 + (i % 3),
        time: from + i,
        epoch: 1,
        offset: from + i,
        text: i % 5 === 0,
        source: from > 100,
      }));
    const add = (rows: readonly Row[]): void => {
      const made = rowsOf(rows);
      block.append(made.series, made.rows);
    };
    add(batch(0));
    const { length } = block;
    const before = told(block.rowsOf(2, length));
    add(batch(1000));
    add(batch(500));
    expect(told(block.rowsOf(2, length))).toEqual(before);
    expect(block.rowsOf(2).length).toBe(30);
  });

  it("holds more than a segment, and the next block uses its memory without a trace of what was there", () => {
    const pool = new SegmentPool();
    const n = 300_000;
    const all = newRows(n);
    all.length = n;
    all.qualities.push("good");
    const series = new Uint32Array(n);
    for (let i = 0; i < n; i++) {
      series[i] = 1 + (i % 7);
      all.time[i] = i;
      all.source[i] = i - 1;
      all.kind[i] = KIND.number;
      all.number[i] = i * 2;
      all.epoch[i] = 1;
      all.offset[i] = 10 + i;
    }
    const first = new MemoryBlock(pool);
    first.append(series, all);
    const rows = first.rowsOf(3);
    expect([rows.length, rows.time[0], rows.time[rows.length - 1]]).toEqual([42_857, 2, 299_994]);
    expect([rows.offset[42_000], rows.number[42_000]]).toEqual([10 + 294_002, 588_004]);
    expect([first.seriesAfter(-1), first.seriesAfter(7), first.count(3)]).toEqual([1, undefined, 42_857]);
    first.release();
    const second = new MemoryBlock(pool);
    const { series: one, rows: some } = rowsOf([
      { series: 2, time: 7, epoch: 4, offset: 9, text: false, source: false },
    ]);
    second.append(one, some);
    expect(told(second.rowsOf(2))).toEqual([{ epoch: 4, offset: 9, observedAt: 7, value: 9 / 8, quality: "good" }]);
    expect(second.rowsOf(3).length).toBe(0);
  });

  it("keeps the memory that a question still reads", () => {
    const pool = new SegmentPool();
    const block = new MemoryBlock(pool);
    const add = (to: MemoryBlock, time: number): void => {
      const { series, rows } = rowsOf([{ series: 1, time, epoch: 1, offset: time, text: false, source: true }]);
      to.append(series, rows);
    };
    add(block, 5);
    block.lend();
    block.release();
    add(new MemoryBlock(pool), 77);
    expect(block.rowsOf(1).time[0]).toBe(5);
  });
});
