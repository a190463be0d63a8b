import { describe, expect, it } from "vitest";
import { freshRows, runsOf } from "#cloud/ingest/fresh-rows.ts";
import type { QueuedBatch } from "#cloud/ingest/telemetry-group.ts";
import { gatewayId } from "#core/ids.ts";

const EPOCH = "0".repeat(32);

/** Batches one after the other in the columns of a group: gateway, first and last offset, connection, epoch. */
function batches(
  ...of: readonly (readonly [gateway: string, first: number, last: number, session?: number, epoch?: string])[]
): readonly QueuedBatch[] {
  let start = 0;
  return of.map(([gateway, first, last, session = 1, epoch = EPOCH]) => {
    const span = { gateway: gatewayId(`park/${gateway}`), epoch, first, last, start };
    start += last - first + 1;
    return { span, session, topic: "" };
  });
}
const ranges = (of: readonly QueuedBatch[]): unknown =>
  runsOf(of).map(({ key, from, to }) => [key.gateway.slice("park/".length), from, to]);

describe("batches of one commit", () => {
  it("move a cursor once where they follow each other, also between those of others", () => {
    expect(ranges(batches(["gw-1", 1, 5], ["gw-2", 1, 9], ["gw-1", 6, 7], ["gw-2", 10, 10]))).toEqual([
      ["gw-1", 1, 7],
      ["gw-2", 1, 10],
    ]);
  });

  it("move it for each where something is missing, comes again, or is of another connection or epoch", () => {
    const next = "1".repeat(32);
    expect(
      ranges(
        batches(
          ["gw-1", 1, 5],
          ["gw-1", 7, 8],
          ["gw-1", 7, 8],
          ["gw-1", 9, 9],
          ["gw-1", 10, 11, 2],
          ["gw-1", 12, 12, 2, next],
        ),
      ),
    ).toEqual([
      ["gw-1", 1, 5],
      ["gw-1", 7, 8],
      ["gw-1", 7, 9],
      ["gw-1", 10, 11],
      ["gw-1", 12, 12],
    ]);
  });
});

describe("the rows that are told on", () => {
  const of = batches(["gw-1", 1, 5], ["gw-2", 1, 3], ["gw-1", 6, 9]);
  const runs = runsOf(of);

  it("are all rows in one piece when nothing came before", () => {
    expect(freshRows(runs, [[{ from: 1, to: 9 }], [{ from: 1, to: 3 }]])).toEqual([{ from: 0, to: 12 }]);
  });

  it("are only those that were not stored before, in the order in which they came", () => {
    expect(freshRows(runs, [[{ from: 4, to: 7 }], [{ from: 2, to: 2 }]])).toEqual([
      { from: 3, to: 5 },
      { from: 6, to: 7 },
      { from: 8, to: 10 },
    ]);
    expect(freshRows(runs, [[], []])).toEqual([]);
  });
});
