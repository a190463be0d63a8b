import { errorCode } from "#core/errors.ts";
import { ABORT, CONFIRMED, ERROR_CLASS, ERROR_CODE, REJECT } from "../codec/enums.ts";
import {
  decodeReadPropertyAck,
  decodeReadPropertyMultipleAck,
  encodeReadProperty,
  encodeReadPropertyMultiple,
  type ObjectProperty,
  type PropertyReference,
  type PropertyResult,
  type ReadResult,
  type ReadSpecification,
} from "../codec/services/property.ts";
import { objectIdWord } from "../codec/values.ts";
import type { Counters } from "../counters.ts";
import type { Outcome } from "../station/ports.ts";
import type { Abilities } from "./abilities.ts";

/** Asks one device and gives its answer. */
export type Ask = (service: number, body: Uint8Array) => Promise<Outcome>;

// answer bytes: an object costs its identifier and two tags, a property its reference, two tags and a value of usual size
const OBJECT_BYTES = 7;
const PROPERTY_BYTES = 9;
const ACK_HEADER_BYTES = 3;

/** Requests for what is to be read, made for answers of so many bytes. */
interface Batches {
  readonly budget: number;
  readonly batches: readonly { readonly batch: readonly ReadSpecification[]; readonly body: Uint8Array }[];
}

/** Bytes one object's results will take in the answer, for properties with values of usual size. */
function answerBytes({ properties }: ReadSpecification): number {
  return OBJECT_BYTES + properties.length * PROPERTY_BYTES;
}

function answerLength(batch: readonly ReadSpecification[]): number {
  return batch.reduce((sum, specification) => sum + answerBytes(specification), ACK_HEADER_BYTES);
}

/** Splits what is to be read so that each answer should fit `maxApdu` bytes; at least one object a batch. */
export function planBatches(
  specifications: readonly ReadSpecification[],
  maxApdu: number,
): readonly (readonly ReadSpecification[])[] {
  const batches: ReadSpecification[][] = [];
  let current: ReadSpecification[] = [];
  let bytes = ACK_HEADER_BYTES;
  for (const specification of specifications) {
    const more = answerBytes(specification);
    if (current.length > 0 && bytes + more > maxApdu) {
      batches.push(current);
      current = [];
      bytes = ACK_HEADER_BYTES;
    }
    current.push(specification);
    bytes += more;
  }
  if (current.length > 0) batches.push(current);
  return batches;
}

/** Did the device give up because its answer, or what it was asked, is more than it can take? */
export function tooLarge(outcome: Outcome): boolean {
  const aborts: readonly number[] = [ABORT.bufferOverflow, ABORT.segmentationNotSupported, ABORT.apduTooLong];
  const rejects: readonly number[] = [REJECT.bufferOverflow, REJECT.tooManyArguments];
  if (outcome.kind === "abort") return aborts.includes(outcome.reason);
  return outcome.kind === "reject" && rejects.includes(outcome.reason);
}

/** Identity of a property of an object as a map key. */
export function propertyKey(object: number, { property, index }: PropertyReference): string {
  return `${object}:${property}:${index ?? ""}`;
}

/**
 * Reads many properties of one device by ReadPropertyMultiple, and learns what the device can do: an answer that is too large halves
 * the batches, a device without the service is read property by property, and a value that cannot be decoded is narrowed down to
 * its property, which is read by itself from then on.
 */
export class PropertyReader {
  readonly #ask: Ask;
  readonly #abilities: Abilities;
  readonly #counters: Counters;
  readonly #planned = new WeakMap<readonly ReadSpecification[], Batches>();

  constructor(ask: Ask, abilities: Abilities, counters: Counters) {
    this.#ask = ask;
    this.#abilities = abilities;
    this.#counters = counters;
  }

  /** All results, or undefined when the device did not answer. */
  async read(specifications: readonly ReadSpecification[]): Promise<readonly ReadResult[] | undefined> {
    const [healthy, odd] = this.#withoutQuarantined(specifications);
    const batches = this.#batchesOf(healthy);
    const [only] = batches;
    if (only !== undefined && batches.length === 1 && odd.length === 0) return this.#readBatch(only.batch, only.body);
    const answers = await Promise.all([
      ...batches.map(({ batch, body }) => this.#readBatch(batch, body)),
      ...(odd.length === 0 ? [] : [this.#readSingly(odd)]),
    ]);
    const results: ReadResult[] = [];
    for (const answer of answers) {
      if (answer === undefined) return undefined;
      results.push(...answer);
    }
    return results;
  }

  // a poll asks for the same again and again
  #batchesOf(specifications: readonly ReadSpecification[]): Batches["batches"] {
    const { budget } = this.#abilities;
    const known = this.#planned.get(specifications);
    if (known?.budget === budget) return known.batches;
    const batches = planBatches(specifications, budget).map((batch) => ({
      batch,
      body: encodeReadPropertyMultiple(batch),
    }));
    this.#planned.set(specifications, { budget, batches });
    return batches;
  }

  #withoutQuarantined(
    specifications: readonly ReadSpecification[],
  ): readonly [readonly ReadSpecification[], readonly ReadSpecification[]] {
    if (!this.#abilities.quarantines) return [specifications, []];
    const healthy: ReadSpecification[] = [];
    const odd: ReadSpecification[] = [];
    for (const specification of specifications) {
      const { object, properties } = specification;
      const word = objectIdWord(object);
      const isOdd = (reference: PropertyReference): boolean =>
        this.#abilities.isQuarantined(propertyKey(word, reference));
      if (!properties.some(isOdd)) {
        healthy.push(specification);
        continue;
      }
      odd.push({ object, properties: properties.filter(isOdd) });
      const rest = properties.filter((reference) => !isOdd(reference));
      if (rest.length > 0) healthy.push({ object, properties: rest });
    }
    return [healthy, odd];
  }

  /** One property; undefined when the device did not answer. */
  async readOne(reference: ObjectProperty): Promise<PropertyResult | undefined> {
    const outcome = await this.#ask(CONFIRMED.readProperty, encodeReadProperty(reference));
    if (outcome.kind === "timeout" || outcome.kind === "cancelled") return undefined;
    const { property, index } = reference;
    const asked = { property, ...(index === undefined ? {} : { index }) };
    if (outcome.kind === "error") return { ...asked, error: outcome.error };
    const unreadable = { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.other };
    if (outcome.kind !== "ack") return { ...asked, error: unreadable };
    const answer = this.#decoded(() => decodeReadPropertyAck(outcome.body));
    if (answer !== undefined) return { ...asked, values: answer.values };
    this.#abilities.quarantine(propertyKey(objectIdWord(reference.object), reference));
    return { ...asked, error: unreadable };
  }

  async #readBatch(
    batch: readonly ReadSpecification[],
    body: Uint8Array = encodeReadPropertyMultiple(batch),
  ): Promise<readonly ReadResult[] | undefined> {
    if (!this.#abilities.readsMultiple) return this.#readSingly(batch);
    const outcome = await this.#ask(CONFIRMED.readPropertyMultiple, body);
    if (outcome.kind === "timeout" || outcome.kind === "cancelled") return undefined;
    if (outcome.kind === "ack") {
      const results = this.#decoded(() => decodeReadPropertyMultipleAck(outcome.body));
      if (results !== undefined) return results;
    }
    if (outcome.kind === "reject" && outcome.reason === REJECT.unrecognizedService) {
      this.#abilities.lacks("multiple");
      return this.#readSingly(batch);
    }
    if (tooLarge(outcome)) this.#abilities.answerTooLarge(answerLength(batch));
    return batch.length > 1 ? this.#readHalves(batch) : this.#readSingly(batch);
  }

  async #readHalves(batch: readonly ReadSpecification[]): Promise<readonly ReadResult[] | undefined> {
    const middle = Math.ceil(batch.length / 2);
    const first = await this.#readBatch(batch.slice(0, middle));
    const second = first && (await this.#readBatch(batch.slice(middle)));
    return first && second && [...first, ...second];
  }

  async #readSingly(batch: readonly ReadSpecification[]): Promise<readonly ReadResult[] | undefined> {
    const answers: ReadResult[] = [];
    for (const { object, properties } of batch) {
      const results: PropertyResult[] = [];
      for (const reference of properties) {
        const result = await this.readOne({ object, ...reference });
        if (result === undefined) return undefined;
        results.push(result);
      }
      answers.push({ object, results });
    }
    return answers;
  }

  #decoded<T>(decode: () => T): T | undefined {
    try {
      return decode();
    } catch (error) {
      if (errorCode(error) !== "BACNET_MALFORMED") throw error;
      this.#counters.add("malformed");
      return undefined;
    }
  }
}
