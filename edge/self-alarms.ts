import type { Clock } from "#core/clock.ts";
import { newId } from "#core/ids.ts";
import type { Rule } from "#core/linkage/rule.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { DeviceEvent } from "#core/model/event.ts";

/** Slot of the gateway's own events; no configured device may have it. */
const SELF = "gateway";
const EVENTS_LANE_FULL = "eventsLaneFull";
const BLOBS_DROPPED = "blobsDropped";
const CONDITIONS_REFUSED = "conditionsRefused";

const linkageFailed = (rule: string): string => `linkageFailed.${rule}`;

/** Definition id of the alarm that a rule's failing steps raise. */
export function linkageAlarm(rule: string): string {
  return `gateway.linkage-failed.${rule}`;
}

export interface SelfAlarmsOptions {
  /** `<site>/<gateway>`. */
  readonly gateway: string;
  readonly clock: Clock;
  readonly onEvent: (event: DeviceEvent) => void;
}

/** What an operator must know of the gateway itself, as events of its own and the definitions that make alarms of them. */
export class SelfAlarms {
  readonly #options: SelfAlarmsOptions;
  readonly #device: string;
  readonly #told = new Map<string, boolean>();

  constructor(options: SelfAlarmsOptions) {
    this.#options = options;
    this.#device = `${options.gateway}/${SELF}`;
  }

  /** The definitions, with one for each rule that runs here. */
  definitions(rules: readonly Rule[]): AlarmDefinition[] {
    return [
      this.#definition(
        "gateway.events-lane-full",
        EVENTS_LANE_FULL,
        "网关事件缓存已满，停止接收设备事件",
        "The gateway's event store is full: device events are refused",
      ),
      this.#definition(
        "gateway.blobs-dropped",
        BLOBS_DROPPED,
        "网关图片缓存已满，最早的图片已被丢弃",
        "The gateway's picture store is full: the oldest pictures were dropped",
      ),
      this.#definition(
        "gateway.conditions-refused",
        CONDITIONS_REFUSED,
        "设备自身报警过多，部分未能接收",
        "Devices keep more alarm conditions than the gateway has room for: some are not shown",
      ),
      ...rules.map(({ id, name, nameEn }) =>
        this.#definition(
          linkageAlarm(id),
          linkageFailed(id),
          `联动“${name}”有步骤未能执行`,
          `A step of the linkage "${nameEn}" was not performed`,
        ),
      ),
    ];
  }

  #definition(id: string, kind: string, message: string, messageEn: string): AlarmDefinition {
    const condition = { type: "event", device: this.#device, kind } as const;
    return { id, category: "system", priority: "high", condition, message, messageEn };
  }

  /** Tells how things stand; only a change goes on. The first word after a start ends what a former process left open. */
  watch(state: {
    readonly eventsFull: boolean;
    readonly blobsDropped: boolean;
    readonly conditionsRefused: boolean;
  }): void {
    this.#state(EVENTS_LANE_FULL, state.eventsFull);
    this.#state(CONDITIONS_REFUSED, state.conditionsRefused);
    this.#state(BLOBS_DROPPED, state.blobsDropped);
  }

  #state(kind: string, holds: boolean): void {
    if (this.#told.get(kind) === holds) return;
    this.#told.set(kind, holds);
    this.#options.onEvent({ ...this.#event(kind), state: holds });
  }

  /** A run of a rule had a step that failed: a pulse, which stays shown until somebody has acknowledged it. */
  linkageFailed(rule: string): void {
    this.#options.onEvent(this.#event(linkageFailed(rule)));
  }

  #event(kind: string): DeviceEvent {
    const now = this.#options.clock.now();
    return { id: newId(now), device: this.#device, kind, observedAt: now };
  }
}
