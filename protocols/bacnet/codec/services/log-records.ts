import { bits, boolean, nothing, real, signed, unsigned } from "../context.ts";
import {
  anyValues,
  choice,
  decodeBody,
  encodeBody,
  type Field,
  listOf,
  optional,
  orRaw,
  type RawChoice,
  rowsOf,
  sequence,
  wrapped,
} from "../fields.ts";
import { type BacnetDateTime, dateTime } from "../timestamp.ts";
import type { BacnetValue } from "../values.ts";
import { type ErrorPair, errorPair } from "./error.ts";

/** BACnetLogStatus: log disabled, buffer purged, log interrupted. [BACnet 21] */
export type LogStatus = readonly boolean[];

/** What a log keeps of one property. */
export type LoggedValue =
  | { readonly type: "boolean"; readonly value: boolean }
  | { readonly type: "real"; readonly value: number }
  | { readonly type: "enumerated"; readonly value: number }
  | { readonly type: "unsigned"; readonly value: number }
  | { readonly type: "signed"; readonly value: number }
  | { readonly type: "bitString"; readonly value: readonly boolean[] }
  | { readonly type: "null"; readonly value: null }
  /** Reading the property failed. */
  | { readonly type: "failure"; readonly value: ErrorPair }
  | { readonly type: "any"; readonly value: readonly BacnetValue[] };

/** What happened to the log itself. `timeChange`: the clock was set, by so many seconds, 0 where unknown. [BACnet 12.25.14] */
export type LogIncident =
  | { readonly type: "logStatus"; readonly value: LogStatus }
  | { readonly type: "timeChange"; readonly value: number };

/** One record of a TrendLog. A datum of another kind, or one that breaks its kind, is raw: it costs no record but itself. [BACnet 21, BACnetLogRecord] */
export interface LogRecord {
  /** In the device's local time. */
  readonly timestamp: BacnetDateTime;
  readonly datum: LoggedValue | LogIncident | RawChoice;
  /** Of the object that is logged. */
  readonly statusFlags?: readonly boolean[];
}

/** One record of a TrendLogMultiple: a value for each logged property. [BACnet 21, BACnetLogMultipleRecord] */
export interface LogMultipleRecord {
  /** In the device's local time. */
  readonly timestamp: BacnetDateTime;
  readonly data:
    | { readonly type: "values"; readonly value: readonly (LoggedValue | RawChoice)[] }
    | LogIncident
    | RawChoice;
}

const logRecord: Field<LogRecord> = sequence<LogRecord>({
  timestamp: wrapped(0, dateTime),
  datum: wrapped(
    1,
    orRaw(
      choice<LoggedValue | LogIncident>("log-datum", {
        logStatus: bits(0),
        boolean: boolean(1),
        real: real(2),
        enumerated: unsigned(3),
        unsigned: unsigned(4),
        signed: signed(5),
        bitString: bits(6),
        null: nothing(7),
        failure: wrapped(8, errorPair),
        timeChange: real(9),
        any: anyValues(10),
      }),
    ),
  ),
  statusFlags: optional(bits(2)),
});

const logMultipleRecord: Field<LogMultipleRecord> = sequence<LogMultipleRecord>({
  timestamp: wrapped(0, dateTime),
  data: wrapped(
    1,
    orRaw(
      choice<Exclude<LogMultipleRecord["data"], RawChoice>>("log-data", {
        logStatus: bits(0),
        values: listOf(
          1,
          orRaw(
            choice<LoggedValue>("log-data value", {
              boolean: boolean(0),
              real: real(1),
              enumerated: unsigned(2),
              unsigned: unsigned(3),
              signed: signed(4),
              bitString: bits(5),
              null: nothing(6),
              failure: wrapped(7, errorPair),
              any: anyValues(8),
            }),
          ),
        ),
        timeChange: real(2),
      }),
    ),
  ),
});

const logRecords = rowsOf(logRecord);
const logMultipleRecords = rowsOf(logMultipleRecord);

/** Records of a TrendLog as the itemData of a ReadRange acknowledgement. @throws BACNET_MALFORMED */
export function encodeLogRecords(records: readonly LogRecord[]): Uint8Array {
  return encodeBody(logRecords, records);
}

/** Records in the itemData of a ReadRange acknowledgement of a TrendLog. @throws BACNET_MALFORMED */
export function decodeLogRecords(itemData: Uint8Array): readonly LogRecord[] {
  return decodeBody(logRecords, itemData);
}

/** Records of a TrendLogMultiple as the itemData of a ReadRange acknowledgement. @throws BACNET_MALFORMED */
export function encodeLogMultipleRecords(records: readonly LogMultipleRecord[]): Uint8Array {
  return encodeBody(logMultipleRecords, records);
}

/** Records in the itemData of a ReadRange acknowledgement of a TrendLogMultiple. @throws BACNET_MALFORMED */
export function decodeLogMultipleRecords(itemData: Uint8Array): readonly LogMultipleRecord[] {
  return decodeBody(logMultipleRecords, itemData);
}
