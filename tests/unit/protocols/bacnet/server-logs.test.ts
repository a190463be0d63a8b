import { describe, expect, it } from "vitest";
import { LogBuffer, nextSequence } from "#protocols/bacnet/server/trends/log-buffer.ts";
import { choose, type Ranged, type Wanted } from "#protocols/bacnet/server/trends/range.ts";

function ranged(buffer: LogBuffer<string>): Ranged {
  return {
    length: buffer.count,
    sequenceOf: (index) => buffer.at(index)?.sequence ?? 0,
    timeOf: (index) => buffer.at(index)?.at ?? 0,
  };
}

/** Records that a ReadRange chooses, by what they hold. */
function read(buffer: LogBuffer<string>, wanted?: Wanted): readonly (string | undefined)[] | undefined {
  const chosen = choose(ranged(buffer), wanted);
  if (chosen === undefined) return undefined;
  return Array.from({ length: chosen.count }, (_, i) => buffer.at(chosen.first + i)?.record);
}

function filled(size: number, records: number): LogBuffer<string> {
  const buffer = new LogBuffer<string>(size);
  for (let i = 1; i <= records; i++) buffer.add(i * 1000, `r${i}`);
  return buffer;
}

describe("the buffer of a trend log", () => {
  it("overwrites the oldest when it is full and goes on counting", () => {
    const buffer = filled(3, 5);
    expect(read(buffer)).toEqual(["r3", "r4", "r5"]);
    expect([buffer.count, buffer.total]).toEqual([3, 5]);
    expect(buffer.at(0)?.sequence).toBe(3);
  });

  it("forgets its records when purged, not how many it has made", () => {
    const buffer = filled(3, 5);
    buffer.purge();
    expect([buffer.count, buffer.total]).toEqual([0, 5]);
    expect(buffer.add(9000, "after")).toBe(6);
  });

  it("holds thousands of records", () => {
    const buffer = filled(2000, 5000);
    expect(buffer.count).toBe(2000);
    expect([buffer.at(0)?.record, buffer.at(1999)?.record]).toEqual(["r3001", "r5000"]);
  });

  it("counts from 1 again after the largest sequence number", () => {
    expect(nextSequence(0xffff_ffff)).toBe(1);
    const buffer = new LogBuffer<string>(10, 0xffff_fffe);
    expect([buffer.add(1, "a"), buffer.add(2, "b"), buffer.add(3, "c")]).toEqual([0xffff_ffff, 1, 2]);
  });
});

describe("ReadRange on a log", () => {
  it.each<[string, Wanted, string[]]>([
    ["from a position on", { by: "position", reference: 2, count: 2 }, ["r2", "r3"]],
    ["back from a position", { by: "position", reference: 4, count: -2 }, ["r3", "r4"]],
    ["from a position beyond the end", { by: "position", reference: 6, count: 2 }, []],
    ["back from a position beyond the end", { by: "position", reference: 6, count: -2 }, []],
    ["from position 0, which is none", { by: "position", reference: 0, count: 2 }, []],
    ["from a sequence number on", { by: "sequence", reference: 4, count: 10 }, ["r4", "r5"]],
    ["back from a sequence number", { by: "sequence", reference: 3, count: -2 }, ["r2", "r3"]],
    ["from a sequence number that is not made yet", { by: "sequence", reference: 6, count: 1 }, []],
    ["after a time", { by: "time", reference: 2000, count: 2 }, ["r3", "r4"]],
    ["before a time", { by: "time", reference: 4000, count: -2 }, ["r2", "r3"]],
    ["after the last time", { by: "time", reference: 5000, count: 2 }, []],
    ["before the first time", { by: "time", reference: 1000, count: -2 }, []],
  ])("gives what lies %s", (_name, wanted, expected) => {
    expect(read(filled(10, 5), wanted)).toEqual(expected);
  });

  it("gives what is left of a sequence that has been overwritten in part", () => {
    expect(read(filled(3, 8), { by: "sequence", reference: 4, count: 4 })).toEqual(["r6", "r7"]);
  });

  it("finds a sequence number across the wrap of the numbers", () => {
    const buffer = new LogBuffer<string>(10, 0xffff_fffd);
    for (const name of ["a", "b", "c", "d"]) buffer.add(0, name);
    expect(read(buffer, { by: "sequence", reference: 0xffff_ffff, count: 3 })).toEqual(["b", "c", "d"]);
    expect(read(buffer, { by: "sequence", reference: 2, count: -3 })).toEqual(["b", "c", "d"]);
  });

  it("finds what is newer also after the clock was set back", () => {
    const buffer = filled(10, 3);
    buffer.add(500, "set back");
    expect(read(buffer, { by: "time", reference: 1500, count: 2 })).toEqual(["r2", "r3"]);
  });

  it("knows no sequence and no time in a list that is no log", () => {
    expect(choose({ length: 3 }, { by: "sequence", reference: 1, count: 1 })).toBeUndefined();
    expect(choose({ length: 3 }, { by: "time", reference: 1, count: 1 })).toBeUndefined();
    expect(choose({ length: 3 }, undefined)).toEqual({ first: 0, count: 3 });
  });
});
