import type { Range } from "../db/ranges.ts";
import type { TelemetrySpan } from "../telemetry-ports.ts";
import type { CursorKey } from "./cursors.ts";
import type { QueuedBatch } from "./telemetry-group.ts";

/** Batches of one gateway whose offsets follow each other, in one connection. */
export interface Run extends Range {
  readonly key: CursorKey;
  readonly session: number;
  readonly spans: readonly TelemetrySpan[];
}

/**
 * Joins the batches of each gateway as far as they follow each other. A cursor moves once for a run, and that is the same as
 * once for each batch.
 */
export function runsOf(batches: readonly QueuedBatch[]): readonly Run[] {
  const runs: (Run & { to: number; spans: TelemetrySpan[] })[] = [];
  const open = new Map<string, (typeof runs)[number]>();
  for (const { span, session } of batches) {
    const { gateway, epoch, first: from, last: to } = span;
    const run = open.get(gateway);
    if (run?.key.epoch === epoch && run.session === session && run.to + 1 === from) {
      run.spans.push(span);
      run.to = to;
      continue;
    }
    const begun = { key: { gateway, lane: "telemetry" as const, epoch }, session, from, to, spans: [span] };
    runs.push(begun);
    open.set(gateway, begun);
  }
  return runs;
}

/** Rows of columns, `to` exclusive. */
export interface Rows {
  readonly from: number;
  readonly to: number;
}

/** The rows that hold these offsets of a run. */
function* rowsOf(run: Run, fresh: readonly Range[]): Iterable<Rows> {
  for (const { first, last, start } of run.spans)
    for (const { from, to } of fresh) {
      const low = Math.max(first, from);
      const high = Math.min(last, to);
      if (low <= high) yield { from: start + low - first, to: start + high - first + 1 };
    }
}

/** What of the runs was not stored before (`fresh`, one entry a run), as rows in ascending order that do not touch. */
export function freshRows(runs: readonly Run[], fresh: readonly (readonly Range[])[]): readonly Rows[] {
  const all = runs.flatMap((run, i) => [...rowsOf(run, fresh[i] ?? [])]).sort((a, b) => a.from - b.from);
  const joined: { from: number; to: number }[] = [];
  for (const { from, to } of all) {
    const last = joined.at(-1);
    if (last?.to === from) last.to = to;
    else joined.push({ from, to });
  }
  return joined;
}
