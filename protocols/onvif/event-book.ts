import type { Clock } from "#core/clock.ts";
import { mapAccess } from "./access-events.ts";
import type { Notification } from "./codec/notification.ts";
import type { OnvifCounters } from "./counters.ts";
import type { DoorEdge } from "./door-states.ts";
import type { Doors } from "./doors.ts";
import { EventStates } from "./event-states.ts";
import { type FieldEvent, mapNotification } from "./map.ts";
import { OtherEvents } from "./other-events.ts";
import { CONFIG_ERROR, NO_VALUE, type PointValue } from "./point-values.ts";
import { type EventSignal, INSTANT_SIGNALS } from "./vocabulary.ts";

/** An instant shows in its boolean point for so long. */
const INSTANT_MS = 5000;
/** A device has repeated all its properties so long after a new subscription. */
const RESYNC_MS = 5000;

type EventData = Readonly<Record<string, string | number | boolean>>;

/** What the book of events needs of its session. */
export interface EventBookDeps {
  readonly clock: Clock;
  readonly counters: OnvifCounters;
  readonly doors: Doors;
  /** A relay was told of. */
  readonly onRelay: (event: FieldEvent) => void;
  /** An event of the device. */
  readonly tell: (kind: string, data: EventData, state?: boolean, sourceTime?: number) => void;
  /** A state may have changed. */
  readonly onChange: () => void;
}

/** What one device told by its events: states for the points, and what is worth a device event. */
export class EventBook {
  readonly #deps: EventBookDeps;
  readonly #states = new EventStates();
  readonly #others: OtherEvents;
  readonly #endInstant = new Map<EventSignal, () => void>();
  /** Do events flow at present? Undefined where they never did. */
  #flow: boolean | undefined;
  #endResync = (): void => {};

  constructor(deps: EventBookDeps) {
    this.#deps = deps;
    this.#others = new OtherEvents(deps.clock);
  }

  get flows(): boolean {
    return this.#flow === true;
  }

  /** Events flow. `afterLoss` says why they did not for a while. */
  subscribed(afterLoss: string | undefined): void {
    this.#flow = true;
    if (afterLoss === undefined) return;
    this.#states.doubtAll();
    this.#deps.tell("eventsMayBeMissing", { cause: afterLoss });
    this.#endResync();
    this.#endResync = this.#deps.clock.after(RESYNC_MS, () => {
      if (!this.flows) return;
      for (const event of this.#states.endUnconfirmed()) {
        this.#deps.tell(event.kind, { ...event.data, recovered: true }, false);
      }
      this.#deps.onChange();
    });
  }

  /** No events until `subscribed`. */
  lost(): void {
    if (this.#flow === true) this.#flow = false;
  }

  stop(): void {
    this.#endResync();
    for (const end of this.#endInstant.values()) end();
  }

  notified(notifications: readonly Notification[]): void {
    for (const notification of notifications) this.#one(notification);
    this.#deps.onChange();
  }

  /** Tells what has changed at a door. */
  doorChanged(edges: readonly DoorEdge[]): void {
    for (const { kind, door, state, recovered, sourceTime } of edges)
      this.#deps.tell(kind, { door, ...(recovered ? { recovered } : {}) }, state, sourceTime);
    this.#deps.onChange();
  }

  /** State of a relay as its events tell it; undefined where they do not flow or it was not told. */
  relay(token: string): boolean | undefined {
    const known = this.#states.read("relay", token);
    return this.flows && known?.confirmed === true ? known.state : undefined;
  }

  /** Present value of an event signal. `supported`: has the device events at all? */
  value(signal: EventSignal, token: string | undefined, supported: boolean): PointValue {
    if (!supported) return CONFIG_ERROR;
    const known = this.#states.read(signal, token);
    // An instant is no state that a device repeats: while events flow, none heard of is none.
    const instant = INSTANT_SIGNALS.includes(signal);
    if (known === undefined && (!instant || this.#flow === undefined)) return NO_VALUE;
    const value = known?.state ?? false;
    const time = known?.utcTime === undefined ? {} : { sourceTime: known.utcTime };
    const believed = this.flows && (instant || known?.confirmed === true);
    return believed ? { value, quality: "good", ...time } : { value, quality: "uncertain", reason: "stale", ...time };
  }

  #one(notification: Notification): void {
    if (this.#deps.doors.notified(notification)) return;
    if (this.#access(notification)) return;
    const event = mapNotification(notification);
    if (event === undefined) {
      this.#deps.counters.unmapped++;
      const data = this.#others.take(notification);
      if (data !== undefined) this.#deps.tell("other", data, undefined, notification.utcTime);
      return;
    }
    if (event.kind === "relay") this.#deps.onRelay(event);
    const edge = this.#states.apply(event);
    if (edge === undefined) return;
    const data = edge.recovered ? { ...event.data, recovered: true } : event.data;
    this.#deps.tell(event.kind, data, edge.state, event.utcTime);
    if (event.kind !== "restarted" && edge.state === undefined) this.#instantSeen(event.kind);
  }

  #access(notification: Notification): boolean {
    const event = mapAccess(notification);
    if (event === undefined) return false;
    const door = this.#deps.doors.doorOf(event.accessPoint);
    const data = { ...event.data, accessPoint: event.accessPoint, ...(door === undefined ? {} : { door }) };
    this.#deps.tell(event.kind, data, undefined, notification.utcTime);
    return true;
  }

  #instantSeen(kind: EventSignal): void {
    this.#deps.onChange();
    this.#endInstant.get(kind)?.();
    const cancel = this.#deps.clock.after(INSTANT_MS, () => {
      this.#endInstant.delete(kind);
      this.#states.clear(kind);
      this.#deps.onChange();
    });
    this.#endInstant.set(kind, cancel);
  }
}
