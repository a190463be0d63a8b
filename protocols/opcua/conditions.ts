import type { EventFieldList, NodeId } from "node-opcua";
import type { Clock } from "#core/clock.ts";
import { type DeviceId, newId } from "#core/ids.ts";
import type { AlarmCategory, AlarmPriority } from "#core/model/alarm.ts";
import type { FieldCondition } from "#core/model/field-condition.ts";
import type { DriverDeps } from "../driver.ts";
import type { OpcuaCounters } from "./counters.ts";
import { type EventRecord, eventRecord } from "./event-fields.ts";
import { timeOf } from "./map.ts";
import { nodeText } from "./node-ids.ts";

const REFRESH_START = 2787;
const REFRESH_END = 2788;
const REFRESH_REQUIRED = 2789;
const EVENT_QUEUE_OVERFLOW = 3035;
const CERTIFICATE_EXPIRATION_ALARM = 13225;
const MAINTENANCE_CLASS = 11165;
const SYSTEM_CLASS = 11166;

const UNSHELVED = 2930;

const LONGEST_NAME = 200;
const LONGEST_MESSAGE = 1000;
/** A server keeps fewer; more than so many are told, but cannot be acknowledged from here. */
const MOST_CONDITIONS = 20_000;
/** Event ids that are remembered, so that what a server tells again is told once. */
const REMEMBERED_EVENTS = 2000;

/** A condition that the server retains, with what its methods need. */
export interface KnownCondition {
  readonly conditionId: NodeId;
  /** Of the newest event: acknowledging an older one is refused. [OPC 10000-9 §5.7.3] */
  readonly eventId: Buffer;
  readonly told: FieldCondition;
}

/** What conditions need of their server. */
export interface ConditionsDeps extends Pick<DriverDeps, "onConditions" | "onEvent"> {
  readonly device: DeviceId;
  readonly clock: Clock;
  readonly counters: OpcuaCounters;
  /** The server wants a ConditionRefresh, or has lost events. */
  readonly onRefreshRequired: () => void;
}

/** Priority of an OPC UA severity, 1 to 1000. [OPC 10000-5 §6.4.2] */
export function priorityOf(severity: number): AlarmPriority {
  if (severity > 800) return "urgent";
  if (severity > 600) return "high";
  return severity > 333 ? "medium" : "low";
}

/** Long runs of digits may be card numbers or codes: their last two digits are enough to tell them apart. */
export function masked(text: string): string {
  return text.replaceAll(/\d{6,}/g, (digits) => `***${digits.slice(-2)}`);
}

function categoryOf({ conditionClassId, eventType }: EventRecord): AlarmCategory | undefined {
  if (eventType.namespace === 0 && eventType.value === CERTIFICATE_EXPIRATION_ALARM) return "system";
  if (conditionClassId?.namespace !== 0) return undefined;
  if (conditionClassId.value === SYSTEM_CLASS) return "system";
  return conditionClassId.value === MAINTENANCE_CLASS ? "equipment" : undefined;
}

/**
 * Name of a condition that is the same after a restart of the server: its source and its own name, because many servers number
 * the condition itself anew. `#` and the branch follow for an earlier state that still waits for a person. [OPC 10000-9 §5.5.2]
 */
export function conditionName(record: EventRecord, namespaces: readonly string[]): string {
  const { sourceNode, conditionName: own, conditionId, branchId } = record;
  const source = sourceNode ?? conditionId;
  const named = own === undefined || own === "" || sourceNode === undefined;
  const where = source === undefined ? "" : nodeText(source, namespaces);
  const name = named ? nodeText(conditionId ?? record.eventType, namespaces) : `${where}/${own}`;
  const branch = branchId === undefined ? "" : `#${nodeText(branchId, namespaces)}`;
  return `${name.slice(0, LONGEST_NAME - branch.length)}${branch}`;
}

/** Events of one server: conditions are mirrored, everything else is passed on. */
export class Conditions {
  readonly #deps: ConditionsDeps;
  #namespaces: readonly string[] = [];
  #known = new Map<string, KnownCondition>();
  /** What a refresh under way has told so far; undefined while none is, or where some of it is lost. */
  #refreshed: Set<string> | undefined;
  /** Was an overflow told since the last whole refresh? */
  #overflown = false;
  readonly #seen = new Set<string>();

  constructor(deps: ConditionsDeps) {
    this.#deps = deps;
  }

  /** To be called before the first event of a connection. */
  begin(namespaces: readonly string[]): void {
    this.#namespaces = namespaces;
    this.#overflown = false;
    this.interrupted();
  }

  /** Some of what the server sent is lost: what a refresh under way did not tell is not over for that. */
  interrupted(): void {
    this.#refreshed = undefined;
  }

  /** What is known of a condition that the server retains. */
  known(condition: string): KnownCondition | undefined {
    return this.#known.get(condition);
  }

  /** Takes events in the server's order. */
  events(lists: readonly EventFieldList[]): void {
    const changed: FieldCondition[] = [];
    for (const { eventFields } of lists) {
      const record = eventRecord(eventFields);
      if (record === undefined) this.#deps.counters.malformed++;
      else if (record.conditionId !== undefined) changed.push(...this.#condition(record));
      else if (!this.#control(record, changed)) this.#other(record);
    }
    this.#report(changed, false);
  }

  #report(conditions: readonly FieldCondition[], complete: boolean): void {
    if (conditions.length === 0 && !complete) return;
    this.#deps.onConditions({ device: this.#deps.device, conditions: [...conditions], complete });
  }

  /** Events about the events themselves; true when it was one. `changed`: what was collected before it, told first. */
  #control({ eventType }: EventRecord, changed: FieldCondition[]): boolean {
    if (eventType.namespace !== 0) return false;
    switch (eventType.value) {
      case REFRESH_START:
        this.#refreshed = new Set();
        return true;
      case REFRESH_END:
        this.#report(changed.splice(0), false);
        this.#endRefresh();
        return true;
      case EVENT_QUEUE_OVERFLOW:
        this.interrupted();
        // a server whose queue is smaller than its list of conditions overflows at each refresh
        if (!this.#overflown) this.missing("overflow");
        this.#overflown = true;
        this.#deps.onRefreshRequired();
        return true;
      case REFRESH_REQUIRED:
        this.#deps.onRefreshRequired();
        return true;
      default:
        return false;
    }
  }

  /** All that the server retains was told: every other condition is over. [OPC 10000-9 §4.5] */
  #endRefresh(): void {
    const refreshed = this.#refreshed;
    if (refreshed === undefined) return;
    this.#refreshed = undefined;
    this.#overflown = false;
    this.#known = new Map([...this.#known].filter(([name]) => refreshed.has(name)));
    this.#report(
      [...this.#known.values()].map(({ told }) => told),
      true,
    );
  }

  #condition(record: EventRecord): readonly FieldCondition[] {
    const { conditionId, eventId, retain } = record;
    if (conditionId === undefined) return [];
    this.#deps.counters.conditionEvents++;
    const told = this.#told(record);
    const name = told.condition;
    const before = this.#known.get(name);
    this.#refreshed?.add(name);
    if (retain === false) this.#refreshed?.delete(name);
    // some servers retain an active condition no longer once it is confirmed; it can still be acted on
    if (retain === false && !told.active && told.acknowledged !== false) this.#known.delete(name);
    else if (before !== undefined || this.#known.size < MOST_CONDITIONS) {
      this.#known.set(name, { conditionId, eventId, told });
    }
    // a refresh repeats the newest event of each condition
    return before?.eventId.equals(eventId) === true && sameCondition(before.told, told) ? [] : [told];
  }

  #told(record: EventRecord): FieldCondition {
    const { acked, active, confirmed, message, retain, severity } = record;
    const shelved = isShelved(record);
    const category = categoryOf(record);
    const sourceTime = timeOf(record.time);
    return {
      device: this.#deps.device,
      condition: conditionName(record, this.#namespaces),
      // a condition that is no alarm holds for as long as it is of interest
      active: active ?? retain ?? false,
      ...(acked === undefined ? {} : { acknowledged: acked }),
      ...(confirmed === undefined ? {} : { confirmed }),
      ...(shelved === undefined ? {} : { shelved }),
      ...(category === undefined ? {} : { category }),
      ...(severity === undefined ? {} : { priority: priorityOf(severity) }),
      ...(message === undefined || message === "" ? {} : { message: message.slice(0, LONGEST_MESSAGE) }),
      ...(sourceTime === undefined ? {} : { sourceTime }),
      observedAt: this.#deps.clock.now(),
    };
  }

  #other(record: EventRecord): void {
    const id = record.eventId.toString("hex");
    if (this.#seen.has(id)) {
      this.#deps.counters.duplicateEvents++;
      return;
    }
    this.#seen.add(id);
    const [oldest] = this.#seen;
    if (this.#seen.size > REMEMBERED_EVENTS && oldest !== undefined) this.#seen.delete(oldest);
    this.#deps.counters.otherEvents++;
    const { message, severity, sourceName, clientUserId, actionTimeStamp } = record;
    const audit = actionTimeStamp !== undefined;
    const data = {
      eventType: nodeText(record.eventType, this.#namespaces),
      ...(sourceName === undefined ? {} : { source: masked(sourceName.slice(0, LONGEST_NAME)) }),
      ...(message === undefined ? {} : { message: masked(message.slice(0, LONGEST_MESSAGE)) }),
      ...(severity === undefined ? {} : { severity }),
      ...(audit && clientUserId !== undefined ? { user: masked(clientUserId.slice(0, LONGEST_NAME)) } : {}),
    };
    this.#tell(audit ? "auditEvent" : "panelEvent", data, timeOf(record.time));
  }

  /** Tells a device event. */
  #tell(kind: string, data: Readonly<Record<string, string | number | boolean>>, sourceTime?: number): void {
    const observedAt = this.#deps.clock.now();
    this.#deps.onEvent({
      id: newId(observedAt),
      device: this.#deps.device,
      kind,
      ...(sourceTime === undefined ? {} : { sourceTime }),
      observedAt,
      data,
    });
  }

  /** Tells that events may have been lost, and why. */
  missing(cause: string): void {
    this.#tell("eventsMayBeMissing", { cause });
  }
}

/** By the states themselves: some servers set the summary SuppressedOrShelved without either. [OPC 10000-9 §5.8.2] */
function isShelved({ shelvingState, suppressed, suppressedOrShelved }: EventRecord): boolean | undefined {
  if (shelvingState === undefined && suppressed === undefined) return suppressedOrShelved;
  const unshelved = shelvingState === undefined || (shelvingState.namespace === 0 && shelvingState.value === UNSHELVED);
  return !unshelved || suppressed === true;
}

function sameCondition(a: FieldCondition, b: FieldCondition): boolean {
  return (
    a.active === b.active &&
    a.acknowledged === b.acknowledged &&
    a.confirmed === b.confirmed &&
    a.shelved === b.shelved &&
    a.message === b.message &&
    a.priority === b.priority
  );
}
