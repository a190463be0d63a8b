import {
  AttributeIds,
  type DataValue,
  type NodeId,
  type NumericRange,
  ReadRequest,
  type ReadResponse,
  TimestampsToReturn,
} from "node-opcua";
import type { Connection } from "./connection.ts";
import { OpcuaFault } from "./errors.ts";
import { standardNode } from "./node-ids.ts";

const NAMESPACE_ARRAY = 2255;
const MAX_NODES_PER_READ = 11705;
const MAX_NODES_PER_BROWSE = 11710;
const MAX_MONITORED_ITEMS_PER_CALL = 11714;
const MAX_NODES_PER_HISTORY_READ = 12165;
/** Largest group that is asked for at once, whatever the server allows. */
const GROUP = 1000;
const HISTORY_GROUP = 50;

/** What a server tells of itself at the beginning of a connection. [OPC 10000-5 §6.3.11] */
export interface ServerFacts {
  readonly namespaces: readonly string[];
  /** Largest number of nodes in one request of each kind. */
  readonly reads: number;
  readonly browses: number;
  readonly monitoredItems: number;
  readonly historyReads: number;
}

/** One attribute of one node, as a read asks for it. */
export interface Asked {
  readonly nodeId: NodeId;
  readonly attributeId: AttributeIds;
  readonly indexRange?: NumericRange;
}

/** Reads attributes, as many as fit into one request; the answers stand in the order asked. @throws OPCUA_FAULT, OPCUA_TIMEOUT, OPCUA_UNREACHABLE */
export async function readAttributes(
  connection: Connection,
  nodesToRead: readonly Asked[],
): Promise<readonly DataValue[]> {
  if (nodesToRead.length === 0) return [];
  const request = new ReadRequest({
    nodesToRead: [...nodesToRead],
    maxAge: 0,
    timestampsToReturn: TimestampsToReturn.Source,
  });
  const { results } = await connection.ask<ReadResponse>(request);
  return results ?? [];
}

const TOO_MUCH = ["BadTooManyOperations", "BadRequestTooLarge", "BadResponseTooLarge", "BadEncodingLimitsExceeded"];

/**
 * Does something with items in groups of at most `size`, and in smaller ones where the server finds that too much: many have
 * limits that they do not tell.
 */
export async function inGroups<T>(
  items: readonly T[],
  size: number,
  work: (group: readonly T[], from: number) => Promise<void>,
): Promise<void> {
  let group = Math.max(1, size);
  for (let at = 0; at < items.length; ) {
    const some = items.slice(at, at + group);
    try {
      await work(some, at);
      at += some.length;
    } catch (error) {
      if (!(error instanceof OpcuaFault) || !TOO_MUCH.includes(error.status) || some.length === 1) throw error;
      group = Math.ceil(some.length / 2);
    }
  }
}

/** As `readAttributes`, in as many requests as the server's limit needs. */
export async function readMany(
  connection: Connection,
  asked: readonly Asked[],
  { reads }: Pick<ServerFacts, "reads">,
): Promise<readonly DataValue[]> {
  const all: DataValue[] = [];
  await inGroups(asked, reads, async (group) => {
    all.push(...(await readAttributes(connection, group)));
  });
  return all;
}

function limit(data: DataValue | undefined, ours: number): number {
  const told: unknown = data?.value?.value;
  // 0 stands for no limit
  return typeof told === "number" && told > 0 ? Math.min(told, ours) : ours;
}

/** @throws OPCUA_FAULT, OPCUA_TIMEOUT, OPCUA_UNREACHABLE */
export async function readFacts(connection: Connection): Promise<ServerFacts> {
  const nodes = [
    NAMESPACE_ARRAY,
    MAX_NODES_PER_READ,
    MAX_NODES_PER_BROWSE,
    MAX_MONITORED_ITEMS_PER_CALL,
    MAX_NODES_PER_HISTORY_READ,
  ];
  const asked = nodes.map((node) => ({ nodeId: standardNode(node), attributeId: AttributeIds.Value }));
  const [namespaces, reads, browses, monitoredItems, historyReads] = await readAttributes(connection, asked);
  const texts: unknown = namespaces?.value?.value;
  return {
    namespaces: Array.isArray(texts) ? texts.map(String) : [],
    reads: limit(reads, GROUP),
    browses: limit(browses, GROUP),
    monitoredItems: limit(monitoredItems, GROUP),
    historyReads: limit(historyReads, HISTORY_GROUP),
  };
}
