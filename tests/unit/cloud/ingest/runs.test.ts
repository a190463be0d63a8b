import { describe, expect, it } from "vitest";
import { runsOf } from "#cloud/ingest/runs.ts";
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
