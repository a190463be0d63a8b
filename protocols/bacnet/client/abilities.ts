import type { Clock } from "#core/clock.ts";
import { MAX_APDU } from "../codec/link.ts";

/** What was found out about a device, as it is kept on the disk. What is absent is as the standard would have it. */
export interface Learned {
  /** When it was first learned, Unix ms: it is found out anew after a week. */
  readonly at: number;
  /** From the I-Am: another device under the same instance has to be learned from the beginning. */
  readonly vendorId: number;
  readonly maxApdu: number;
  /** Model, firmware and application version, once they were read. */
  readonly model?: string;
  readonly databaseRevision?: number;
  /** Bytes that a ReadPropertyMultiple's answer may have. */
  readonly budget?: number;
  /** No ReadPropertyMultiple. */
  readonly multiple?: false;
  /** No WritePropertyMultiple. */
  readonly writesMultiple?: false;
  /** No SubscribeCOV. */
  readonly cov?: false;
  /** No SubscribeCOVProperty. */
  readonly covProperty?: false;
  /** Subscriptions that it takes from us. */
  readonly covSlots?: number;
  /** Objects without Reliability, as words. */
  readonly withoutReliability?: readonly number[];
}

/** What a device says of itself before anything is asked of it. */
export type Introduction = Pick<Learned, "vendorId" | "maxApdu">;

/** Where what was learned is kept. */
export interface AbilitiesDeps {
  readonly clock: Clock;
  readonly save: (learned: Learned) => void;
}

const ANEW_AFTER_MS = 7 * 24 * 3_600_000;
const SAVE_AFTER_MS = 1000;
const SMALLEST_BUDGET = 50;
const MOST_QUARANTINED = 256;
const MOST_WITHOUT_RELIABILITY = 10_000;

/**
 * What one device can take: learned from its refusals, kept over a restart, forgotten when another model or firmware answers under
 * its instance, and after a week, because a device may have had a bad day.
 */
export class Abilities {
  readonly #deps: AbilitiesDeps;
  readonly #withoutReliability: Set<number>;
  /** Properties whose values cannot be decoded: asked by themselves, so that they spoil no batch. Found out at each start. */
  readonly #quarantined = new Set<string>();
  #reliabilityRevision = 0;
  #learned: Learned;
  /** Is anything of it on the disk? */
  #kept: boolean;
  #cancelSave: (() => void) | undefined;

  constructor(introduction: Introduction, remembered: Learned | undefined, deps: AbilitiesDeps) {
    this.#deps = deps;
    const now = deps.clock.now();
    const holds =
      remembered !== undefined &&
      remembered.vendorId === introduction.vendorId &&
      remembered.maxApdu === introduction.maxApdu &&
      Math.abs(now - remembered.at) < ANEW_AFTER_MS;
    this.#learned = holds ? remembered : { at: now, ...introduction };
    this.#kept = holds;
    this.#withoutReliability = new Set(this.#learned.withoutReliability);
  }

  /** Bytes that an answer may have. */
  get budget(): number {
    const { budget = MAX_APDU, maxApdu } = this.#learned;
    return Math.max(SMALLEST_BUDGET, Math.min(budget, maxApdu, MAX_APDU));
  }

  /** Does it know ReadPropertyMultiple? */
  get readsMultiple(): boolean {
    return this.#learned.multiple ?? true;
  }

  /** Does it know WritePropertyMultiple? */
  get writesMultiple(): boolean {
    return this.#learned.writesMultiple ?? true;
  }

  /** Does it know SubscribeCOV? */
  get subscribes(): boolean {
    return this.#learned.cov ?? true;
  }

  /** Does it know SubscribeCOVProperty? */
  get subscribesProperties(): boolean {
    return this.#learned.covProperty ?? true;
  }

  /** Subscriptions that it takes from us; Infinity while it refused none. */
  get covSlots(): number {
    return this.#learned.covSlots ?? Number.POSITIVE_INFINITY;
  }

  /** Changes whenever the objects without Reliability do. */
  get reliabilityRevision(): number {
    return this.#reliabilityRevision;
  }

  hasReliability(object: number): boolean {
    return !this.#withoutReliability.has(object);
  }

  /** Is any property read by itself? */
  get quarantines(): boolean {
    return this.#quarantined.size > 0;
  }

  isQuarantined(property: string): boolean {
    return this.#quarantined.has(property);
  }

  /** An answer of so many bytes was too large. */
  answerTooLarge(bytes: number): void {
    // by the batch that failed, so that several failing at once shrink it only once
    const budget = Math.min(this.budget, Math.max(SMALLEST_BUDGET, Math.floor(bytes / 2)));
    if (budget < this.budget) this.#learn({ budget });
  }

  /** It rejected a service as unknown. */
  lacks(what: "multiple" | "writesMultiple" | "cov" | "covProperty"): void {
    if (this.#learned[what] !== false) this.#learn({ [what]: false });
  }

  /** It holds so many subscriptions of ours and wants no more. */
  covSlotsAre(covSlots: number): void {
    if (covSlots !== this.covSlots) this.#learn({ covSlots });
  }

  lacksReliability(object: number): void {
    if (this.#withoutReliability.has(object) || this.#withoutReliability.size >= MOST_WITHOUT_RELIABILITY) return;
    this.#withoutReliability.add(object);
    this.#reliabilityRevision += 1;
    this.#learn({});
  }

  quarantine(property: string): void {
    if (this.#quarantined.size < MOST_QUARANTINED) this.#quarantined.add(property);
  }

  /** What the device says of its model and of its database; true when that is not what was known. */
  identified(model: string | undefined, databaseRevision: number | undefined): boolean {
    const before = this.#learned;
    const otherModel = before.model !== undefined && model !== undefined && before.model !== model;
    const { databaseRevision: revision } = before;
    const otherObjects = revision !== undefined && databaseRevision !== undefined && revision !== databaseRevision;
    const identity = {
      ...(model === undefined ? {} : { model }),
      ...(databaseRevision === undefined ? {} : { databaseRevision }),
    };
    if (otherModel) {
      const { vendorId, maxApdu } = before;
      this.#learned = { at: this.#deps.clock.now(), vendorId, maxApdu, ...identity };
    } else this.#learned = { ...before, ...identity };
    const isNew = before.model !== this.#learned.model || before.databaseRevision !== this.#learned.databaseRevision;
    // of what was learned it must be known of which device; of a device that surprised nobody nothing is kept
    if (isNew && this.#kept) this.#learn({});
    if (!otherModel && !otherObjects) return false;
    this.#withoutReliability.clear();
    this.#reliabilityRevision += 1;
    this.#quarantined.clear();
    return true;
  }

  /** Writes what waits to be written. */
  flush(): void {
    if (this.#cancelSave === undefined) return;
    this.#cancelSave();
    this.#cancelSave = undefined;
    this.#kept = true;
    const withoutReliability = [...this.#withoutReliability];
    this.#deps.save({ ...this.#learned, withoutReliability });
  }

  #learn(more: Partial<Learned>): void {
    this.#learned = { ...this.#learned, ...more };
    // what is learned of many objects comes at once
    this.#cancelSave ??= this.#deps.clock.after(SAVE_AFTER_MS, () => this.flush());
  }
}
