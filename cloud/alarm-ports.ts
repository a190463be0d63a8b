import type { Alarm, AlarmCategory, AlarmTransition } from "#core/model/alarm.ts";

/*
 * What the domains around the alarms ask of each other: notification, quality of the alarm system, journal, procedures.
 * Each is implemented in its own folder and handed over by domains.ts.
 */

/** One transition of an alarm, as it was stored. */
export interface AlarmTold {
  readonly alarm: Alarm;
  readonly transition: AlarmTransition;
  /** When it was told where it happened, Unix ms. */
  readonly at: number;
}

/**
 * Told each transition once, inside the transaction that stores it: keep it cheap. What it returns runs after COMMIT.
 * A thrown error undoes the transition, so only for what must not be lost with it.
 */
export type AlarmListener = (told: AlarmTold) => (() => void) | undefined;

/** Somebody's post: who sits there looks after these alarms. */
export interface OperatorPosition {
  readonly id: string;
  readonly name: string;
  readonly nameEn: string;
  /** Spaces with all that lies below them; empty: the whole site. */
  readonly areas: readonly string[];
  /** Empty: all. */
  readonly categories: readonly AlarmCategory[];
}

/** The operator positions of the site. Implemented by cloud/notify. */
export interface PositionDirectory {
  positions(): readonly OperatorPosition[];
  /** The positions that look after an alarm. */
  of(alarm: Pick<Alarm, "area" | "category">): readonly OperatorPosition[];
}
