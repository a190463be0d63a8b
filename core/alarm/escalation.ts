import type { PositionEscalation } from "../contracts/notify.ts";
import type { Alarm, AlarmPriority } from "../model/alarm.ts";

const MINUTE_MS = 60_000;

/** How long an alarm may stay unacknowledged where no position says otherwise, ms; a priority that is not here is never told further. */
export const ESCALATE_AFTER_MS: Readonly<Partial<Record<AlarmPriority, number>>> = {
  urgent: 3 * MINUTE_MS,
  high: 10 * MINUTE_MS,
  medium: 60 * MINUTE_MS,
};

/**
 * How long an alarm may stay unacknowledged, ms; undefined: as long as it likes. The shortest time of the positions that look after
 * it, where a position that names none, and an alarm that nobody looks after, has the hub's own. A position cannot keep an alarm of
 * the security law from being told further, only say when.
 */
export function escalationLimit(
  { law, priority }: Pick<Alarm, "law" | "priority">,
  positions: readonly { readonly escalateMinutes?: PositionEscalation }[],
): number | undefined {
  const own = ESCALATE_AFTER_MS[priority];
  const limits = positions.map(({ escalateMinutes }) => {
    const minutes = escalateMinutes?.[priority];
    if (minutes === undefined || (minutes === 0 && law === "security")) return own;
    return minutes === 0 ? undefined : minutes * MINUTE_MS;
  });
  if (limits.length === 0) return own;
  const told = limits.filter((limit) => limit !== undefined);
  return told.length === 0 ? undefined : Math.min(...told);
}
