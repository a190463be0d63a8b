import type { AlarmPriority } from "#core/model/alarm.ts";

/** One tone of a pattern. */
export interface Tone {
  /** From the beginning of the pattern, s. */
  readonly atS: number;
  readonly forS: number;
  readonly hertz: number;
}

/** How a priority sounds, and after how long it is heard again. */
export interface SoundPattern {
  readonly tones: readonly Tone[];
  readonly everyMs: number;
}

const row = (count: number, hertz: readonly number[], forS: number, pauseS: number): readonly Tone[] =>
  Array.from({ length: count }, (_, index) => ({
    atS: index * (forS + pauseS),
    forS,
    hertz: hertz[index % hertz.length] ?? 0,
  }));

/**
 * The sound of each priority: told apart by rhythm and number of tones, not by pitch alone. Urgent is two-toned and never far away,
 * low is a single soft tone once a minute.
 */
export const SOUND_PATTERNS: Readonly<Record<AlarmPriority, SoundPattern>> = {
  urgent: { tones: row(6, [988, 740], 0.14, 0.05), everyMs: 2000 },
  high: { tones: row(3, [784], 0.18, 0.12), everyMs: 5000 },
  medium: { tones: row(2, [587], 0.22, 0.16), everyMs: 15_000 },
  low: { tones: row(1, [440], 0.3, 0), everyMs: 60_000 },
};
