import { letter } from "#core/alarm/lifecycle.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { ClipView } from "#core/contracts/clips.ts";
import type { Alarm } from "#core/model/alarm.ts";
import { iso } from "../time.ts";
import type { Duty } from "./duty-store.ts";
import { watchedGateway } from "./system-sources.ts";

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
  readonly duty: Duty;
  /** Id of the open alarm that it comes from. */
  readonly cause: string | undefined;
  /** Id of the maintenance permit that holds it back. */
  readonly permit: string | undefined;
}

function timesOf(alarm: Alarm, { escalatedAt, assignee }: Duty): Partial<AlarmView> {
  const { clearedAt, acknowledgedAt, acknowledgedBy, resetAt, resetBy, shelvedUntil, shelvedOnce } = alarm;
  return {
    ...(clearedAt === undefined ? {} : { clearedAt: iso(clearedAt) }),
    ...(acknowledgedAt === undefined ? {} : { acknowledgedAt: iso(acknowledgedAt) }),
    ...(acknowledgedBy === undefined ? {} : { acknowledgedBy }),
    ...(resetAt === undefined ? {} : { resetAt: iso(resetAt) }),
    ...(resetBy === undefined ? {} : { resetBy }),
    ...(shelvedUntil === undefined ? {} : { shelvedUntil: iso(shelvedUntil) }),
    ...(shelvedOnce === undefined ? {} : { shelvedOnce }),
    ...(assignee === undefined ? {} : { assignee }),
    ...(escalatedAt === undefined ? {} : { escalatedAt: iso(escalatedAt) }),
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

/** What the engine found besides the three regions. */
function engineOf({ latching, firstOut, suppressedBy, reAlarms }: Alarm): Partial<AlarmView> {
  return {
    ...(latching === undefined ? {} : { latching }),
    ...(firstOut === undefined ? {} : { firstOut }),
    ...(suppressedBy === undefined ? {} : { suppressedBy }),
    ...(reAlarms === undefined ? {} : { reAlarms }),
  };
}

/** An alarm in the shape of the HTTP API. */
export function alarmView(alarm: Alarm, around: Surroundings): AlarmView {
  const { text, snapshots, clips, runs, site, silent, duty, permit } = around;
  const gateway = alarm.origin === site ? watchedGateway(alarm.definition) : alarm.origin;
  const cause = around.cause ?? alarm.cause;
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
    ...timesOf(alarm, duty),
    ...(cause === undefined ? {} : { cause }),
    ...(permit === undefined ? {} : { permit }),
    ...engineOf(alarm),
    snapshots: snapshots.map((sha256) => `/api/v1/blobs/${sha256}`),
    clips: [...clips],
    runs: [...runs],
  };
}
