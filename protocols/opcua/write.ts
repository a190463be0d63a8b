import {
  AttributeIds,
  BrowseDirection,
  BrowseRequest,
  type BrowseResponse,
  DataType,
  DataValue,
  NodeId,
  NumericRange,
  type StatusCode,
  Variant,
  VariantArrayType,
  type WriteResponse,
  WriteRequest as WriteServiceRequest,
} from "node-opcua";
import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Value } from "#core/model/sample.ts";
import type { WriteResult } from "../driver.ts";
import type { Connection } from "./connection.ts";
import { converted, readingOf } from "./map.ts";
import { pause } from "./pause.ts";
import type { NodePoint } from "./point-values.ts";
import { readAttributes } from "./server-facts.ts";
import { variantOf } from "./variants.ts";

const READ_BACKS = 3;
const READ_BACK_PAUSE_MS = 200;
const HAS_SUBTYPE = "i=45";
/** Deepest chain of data types that is followed to a built-in one. */
const DEEPEST_TYPE = 10;
const LAST_BUILT_IN = 25;
/** Abstract types of namespace 0, and what is written where nothing says more. [OPC 10000-3 §8] */
const ABSTRACT: Readonly<Record<number, DataType>> = {
  26: DataType.Double,
  27: DataType.Int32,
  28: DataType.UInt32,
  29: DataType.Int32,
};

/** What a write needs of its server. */
export interface WriteDeps {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Types found earlier in this session, by NodeId. */
  readonly types: Map<string, DataType>;
  /** Told what was read back, a sample at once. */
  readonly onRead: (data: DataValue) => void;
}

const failed = (code: string, message: string): WriteResult => ({ status: "failed", code, message });
const rejected = (code: string, message: string): WriteResult => ({ status: "rejected", code, message });

/** Writes the Value attribute in the node's own type and reads it back. Never throws. [OPC 10000-4 §5.11.4] */
export async function writeNode(node: NodePoint, value: Value, deps: WriteDeps): Promise<WriteResult> {
  const { nodeId, address, point } = node;
  if (nodeId === undefined)
    return rejected("OPCUA_NODE_UNKNOWN", `${point}: the server does not have ${address.nodeId}`);
  if (address.index?.includes(",") === true) {
    return rejected("OPCUA_POINT_READ_ONLY", `${point}: an element of a matrix cannot be written`);
  }
  try {
    const dataType = await typeOf(nodeId, deps);
    const variant = dataType === undefined ? undefined : variantOf(dataType, value);
    if (dataType === undefined || variant === undefined) {
      const text = `${point}: ${JSON.stringify(value)} does not fit ${dataType === undefined ? "its type" : DataType[dataType]}`;
      return rejected("OPCUA_VALUE_INVALID", text);
    }
    const status = await write(nodeId, address.index, variant, deps.connection);
    if (!status.isGoodish()) return failed("OPCUA_WRITE_REFUSED", `${point}: ${status.name}`);
    return await readBack(node, nodeId, variant, deps);
  } catch (error) {
    const code = errorCode(error);
    return { status: code === "OPCUA_TIMEOUT" ? "timeout" : "failed", code, message: errorMessage(error) };
  }
}

async function write(
  nodeId: NodeId,
  index: string | undefined,
  variant: Variant,
  connection: Connection,
): Promise<StatusCode> {
  const { dataType, value } = variant;
  const element = new Variant({ dataType, arrayType: VariantArrayType.Array, value: [value] });
  const request = new WriteServiceRequest({
    nodesToWrite: [
      {
        nodeId,
        attributeId: AttributeIds.Value,
        ...(index === undefined ? {} : { indexRange: new NumericRange(index) }),
        // many servers refuse a write with time stamps [OPC 10000-4 §5.11.4.2]
        value: new DataValue({ value: index === undefined ? variant : element }),
      },
    ],
  });
  const { results } = await connection.ask<WriteResponse>(request);
  const status = results?.[0];
  if (status === undefined) throw new TypeError("the write answer holds no result");
  return status;
}

async function readBack(node: NodePoint, nodeId: NodeId, written: Variant, deps: WriteDeps): Promise<WriteResult> {
  const { index } = node.address;
  const wanted = converted(written, false).value;
  let last: Value = null;
  for (let attempt = 1; attempt <= READ_BACKS; attempt++) {
    const asked = {
      nodeId,
      attributeId: AttributeIds.Value,
      ...(index === undefined ? {} : { indexRange: new NumericRange(index) }),
    };
    const [data] = await readAttributes(deps.connection, [asked]);
    if (data === undefined) break;
    deps.onRead(data);
    last = readingOf(data, index !== undefined).value;
    if (sameValue(wanted, last)) return { status: "done", readBack: last };
    if (attempt < READ_BACKS) await pause(deps.clock, READ_BACK_PAUSE_MS, deps.signal);
  }
  return failed("OPCUA_NOT_CONFIRMED", `${node.point}: written, but the server holds ${JSON.stringify(last)}`);
}

/** A number counts as equal after rounding to Float. */
function sameValue(written: Value, read: Value): boolean {
  if (written === read) return true;
  return typeof written === "number" && typeof read === "number" && Math.fround(written) === Math.fround(read);
}

/** The built-in type of a node's value; undefined for structures. */
async function typeOf(nodeId: NodeId, { connection, types }: WriteDeps): Promise<DataType | undefined> {
  const key = nodeId.toString();
  const known = types.get(key);
  if (known !== undefined) return known;
  const [value, declared] = await readAttributes(connection, [
    { nodeId, attributeId: AttributeIds.Value },
    { nodeId, attributeId: AttributeIds.DataType },
  ]);
  const present = value?.value?.dataType;
  const type: unknown = declared?.value?.value;
  const found =
    present !== undefined && present !== DataType.Null
      ? present
      : await builtIn(type instanceof NodeId ? type : undefined, connection);
  if (found !== undefined) types.set(key, found);
  return found;
}

/** Follows a data type up to a built-in one. */
export async function builtIn(type: NodeId | undefined, connection: Connection): Promise<DataType | undefined> {
  let at = type;
  for (let depth = 0; depth < DEEPEST_TYPE && at !== undefined; depth++) {
    if (at.namespace === 0 && typeof at.value === "number") {
      const known = at.value > 0 && at.value <= LAST_BUILT_IN ? (at.value as DataType) : ABSTRACT[at.value];
      if (known !== undefined)
        return known === DataType.Variant || known === DataType.ExtensionObject ? undefined : known;
    }
    const request = new BrowseRequest({
      requestedMaxReferencesPerNode: 1,
      nodesToBrowse: [
        {
          nodeId: at,
          browseDirection: BrowseDirection.Inverse,
          referenceTypeId: HAS_SUBTYPE,
          includeSubtypes: false,
          nodeClassMask: 0,
          resultMask: 0,
        },
      ],
    });
    const { results }: BrowseResponse = await connection.ask<BrowseResponse>(request);
    at = results?.[0]?.references?.[0]?.nodeId;
  }
  return undefined;
}
