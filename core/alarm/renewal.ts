import type { Alarm } from "../model/alarm.ts";
import type { AlarmChange, AlarmSnapshot } from "./change.ts";
import { episodeCounter } from "./field.ts";
import { alarmId, raise } from "./lifecycle.ts";

/** What goes on under other names, and how the other side is told. */
export interface Renewal {
  readonly snapshot: AlarmSnapshot;
  /** What is raised anew, in the order of the alarms. */
  readonly changes: readonly AlarmChange[];
}

/**
 * The records of this side were put back from an older copy: others have gone on under their ids. What holds now is minted anew in
 * the epoch that the store has taken; it was never acknowledged under that name. What no longer holds is for the other side to end,
 * which has the newer record of it.
 */
export function renewed(snapshot: AlarmSnapshot, epoch: string, now: number): Renewal {
  const episodes = { ...snapshot.episodes };
  const changes = snapshot.alarms.flatMap((alarm): AlarmChange[] => {
    if (!alarm.live) return [];
    const counter = episodeCounter(alarm);
    const episode = (episodes[counter] ?? 0) + 1;
    episodes[counter] = episode;
    const { origin, definition } = alarm;
    const id = alarmId({ origin, definition, epoch, episode });
    return [{ transition: "raised", alarm: again(alarm, id, now), at: now, episode, counter, closed: false }];
  });
  return { snapshot: { ...snapshot, episodes, alarms: changes.map(({ alarm }) => alarm) }, changes };
}

function again(alarm: Alarm, id: string, now: number): Alarm {
  const { clearedAt: _c, acknowledgedAt: _a, acknowledgedBy: _b, resetAt: _r, resetBy: _s, ...held } = alarm;
  const { suppression, shelvedUntil, shelvedOnce, stale } = alarm;
  const event = {
    type: "activate" as const,
    observedAt: alarm.raisedAt,
    ...(alarm.value === undefined ? {} : { value: alarm.value }),
  };
  return {
    ...raise({ ...held, id }, event, now),
    suppression,
    ...(shelvedUntil === undefined ? {} : { shelvedUntil }),
    ...(shelvedOnce === undefined ? {} : { shelvedOnce }),
    ...(stale === undefined ? {} : { stale }),
  };
}
