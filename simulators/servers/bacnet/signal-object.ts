import { InvalidInputError } from "#core/errors.ts";
import { bacnetOfUnit, unitById } from "#core/units.ts";
import {
  ERROR_CODE,
  OBJECT_TYPES,
  type ObjectTypeName,
  PROPERTIES,
  RELIABILITY,
} from "#protocols/bacnet/codec/enums.ts";
import type { ErrorPair } from "#protocols/bacnet/codec/services/error.ts";
import type { PropertyWrite } from "#protocols/bacnet/codec/services/property.ts";
import type { BacnetValue, ObjectId } from "#protocols/bacnet/codec/values.ts";
import type { Signal, SignalValue, SimulatedDevice } from "../../device.ts";
import type { BacnetObjectMapping } from "./mapping.ts";
import { type PropertyContent, propertyError, type ServedObject, scalar, text } from "./served-object.ts";

type Family = "analog" | "binary" | "multi-state" | "characterstring";

const LOWEST_PRIORITY = 16;
// [BACnet 19.2.3] reserved for the minimum on/off time of the device itself
const MINIMUM_ON_OFF_PRIORITY = 6;
const DEFAULT_COV_INCREMENT = 0.1;
// BACnetEngineeringUnits no-units [BACnet 21]
const NO_UNITS = 95;

function unitNumber(unit: string | undefined): number {
  if (unit === undefined) return NO_UNITS;
  if (unitById(unit) === undefined)
    throw new InvalidInputError("SIM_UNIT_UNKNOWN", `"${unit}" is no canonical unit id`);
  return bacnetOfUnit(unit) ?? NO_UNITS;
}

function familyOf(type: ObjectTypeName): Family {
  if (type.startsWith("analog-")) return "analog";
  if (type.startsWith("binary-")) return "binary";
  return type.startsWith("multi-state-") ? "multi-state" : "characterstring";
}

/** One signal of a simulated device as a BACnet input, output or value object. [BACnet 12.2-12.4, 12.6-12.8, 12.18-12.20, 12.37] */
export class SignalObject implements ServedObject {
  readonly id: ObjectId;
  readonly properties: ReadonlyMap<number, () => PropertyContent>;
  readonly required: ReadonlySet<number>;
  readonly covIncrement: number;
  readonly #device: SimulatedDevice;
  readonly #signal: Signal;
  readonly #family: Family;
  readonly #unit: number;
  readonly #commandable: boolean;
  readonly #relinquishDefault: SignalValue;
  readonly #priorities: (SignalValue | null)[] = Array.from({ length: LOWEST_PRIORITY }, () => null);
  #outOfService = false;
  // what Present_Value shows while decoupled from the physical input [BACnet 12.2.10]
  #held: SignalValue | undefined;
  #covIncrementWritten: number | undefined;

  constructor(device: SimulatedDevice, signal: Signal, mapping: BacnetObjectMapping) {
    this.#device = device;
    this.#signal = signal;
    this.#unit = unitNumber(signal.unit);
    this.#family = familyOf(mapping.objectType);
    this.id = { type: OBJECT_TYPES[mapping.objectType], instance: mapping.instance };
    this.covIncrement = mapping.covIncrement ?? signal.covIncrement ?? DEFAULT_COV_INCREMENT;
    this.#commandable =
      mapping.objectType.endsWith("-output") || (signal.writable && this.#family !== "characterstring");
    this.#relinquishDefault = device.read(signal.name);
    const required = this.#required();
    const optional = this.#optional();
    this.properties = new Map([...required, ...optional]);
    this.required = new Set(required.map(([property]) => property));
  }

  get signal(): string {
    return this.#signal.name;
  }

  get hasPresentValueCov(): boolean {
    return this.#family !== "characterstring";
  }

  /** Present value as the device has it now. */
  presentValue(): BacnetValue {
    return this.#encode(this.#current());
  }

  /** In_Alarm, Fault, Overridden, Out_Of_Service. */
  statusFlags(): readonly boolean[] {
    return [false, this.#reliability() !== RELIABILITY.noFaultDetected, false, this.#outOfService];
  }

  /** The increment that counts now: a client may have written another. */
  currentCovIncrement(): number {
    return this.#family === "analog" ? (this.#covIncrementWritten ?? this.covIncrement) : 0;
  }

  /** The 16 slots, highest priority first; undefined when not commandable. */
  priorityArray(): readonly (SignalValue | null)[] | undefined {
    return this.#commandable ? [...this.#priorities] : undefined;
  }

  /** Power loss: commands and Out_Of_Service are volatile. */
  powerCycle(): void {
    const commanded = this.#priorities.some((slot) => slot !== null);
    this.#priorities.fill(null);
    this.#outOfService = false;
    this.#held = undefined;
    this.#covIncrementWritten = undefined;
    if (commanded) this.#device.write(this.#signal.name, this.#relinquishDefault);
  }

  write(request: PropertyWrite): ErrorPair | undefined {
    const { property, index, values } = request;
    const value = values[0];
    if (!this.properties.has(property)) return propertyError(ERROR_CODE.unknownProperty);
    const writable = property === PROPERTIES.presentValue || property === PROPERTIES.outOfService;
    if (!writable && property !== PROPERTIES.covIncrement) return propertyError(ERROR_CODE.writeAccessDenied);
    if (index !== undefined) return propertyError(ERROR_CODE.propertyIsNotAnArray);
    if (value === undefined || values.length > 1) return propertyError(ERROR_CODE.invalidDataType);
    if (property === PROPERTIES.outOfService) return this.#writeOutOfService(value);
    if (property === PROPERTIES.covIncrement) return this.#writeCovIncrement(value);
    return this.#writePresentValue(value, request.priority ?? LOWEST_PRIORITY);
  }

  #writeOutOfService(value: BacnetValue): ErrorPair | undefined {
    if (value.type !== "boolean") return propertyError(ERROR_CODE.invalidDataType);
    this.#held = value.value ? this.#current() : undefined;
    this.#outOfService = value.value;
    return undefined;
  }

  #writeCovIncrement(value: BacnetValue): ErrorPair | undefined {
    if (value.type !== "real") return propertyError(ERROR_CODE.invalidDataType);
    if (!(value.value >= 0)) return propertyError(ERROR_CODE.valueOutOfRange);
    this.#covIncrementWritten = value.value;
    return undefined;
  }

  #writePresentValue(value: BacnetValue, priority: number): ErrorPair | undefined {
    const isInput = !this.#commandable;
    if (isInput && !this.#outOfService) return propertyError(ERROR_CODE.writeAccessDenied);
    if (!isInput && priority === MINIMUM_ON_OFF_PRIORITY) return propertyError(ERROR_CODE.writeAccessDenied);
    const decoded = value.type === "null" && !isInput ? null : this.#decode(value);
    if (decoded instanceof Refused) return propertyError(decoded.code);
    if (decoded === null || !isInput) this.#command(decoded, priority);
    else this.#held = decoded;
    return undefined;
  }

  // [BACnet 19.2.1] the highest non-NULL priority wins; with none, Relinquish_Default
  #command(value: SignalValue | null, priority: number): void {
    this.#priorities[priority - 1] = value;
    const winner = this.#priorities.find((slot) => slot !== null) ?? this.#relinquishDefault;
    if (this.#outOfService) this.#held = winner;
    else this.#device.write(this.#signal.name, winner);
  }

  #current(): SignalValue {
    return this.#held ?? this.#device.read(this.#signal.name);
  }

  #reliability(): number {
    const value = this.#current();
    return typeof value === "number" && Number.isNaN(value) ? RELIABILITY.noSensor : RELIABILITY.noFaultDetected;
  }

  #encode(value: SignalValue): BacnetValue {
    switch (this.#family) {
      case "analog":
        return { type: "real", value: Number(value) };
      case "binary":
        return { type: "enumerated", value: value === true || value === 1 ? 1 : 0 };
      case "multi-state": {
        const state = Number(value);
        return { type: "unsigned", value: Number.isInteger(state) && state > 0 ? state : 1 };
      }
      default:
        return text(String(value));
    }
  }

  #decode(value: BacnetValue): SignalValue | Refused {
    if (this.#family === "analog") {
      if (value.type !== "real") return new Refused(ERROR_CODE.invalidDataType);
      const { min = -Infinity, max = Infinity } = this.#signal;
      const inRange = Number.isFinite(value.value) && value.value >= min && value.value <= max;
      return inRange ? value.value : new Refused(ERROR_CODE.valueOutOfRange);
    }
    if (this.#family === "binary") {
      if (value.type !== "enumerated") return new Refused(ERROR_CODE.invalidDataType);
      return value.value <= 1 ? value.value === 1 : new Refused(ERROR_CODE.valueOutOfRange);
    }
    if (this.#family === "multi-state") {
      if (value.type !== "unsigned") return new Refused(ERROR_CODE.invalidDataType);
      const inRange = value.value >= 1 && value.value <= this.#numberOfStates();
      return inRange ? value.value : new Refused(ERROR_CODE.valueOutOfRange);
    }
    return value.type === "characterString" ? value.value : new Refused(ERROR_CODE.invalidDataType);
  }

  #numberOfStates(): number {
    return this.#signal.states?.length ?? 1;
  }

  #required(): (readonly [number, () => PropertyContent])[] {
    const list: (readonly [number, () => PropertyContent])[] = [
      [PROPERTIES.objectIdentifier, () => scalar({ type: "objectId", value: this.id })],
      [PROPERTIES.objectName, () => scalar(text(this.#signal.label))],
      [PROPERTIES.objectType, () => scalar({ type: "enumerated", value: this.id.type })],
      [PROPERTIES.presentValue, () => scalar(this.presentValue())],
      [PROPERTIES.statusFlags, () => scalar({ type: "bitString", value: this.statusFlags() })],
    ];
    if (this.#family === "characterstring") return list;
    list.push(
      [PROPERTIES.eventState, () => scalar({ type: "enumerated", value: 0 })],
      [PROPERTIES.outOfService, () => scalar({ type: "boolean", value: this.#outOfService })],
    );
    if (this.#family === "analog") {
      list.push([PROPERTIES.units, () => scalar({ type: "enumerated", value: this.#unit })]);
    }
    if (this.#family === "binary" && this.id.type !== OBJECT_TYPES["binary-value"]) {
      list.push([PROPERTIES.polarity, () => scalar({ type: "enumerated", value: 0 })]);
    }
    if (this.#family === "multi-state") {
      list.push([PROPERTIES.numberOfStates, () => scalar({ type: "unsigned", value: this.#numberOfStates() })]);
    }
    if (this.#commandable) list.push(...this.#priorityProperties());
    return list;
  }

  #priorityProperties(): (readonly [number, () => PropertyContent])[] {
    const slot = (value: SignalValue | null): BacnetValue => (value === null ? { type: "null" } : this.#encode(value));
    return [
      [PROPERTIES.priorityArray, () => ({ array: true, values: this.#priorities.map(slot) })],
      [PROPERTIES.relinquishDefault, () => scalar(this.#encode(this.#relinquishDefault))],
    ];
  }

  #optional(): (readonly [number, () => PropertyContent])[] {
    const { labelEn, min, max, states } = this.#signal;
    const list: (readonly [number, () => PropertyContent])[] = [
      [PROPERTIES.description, () => scalar(text(labelEn))],
      [PROPERTIES.reliability, () => scalar({ type: "enumerated", value: this.#reliability() })],
    ];
    if (this.#family === "analog") {
      list.push([PROPERTIES.covIncrement, () => scalar({ type: "real", value: this.currentCovIncrement() })]);
      if (min !== undefined) list.push([PROPERTIES.minPresValue, () => scalar({ type: "real", value: min })]);
      if (max !== undefined) list.push([PROPERTIES.maxPresValue, () => scalar({ type: "real", value: max })]);
    }
    if (this.#family === "binary" && states !== undefined) {
      list.push(
        [PROPERTIES.inactiveText, () => scalar(text(states[0]?.[0] ?? ""))],
        [PROPERTIES.activeText, () => scalar(text(states[1]?.[0] ?? ""))],
      );
    }
    if (this.#family === "multi-state" && states !== undefined) {
      list.push([PROPERTIES.stateText, () => ({ array: true, values: states.map(([name]) => text(name)) })]);
    }
    return list;
  }
}

/** Why a value cannot be written. */
class Refused {
  readonly code: number;
  constructor(code: number) {
    this.code = code;
  }
}
