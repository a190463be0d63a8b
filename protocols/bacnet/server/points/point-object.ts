import { ERROR_CODE, OBJECT_TYPES, PROPERTIES, RELIABILITY } from "../../codec/enums.ts";
import { nameValue } from "../../codec/references.ts";
import type { PropertyWrite } from "../../codec/services/property.ts";
import type { BacnetValue, ObjectId } from "../../codec/values.ts";
import type { EventSubject } from "../events/definition.ts";
import { EventReporter, type TransitionSink } from "../events/reporter.ts";
import {
  arrayOf,
  arrayOfAll,
  bits,
  boolean,
  enumerated,
  identity,
  optional,
  type Property,
  type PropertyEntry,
  propertyError,
  real,
  required,
  type ServedObject,
  single,
  text,
  unsigned,
  type Written,
} from "../object.ts";
import { writesOne } from "../writing.ts";
import { decodePoint, encodePoint, type Family, familyOf, isOutput, type Range } from "./coding.ts";
import type { PointDefinition, PointValue } from "./definition.ts";
import { LOWEST_PRIORITY, MINIMUM_ON_OFF_PRIORITY, PriorityArray } from "./priority-array.ts";

const DEFAULT_COV_INCREMENT = 0.1;
// BACnetEngineeringUnits no-units [BACnet 21]
const NO_UNITS = 95;
const MAX_ACCUMULATED = 0xffff_ffff;

/** An analog, binary, multi-state, character-string or accumulator object. [BACnet 12.1-12.4, 12.6-12.8, 12.18-12.20, 12.37] */
export class PointObject implements ServedObject, EventSubject {
  readonly id: ObjectId;
  readonly name: string;
  readonly properties: ReadonlyMap<number, Property>;
  /** Its intrinsic reporting; undefined where it has none. */
  readonly events: EventReporter | undefined;
  readonly #definition: PointDefinition;
  readonly #family: Family;
  readonly #priorities: PriorityArray | undefined;
  #outOfService = false;
  // what Present_Value and Reliability show while decoupled from the physical input [BACnet 12.2.10]
  #held: PointValue | undefined;
  #heldReliability: number | undefined;
  #covIncrement: number;

  /** `transitions` takes what intrinsic reporting has to tell. @throws TypeError for an object type that is no point */
  constructor(definition: PointDefinition, transitions: TransitionSink) {
    const family = familyOf(definition.id.type);
    if (family === undefined) throw new TypeError(`object type ${definition.id.type} is no point`);
    this.#definition = definition;
    this.#family = family;
    this.id = definition.id;
    this.name = definition.name;
    this.#covIncrement = definition.covIncrement ?? DEFAULT_COV_INCREMENT;
    const hasPriorities = family !== "text" && family !== "accumulator";
    const commandable = (definition.commandable && hasPriorities) || isOutput(definition.id.type);
    if (commandable) {
      this.#priorities = new PriorityArray(definition.relinquishDefault ?? definition.source.read());
    }
    this.events = definition.event === undefined ? undefined : new EventReporter(this, definition.event, transitions);
    this.properties = new Map([...this.#table(), ...(this.events?.properties() ?? [])]);
  }

  /** The 16 slots, highest priority first; undefined when not commandable. */
  priorityArray(): readonly (PointValue | null)[] | undefined {
    return this.#priorities?.slots;
  }

  presentValue(): BacnetValue {
    return encodePoint(this.#family, this.#current());
  }

  feedbackValue(): BacnetValue | undefined {
    const feedback = this.#definition.source.feedback?.();
    return feedback === undefined ? undefined : encodePoint(this.#family, feedback);
  }

  reliability(): number {
    if (this.#heldReliability !== undefined) return this.#heldReliability;
    const told = this.#definition.source.reliability?.();
    if (told !== undefined) return told;
    const value = this.#current();
    return typeof value === "number" && Number.isNaN(value) ? RELIABILITY.noSensor : RELIABILITY.noFaultDetected;
  }

  /** In_Alarm, Fault, Overridden, Out_Of_Service. [BACnet 12.2.7] */
  statusFlags(): readonly boolean[] {
    const inAlarm = (this.events?.state ?? 0) !== 0;
    return [inAlarm, this.reliability() !== RELIABILITY.noFaultDetected, false, this.#outOfService];
  }

  /** Power loss: commands, Out_Of_Service, a written COV_Increment and event states are volatile. */
  powerCycle(): void {
    this.#outOfService = false;
    this.#held = undefined;
    this.#heldReliability = undefined;
    this.#covIncrement = this.#definition.covIncrement ?? DEFAULT_COV_INCREMENT;
    this.events?.reset();
    if (this.#priorities?.clear() === true) this.#definition.source.write(this.#priorities.winner);
  }

  #current(): PointValue {
    return this.#held ?? this.#definition.source.read();
  }

  #range(): Range {
    const { min = -Infinity, max = Infinity, states } = this.#definition;
    return this.#family === "multi-state" ? { min: 1, max: Math.max(1, states?.length ?? 1) } : { min, max };
  }

  #writePresentValue({ values, priority = LOWEST_PRIORITY }: PropertyWrite): Written {
    const [value] = values;
    if (value === undefined || values.length > 1) return propertyError(ERROR_CODE.invalidDataType);
    const priorities = this.#priorities;
    if (priorities === undefined && !this.#outOfService) return propertyError(ERROR_CODE.writeAccessDenied);
    if (priorities !== undefined && priority === MINIMUM_ON_OFF_PRIORITY) {
      return propertyError(ERROR_CODE.writeAccessDenied);
    }
    if (priorities !== undefined && value.type === "null") return this.#command(priorities, priority, null);
    const decoded = decodePoint(this.#family, value, this.#range());
    if ("refused" in decoded) return propertyError(decoded.refused);
    if (priorities !== undefined) return this.#command(priorities, priority, decoded.value);
    this.#held = decoded.value;
    return undefined;
  }

  #command(priorities: PriorityArray, priority: number, value: PointValue | null): Written {
    priorities.command(priority, value);
    if (this.#outOfService) this.#held = priorities.winner;
    else this.#definition.source.write(priorities.winner);
    return undefined;
  }

  #table(): readonly PropertyEntry[] {
    const entries: PropertyEntry[] = [
      ...identity(this.id, this.name),
      required(
        PROPERTIES.presentValue,
        () => single(this.presentValue()),
        (request) => this.#writePresentValue(request),
      ),
      required(PROPERTIES.statusFlags, () => single(bits(this.statusFlags()))),
      optional(PROPERTIES.description, () => single(text(this.#definition.description))),
      this.#reliabilityEntry(),
    ];
    if (this.#family !== "text") entries.push(...this.#stateEntries());
    if (this.#priorities !== undefined) entries.push(...this.#commandEntries(this.#priorities));
    return [...entries, ...this.#familyEntries(), ...this.#semanticEntries()];
  }

  #reliabilityEntry(): PropertyEntry {
    return optional(
      PROPERTIES.reliability,
      () => single(enumerated(this.reliability())),
      writesOne("enumerated", (value) => {
        if (!this.#outOfService) return ERROR_CODE.writeAccessDenied;
        this.#heldReliability = value;
        return undefined;
      }),
    );
  }

  #stateEntries(): readonly PropertyEntry[] {
    const outOfService = required(
      PROPERTIES.outOfService,
      () => single(boolean(this.#outOfService)),
      writesOne("boolean", (value) => {
        const returns = this.#outOfService && !value;
        this.#held = value ? this.#current() : undefined;
        this.#heldReliability = undefined;
        this.#outOfService = value;
        // the equipment has not followed the commands meanwhile [BACnet 12.3.10]
        if (returns && this.#priorities !== undefined) this.#definition.source.write(this.#priorities.winner);
        return undefined;
      }),
    );
    return [required(PROPERTIES.eventState, () => single(enumerated(this.events?.state ?? 0))), outOfService];
  }

  #commandEntries(priorities: PriorityArray): readonly PropertyEntry[] {
    const slot = (value: PointValue | null): BacnetValue =>
      value === null ? { type: "null" } : encodePoint(this.#family, value);
    return [
      required(PROPERTIES.priorityArray, () => arrayOf(priorities.slots.map(slot))),
      required(PROPERTIES.relinquishDefault, () => single(encodePoint(this.#family, priorities.relinquishDefault))),
      optional(PROPERTIES.currentCommandPriority, () => {
        const { active } = priorities;
        return single(active === null ? { type: "null" } : unsigned(active));
      }),
    ];
  }

  #familyEntries(): readonly PropertyEntry[] {
    switch (this.#family) {
      case "analog":
        return this.#analogEntries();
      case "binary":
        return this.#binaryEntries();
      case "multi-state":
        return this.#multiStateEntries();
      case "accumulator":
        return this.#accumulatorEntries();
      case "text":
        return [];
      default:
        this.#family satisfies never;
        return [];
    }
  }

  #analogEntries(): readonly PropertyEntry[] {
    const { units = NO_UNITS, min, max } = this.#definition;
    const entries: PropertyEntry[] = [
      required(PROPERTIES.units, () => single(enumerated(units))),
      optional(
        PROPERTIES.covIncrement,
        () => single(real(this.#covIncrement)),
        writesOne("real", (value) => {
          if (!(value >= 0)) return ERROR_CODE.valueOutOfRange;
          this.#covIncrement = value;
          return undefined;
        }),
      ),
    ];
    if (min !== undefined) entries.push(optional(PROPERTIES.minPresValue, () => single(real(min))));
    if (max !== undefined) entries.push(optional(PROPERTIES.maxPresValue, () => single(real(max))));
    return entries;
  }

  #binaryEntries(): readonly PropertyEntry[] {
    const { states } = this.#definition;
    const entries: PropertyEntry[] = [];
    if (this.id.type !== OBJECT_TYPES["binary-value"]) {
      entries.push(required(PROPERTIES.polarity, () => single(enumerated(0))));
    }
    if (states !== undefined) {
      entries.push(
        optional(PROPERTIES.inactiveText, () => single(text(states[0] ?? ""))),
        optional(PROPERTIES.activeText, () => single(text(states[1] ?? ""))),
      );
    }
    return entries;
  }

  #multiStateEntries(): readonly PropertyEntry[] {
    const { states } = this.#definition;
    const count = required(PROPERTIES.numberOfStates, () => single(unsigned(Math.max(1, states?.length ?? 1))));
    if (states === undefined) return [count];
    return [count, optional(PROPERTIES.stateText, () => arrayOf(states.map(text)))];
  }

  #accumulatorEntries(): readonly PropertyEntry[] {
    const { units = NO_UNITS, max = MAX_ACCUMULATED } = this.#definition;
    // BACnetScale: the choice integer-scale [1] with 10^0 [BACnet 12.1.11]
    const scale: BacnetValue = { type: "raw", tag: 1, context: true, constructed: false, value: Uint8Array.of(0) };
    return [
      required(PROPERTIES.scale, () => single(scale)),
      required(PROPERTIES.units, () => single(enumerated(units))),
      required(PROPERTIES.maxPresValue, () => single(unsigned(max))),
    ];
  }

  #semanticEntries(): readonly PropertyEntry[] {
    const { profileName, tags, source } = this.#definition;
    const entries: PropertyEntry[] = [];
    if (profileName !== undefined) entries.push(optional(PROPERTIES.profileName, () => single(text(profileName))));
    if (tags !== undefined) {
      const list = Object.entries(tags).map(([name, value]) => ({ name, values: [text(value)] }));
      entries.push(optional(PROPERTIES.tags, () => arrayOfAll(nameValue, list)));
    }
    if (source.feedback !== undefined) {
      entries.push(
        optional(PROPERTIES.feedbackValue, () =>
          single(this.feedbackValue() ?? encodePoint(this.#family, this.#current())),
        ),
      );
    }
    return entries;
  }
}
