import { letter } from "#core/alarm/lifecycle.ts";
import type { AlarmView, ClipView } from "#core/contracts/http.ts";
import type { Alarm } from "#core/model/alarm.ts";
import { iso } from "../time.ts";
import { watchedGateway } from "./gateway-watch.ts";

/** What of an alarm's view is not in the alarm itself. */
export interface Surroundings {
  /** What the operator shall do, as the site says. */
  readonly text: { readonly response?: string; readonly responseEn?: string } | undefined;
  /** SHA-256 of the pictures kept with it. */
  readonly snapshots: readonly string[];
  /** Video kept with it. */
  readonly clips: readonly ClipView[];
  readonly runs: readonly string[];
  /** The site's name: what the cloud mints has it as origin. */
  readonly site: string;
  /** Is the gateway that minted it away? Then this is only its last known state. [ISA-18.2 AL-16] */
  readonly silent: boolean;
}

function timesOf({ clearedAt, acknowledgedAt, acknowledgedBy, resetAt, resetBy }: Alarm): Partial<AlarmView> {
  return {
    ...(clearedAt === undefined ? {} : { clearedAt: iso(clearedAt) }),
    ...(acknowledgedAt === undefined ? {} : { acknowledgedAt: iso(acknowledgedAt) }),
    ...(acknowledgedBy === undefined ? {} : { acknowledgedBy }),
    ...(resetAt === undefined ? {} : { resetAt: iso(resetAt) }),
    ...(resetBy === undefined ? {} : { resetBy }),
  };
}

function placeOf({ point, device, zone, area, value }: Alarm): Partial<AlarmView> {
  return {
    ...(point === undefined ? {} : { point }),
    ...(device === undefined ? {} : { device }),
    ...(zone === undefined ? {} : { zone }),
    ...(area === undefined ? {} : { area }),
    ...(value === undefined ? {} : { value }),
  };
}

/** An alarm in the shape of the HTTP API. */
export function alarmView(alarm: Alarm, { text, snapshots, clips, runs, site, silent }: Surroundings): AlarmView {
  const gateway = alarm.origin === site ? watchedGateway(alarm.definition) : alarm.origin;
  return {
    id: alarm.id,
    occurrence: alarm.occurrence,
    law: alarm.law,
    category: alarm.category,
    priority: alarm.priority,
    condition: alarm.condition,
    live: alarm.live,
    acknowledged: alarm.acknowledged,
    suppression: alarm.suppression,
    state: letter(alarm),
    stale: alarm.stale === true || silent,
    definition: alarm.definition,
    ...(gateway === undefined ? {} : { gateway }),
    source: alarm.source,
    ...placeOf(alarm),
    message: alarm.message,
    messageEn: alarm.messageEn,
    ...(text?.response === undefined ? {} : { response: text.response }),
    ...(text?.responseEn === undefined ? {} : { responseEn: text.responseEn }),
    raisedAt: iso(alarm.raisedAt),
    receivedAt: iso(alarm.receivedAt),
    ...timesOf(alarm),
    snapshots: snapshots.map((sha256) => `/api/v1/blobs/${sha256}`),
    clips: [...clips],
    runs: [...runs],
  };
}
