import type { AlarmView } from "#core/contracts/alarms.ts";

/** Alarms of one cause, shown as one row until somebody opens it. The record is not folded: every alarm stands for itself. */
export interface AlarmGroup {
  /** `group:<cause>`: no id of an alarm. */
  readonly id: string;
  /** In the order of the list: the first is the most important. */
  readonly members: readonly AlarmView[];
  /** The member that came first: the likely cause. */
  readonly first: AlarmView;
  readonly unacknowledged: number;
  readonly open: boolean;
}

/** A row of the list. */
export type ListRow = AlarmView | AlarmGroup;

/** Fewer alarms of one cause are shown one by one. */
const FEWEST = 3;
const GROUP = "group:";

/** Is the row a folded cause? */
export function isGroup(row: ListRow): row is AlarmGroup {
  return "members" in row;
}

/**
 * What an alarm is folded by: the cause the engine gives, else its silent gateway, else its device. Undefined: never folded. Alarms
 * of the security law are all shown, each with its zone. [GB 50394 5.2.2, IN-01]
 */
export function causeOf(alarm: AlarmView): string | undefined {
  if (alarm.law === "security") return undefined;
  if (alarm.cause !== undefined) return `${GROUP}cause:${alarm.cause}`;
  if (alarm.category === "communication" && alarm.gateway !== undefined) return `${GROUP}gateway:${alarm.gateway}`;
  return alarm.device === undefined ? undefined : `${GROUP}device:${alarm.device}`;
}

function groupOf(id: string, members: readonly AlarmView[], open: boolean): AlarmGroup | undefined {
  const [best] = members;
  if (best === undefined) return undefined;
  let first = best;
  let unacknowledged = 0;
  for (const member of members) {
    if (member.raisedAt < first.raisedAt) first = member;
    if (!member.acknowledged) unacknowledged += 1;
  }
  return { id, members, first, unacknowledged, open };
}

/**
 * The list with causes folded. A group stands where its most important alarm stood; an open one is followed by its members. A cause
 * that is an alarm of the list itself belongs to its group.
 */
export function foldByCause(alarms: readonly AlarmView[], opened: ReadonlySet<string>): readonly ListRow[] {
  const causes = new Map<string, AlarmView[]>();
  const roots = new Set(alarms.flatMap(({ cause }) => (cause === undefined ? [] : [cause])));
  const keyOf = (alarm: AlarmView): string | undefined =>
    alarm.law === "facility" && roots.has(alarm.id) ? `${GROUP}cause:${alarm.id}` : causeOf(alarm);
  for (const alarm of alarms) {
    const key = keyOf(alarm);
    if (key === undefined) continue;
    const members = causes.get(key);
    if (members === undefined) causes.set(key, [alarm]);
    else members.push(alarm);
  }
  const placed = new Set<string>();
  return alarms.flatMap((alarm): readonly ListRow[] => {
    const key = keyOf(alarm);
    const members = key === undefined ? undefined : causes.get(key);
    if (key === undefined || members === undefined || members.length < FEWEST) return [alarm];
    if (placed.has(key)) return [];
    placed.add(key);
    const open = opened.has(key);
    const group = groupOf(key, members, open);
    return group === undefined ? [] : open ? [group, ...members] : [group];
  });
}
