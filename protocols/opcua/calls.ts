import {
  type CallMethodResult,
  CallRequest,
  type CallResponse,
  coerceNodeId,
  DataType,
  LocalizedText,
  type NodeId,
  TranslateBrowsePathsToNodeIdsRequest,
  type TranslateBrowsePathsToNodeIdsResponse,
  Variant,
} from "node-opcua";
import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage, InvalidInputError } from "#core/errors.ts";
import type { Value } from "#core/model/sample.ts";
import type { ActionRequest, ActionResult } from "../driver.ts";
import type { Conditions, KnownCondition } from "./conditions.ts";
import type { AllowedMethod } from "./config.ts";
import type { Connection } from "./connection.ts";
import { OpcuaFault } from "./errors.ts";
import { converted } from "./map.ts";
import { resolvedNodeId, standardNode } from "./node-ids.ts";
import { variantOf } from "./variants.ts";
import type { ArgumentType } from "./vocabulary.ts";

const ACKNOWLEDGE = 9111;
const CONFIRM = 9113;
const TIMED_SHELVE = 2949;
const UNSHELVE = 2947;
const CONDITION_TYPE = 2782;
const CONDITION_REFRESH = 3875;
const HAS_COMPONENT = 47;

const LONGEST_COMMENT = 1000;
/** How long an event may be on its way, and how often is looked. */
const EVENT_DELAY_MS = 2000;
const EVENT_CHECK_MS = 50;
const LONGEST_SHELVING_MINUTES = 60 * 24 * 7;
/** What says that somebody was faster: the wish is fulfilled. */
const ALREADY = [
  "BadConditionBranchAlreadyAcked",
  "BadConditionBranchAlreadyConfirmed",
  "BadConditionAlreadyShelved",
  "BadConditionNotShelved",
];

const rejected = (code: string, message: string): ActionResult => ({ status: "rejected", code, message });

/** The result of an action that threw. */
export function failedAction(error: unknown): ActionResult {
  const code = errorCode(error);
  if (error instanceof InvalidInputError) return rejected(code, errorMessage(error));
  return { status: code === "OPCUA_TIMEOUT" ? "timeout" : "failed", code, message: errorMessage(error) };
}

/** @throws OPCUA_FAULT, OPCUA_TIMEOUT, OPCUA_UNREACHABLE */
async function call(
  connection: Connection,
  objectId: NodeId,
  methodId: NodeId,
  inputArguments: readonly Variant[],
): Promise<CallMethodResult> {
  const request = new CallRequest({ methodsToCall: [{ objectId, methodId, inputArguments: [...inputArguments] }] });
  const { results } = await connection.ask<CallResponse>(request);
  const result = results?.[0];
  if (result === undefined) throw new OpcuaFault(`method ${methodId.toString()}`, "BadUnexpectedError");
  if (!result.statusCode.isGoodish()) {
    throw new OpcuaFault(`method ${methodId.toString()}`, result.statusCode.name);
  }
  return result;
}

/**
 * Asks for all conditions that the server retains; they come as events. Gives the status with which the server refuses, as one that
 * has no conditions does. [OPC 10000-9 §5.5.7] @throws OPCUA_TIMEOUT, OPCUA_UNREACHABLE
 */
export async function refreshConditions(connection: Connection, subscription: number): Promise<string | undefined> {
  const id = new Variant({ dataType: DataType.UInt32, value: subscription });
  try {
    await call(connection, standardNode(CONDITION_TYPE), standardNode(CONDITION_REFRESH), [id]);
    return undefined;
  } catch (error) {
    if (!(error instanceof OpcuaFault)) throw error;
    // one that runs already tells the same
    return error.status === "BadRefreshInProgress" ? undefined : error.status;
  }
}

/** What the actions on conditions need of their server. */
export interface ConditionCall {
  readonly connection: Connection;
  readonly conditions: Conditions;
  readonly clock: Clock;
  readonly request: ActionRequest;
}

/** Performs acknowledgeCondition, confirmCondition, shelveCondition or unshelveCondition. Never throws. */
export async function actOnCondition(what: ConditionCall): Promise<ActionResult> {
  const { conditions, request } = what;
  const name = request.params["condition"];
  const known = typeof name === "string" ? conditions.known(name) : undefined;
  if (known === undefined) {
    return rejected("OPCUA_CONDITION_UNKNOWN", `${request.device} retains no condition "${name ?? ""}"`);
  }
  try {
    return await conditionMethod(what, known);
  } catch (error) {
    if (!(error instanceof OpcuaFault)) return failedAction(error);
    if (ALREADY.includes(error.status)) return { status: "done" };
    const newer = error.status === "BadEventIdUnknown" ? await newerEvent(what, known) : undefined;
    return newer === undefined ? failedAction(error) : await conditionMethod(what, newer).catch(failedAction);
  }
}

/** The condition has changed since its last event here: waits for the event that tells it. Undefined when none comes. */
async function newerEvent(
  { clock, conditions }: ConditionCall,
  known: KnownCondition,
): Promise<KnownCondition | undefined> {
  for (let waitedMs = 0; waitedMs < EVENT_DELAY_MS; waitedMs += EVENT_CHECK_MS) {
    const newest = conditions.known(known.told.condition);
    if (newest === undefined || !newest.eventId.equals(known.eventId)) return newest;
    await new Promise<void>((resolve) => clock.after(EVENT_CHECK_MS, resolve));
  }
  return undefined;
}

async function conditionMethod({ connection, request }: ConditionCall, known: KnownCondition): Promise<ActionResult> {
  const { action, params } = request;
  switch (action) {
    case "acknowledgeCondition":
    case "confirmCondition": {
      const comment = String(params["comment"] ?? "").slice(0, LONGEST_COMMENT);
      await call(connection, known.conditionId, standardNode(action === "confirmCondition" ? CONFIRM : ACKNOWLEDGE), [
        new Variant({ dataType: DataType.ByteString, value: known.eventId }),
        new Variant({ dataType: DataType.LocalizedText, value: new LocalizedText({ text: comment }) }),
      ]);
      return { status: "done" };
    }
    case "shelveCondition": {
      const minutes = params["minutes"];
      if (typeof minutes !== "number" || !(minutes > 0) || minutes > LONGEST_SHELVING_MINUTES) {
        return rejected(
          "OPCUA_PARAMETER_INVALID",
          `minutes: expected 0 to ${LONGEST_SHELVING_MINUTES}, got ${minutes}`,
        );
      }
      const time = new Variant({ dataType: DataType.Double, value: minutes * 60_000 });
      await call(connection, await shelvingOf(connection, known.conditionId), standardNode(TIMED_SHELVE), [time]);
      return { status: "done" };
    }
    case "unshelveCondition":
      await call(connection, await shelvingOf(connection, known.conditionId), standardNode(UNSHELVE), []);
      return { status: "done" };
    default:
      return rejected("ACTION_UNKNOWN", `conditions have no action "${action}"`);
  }
}

/** The ShelvingState object of a condition; the condition itself where the server shows no instances. [OPC 10000-9 §5.8.17] */
async function shelvingOf(connection: Connection, conditionId: NodeId): Promise<NodeId> {
  const request = new TranslateBrowsePathsToNodeIdsRequest({
    browsePaths: [
      {
        startingNode: conditionId,
        relativePath: {
          elements: [
            {
              referenceTypeId: standardNode(HAS_COMPONENT),
              isInverse: false,
              includeSubtypes: true,
              targetName: { namespaceIndex: 0, name: "ShelvingState" },
            },
          ],
        },
      },
    ],
  });
  const { results } = await connection.ask<TranslateBrowsePathsToNodeIdsResponse>(request);
  const target = results?.[0]?.targets?.[0]?.targetId;
  return target === undefined ? conditionId : coerceNodeId(target.toString());
}

/** Calls a method that the device's section allows, and gives its output arguments as `out0`, `out1` ... Never throws. */
export async function callMethod(
  connection: Connection,
  namespaces: readonly string[],
  allowed: readonly AllowedMethod[],
  { params, device }: ActionRequest,
): Promise<ActionResult> {
  const method = allowed.find((one) => one.object === params["object"] && one.method === params["method"]);
  if (method === undefined) {
    const text = `${device}: method ${params["method"]} of ${params["object"]} is not among the allowed ones`;
    return rejected("OPCUA_METHOD_NOT_ALLOWED", text);
  }
  try {
    const object = resolvedNodeId(method.object, namespaces);
    const id = resolvedNodeId(method.method, namespaces);
    if (object === undefined || id === undefined) {
      return rejected("OPCUA_NODE_UNKNOWN", `${device}: the server does not have the method's namespace`);
    }
    const given = (method.arguments ?? []).map(({ name, dataType }) => argument(name, dataType, params[name]));
    const { outputArguments } = await call(connection, object, id, given);
    const data: Record<string, string | number | boolean> = {};
    for (const [at, output] of (outputArguments ?? []).entries()) {
      const { value } = converted(output, false);
      if (value !== null) data[`out${at}`] = value;
    }
    return { status: "done", data };
  } catch (error) {
    return failedAction(error);
  }
}

/** @throws OPCUA_PARAMETER_INVALID */
function argument(name: string, dataType: ArgumentType, value: Value | undefined): Variant {
  const variant = variantOf(DataType[dataType], value ?? null);
  if (variant !== undefined) return variant;
  throw new InvalidInputError("OPCUA_PARAMETER_INVALID", `${name}: expected ${dataType}, got ${JSON.stringify(value)}`);
}
