import { LIFTED } from "#core/alarm/lifecycle.ts";
import { merge } from "#core/alarm/merge.ts";
import { orphaned } from "#core/alarm/orphans.ts";
import type { Clock } from "#core/clock.ts";
import type { AlarmItem, ClipItem, CommandResultItem, OpenAlarmsItem, SnapshotItem } from "#core/contracts/lanes.ts";
import { InvalidInputError } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Alarm } from "#core/model/alarm.ts";
import type { AuditLog } from "../ports.ts";
import type { ActEnd, ActQueue } from "./act-queue.ts";
import type { AlarmMedia } from "./media.ts";
import type { AlarmRecorder } from "./recorder.ts";
import type { AlarmShowing } from "./showing.ts";
import type { AlarmStore } from "./store.ts";

export interface GatewayTellsDeps {
  readonly store: AlarmStore;
  readonly queue: ActQueue;
  readonly recorder: AlarmRecorder;
  readonly showing: AlarmShowing;
  readonly media: AlarmMedia;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
}

/** Takes in what gateways tell of their alarms: transitions, pictures and clips, and how acts of people ended there. */
export class GatewayTells {
  readonly #deps: GatewayTellsDeps;

  constructor(deps: GatewayTellsDeps) {
    this.#deps = deps;
  }

  /** @throws ALARM_FOREIGN when the alarm was not minted by that gateway */
  transition(gateway: GatewayId, item: AlarmItem): () => void {
    const { store, queue, recorder, clock } = this.#deps;
    const { alarm: told, transition, at, actor, comment } = item;
    const held = store.get(told.id);
    if (told.origin !== gateway || (held !== undefined && held.origin !== gateway))
      throw new InvalidInputError("ALARM_FOREIGN", `${gateway} tells of alarm ${told.id}, which ${told.origin} minted`);
    const merged = merge(held, item);
    store.put(merged, false);
    const station = queue.stationOf(told.id, transition, actor);
    queue.confirm(told);
    const said = {
      ...(actor === undefined ? {} : { actor }),
      ...(comment === undefined ? {} : { comment }),
      ...(station === undefined ? {} : { station }),
    };
    // a remark leaves the alarm as it was: its time and words tell it from another one
    const key = transition === "commented" ? { key: `${at} ${comment ?? ""}` } : {};
    const happening = { alarm: told, transition, at, receivedAt: clock.now(), toldBy: gateway, ...said, ...key };
    return recorder.happened(happening, merged);
  }

  /**
   * What is open at a gateway whose process has just begun, or whose records were put back from an older copy. Whatever is held to be
   * open besides, nobody sees any more.
   */
  open(gateway: GatewayId, { alarms, at }: OpenAlarmsItem): () => void {
    const known = new Set(alarms);
    const lost = this.#deps.store.openOf(gateway).filter(({ id }) => !known.has(id));
    const after = lost.map((alarm) => this.#orphan(gateway, alarm, `open ${at}`));
    return () => {
      for (const tell of after) tell?.();
    };
  }

  /** The gateway's record of an alarm is lost. One that waits for a person only is left to him. */
  #orphan(gateway: string, alarm: Alarm, key: string): (() => void) | undefined {
    const [hidden] = alarm.suppression;
    if (!alarm.live && hidden === undefined) return undefined;
    const now = this.#deps.clock.now();
    const transition = alarm.live || hidden === undefined ? "cleared" : LIFTED[hidden];
    const comment = `${gateway} no longer knows this alarm`;
    return this.#deps.recorder.record({
      alarm: orphaned(alarm, now),
      transition,
      at: now,
      receivedAt: now,
      comment,
      key,
    });
  }

  /** @throws CLIP_FOREIGN when the camera is not the gateway's */
  takeMedia(gateway: GatewayId, item: SnapshotItem | ClipItem): () => void {
    const { media, showing } = this.#deps;
    if (item.kind === "clip") media.addClip(gateway, item);
    else media.addSnapshot(gateway, item);
    const { alarm } = item;
    return () => {
      if (alarm !== undefined) showing.refresh(alarm);
    };
  }

  /** How an act ended. Undefined when the result is about something else, or nothing has to be told of it. */
  result(gateway: GatewayId, { result }: CommandResultItem): (() => void) | undefined {
    const end = this.#deps.queue.takeResult(gateway, result);
    if (end?.refused === undefined) return undefined;
    return this.#refused(end, end.refused);
  }

  /** A gateway will not do what a person asked of it. */
  #refused({ gateway, act }: ActEnd, refused: NonNullable<ActEnd["refused"]>): (() => void) | undefined {
    const { audit, store } = this.#deps;
    const detail = { gateway, occurrence: act.occurrence, ...refused };
    audit.append({
      actor: act.requestedBy,
      action: `alarm.${act.action}`,
      target: act.alarm,
      result: "refused",
      detail,
    });
    const alarm = store.get(act.alarm);
    if (refused.code !== "ALARM_UNKNOWN" || alarm === undefined) return undefined;
    // The gateway has told all it knew before this answer: its record of the alarm is lost.
    return this.#orphan(gateway, alarm, act.id);
  }
}
