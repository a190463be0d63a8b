/** Sequence numbers of a log run from 1 to 2^32 - 1 and then from 1 again; 0 is none. [BACnet 12.25.16] */
const SEQUENCES = 0xffff_ffff;

/** The number `count` places after; before where `count` is negative. */
export function sequenceAfter(sequence: number, count: number): number {
  const place = (sequence - 1 + count) % SEQUENCES;
  return (place < 0 ? place + SEQUENCES : place) + 1;
}

/** How many records were made after `sequence` up to `total`, across the wrap. */
export function recordsAfter(sequence: number, total: number): number {
  const ahead = (total - sequence) % SEQUENCES;
  return ahead < 0 ? ahead + SEQUENCES : ahead;
}

/** How many records a log holds, and the sequence number of the newest: Record_Count and Total_Record_Count. */
export interface LogCounts {
  readonly count: number;
  readonly total: number;
}

/** Records of a log that were not looked at yet: `count` of them from `first` on. */
export interface Untaken {
  readonly first: number;
  readonly count: number;
}

/**
 * What a log holds beyond the last one taken; all of it where nothing was taken yet, where more were made than it holds, and where
 * it counts less than before: then it was cleared and began anew.
 */
export function untaken({ count, total }: LogCounts, taken: number | undefined): Untaken {
  const ahead = taken === undefined ? count : recordsAfter(taken, total);
  const cleared = ahead > SEQUENCES / 2;
  const held = cleared ? count : Math.min(count, ahead);
  return { first: sequenceAfter(total, 1 - held), count: held };
}
