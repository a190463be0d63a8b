import type { ClipView } from "#core/contracts/clips.ts";

/** Where the moment of the alarm lies in a clip, seconds from its beginning, and what lies around it. */
export interface ClipTimes {
  readonly lengthS: number;
  /** Of the alarm, inside the clip. */
  readonly momentS: number;
  /** Share of the clip before it, 0 to 1. */
  readonly share: number;
  readonly beforeS: number;
  readonly afterS: number;
}

/** Times of a clip; an alarm outside of it is at its nearer end. */
export function clipTimes({
  startedAt,
  endedAt,
  triggerAt,
}: Pick<ClipView, "startedAt" | "endedAt" | "triggerAt">): ClipTimes {
  const start = Date.parse(startedAt);
  const lengthS = Math.max(0, Date.parse(endedAt) - start) / 1000;
  const momentS = Math.min(lengthS, Math.max(0, (Date.parse(triggerAt) - start) / 1000));
  return {
    lengthS,
    momentS,
    share: lengthS === 0 ? 0 : momentS / lengthS,
    beforeS: momentS,
    afterS: lengthS - momentS,
  };
}

/** Bytes for people: `1.4 MB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1_000_000) return `${Math.max(1, Math.round(bytes / 1000))} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
