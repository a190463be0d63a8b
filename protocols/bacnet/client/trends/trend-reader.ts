import { CONFIRMED, PROPERTIES } from "../../codec/enums.ts";
import type { RawChoice } from "../../codec/fields.ts";
import {
  decodeLogMultipleRecords,
  decodeLogRecords,
  type LoggedValue,
  type LogIncident,
} from "../../codec/services/log-records.ts";
import { decodeReadRangeAck, encodeReadRange, type Range, type ReadRangeAck } from "../../codec/services/read-range.ts";
import { dateTimeOf, unixMsOf } from "../../codec/timestamp.ts";
import type { ObjectId } from "../../codec/values.ts";
import { type Contact, decodedOr, isUnknownService } from "../contact.ts";
import { tooLarge } from "../polling.ts";
import { isMultiple } from "./trend-logs.ts";
import { type LogCounts, recordsAfter, sequenceAfter, type Untaken } from "./trend-sequence.ts";

/** One record, of either kind of log. */
export interface LogRow {
  /** The device's local time as if it were UTC, Unix ms; undefined where the record names no moment. */
  readonly at: number | undefined;
  readonly content:
    | {
        readonly type: "values";
        readonly value: readonly (LoggedValue | RawChoice)[];
        /** Of the object that is logged; a TrendLogMultiple keeps none. */
        readonly statusFlags?: readonly boolean[];
      }
    | LogIncident
    | RawChoice;
}

/** How a log may be asked for its records. */
export type Approach = "bySequenceNumber" | "byPosition" | "byTime";

/** What is to be read of a log. */
export interface Wanted extends Untaken {
  readonly object: ObjectId;
  readonly counts: LogCounts;
  /** Records before this one are of no interest; the device's local time as if it were UTC, Unix ms. */
  readonly fromLocalMs: number;
}

/** Records in the order in which they were made. `unable`: the log cannot be read in any way. */
export type LogReading =
  | { readonly kind: "read"; readonly rows: readonly LogRow[] }
  | { readonly kind: "silent" }
  | { readonly kind: "unable"; readonly service: boolean };

type Page =
  | { readonly kind: "page"; readonly ack: ReadRangeAck; readonly rows: readonly LogRow[] }
  | { readonly kind: "silent" }
  | { readonly kind: "refused" }
  | { readonly kind: "noService" };

const APPROACHES: readonly Approach[] = ["bySequenceNumber", "byPosition", "byTime"];
// header, object, property, flags, count, sequence number and the tags around the records
const ACK_BYTES = 40;
const RECORD_BYTES = 24;
const MULTIPLE_RECORD_BYTES = 20;
const VALUE_BYTES = 6;
/** While pages are read the buffer may move on by so many records: by position they are asked for twice. */
const OVERLAP = 2;

/**
 * Reads records of one device's logs, page by page and one request at a time, each page small enough for an answer without segments.
 * By sequence number where the device can, else by position, else by time; which it can is remembered while in touch.
 */
export class LogReader {
  readonly #contact: Contact;
  readonly #malformed: () => void;
  #approaches = APPROACHES;
  #pageBytes: number;

  /** `malformed` counts an answer that does not decode. */
  constructor(contact: Contact, malformed: () => void) {
    this.#contact = contact;
    this.#malformed = malformed;
    this.#pageBytes = contact.abilities.budget - ACK_BYTES;
  }

  /** Reads what is wanted, `values` to a record. */
  async read(wanted: Wanted, values: number): Promise<LogReading> {
    for (const approach of this.#approaches) {
      const reading = await this.#readBy(approach, wanted, values);
      if (reading.kind === "read") {
        // the next log is asked in the same way first
        this.#approaches = [approach, ...APPROACHES.filter((other) => other !== approach)];
        return reading;
      }
      if (reading.kind === "silent" || reading.service) return reading;
    }
    return { kind: "unable", service: false };
  }

  async #readBy(approach: Approach, wanted: Wanted, values: number): Promise<LogReading> {
    const rows: LogRow[] = [];
    const walk = WALKS[approach](wanted);
    while (rows.length < wanted.count + OVERLAP) {
      const most = Math.min(this.#pageRecords(wanted.object, values), wanted.count - rows.length + 2 * OVERLAP);
      const page = await this.#page(wanted.object, walk.range(most));
      if (page.kind === "silent") return page;
      if (page.kind === "noService") return { kind: "unable", service: true };
      // what came before the refusal stays: the rest is lost, and asked for in no other way
      if (page.kind === "refused")
        return rows.length === 0 ? { kind: "unable", service: false } : { kind: "read", rows };
      const fresh = walk.taken(page.ack, page.rows);
      rows.push(...fresh);
      // a device that gives nothing new would be asked for ever
      if (fresh.length === 0 || page.ack.resultFlags.lastItem) break;
    }
    // it says that there are records: an empty answer is no answer in this way
    const empty = rows.length === 0 && approach !== "byTime";
    return empty ? { kind: "unable", service: false } : { kind: "read", rows };
  }

  #pageRecords(object: ObjectId, values: number): number {
    const bytes = isMultiple(object) ? MULTIPLE_RECORD_BYTES + values * VALUE_BYTES : RECORD_BYTES;
    return Math.max(1, Math.floor(this.#pageBytes / bytes));
  }

  async #page(object: ObjectId, range: Range): Promise<Page> {
    const body = encodeReadRange({ object, property: PROPERTIES.logBuffer, range });
    const outcome = await this.#contact.ask(CONFIRMED.readRange, body);
    if (outcome.kind === "timeout" || outcome.kind === "cancelled") return { kind: "silent" };
    if (outcome.kind === "ack") {
      const ack = decodedOr(() => decodeReadRangeAck(outcome.body), this.#malformed);
      const rows = ack && decodedOr(() => rowsOf(object, ack.itemData), this.#malformed);
      return ack === undefined || rows === undefined ? { kind: "refused" } : { kind: "page", ack, rows };
    }
    if (isUnknownService(outcome)) return { kind: "noService" };
    const { count } = range.value;
    if (!tooLarge(outcome) || count <= 1) return { kind: "refused" };
    this.#pageBytes = Math.floor(this.#pageBytes / 2);
    return this.#page(object, { ...range, value: { ...range.value, count: Math.ceil(count / 2) } } as Range);
  }
}

/** The way through a log: the range to ask for next, and which rows of the answer are new. */
interface Walk {
  range(most: number): Range;
  taken(ack: ReadRangeAck, rows: readonly LogRow[]): readonly LogRow[];
}

const WALKS: Readonly<Record<Approach, (wanted: Wanted) => Walk>> = {
  bySequenceNumber({ first, counts }) {
    let next = first;
    return {
      range: (count) => ({ type: "bySequenceNumber", value: { referenceSequenceNumber: next, count } }),
      taken({ firstSequenceNumber = next }, rows) {
        // one that answers with something else than what was asked for, or again with the same
        const skipped = recordsAfter(next, firstSequenceNumber);
        if (skipped > recordsAfter(next, counts.total) + rows.length) return [];
        next = sequenceAfter(firstSequenceNumber, rows.length);
        return rows;
      },
    };
  },
  byPosition({ count: wanted, counts: { count } }) {
    let next = count - wanted + 1;
    const newer = onlyNewer();
    return {
      range(most) {
        // a page of no more than that would only repeat
        next = Math.max(1, next - (most > OVERLAP ? OVERLAP : 0));
        return { type: "byPosition", value: { referenceIndex: next, count: most } };
      },
      taken(_ack, rows) {
        next += rows.length;
        return newer(rows);
      },
    };
  },
  byTime({ fromLocalMs }) {
    let reference = fromLocalMs;
    const newer = onlyNewer();
    return {
      range: (count) => ({ type: "byTime", value: { referenceTime: dateTimeOf(reference, 0), count } }),
      taken(_ack, rows) {
        const fresh = newer(rows);
        reference = fresh.at(-1)?.at ?? reference;
        return fresh;
      },
    };
  },
};

// without sequence numbers a record is told from the one before by its time
function onlyNewer(): (rows: readonly LogRow[]) => readonly LogRow[] {
  let last = Number.NEGATIVE_INFINITY;
  return (rows) =>
    rows.filter(({ at }) => {
      if (at === undefined || at <= last) return false;
      last = at;
      return true;
    });
}

function rowsOf(object: ObjectId, itemData: Uint8Array): readonly LogRow[] {
  if (isMultiple(object)) {
    return decodeLogMultipleRecords(itemData).map(({ timestamp, data }) => ({
      at: unixMsOf(timestamp, 0),
      content: data,
    }));
  }
  return decodeLogRecords(itemData).map(({ timestamp, datum, statusFlags }): LogRow => {
    const at = unixMsOf(timestamp, 0);
    if (datum.type === "logStatus" || datum.type === "timeChange") return { at, content: datum };
    const flags = statusFlags === undefined ? {} : { statusFlags };
    return { at, content: { type: "values", value: [datum], ...flags } };
  });
}
