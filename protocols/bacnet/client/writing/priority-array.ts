import { errorCode } from "#core/errors.ts";
import type { Value } from "#core/model/sample.ts";
import { CONFIRMED, ERROR_CODE, PROPERTIES } from "../../codec/enums.ts";
import type { Peer } from "../../codec/frame.ts";
import {
  decodeReadPropertyAck,
  encodeReadProperty,
  encodeWriteProperty,
  type PropertyResult,
} from "../../codec/services/property.ts";
import type { BacnetValue } from "../../codec/values.ts";
import type { Station } from "../../station/ports.ts";
import { readingOf, sameValue, type Target } from "../map.ts";
import type { PropertyReader } from "../polling.ts";
import type { Lease } from "./lease.ts";

/** One slot of a priority array. `none`: the object has no such slot, or is gone. `refused`: the device did not say. */
export type SlotAnswer =
  | { readonly kind: "value"; readonly value: BacnetValue }
  | { readonly kind: "none" | "silent" | "refused" };

/** One slot as it is shown: `level` 1-16, what it is for, its value or null, and whose it is where the gateway wrote it. */
export interface PrioritySlot {
  readonly level: number;
  readonly name: string;
  readonly value: Value;
  readonly owner?: string;
  /** Unix ms; when the gateway gives it back by itself. */
  readonly expiresAt?: number;
}

/** "Who holds it?": the slots of one object, highest priority first. */
export interface PriorityView {
  readonly at: number;
  readonly point: string;
  readonly presentValue: Value;
  readonly relinquishDefault: Value;
  /** Level that commands now; null where none does. */
  readonly commandedBy: number | null;
  readonly slots: readonly PrioritySlot[];
}

/** Uses of the levels; those without a name of their own are available. [BACnet 19.2.1.1] */
const LEVEL_NAMES = new Map([
  [1, "manual life safety"],
  [2, "automatic life safety"],
  [5, "critical equipment control"],
  [6, "minimum on/off"],
  [8, "manual operator"],
  [16, "default (scheduling and logic)"],
]);
const LEVELS = 16;

const NO_SLOT: readonly number[] = [
  ERROR_CODE.unknownObject,
  ERROR_CODE.unknownProperty,
  ERROR_CODE.invalidArrayIndex,
  ERROR_CODE.propertyIsNotAnArray,
];

type SlotPlace = Pick<Lease, "object" | "priority">;

/** Reads one slot of a device that may have no session. */
export async function readSlot(
  station: Station,
  peer: Peer,
  { object, priority }: SlotPlace,
  signal: AbortSignal,
): Promise<SlotAnswer> {
  const body = encodeReadProperty({ object, property: PROPERTIES.priorityArray, index: priority });
  const outcome = await station.request({ peer, service: CONFIRMED.readProperty, body, signal });
  if (outcome.kind === "timeout" || outcome.kind === "cancelled") return { kind: "silent" };
  if (outcome.kind === "error") return { kind: NO_SLOT.includes(outcome.error.errorCode) ? "none" : "refused" };
  if (outcome.kind !== "ack") return { kind: "refused" };
  try {
    const [value] = decodeReadPropertyAck(outcome.body).values;
    return value === undefined ? { kind: "refused" } : { kind: "value", value };
  } catch (error) {
    if (errorCode(error) !== "BACNET_MALFORMED") throw error;
    return { kind: "refused" };
  }
}

/** Relinquishes one slot; true when the device took it. */
export async function writeNull(
  station: Station,
  peer: Peer,
  { object, priority }: SlotPlace,
  signal: AbortSignal,
): Promise<boolean> {
  const property = PROPERTIES.presentValue;
  const body = encodeWriteProperty({ object, property, values: [{ type: "null" }], priority });
  const outcome = await station.request({ peer, service: CONFIRMED.writeProperty, body, signal });
  return outcome.kind === "ack";
}

/** The slots of a point's object, with the owners of those that hold what `held` says; undefined when the device did not answer, an error text when it has none. */
export async function viewPriorities(
  target: Target,
  reader: PropertyReader,
  held: readonly Lease[],
): Promise<Omit<PriorityView, "at" | "point"> | string | undefined> {
  const { object } = target;
  const properties = [PROPERTIES.presentValue, PROPERTIES.priorityArray, PROPERTIES.relinquishDefault].map(
    (property) => ({ property }),
  );
  const answers = await reader.read([{ object, properties }]);
  if (answers === undefined) return undefined;
  const [present, array, relinquished] = properties.map(({ property }) =>
    answers.flatMap(({ results }) => results).find((result) => result.property === property),
  );
  if (array === undefined || "error" in array || array.values.length !== LEVELS) {
    return `object ${object.type}:${object.instance} has no priority array`;
  }
  const plain = (value: BacnetValue): Value => (value.type === "null" ? null : readingOf(target, [value]).value);
  const slots = array.values.map((value, i) => ({
    level: i + 1,
    name: LEVEL_NAMES.get(i + 1) ?? "available",
    value: plain(value),
    ...ownerOf(held, i + 1, value),
  }));
  return {
    presentValue: plainOf(present, plain),
    relinquishDefault: plainOf(relinquished, plain),
    commandedBy: slots.find((_, i) => array.values[i]?.type !== "null")?.level ?? null,
    slots,
  };
}

/** Whose a slot is: the gateway's only while what it wrote still stands there. */
function ownerOf(held: readonly Lease[], level: number, value: BacnetValue): Pick<PrioritySlot, "owner" | "expiresAt"> {
  const lease = held.find(({ priority }) => priority === level);
  if (lease === undefined || !sameValue(lease.value, value)) return {};
  const { owner = "gateway", expiresAt } = lease;
  return { owner, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

function plainOf(result: PropertyResult | undefined, plain: (value: BacnetValue) => Value): Value {
  const value = result !== undefined && "values" in result ? result.values[0] : undefined;
  return value === undefined ? null : plain(value);
}
