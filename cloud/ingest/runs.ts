import type { Range } from "../db/ranges.ts";
import type { CursorKey } from "./cursors.ts";
import type { QueuedBatch } from "./telemetry-group.ts";

/** Batches of one gateway whose offsets follow each other, in one connection. */
export interface Run extends Range {
  readonly key: CursorKey;
  readonly session: number;
}

/**
 * Joins the batches of each gateway as far as they follow each other. A cursor moves once for a run, and that is the same as
 * once for each batch.
 */
export function runsOf(batches: readonly QueuedBatch[]): readonly Run[] {
  const runs: (Run & { to: number })[] = [];
  const open = new Map<string, (typeof runs)[number]>();
  for (const { span, session } of batches) {
    const { gateway, epoch, first: from, last: to } = span;
    const run = open.get(gateway);
    if (run?.key.epoch === epoch && run.session === session && run.to + 1 === from) {
      run.to = to;
      continue;
    }
    const begun = { key: { gateway, lane: "telemetry" as const, epoch }, session, from, to };
    runs.push(begun);
    open.set(gateway, begun);
  }
  return runs;
}
