import { writeMp4 } from "./mp4.ts";
import type { KeptPicture } from "./picture.ts";
import type { TimeBase } from "./rtp-clock.ts";

/** Why pictures are missing, as far as it is known. */
export interface MissingReasons {
  /** The last failure of the stream. */
  lost?: string;
  /** Why it was ended early. */
  end?: string;
}

/** A finished clip. Times are Unix ms. */
export interface ClipFilm {
  /** An MP4 file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly timeBase: TimeBase;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly missing?: string;
}

interface Take {
  readonly pictures: readonly KeptPicture[];
  /** Wanted, in the measure of the pictures' times. */
  readonly from: number;
  readonly to: number;
  readonly triggerAt: number;
  /** The trigger by the wall clock, Unix ms. */
  readonly wallTriggerAt: number;
  readonly reasons: MissingReasons;
}

/** A pause between pictures that is told, ms: longer than any camera's own rhythm. */
const PAUSE_MS = 2_000;
/** What may be missing at either end without a word, ms: no camera shows more than a few pictures a second less than this. */
const EDGE_MS = 500;
/** Most pauses that are told one by one. */
const MAX_PAUSES = 8;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const sameFormat = (a: KeptPicture, b: KeptPicture): boolean => a.format.description === b.format.description;

/** The pictures of one format around the trigger: a player cannot change the format within a film. */
function aroundTrigger({ pictures, triggerAt }: Take): readonly KeptPicture[] {
  let anchor = pictures.findLastIndex(({ at }) => at <= triggerAt);
  if (anchor < 0) anchor = 0;
  const chosen = pictures[anchor];
  if (chosen === undefined) return [];
  let first = anchor;
  let end = anchor + 1;
  for (
    let before = pictures[first - 1];
    before !== undefined && sameFormat(before, chosen);
    before = pictures[first - 1]
  )
    first--;
  for (let next = pictures[end]; next !== undefined && sameFormat(next, chosen); next = pictures[end]) end++;
  return pictures.slice(first, end);
}

function pausesOf(film: readonly KeptPicture[], reasons: MissingReasons): readonly string[] {
  const firstAt = film[0]?.at ?? 0;
  return film.flatMap((picture, index) => {
    const before = film[index - 1];
    if (before === undefined) return [];
    const pause = picture.at - before.at;
    const cause = reasons.lost ?? (picture.gap ? "pictures were lost" : "the camera sent none");
    if (pause > PAUSE_MS) return [`${seconds(pause)} from ${seconds(before.at - firstAt)} on: ${cause}`];
    return picture.gap ? [`pictures at ${seconds(picture.at - firstAt)}: lost on the way`] : [];
  });
}

function missingOf(take: Take, film: readonly KeptPicture[]): string | undefined {
  const { from, to, reasons, pictures } = take;
  const changed = "the picture format changed";
  const lateMs = (film[0]?.at ?? to) - from;
  const earlyMs = to - (film.at(-1)?.at ?? from);
  const before = film[0] === pictures[0] ? "no video was held" : changed;
  const after = film.at(-1) === pictures.at(-1) ? (reasons.lost ?? "the camera sent none") : changed;
  const told = [
    ...(lateMs > EDGE_MS ? [`the first ${seconds(lateMs)}: ${before}`] : []),
    ...pausesOf(film, reasons).slice(0, MAX_PAUSES),
    ...(earlyMs > EDGE_MS ? [`the last ${seconds(earlyMs)}: ${reasons.end ?? after}`] : []),
  ];
  return told.length === 0 ? undefined : told.join("; ");
}

/** Makes a film of what was recorded; undefined where no picture was. */
export function filmOf(take: Take): ClipFilm | undefined {
  const pictures = aroundTrigger(take);
  const [first] = pictures;
  const { width, height, description } = first?.format ?? {};
  if (first === undefined || width === undefined || height === undefined || description === undefined) return undefined;
  const toWall = take.wallTriggerAt - take.triggerAt;
  const startedAt = Math.round(Math.min(...pictures.map(({ at }) => at)) + toWall);
  const endedAt = Math.round(Math.max(...pictures.map(({ at }) => at)) + toWall);
  const missing = missingOf(take, pictures);
  return {
    bytes: writeMp4({ pictures, description: Buffer.from(description, "base64"), width, height, startedAt }),
    startedAt,
    endedAt,
    timeBase: pictures.every(({ timeBase }) => timeBase === "rtcp") ? "rtcp" : "arrival",
    width,
    height,
    frames: pictures.length,
    ...(missing === undefined ? {} : { missing }),
  };
}
