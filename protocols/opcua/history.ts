import {
  AttributeIds,
  HistoryData,
  HistoryReadRequest,
  type HistoryReadResponse,
  type HistoryReadResult,
  type NodeId,
  NumericRange,
  ReadRawModifiedDetails,
  TimestampsToReturn,
} from "node-opcua";
import type { Clock } from "#core/clock.ts";
import type { Sample } from "#core/model/sample.ts";
import type { Connection } from "./connection.ts";
import type { OpcuaCounters } from "./counters.ts";
import { readingOf, timeOf } from "./map.ts";
import type { NodePoint } from "./point-values.ts";
import { readMany, type ServerFacts } from "./server-facts.ts";

const PAGE_VALUES = 1000;
/** Values of all points together that one outage may bring; a gateway has other things to do. */
const MOST_VALUES = 500_000;
/** AccessLevel bit HistoryRead. [OPC 10000-3 §8.57] */
const HISTORY_READ = 4;

/** What a server is asked for after an outage. */
export interface BackFill {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly counters: OpcuaCounters;
  readonly facts: ServerFacts;
  readonly points: readonly NodePoint[];
  /** Time span of the outage in the server's own time, Unix ms. */
  readonly from: number;
  readonly to: number;
  /** Most values of one point. */
  readonly most: number;
  /** Which points were told up to when, before the outage, server's time. */
  readonly told: ReadonlyMap<NodePoint, number>;
  readonly onHistory: (samples: readonly Sample[]) => void;
}

/** Takes over what the server recorded while it was out of reach, of the nodes that have a history. [OPC 10000-11 §6.5.3] */
export async function backFill(what: BackFill): Promise<void> {
  const recorded = await withHistory(what);
  let left = MOST_VALUES;
  const { historyReads } = what.facts;
  for (let at = 0; at < recorded.length && left > 0; at += historyReads) {
    left -= await readGroup(what, recorded.slice(at, at + historyReads), left);
  }
}

interface Recorded {
  readonly node: NodePoint;
  readonly nodeId: NodeId;
}

async function withHistory({ points, connection, facts }: BackFill): Promise<readonly Recorded[]> {
  const candidates = points.flatMap((node) => (node.nodeId === undefined ? [] : [{ node, nodeId: node.nodeId }]));
  const asked = candidates.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.UserAccessLevel }));
  const levels = await readMany(connection, asked, facts);
  return candidates.filter((_, at) => {
    const level: unknown = levels[at]?.value?.value;
    return typeof level === "number" && (level & HISTORY_READ) !== 0;
  });
}

interface Reading extends Recorded {
  readonly continuationPoint: Buffer | null;
  readonly taken: number;
}

/** Reads page after page of a group of nodes; gives the number of values. */
async function readGroup(what: BackFill, group: readonly Recorded[], left: number): Promise<number> {
  let open: readonly Reading[] = group.map((one) => ({ ...one, continuationPoint: null, taken: 0 }));
  let total = 0;
  while (open.length > 0 && total < left) {
    const results = await page(what, open, false);
    const next: Reading[] = [];
    for (const [at, reading] of open.entries()) {
      const result = results[at];
      if (result === undefined || !result.statusCode.isGoodish()) continue;
      const taken = reading.taken + take(what, reading, result);
      total += taken - reading.taken;
      const { continuationPoint } = result;
      if (continuationPoint === null || continuationPoint.length === 0) continue;
      next.push({ ...reading, continuationPoint, taken });
    }
    const full = next.filter(({ taken }) => taken >= what.most);
    // an open continuation point binds the server until it is released [OPC 10000-4 §7.9]
    if (full.length > 0) await page(what, full, true);
    open = next.filter(({ taken }) => taken < what.most);
  }
  if (open.length > 0) await page(what, open, true);
  return total;
}

async function page(
  { connection, from, to }: BackFill,
  readings: readonly Reading[],
  release: boolean,
): Promise<readonly HistoryReadResult[]> {
  const request = new HistoryReadRequest({
    historyReadDetails: new ReadRawModifiedDetails({
      isReadModified: false,
      startTime: new Date(from),
      endTime: new Date(to),
      numValuesPerNode: PAGE_VALUES,
      returnBounds: false,
    }),
    timestampsToReturn: TimestampsToReturn.Source,
    releaseContinuationPoints: release,
    nodesToRead: readings.map(({ node, nodeId, continuationPoint }) => ({
      nodeId,
      ...(node.address.index === undefined ? {} : { indexRange: new NumericRange(node.address.index) }),
      ...(continuationPoint === null ? {} : { continuationPoint }),
    })),
  });
  const { results } = await connection.ask<HistoryReadResponse>(request);
  return results ?? [];
}

/** Tells the values of one page that were not told before the outage; gives how many the page held. */
function take(what: BackFill, { node }: Reading, { historyData }: HistoryReadResult): number {
  if (!(historyData instanceof HistoryData)) return 0;
  const values = historyData.dataValues ?? [];
  const told = what.told.get(node) ?? 0;
  const observedAt = what.clock.now();
  const samples: Sample[] = [];
  for (const data of values) {
    const sourceTime = timeOf(data.sourceTimestamp);
    if (sourceTime === undefined || sourceTime <= told || sourceTime > what.to) continue;
    samples.push({ point: node.point, ...readingOf(data, node.address.index !== undefined), sourceTime, observedAt });
  }
  samples.sort((a, b) => (a.sourceTime ?? 0) - (b.sourceTime ?? 0));
  what.counters.historyValues += samples.length;
  if (samples.length > 0) what.onHistory(samples);
  return values.length;
}
