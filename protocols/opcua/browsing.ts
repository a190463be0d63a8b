import {
  AttributeIds,
  BrowseDirection,
  BrowseNextRequest,
  type BrowseNextResponse,
  BrowseRequest,
  type BrowseResponse,
  type BrowseResult,
  coerceNodeId,
  NodeClass,
  type NodeId,
} from "node-opcua";
import type { Connection } from "./connection.ts";
import { standardNode } from "./node-ids.ts";
import type { ServerFacts } from "./server-facts.ts";

const OBJECTS_FOLDER = 85;
const SERVER = 2253;
const HIERARCHICAL = 33;
const HAS_PROPERTY = 46;
/** Bounds of a discovery: a server may hold millions of nodes, and circles of references. */
const MOST_VARIABLES = 5000;
const MOST_NODES = 20_000;
const DEEPEST = 12;
const REFERENCES = 1000;
const MOST_PAGES = 50;
const BROWSE_NAME_FIELDS = 63;

/** One variable that was found. */
export interface FoundVariable {
  readonly nodeId: NodeId;
  readonly name: string;
  /** Names of the objects above it, from the Objects folder on. */
  readonly path: readonly string[];
  /** Its properties by name: EngineeringUnits, EnumStrings ... */
  readonly properties: ReadonlyMap<string, NodeId>;
}

/** What a browse found, and where it had to stop. */
export interface Browsed {
  readonly variables: readonly FoundVariable[];
  readonly problems: readonly string[];
}

interface Reference {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly browseName: string;
  readonly nodeClass: NodeClass;
  readonly property: boolean;
}

async function references(
  connection: Connection,
  nodes: readonly NodeId[],
  problems: Set<string>,
): Promise<readonly (readonly Reference[])[]> {
  const request = new BrowseRequest({
    requestedMaxReferencesPerNode: REFERENCES,
    nodesToBrowse: nodes.map((nodeId) => ({
      nodeId,
      browseDirection: BrowseDirection.Forward,
      referenceTypeId: standardNode(HIERARCHICAL),
      includeSubtypes: true,
      nodeClassMask: 1 + 2,
      resultMask: BROWSE_NAME_FIELDS,
    })),
  });
  const { results } = await connection.ask<BrowseResponse>(request);
  const all: (readonly Reference[])[] = [];
  for (const [at, result] of (results ?? []).entries()) {
    if (result.statusCode.isGoodish()) all.push(await pages(connection, result));
    else {
      problems.add(`${nodes[at]?.toString()}: ${result.statusCode.name}`);
      all.push([]);
    }
  }
  return all;
}

/** All references of one node: a server gives them in pages. */
async function pages(connection: Connection, first: BrowseResult): Promise<readonly Reference[]> {
  const found = described(first);
  let point = first.continuationPoint;
  for (let page = 0; point !== null && point !== undefined && point.length > 0; page++) {
    const request = new BrowseNextRequest({
      continuationPoints: [point],
      releaseContinuationPoints: page >= MOST_PAGES,
    });
    const { results } = await connection.ask<BrowseNextResponse>(request);
    const next = results?.[0];
    if (page >= MOST_PAGES || next === undefined || !next.statusCode.isGoodish()) break;
    found.push(...described(next));
    point = next.continuationPoint;
  }
  return found;
}

function described({ references: list }: BrowseResult): Reference[] {
  return (list ?? []).map((reference) => ({
    nodeId: coerceNodeId(reference.nodeId.toString()),
    name: reference.displayName.text ?? reference.browseName.name ?? "",
    browseName: reference.browseName.name ?? "",
    nodeClass: reference.nodeClass,
    property: reference.referenceTypeId.namespace === 0 && reference.referenceTypeId.value === HAS_PROPERTY,
  }));
}

interface Level {
  readonly nodeId: NodeId;
  readonly path: readonly string[];
  readonly variable: Reference | undefined;
}

/** Walks below the Objects folder, without the Server object, and gives the variables. @throws OPCUA_FAULT, OPCUA_TIMEOUT, OPCUA_UNREACHABLE */
export async function browseVariables(connection: Connection, facts: ServerFacts): Promise<Browsed> {
  const problems = new Set<string>();
  const variables: FoundVariable[] = [];
  const seen = new Set<string>();
  const group = Math.min(facts.browses, 100);
  let level: readonly Level[] = [{ nodeId: standardNode(OBJECTS_FOLDER), path: [], variable: undefined }];
  for (let depth = 0; depth < DEEPEST && level.length > 0 && variables.length < MOST_VARIABLES; depth++) {
    const next: Level[] = [];
    for (let at = 0; at < level.length && variables.length < MOST_VARIABLES; at += group) {
      const some = level.slice(at, at + group);
      const found = await references(
        connection,
        some.map(({ nodeId }) => nodeId),
        problems,
      );
      for (const [place, one] of some.entries()) {
        const below = found[place] ?? [];
        if (one.variable !== undefined) variables.push(variable(one, one.variable, below));
        next.push(...children(one, below, seen));
      }
    }
    level = next;
  }
  if (level.length > 0) problems.add(`not all was browsed: at most ${MOST_VARIABLES} variables, ${DEEPEST} levels`);
  if (seen.size >= MOST_NODES) problems.add(`not all was browsed: at most ${MOST_NODES} nodes`);
  return { variables: variables.slice(0, MOST_VARIABLES), problems: [...problems].slice(0, 100) };
}

function variable({ path, nodeId }: Level, reference: Reference, below: readonly Reference[]): FoundVariable {
  const properties = below.filter(({ property }) => property).map((one) => [one.browseName, one.nodeId] as const);
  return { nodeId, name: reference.name, path: path.slice(0, -1), properties: new Map(properties) };
}

function children({ path }: Level, below: readonly Reference[], seen: Set<string>): readonly Level[] {
  return below.flatMap((reference) => {
    const key = reference.nodeId.toString();
    const skipped = reference.property || (reference.nodeId.namespace === 0 && reference.nodeId.value === SERVER);
    if (skipped || seen.has(key) || seen.size >= MOST_NODES) return [];
    seen.add(key);
    const isVariable = reference.nodeClass === NodeClass.Variable;
    return [
      { nodeId: reference.nodeId, path: [...path, reference.name], variable: isVariable ? reference : undefined },
    ];
  });
}

/** Attributes that are read of each variable. */
export const VARIABLE_ATTRIBUTES = [
  AttributeIds.DataType,
  AttributeIds.UserAccessLevel,
  AttributeIds.ValueRank,
] as const;
