import { type ObjectId, objectIdWord } from "../../codec/values.ts";
import type { NotificationClass } from "./notification-class.ts";
import type { EventSource } from "./reporter.ts";

const LEAST_URGENT = 255;

/** Every object that reports events, in the order of the object identifiers, and the classes that they report to. */
export class EventTable {
  readonly all: readonly (readonly [object: ObjectId, source: EventSource])[];
  readonly #byId: ReadonlyMap<number, EventSource>;
  readonly #classes: ReadonlyMap<number, NotificationClass>;

  constructor(
    sources: readonly (readonly [object: ObjectId, source: EventSource])[],
    classes: ReadonlyMap<number, NotificationClass>,
  ) {
    this.all = [...sources].sort(([a], [b]) => objectIdWord(a) - objectIdWord(b));
    this.#byId = new Map(sources.map(([id, source]) => [objectIdWord(id), source]));
    this.#classes = classes;
  }

  /** Event state of an object; undefined where it reports none. */
  of(object: ObjectId): EventSource | undefined {
    return this.#byId.get(objectIdWord(object));
  }

  /** Priorities of the three transitions; the least urgent where the class does not exist. */
  priorities(notificationClass: number): readonly [number, number, number] {
    return this.#classes.get(notificationClass)?.priorities ?? [LEAST_URGENT, LEAST_URGENT, LEAST_URGENT];
  }
}
