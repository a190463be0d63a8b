import {
  AttributeIds,
  DataType,
  EventFilter,
  LocalizedText,
  NodeId,
  SimpleAttributeOperand,
  type Variant,
} from "node-opcua";
import { standardNode } from "./node-ids.ts";

const BASE_EVENT = 2041;
const AUDIT_EVENT = 2052;
const CONDITION = 2782;
const ACKNOWLEDGEABLE_CONDITION = 2881;
const ALARM_CONDITION = 2915;

/** Fields asked of every event, each with the type that has it and its path there. [OPC 10000-5 §6.4.2, OPC 10000-9 §5] */
const FIELDS = [
  ["eventId", BASE_EVENT, "EventId"],
  ["eventType", BASE_EVENT, "EventType"],
  ["sourceNode", BASE_EVENT, "SourceNode"],
  ["sourceName", BASE_EVENT, "SourceName"],
  ["time", BASE_EVENT, "Time"],
  ["message", BASE_EVENT, "Message"],
  ["severity", BASE_EVENT, "Severity"],
  // the ConditionId is the NodeId of the condition itself: an empty path [OPC 10000-9 §5.5.2]
  ["conditionId", CONDITION, ""],
  ["conditionName", CONDITION, "ConditionName"],
  ["branchId", CONDITION, "BranchId"],
  ["retain", CONDITION, "Retain"],
  ["conditionClassId", CONDITION, "ConditionClassId"],
  ["acked", ACKNOWLEDGEABLE_CONDITION, "AckedState/Id"],
  ["confirmed", ACKNOWLEDGEABLE_CONDITION, "ConfirmedState/Id"],
  ["active", ALARM_CONDITION, "ActiveState/Id"],
  ["shelvingState", ALARM_CONDITION, "ShelvingState/CurrentState/Id"],
  ["suppressed", ALARM_CONDITION, "SuppressedState/Id"],
  ["suppressedOrShelved", ALARM_CONDITION, "SuppressedOrShelved"],
  ["actionTimeStamp", AUDIT_EVENT, "ActionTimeStamp"],
  ["clientUserId", AUDIT_EVENT, "ClientUserId"],
] as const;
type FieldName = (typeof FIELDS)[number][0];

/** What a server told of one event; undefined where the event has no such field. */
export interface EventRecord {
  readonly eventId: Buffer;
  readonly eventType: NodeId;
  readonly sourceNode: NodeId | undefined;
  readonly sourceName: string | undefined;
  readonly time: Date | undefined;
  readonly message: string | undefined;
  readonly severity: number | undefined;
  /** Present for events of conditions only. */
  readonly conditionId: NodeId | undefined;
  readonly conditionName: string | undefined;
  readonly branchId: NodeId | undefined;
  readonly retain: boolean | undefined;
  readonly conditionClassId: NodeId | undefined;
  readonly acked: boolean | undefined;
  readonly confirmed: boolean | undefined;
  readonly active: boolean | undefined;
  readonly shelvingState: NodeId | undefined;
  readonly suppressed: boolean | undefined;
  readonly suppressedOrShelved: boolean | undefined;
  /** Present for audit events only. */
  readonly actionTimeStamp: Date | undefined;
  readonly clientUserId: string | undefined;
}

/** The filter that asks for the fields of EventRecord, of every event. */
export function eventFilter(): EventFilter {
  return new EventFilter({
    selectClauses: FIELDS.map(
      ([, type, path]) =>
        new SimpleAttributeOperand({
          typeDefinitionId: standardNode(type),
          browsePath: path === "" ? [] : path.split("/").map((name) => ({ namespaceIndex: 0, name })),
          attributeId: path === "" ? AttributeIds.NodeId : AttributeIds.Value,
        }),
    ),
  });
}

const NO_EVENT = Buffer.alloc(0);
const PLACES = Object.fromEntries(FIELDS.map(([name], place) => [name, place])) as Readonly<Record<FieldName, number>>;

/** The record of an event notification; undefined when it has no id or no type, so that nothing can be said of it. */
export function eventRecord(fields: readonly Variant[] | null): EventRecord | undefined {
  const at = (name: FieldName): unknown => {
    const variant = fields?.[PLACES[name]];
    return variant === undefined || variant.dataType === DataType.Null ? undefined : (variant.value ?? undefined);
  };
  const node = (name: FieldName): NodeId | undefined => {
    const value = at(name);
    return value instanceof NodeId && !value.isEmpty() ? value : undefined;
  };
  const text = (name: FieldName): string | undefined => {
    const value = at(name);
    if (value instanceof LocalizedText) return value.text ?? undefined;
    return typeof value === "string" ? value : undefined;
  };
  const flag = (name: FieldName): boolean | undefined => {
    const value = at(name);
    return typeof value === "boolean" ? value : undefined;
  };
  const date = (name: FieldName): Date | undefined => {
    const value = at(name);
    return value instanceof Date ? value : undefined;
  };
  const conditionId = node("conditionId");
  // some servers restore a condition at their start without an event: it holds all the same, and only cannot be acted on yet
  const eventId = at("eventId") ?? (conditionId === undefined ? undefined : NO_EVENT);
  const eventType = node("eventType");
  if (!Buffer.isBuffer(eventId) || eventType === undefined) return undefined;
  const severity = at("severity");
  return {
    eventId,
    eventType,
    sourceNode: node("sourceNode"),
    sourceName: text("sourceName"),
    time: date("time"),
    message: text("message"),
    severity: typeof severity === "number" ? severity : undefined,
    conditionId,
    conditionName: text("conditionName"),
    branchId: node("branchId"),
    retain: flag("retain"),
    conditionClassId: node("conditionClassId"),
    acked: flag("acked"),
    confirmed: flag("confirmed"),
    active: flag("active"),
    shelvingState: node("shelvingState"),
    suppressed: flag("suppressed"),
    suppressedOrShelved: flag("suppressedOrShelved"),
    actionTimeStamp: date("actionTimeStamp"),
    clientUserId: text("clientUserId"),
  };
}
