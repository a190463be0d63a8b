import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { GapItem, Lane } from "#core/contracts/lanes.ts";
import { LANES } from "./outbox-lanes.ts";

/** A range of offsets that will never come. */
export type Gap = Pick<GapItem, "epoch" | "from" | "to" | "reason">;

/**
 * Gaps that still grow, one a lane. They are kept beside the lanes and become one item when the cloud can hear it: a lane that
 * drops at every tick must not flood the events lane, which is never trimmed unacked.
 */
export type OpenGaps = Map<Lane, Gap>;

const keyOf = (lane: Lane): string => `gap.${lane}`;

/** The growing gaps of a file. */
export function readGaps(db: DatabaseSync): OpenGaps {
  const gaps: OpenGaps = new Map();
  const select = db.prepare("SELECT value FROM meta WHERE key = ?");
  for (const lane of LANES) {
    const text = select.get(keyOf(lane))?.["value"];
    if (typeof text === "string" && text !== "") gaps.set(lane, JSON.parse(text) as Gap);
  }
  return gaps;
}

/** Writes what differs. `put` is the statement that stores a key of `meta`. */
export function writeGaps(put: StatementSync, before: OpenGaps, after: OpenGaps): void {
  for (const lane of LANES) {
    const gap = after.get(lane);
    if (gap !== before.get(lane)) put.run(keyOf(lane), gap === undefined ? "" : JSON.stringify(gap));
  }
}

/** Adds a range. Gives back the former gap of the lane when the new one does not continue it: it is complete and is to be told. */
export function addGap(gaps: OpenGaps, lane: Lane, found: Gap): Gap | undefined {
  const open = gaps.get(lane);
  const continues =
    open !== undefined && open.epoch === found.epoch && open.reason === found.reason && open.to + 1 === found.from;
  gaps.set(lane, continues ? { ...open, to: found.to } : found);
  return continues ? undefined : open;
}
