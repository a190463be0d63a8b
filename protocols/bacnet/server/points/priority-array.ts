import type { PointValue } from "./definition.ts";

/** Lowest command priority, and that of a write that names none. [BACnet 19.2.1] */
export const LOWEST_PRIORITY = 16;
/** Reserved for the minimum on and off times of the device itself. [BACnet 19.2.3] */
export const MINIMUM_ON_OFF_PRIORITY = 6;

/** The 16 command slots of an object. The highest that is not relinquished wins; with none, Relinquish_Default. [BACnet 19.2.1] */
export class PriorityArray {
  readonly #slots: (PointValue | null)[] = Array.from({ length: LOWEST_PRIORITY }, () => null);
  #default: PointValue;

  constructor(relinquishDefault: PointValue) {
    this.#default = relinquishDefault;
  }

  /** Highest priority first, null where relinquished. */
  get slots(): readonly (PointValue | null)[] {
    return [...this.#slots];
  }

  get relinquishDefault(): PointValue {
    return this.#default;
  }

  set relinquishDefault(value: PointValue) {
    this.#default = value;
  }

  /** Priority that holds the present value, 1-16; null when relinquished altogether. */
  get active(): number | null {
    const index = this.#slots.findIndex((slot) => slot !== null);
    return index < 0 ? null : index + 1;
  }

  /** What the slots ask for. */
  get winner(): PointValue {
    return this.#slots.find((slot) => slot !== null) ?? this.#default;
  }

  /** `priority` 1-16; null relinquishes. */
  command(priority: number, value: PointValue | null): void {
    this.#slots[priority - 1] = value;
  }

  /** Relinquishes everything; was anything commanded? */
  clear(): boolean {
    const commanded = this.active !== null;
    this.#slots.fill(null);
    return commanded;
  }
}
