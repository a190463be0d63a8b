import { InvalidInputError } from "#core/errors.ts";
import { gatewayOf, type PointId } from "#core/ids.ts";
import { KIND, parseQuality } from "#core/model/sample-columns.ts";
import type { PointDirectory, TelemetrySpan, TelemetryWrite } from "../../telemetry-ports.ts";
import type { LineBuffer } from "./line-buffer.ts";
import { KIND_LETTERS, QUALITY_LETTERS } from "./row-key.ts";

/** Measurement of all samples. */
export const MEASUREMENT = "telemetry";

/** Farthest time that InfluxDB's nanoseconds reach, Unix ms, either way. */
export const FARTHEST_MS = 9_223_372_036_854;
/** Longest text that a field may hold, bytes. */
const LONGEST_TEXT = 65_535;
/** Room for everything of a row but its point, its epoch, its text and its quality. */
const ROW_BYTES = 160;
/** Bytes after which a parcel takes no further row. */
const PARCEL_BYTES = 4 * 1024 * 1024;

/** A place in a write: row `row` of span `span`. */
export interface RowPlace {
  readonly span: number;
  readonly row: number;
}

/** How one value is written: the beginning of its field, and for a bad one that of another field. */
const encoder = new TextEncoder();
const bytesOf = (text: string): Uint8Array => encoder.encode(text);
const FIELDS = {
  value: [bytesOf("value="), bytesOf("badValue=")],
  flag: [bytesOf("flag="), bytesOf("badFlag=")],
  text: [bytesOf("text="), bytesOf("badText=")],
} as const;
const BAD = bytesOf("bad=1i,");
const QUALITY = bytesOf("quality=");
const ROW = bytesOf('row="');
const LETTERS = bytesOf(KIND_LETTERS);

/** Escapes a tag's value: InfluxDB reads commas, spaces and equal signs otherwise. */
function tagValue(text: string): string {
  return text.replaceAll(/[, =]/g, "\\$&");
}

interface QualityBytes {
  readonly letter: number;
  readonly bad: boolean;
  /** The whole text, when it is not just "good". */
  readonly text: string | undefined;
}

function qualityBytes(text: string): QualityBytes {
  const { quality } = parseQuality(text);
  const letter = QUALITY_LETTERS[quality];
  return { letter: letter.charCodeAt(0), bad: letter === "b", text: text === "good" ? undefined : text };
}

/**
 * Columns to line protocol: `telemetry,gateway=<site/gateway>,point=<id> value=21.5,row="ng:<epoch>:<offset>" <ms>`. What is
 * not usable has its value in a field of another name and `bad=1i`, so that the server's own aggregates see only what
 * counts; `quality` is there when it is not simply good.
 */
export class LineEncoder {
  readonly #points: PointDirectory;
  readonly #prefixes: (Uint8Array | undefined)[] = [];

  constructor(points: PointDirectory) {
    this.#points = points;
  }

  /**
   * Writes at most `lines` rows from `place` on into the buffer. Gives how many they were and the place of the next one;
   * `next` is undefined at the end of the write.
   * @throws TELEMETRY_BATCH_INVALID for a row that can never be stored
   */
  encode(
    write: TelemetryWrite,
    place: RowPlace,
    lines: number,
    into: LineBuffer,
  ): { readonly rows: number; readonly next: RowPlace | undefined } {
    const qualities = write.columns.qualities.map(qualityBytes);
    let rows = 0;
    let { span: spanIndex, row } = place;
    for (let span = write.spans[spanIndex]; span !== undefined; span = write.spans[++spanIndex], row = 0) {
      const epoch = bytesOf(`:${span.epoch.replaceAll(/["\\]/g, "\\$&")}:`);
      for (const end = span.last - span.first + 1; row < end; row++) {
        if (rows >= lines || into.length >= PARCEL_BYTES) return { rows, next: { span: spanIndex, row } };
        this.#row(write, span, row, epoch, qualities, into);
        rows++;
      }
    }
    return { rows, next: undefined };
  }

  #row(
    { columns: c }: TelemetryWrite,
    span: TelemetrySpan,
    row: number,
    epoch: Uint8Array,
    qualities: readonly QualityBytes[],
    into: LineBuffer,
  ): void {
    const at = span.start + row;
    const time = c.time[at] ?? Number.NaN;
    const kind = c.kind[at] ?? KIND.null;
    const number = c.number[at] ?? 0;
    const point = c.point[at] ?? 0;
    const quality = qualities[c.quality[at] ?? 0] ?? qualityBytes("bad");
    const text = kind === KIND.text ? (c.texts[number] ?? "") : undefined;
    this.#check(span, row, point, time, kind === KIND.number ? number : 0, text);
    const prefix = this.#prefixes[point] ?? this.#newPrefix(point);
    const texts = (text?.length ?? 0) + (quality.text?.length ?? 0);
    // UTF-8 takes at most 3 bytes for one UTF-16 unit, and escaping doubles only what takes 1.
    into.reserve(ROW_BYTES + prefix.length + epoch.length + texts * 3);
    into.raw(prefix);
    if (quality.bad || kind === KIND.null) into.raw(BAD);
    if (kind !== KIND.null) {
      writeValue(into, kind, number, text, quality.bad);
      into.byte(44);
    }
    if (quality.text !== undefined) {
      into.raw(QUALITY);
      into.quoted(quality.text);
      into.byte(44);
    }
    into.raw(ROW);
    into.byte(LETTERS[kind] ?? 122);
    into.byte(quality.letter);
    into.raw(epoch);
    into.whole(span.first + row);
    const source = c.source[at] ?? Number.NaN;
    if (Number.isSafeInteger(source)) {
      into.byte(115);
      into.whole(source - time);
    }
    into.byte(34);
    into.byte(32);
    into.time(time);
    into.byte(10);
  }

  #newPrefix(point: number): Uint8Array {
    const id = this.#points.pointOf(point);
    const prefix = bytesOf(`${MEASUREMENT},gateway=${tagValue(gatewayOf(id))},point=${tagValue(id)} `);
    this.#prefixes[point] = prefix;
    return prefix;
  }

  #check(span: TelemetrySpan, row: number, point: number, time: number, number: number, text?: string): void {
    const fault = rowFault(time, number, text);
    if (fault === undefined) return;
    throw new InvalidInputError(
      "TELEMETRY_BATCH_INVALID",
      `${span.gateway}: offset ${span.first + row}, point ${this.#name(point)}: ${fault}`,
    );
  }

  #name(point: number): PointId | string {
    return point < this.#points.size ? this.#points.pointOf(point) : `number ${point}`;
  }
}

function rowFault(time: number, number: number, text: string | undefined): string | undefined {
  if (!(Math.abs(time) <= FARTHEST_MS) || !Number.isInteger(time))
    return `time ${time}: expected whole Unix ms of at most ${FARTHEST_MS}`;
  if (!Number.isFinite(number)) return `value ${number}: expected a finite number`;
  if (text !== undefined && text.length * 3 > LONGEST_TEXT && Buffer.byteLength(text) > LONGEST_TEXT)
    return `a text of ${text.length} characters: expected at most ${LONGEST_TEXT} bytes`;
  return undefined;
}

function writeValue(into: LineBuffer, kind: number, number: number, text: string | undefined, bad: boolean): void {
  const field = bad ? 1 : 0;
  if (text !== undefined) {
    into.raw(FIELDS.text[field]);
    into.quoted(text);
  } else if (kind === KIND.number) {
    into.raw(FIELDS.value[field]);
    into.number(number);
  } else {
    into.raw(FIELDS.flag[field]);
    into.byte(kind === KIND.true ? 49 : 48);
    into.byte(105);
  }
}
