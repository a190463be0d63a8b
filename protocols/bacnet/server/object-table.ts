import { OBJECT_TYPES } from "../codec/enums.ts";
import { type ObjectId, objectIdWord } from "../codec/values.ts";
import type { ServedObject } from "./object.ts";

// [BACnet 15.5.2] the wildcard instance means "the Device object of whoever reads this"
const WILDCARD_INSTANCE = 4_194_303;

/** The objects of one device, in the order of its Object_List. */
export class ObjectTable {
  readonly #device: ServedObject;
  readonly #byId: ReadonlyMap<number, ServedObject>;
  readonly #byName: ReadonlyMap<string, ServedObject>;

  /** @throws TypeError when two objects have the same identifier */
  constructor(device: ServedObject, others: readonly ServedObject[]) {
    this.#device = device;
    this.#byId = new Map(others.map((object) => [objectIdWord(object.id), object]));
    this.#byName = new Map(others.map((object) => [object.name, object]));
    if (this.#byId.size !== others.length) throw new TypeError("two objects have the same identifier");
  }

  /** The Device object. */
  get device(): ServedObject {
    return this.#device;
  }

  /** Every object, the Device first. */
  get all(): readonly ServedObject[] {
    return [this.#device, ...this.#byId.values()];
  }

  find(id: ObjectId): ServedObject | undefined {
    if (id.type !== OBJECT_TYPES.device) return this.#byId.get(objectIdWord(id));
    return id.instance === WILDCARD_INSTANCE || id.instance === this.#device.id.instance ? this.#device : undefined;
  }

  /** By Object_Name, exactly. */
  named(name: string): ServedObject | undefined {
    return this.#device.name === name ? this.#device : this.#byName.get(name);
  }
}
