import { Compile } from "typebox/compile";
import { EventBatch } from "#core/contracts/lanes.ts";
import type { Range } from "../db/ranges.ts";

const { v, lane, epoch, firstOffset, lastOffset } = EventBatch.properties;
type Position = Pick<EventBatch, "lane" | "epoch" | "firstOffset" | "lastOffset">;
// The items are checked one by one, so that one bad item condemns no other.
const EPOCH = Compile(epoch);
const OFFSET = Compile(firstOffset);
const LAST = Compile(lastOffset);
const LANE = Compile(lane);
const VERSION = Compile(v);

type Json = Readonly<Record<string, unknown>>;

/** An event batch as received: its place in the lane and its items as they came, each with its offset. */
export interface ReceivedBatch {
  readonly lane: EventBatch["lane"];
  readonly epoch: string;
  readonly items: readonly { readonly offset: number; readonly item: Json }[];
}

/** What a payload on the events topic turned out to be. `place` says what to acknowledge when the rest cannot be read. */
export type ParsedBatch =
  | { readonly ok: true; readonly batch: ReceivedBatch }
  | {
      readonly ok: false;
      readonly code: "EVENT_BATCH_INVALID" | "EVENT_BATCH_VERSION";
      readonly reason: string;
      readonly place?: { readonly lane: EventBatch["lane"]; readonly epoch: string; readonly range: Range };
    };

/** Most offsets one batch may claim: more would let a single wrong message acknowledge a lane. */
const MAX_ITEMS = 10_000;

function isObject(json: unknown): json is Json {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function positionOf(json: Json): Position | undefined {
  const { lane: l, epoch: e, firstOffset: first, lastOffset: last } = json as Partial<Position>;
  if (!LANE.Check(l) || !EPOCH.Check(e) || !OFFSET.Check(first) || !LAST.Check(last)) return undefined;
  if (!Number.isSafeInteger(last) || last < first || last - first >= MAX_ITEMS) return undefined;
  return { lane: l, epoch: e, firstOffset: first, lastOffset: last };
}

/** The items with their offsets: the item's own, or by its place in the batch when it has none that fits. */
function placed(items: readonly unknown[], { firstOffset: first, lastOffset: last }: Position): ReceivedBatch["items"] {
  const found = new Map<number, Json>();
  for (const [i, raw] of items.entries()) {
    const item = isObject(raw) ? raw : { kind: null, value: raw };
    const own = item["offset"];
    const offset = typeof own === "number" && Number.isInteger(own) && own >= first && own <= last ? own : first + i;
    if (offset <= last && !found.has(offset)) found.set(offset, item);
  }
  return [...found].sort(([a], [b]) => a - b).map(([offset, item]) => ({ offset, item }));
}

/** Reads a payload of the events topic. Never throws for what others send. */
export function parseEventBatch(payload: Uint8Array): ParsedBatch {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("utf8"));
  } catch (error) {
    return { ok: false, code: "EVENT_BATCH_INVALID", reason: `not JSON: ${String(error).slice(0, 200)}` };
  }
  if (!isObject(json)) return { ok: false, code: "EVENT_BATCH_INVALID", reason: "not a JSON object" };
  const position = positionOf(json);
  if (position === undefined)
    return {
      ok: false,
      code: "EVENT_BATCH_INVALID",
      reason: "lane, epoch, firstOffset or lastOffset is missing or wrong",
    };
  const range = { from: position.firstOffset, to: position.lastOffset };
  const place = { lane: position.lane, epoch: position.epoch, range };
  if (!VERSION.Check(json["v"]))
    return { ok: false, code: "EVENT_BATCH_VERSION", reason: `v is ${JSON.stringify(json["v"])}, expected 1`, place };
  const items = json["items"];
  if (!Array.isArray(items)) return { ok: false, code: "EVENT_BATCH_INVALID", reason: "items is not an array", place };
  return { ok: true, batch: { lane: position.lane, epoch: position.epoch, items: placed(items, position) } };
}
