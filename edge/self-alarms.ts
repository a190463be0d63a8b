import type { Clock } from "#core/clock.ts";
import { newId } from "#core/ids.ts";
import type { Rule } from "#core/linkage/rule.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { DeviceEvent } from "#core/model/event.ts";

/** Slot of the gateway's own events; no configured device may have it. */
const SELF = "gateway";
/** What was dropped counts for so long, ms. */
const DROPPING_MS = 600_000;
/** So full is a backlog, and below so full it is none any more. */
const BACKLOG = 0.5;
const BACKLOG_OVER = 0.4;
/** So many connections that ended soon after they were made, within the time, are no accident. */
const SHORT_LIVED = 3;
const SHORT_LIVED_MS = 120_000;

/** What the gateway may say of itself: kind of the event, with the definition of its alarm. */
const OWN_ALARMS = {
  eventsLaneFull: {
    id: "gateway.events-lane-full",
    message: "网关事件缓存已满，停止接收设备事件",
    messageEn: "The gateway's event store is full: device events are refused",
  },
  backlog: {
    id: "gateway.backlog",
    message: "网关待上传数据积压，缓存已用一半以上",
    messageEn: "The gateway's backlog has filled more than half of its store",
  },
  telemetryDropped: {
    id: "gateway.telemetry-dropped",
    message: "网关数据缓存已满，最早的数据已被丢弃（缺口已记录）",
    messageEn: "The gateway's data store is full: the oldest values were dropped, recorded as a gap",
  },
  diskFull: {
    id: "gateway.disk-full",
    message: "网关磁盘已满，正以旧数据让位给报警和命令结果",
    messageEn: "The gateway's disk is full: old values give way to alarms and command results",
  },
  outboxBroken: {
    id: "gateway.outbox-broken",
    message: "网关缓存文件损坏，已隔离并重新建立，未上传的数据可能丢失",
    messageEn: "The gateway's store was broken: moved aside and begun anew, what was not yet sent is lost",
  },
  outboxCopied: {
    id: "gateway.outbox-copied",
    message: "网关缓存是恢复或复制的副本，已启用新的纪元重新上传",
    messageEn: "The gateway's store is a restored or second copy: everything is offered again in a new epoch",
  },
  identityShared: {
    id: "gateway.identity-shared",
    message: "网关连接反复中断，可能有另一网关使用相同身份",
    messageEn: "The gateway's connection ends again and again: perhaps another gateway uses its identity",
  },
  clockJumped: {
    id: "gateway.clock-jumped",
    message: "网关时钟发生跳变",
    messageEn: "The gateway's clock was set by a leap",
  },
  clockBehind: {
    id: "gateway.clock-behind",
    message: "网关时钟慢于已存数据的时间，新数据暂以其后的时间记录",
    messageEn: "The gateway's clock is behind the times of its data: new values get times just after those",
  },
  blobsDropped: {
    id: "gateway.blobs-dropped",
    message: "网关图片缓存已满，最早的图片已被丢弃",
    messageEn: "The gateway's picture store is full: the oldest pictures were dropped",
  },
  conditionsRefused: {
    id: "gateway.conditions-refused",
    message: "设备自身报警过多，部分未能接收",
    messageEn: "Devices keep more alarm conditions than the gateway has room for: some are not shown",
  },
} as const;

/** Kind of one of the gateway's own events. */
export type OwnKind = keyof typeof OWN_ALARMS;

/** How the gateway's parts stand. */
export interface SelfState {
  readonly eventsFull: boolean;
  /** How full the store of what is not yet sent is, 0 to 1. */
  readonly fullness: number;
  readonly diskFull: boolean;
  /** Samples that were dropped, since the start. */
  readonly droppedSamples: number;
  /** Connections that ended soon after they were made, since the start. */
  readonly shortLived: number;
  readonly clockBehind: boolean;
  readonly blobsDropped: boolean;
  readonly conditionsRefused: boolean;
}

/** Did a counter grow by at least `by` lately? */
class Growth {
  readonly #clock: Clock;
  readonly #by: number;
  readonly #forMs: number;
  #seen = 0;
  #since = -Infinity;
  #grewAt = -Infinity;

  constructor(clock: Clock, by: number, forMs: number) {
    this.#clock = clock;
    this.#by = by;
    this.#forMs = forMs;
  }

  look(count: number): boolean {
    const now = this.#clock.monotonic();
    if (count - this.#seen >= this.#by) {
      this.#seen = count;
      this.#since = now;
      this.#grewAt = now;
    } else if (now - this.#since >= this.#forMs) {
      this.#seen = count;
      this.#since = now;
    }
    return now - this.#grewAt < this.#forMs;
  }
}

const linkageFailed = (rule: string): string => `linkageFailed.${rule}`;

/** Definition id of the alarm that a rule's failing steps raise. */
export function linkageAlarm(rule: string): string {
  return `gateway.linkage-failed.${rule}`;
}

export interface SelfAlarmsOptions {
  /** `<site>/<gateway>`. */
  readonly gateway: string;
  readonly clock: Clock;
  /** For alarms. */
  readonly onEvent: (event: DeviceEvent) => void;
  /** For the record. */
  readonly onRecord: (event: DeviceEvent) => void;
}

/** What an operator must know of the gateway itself, as events of its own and the definitions that make alarms of them. */
export class SelfAlarms {
  readonly #options: SelfAlarmsOptions;
  readonly #device: string;
  readonly #told = new Map<string, boolean>();
  readonly #dropped: Growth;
  readonly #shortLived: Growth;
  #backlog = false;

  constructor(options: SelfAlarmsOptions) {
    this.#options = options;
    this.#device = `${options.gateway}/${SELF}`;
    this.#dropped = new Growth(options.clock, 1, DROPPING_MS);
    this.#shortLived = new Growth(options.clock, SHORT_LIVED, SHORT_LIVED_MS);
  }

  /** The definitions, with one for each rule that runs here. */
  definitions(rules: readonly Rule[]): AlarmDefinition[] {
    return [
      ...Object.entries(OWN_ALARMS).map(([kind, { id, message, messageEn }]) =>
        this.#definition(id, kind, message, messageEn),
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
  watch(state: SelfState): void {
    this.#state("eventsLaneFull", state.eventsFull);
    this.#backlog = state.fullness >= (this.#backlog ? BACKLOG_OVER : BACKLOG);
    this.#state("backlog", this.#backlog);
    this.#state("diskFull", state.diskFull);
    this.#state("telemetryDropped", this.#dropped.look(state.droppedSamples));
    this.#state("identityShared", this.#shortLived.look(state.shortLived));
    this.#state("clockBehind", state.clockBehind);
    this.#state("conditionsRefused", state.conditionsRefused);
    this.#state("blobsDropped", state.blobsDropped);
  }

  #state(kind: OwnKind, holds: boolean): void {
    if (this.#told.get(kind) === holds) return;
    this.#told.set(kind, holds);
    this.#options.onEvent({ ...this.#event(kind), state: holds });
  }

  /** Something happened: a pulse, which stays shown until somebody has acknowledged it. */
  happened(kind: OwnKind, data: DeviceEvent["data"]): void {
    const event = { ...this.#event(kind), ...(data === undefined ? {} : { data }) };
    this.#options.onRecord(event);
    this.#options.onEvent(event);
  }

  /** The gateway stood still for so long, ms: nothing was seen meanwhile. No alarm, but a record. */
  slept(ms: number): void {
    this.#options.onRecord({ ...this.#event("suspended"), data: { ms: Math.round(ms) } });
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
