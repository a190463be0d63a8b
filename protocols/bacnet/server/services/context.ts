import { ERROR_CLASS, ERROR_CODE } from "../../codec/enums.ts";
import { type ErrorPair, encodeError } from "../../codec/services/error.ts";
import type { PropertyReference, PropertyResult } from "../../codec/services/property.ts";
import type { ObjectId } from "../../codec/values.ts";
import type { Question, Reply } from "../../station/ports.ts";
import type { CovEngine } from "../cov-engine.ts";
import type { DeviceClock } from "../device-clock.ts";
import type { EventTable } from "../events/event-table.ts";
import type { Lifecycle, Restart } from "../lifecycle.ts";
import type { ServedObject } from "../object.ts";
import type { ObjectTable } from "../object-table.ts";

/** What the services of one device work on. */
export interface ServiceContext {
  readonly objects: ObjectTable;
  readonly cov: CovEngine;
  readonly clock: DeviceClock;
  readonly lifecycle: Lifecycle;
  readonly events: EventTable;
  /** Largest APDU that the device sends, bytes. */
  maxApdu(): number;
  /** Starts the device again, once the answer is out. */
  restart(how: Restart): void;
  /** Reads a property as clients see it. */
  read(object: ServedObject, reference: PropertyReference): PropertyResult;
}

/** Performs one confirmed service. @throws BACNET_MALFORMED when the request does not decode */
export type ServiceHandler = (context: ServiceContext, question: Question) => Reply;

/** The object asked for does not exist. */
export const UNKNOWN_OBJECT: ErrorPair = { errorClass: ERROR_CLASS.object, errorCode: ERROR_CODE.unknownObject };

/** Done, with nothing to say. */
export const DONE: Reply = { kind: "ack" };

/** Done, with an answer. */
export function answered(body: Uint8Array): Reply {
  return { kind: "ack", body };
}

/** Not done, for this reason. */
export function failed(error: ErrorPair): Reply {
  return { kind: "error", body: encodeError(error) };
}

/** Done, or not for this reason. */
export function settled(error: ErrorPair | undefined): Reply {
  return error === undefined ? DONE : failed(error);
}

/** The request makes no sense in this way. [BACnet 18.9] */
export function rejected(reason: number): Reply {
  return { kind: "reject", reason };
}

/** Finds an object, the wildcard Device instance included. */
export function objectOf(context: ServiceContext, id: ObjectId): ServedObject | undefined {
  return context.objects.find(id);
}
