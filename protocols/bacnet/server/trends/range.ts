/** What ReadRange asks for. `count` is not 0; a negative one counts back from the reference. [BACnet 15.8.1.1] */
export type Wanted =
  | { readonly by: "position" | "sequence"; readonly reference: number; readonly count: number }
  /** `reference` in Unix ms of the device's clock; the record of exactly that time is not wanted. */
  | { readonly by: "time"; readonly reference: number; readonly count: number };

/** Something that ReadRange reads: items in order, oldest first. */
export interface Ranged {
  readonly length: number;
  /** Sequence number of an item, 0 the first; absent for lists that are no logs. */
  sequenceOf?(index: number): number;
  /** Time of an item, Unix ms. */
  timeOf?(index: number): number;
}

/** The items chosen: from `first` on, `count` of them. */
export interface Chosen {
  readonly first: number;
  readonly count: number;
}

const NOTHING: Chosen = { first: 0, count: 0 };

function between(first: number, end: number, length: number): Chosen {
  const from = Math.max(0, first);
  const to = Math.min(length, end);
  return to > from ? { first: from, count: to - from } : NOTHING;
}

/** Chooses what a ReadRange asks for; undefined: it cannot be asked so (no sequence numbers, no times). [BACnet 15.8.1.1.4] */
export function choose(items: Ranged, wanted: Wanted | undefined): Chosen | undefined {
  const { length } = items;
  if (wanted === undefined) return { first: 0, count: length };
  const { reference, count } = wanted;
  switch (wanted.by) {
    case "position":
      return count > 0
        ? between(reference - 1, reference - 1 + count, reference < 1 ? 0 : length)
        : between(reference + count, reference, reference > length ? 0 : length);
    case "sequence":
      return bySequence(items, reference, count);
    case "time":
      return byTime(items, reference, count);
    default:
      wanted satisfies never;
      return undefined;
  }
}

function bySequence({ length, sequenceOf }: Ranged, reference: number, count: number): Chosen | undefined {
  if (sequenceOf === undefined) return undefined;
  if (length === 0) return NOTHING;
  // distance from the oldest, across the wrap of the numbers: none is 0
  const oldest = sequenceOf(0);
  const ahead = reference - oldest;
  const wraps = Math.abs(ahead) > 0x7fff_ffff ? Math.sign(ahead) * 0xffff_ffff : 0;
  const index = ahead - wraps;
  return count > 0 ? between(index, index + count, length) : between(index + count + 1, index + 1, length);
}

function byTime({ length, timeOf }: Ranged, reference: number, count: number): Chosen | undefined {
  if (timeOf === undefined) return undefined;
  // not by halving: after the clock was set back the times are not in order
  const times = Array.from({ length }, (_, index) => timeOf(index));
  if (count > 0) {
    const first = times.findIndex((at) => at > reference);
    return first < 0 ? NOTHING : between(first, first + count, length);
  }
  const end = times.findLastIndex((at) => at < reference) + 1;
  return between(end + count, end, length);
}
