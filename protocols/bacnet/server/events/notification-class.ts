import { type Destination, destination } from "../../codec/destination.ts";
import { ERROR_CODE, OBJECT_TYPES, PROPERTIES } from "../../codec/enums.ts";
import type { BacnetDateTime } from "../../codec/timestamp.ts";
import type { ObjectId } from "../../codec/values.ts";
import { listProperty } from "../collections.ts";
import {
  arrayOf,
  bits,
  identity,
  optional,
  type Property,
  propertyError,
  required,
  type ServedObject,
  single,
  text,
  unsigned,
} from "../object.ts";
import { timeOfDay } from "../schedules/patterns.ts";
import { writesBits } from "../writing.ts";
import type { TransitionBits } from "./definition.ts";
import type { TransitionIndex } from "./reporter.ts";

/** A NotificationClass object: who is told of transitions, how urgently, and whether a person must acknowledge. */
export interface NotificationClassDefinition {
  readonly instance: number;
  readonly name: string;
  readonly description: string;
  /** 0 most urgent to 255: to off-normal, to fault, to normal. */
  readonly priority: readonly [toOffnormal: number, toFault: number, toNormal: number];
  readonly ackRequired: TransitionBits;
  readonly recipients?: readonly Destination[];
}

const MAX_RECIPIENTS = 32;
const LEAST_URGENT = 255;

/** [BACnet 12.21] */
export class NotificationClass implements ServedObject {
  readonly id: ObjectId;
  readonly name: string;
  readonly properties: ReadonlyMap<number, Property>;
  readonly #initial: readonly Destination[];
  #recipients: readonly Destination[];
  #priority: readonly number[];
  #ackRequired: TransitionBits;

  constructor(definition: NotificationClassDefinition) {
    this.id = { type: OBJECT_TYPES["notification-class"], instance: definition.instance };
    this.name = definition.name;
    this.#initial = definition.recipients ?? [];
    this.#recipients = this.#initial;
    this.#priority = definition.priority;
    this.#ackRequired = definition.ackRequired;
    this.properties = new Map([
      ...identity(this.id, this.name),
      required(PROPERTIES.notificationClass, () => single(unsigned(this.id.instance))),
      [PROPERTIES.priority, this.#priorityProperty()],
      required(
        PROPERTIES.ackRequired,
        () => single(bits(this.#ackRequired)),
        writesBits(3, ([offnormal = false, fault = false, normal = false]) => {
          this.#ackRequired = [offnormal, fault, normal];
        }),
      ),
      [PROPERTIES.recipientList, this.#recipientProperty()],
      optional(PROPERTIES.description, () => single(text(definition.description))),
    ]);
  }

  /** 0 most urgent to 255. */
  priority(transition: TransitionIndex): number {
    return this.#priority[transition] ?? LEAST_URGENT;
  }

  /** For each of the three transitions. */
  get priorities(): readonly [number, number, number] {
    return [this.priority(0), this.priority(1), this.priority(2)];
  }

  ackRequired(transition: TransitionIndex): boolean {
    return this.#ackRequired[transition];
  }

  /** Recipients that want a transition at this moment of the device's clock. [BACnet 12.21.8] */
  recipients(transition: TransitionIndex, { date, time }: BacnetDateTime): readonly Destination[] {
    const now = timeOfDay(time);
    return this.#recipients.filter(
      ({ validDays, fromTime, toTime, transitions }) =>
        transitions[transition] === true &&
        validDays[date.weekday - 1] === true &&
        now >= timeOfDay(fromTime) &&
        now <= timeOfDay(toTime, "last"),
    );
  }

  /** As a controller that has lost its memory. */
  clear(): void {
    this.#recipients = this.#initial;
  }

  #recipientProperty(): Property {
    return listProperty(
      {
        field: destination,
        get: () => this.#recipients,
        set: (recipients) => {
          this.#recipients = recipients;
        },
        most: MAX_RECIPIENTS,
        check: ({ validDays, transitions }) =>
          validDays.length === 7 && transitions.length === 3 ? undefined : ERROR_CODE.valueOutOfRange,
      },
      true,
    );
  }

  #priorityProperty(): Property {
    return {
      required: true,
      read: () => arrayOf(this.#priority.map(unsigned)),
      write: ({ index, values }) => {
        const numbers = values.flatMap((value) => (value.type === "unsigned" ? [value.value] : []));
        if (numbers.length !== values.length) return propertyError(ERROR_CODE.invalidDataType);
        if (numbers.some((number) => number > LEAST_URGENT)) {
          return propertyError(ERROR_CODE.valueOutOfRange);
        }
        if (index === undefined) {
          if (numbers.length !== 3) return propertyError(ERROR_CODE.valueOutOfRange);
          this.#priority = numbers;
        } else this.#priority = this.#priority.map((former, i) => (i === index - 1 ? (numbers[0] ?? former) : former));
        return undefined;
      },
    };
  }
}
