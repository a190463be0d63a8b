import type { NotifyRota } from "#core/contracts/notify.ts";
import { momentOf } from "../wall-clock.ts";
import { type Span, spansOf } from "./weekly-time.ts";

const AHEAD_MS = 8 * 86_400_000;

/** Who is on call, and when that changes (Unix ms; absent: not within 8 days). */
export interface OnCall {
  readonly contacts: readonly string[];
  readonly until?: number;
}

interface Duty extends Span {
  readonly contacts: readonly string[];
}

/** What the rota says of the days around a span. */
interface Plan {
  readonly slots: readonly Duty[];
  readonly overrides: readonly Duty[];
  readonly otherwise: readonly string[];
}

function planOf({ slots, overrides, otherwise }: NotifyRota, around: Span, timeZone: string): Plan {
  const moment = (wall: string): number => momentOf(Date.parse(`${wall}:00Z`), timeZone);
  return {
    slots: slots.flatMap((slot) =>
      spansOf(slot, around, timeZone).map((span): Duty => ({ ...span, contacts: slot.contacts })),
    ),
    overrides: overrides.map(({ from, to, contacts }) => ({ from: moment(from), to: moment(to), contacts })),
    otherwise,
  };
}

function dutyAt({ slots, overrides, otherwise }: Plan, at: number): readonly string[] {
  const holds = ({ from, to }: Span): boolean => from <= at && at < to;
  const override = overrides.findLast(holds);
  if (override !== undefined) return override.contacts;
  const on = [...new Set(slots.filter(holds).flatMap(({ contacts }) => contacts))];
  return on.length === 0 ? otherwise : on;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((contact) => b.includes(contact));
}

/**
 * Who is on call at a moment (Unix ms) by the site's clock: the last override that holds, else everybody of the slots that
 * hold, else `otherwise`.
 */
export function onCallAt(rota: NotifyRota, timeZone: string, at: number): OnCall {
  const plan = planOf(rota, { from: at, to: at + AHEAD_MS }, timeZone);
  const contacts = dutyAt(plan, at);
  const edges = [...plan.slots, ...plan.overrides]
    .flatMap(({ from, to }) => [from, to])
    .filter((edge) => edge > at && edge <= at + AHEAD_MS)
    .sort((a, b) => a - b);
  const until = edges.find((edge) => !same(dutyAt(plan, edge), contacts));
  return { contacts, ...(until === undefined ? {} : { until }) };
}
