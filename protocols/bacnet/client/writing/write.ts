import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Value } from "#core/model/sample.ts";
import type { WriteRequest, WriteResult } from "../../../driver.ts";
import { PROPERTIES } from "../../codec/enums.ts";
import type { PropertyWrite } from "../../codec/services/property.ts";
import type { BacnetValue } from "../../codec/values.ts";
import type { Outcome } from "../../station/ports.ts";
import { encodedFor, readingOf, sameValue, type Target } from "../map.ts";
import type { PropertyReader } from "../polling.ts";

/** What a write needs of its device. */
export interface WriteDeps {
  readonly clock: Clock;
  readonly reader: PropertyReader;
  readonly send: (write: PropertyWrite) => Promise<Outcome>;
  /** Type of the value last read from the target, for properties whose type the object does not tell. */
  readonly lastRead: BacnetValue | undefined;
}

const READ_BACKS = 3;
const READ_BACK_PAUSE_MS = 200;
const LOWEST_PRIORITY = 16;

const failed = (code: string, message: string): WriteResult => ({ status: "failed", code, message });
const rejected = (code: string, message: string): WriteResult => ({ status: "rejected", code, message });
const timedOut = (what: string): WriteResult => ({ status: "timeout", code: "BACNET_TIMEOUT", message: what });

/** How a write ended, and whether the device took the value, which it may have done although another one holds. */
export interface WriteEnd {
  readonly result: WriteResult;
  /** `unknown`: it did not answer. */
  readonly taken: "yes" | "no" | "unknown";
}

/** Writes a property at the request's priority and reads it back; null relinquishes that priority. [BACnet 15.9, 19.2] */
export async function writeTarget(target: Target, request: WriteRequest, deps: WriteDeps): Promise<WriteEnd> {
  const { value, priority } = request;
  if (!Number.isInteger(priority) || priority < 1 || priority > LOWEST_PRIORITY) {
    const text = `priority ${priority} is not 1 to ${LOWEST_PRIORITY}`;
    return { result: rejected("BACNET_PRIORITY_INVALID", text), taken: "no" };
  }
  let encoded: BacnetValue;
  try {
    encoded = encodedFor(target, value, deps.lastRead);
  } catch (error) {
    return { result: rejected(errorCode(error), errorMessage(error)), taken: "no" };
  }
  const commands = target.property === PROPERTIES.presentValue;
  const { object, property, index } = target;
  const write = { object, property, ...(index === undefined ? {} : { index }), values: [encoded] };
  const outcome = await deps.send(commands ? { ...write, priority } : write);
  const refusal = refusalOf(outcome);
  if (refusal === undefined) return { result: await readBack(target, encoded, priority, deps), taken: "yes" };
  const unanswered = outcome.kind === "timeout" || outcome.kind === "cancelled";
  return { result: refusal, taken: unanswered ? "unknown" : "no" };
}

function refusalOf(outcome: Outcome): WriteResult | undefined {
  switch (outcome.kind) {
    case "ack":
      return undefined;
    case "error": {
      const { errorClass, errorCode: code } = outcome.error;
      return failed(
        `BACNET_ERROR_${errorClass}_${code}`,
        `the device refused: error class ${errorClass}, code ${code}`,
      );
    }
    case "reject":
      return failed(`BACNET_REJECT_${outcome.reason}`, `the device rejected the request: reason ${outcome.reason}`);
    case "abort":
      return failed(`BACNET_ABORT_${outcome.reason}`, `the device aborted the request: reason ${outcome.reason}`);
    case "timeout":
      return timedOut("the device did not answer the write");
    case "cancelled":
      return { status: "timeout", code: "BACNET_CANCELLED", message: "the write was given up before its answer" };
    default:
      outcome satisfies never;
      return undefined;
  }
}

async function readBack(target: Target, written: BacnetValue, priority: number, deps: WriteDeps): Promise<WriteResult> {
  let last: Value = null;
  for (let attempt = 1; attempt <= READ_BACKS; attempt++) {
    const result = await deps.reader.readOne(target);
    if (result === undefined) return timedOut("written, but the device did not answer the read-back");
    if ("error" in result) {
      const { errorClass, errorCode: code } = result.error;
      return failed("BACNET_NOT_CONFIRMED", `written, but the read-back gave error ${errorClass}/${code}`);
    }
    last = readingOf(target, result.values).value;
    // relinquished: whatever the device holds now is the answer
    if (written.type === "null" || sameValue(written, result.values[0])) return { status: "done", readBack: last };
    const winner = await higherPriority(target, priority, deps);
    if (winner !== undefined) {
      const text = `the device holds ${JSON.stringify(last)} by priority ${winner}, above ${priority}`;
      return failed("BACNET_OVERRIDDEN", text);
    }
    if (attempt < READ_BACKS) await new Promise<void>((resolve) => deps.clock.after(READ_BACK_PAUSE_MS, resolve));
  }
  return failed("BACNET_NOT_CONFIRMED", `written, but the device holds ${JSON.stringify(last)}`);
}

/** The priority above ours that holds the object, from Priority_Array; undefined when none does or there is no such array. */
async function higherPriority(target: Target, priority: number, deps: WriteDeps): Promise<number | undefined> {
  if (target.property !== PROPERTIES.presentValue || priority === 1) return undefined;
  const result = await deps.reader.readOne({ object: target.object, property: PROPERTIES.priorityArray });
  if (result === undefined || "error" in result) return undefined;
  const winner = result.values.findIndex((slot) => slot.type !== "null") + 1;
  return winner > 0 && winner < priority ? winner : undefined;
}
