import { errorCode } from "#core/errors.ts";
import { ABORT, CONFIRMED, ERROR_CLASS, ERROR_CODE, REJECT } from "./codec/enums.ts";
import { MAX_APDU } from "./codec/link.ts";
import {
  decodeReadPropertyAck,
  decodeReadPropertyMultipleAck,
  encodeReadProperty,
  encodeReadPropertyMultiple,
  type ObjectProperty,
  type PropertyResult,
  type ReadResult,
  type ReadSpecification,
} from "./codec/services/property.ts";
import type { Counters } from "./counters.ts";
import type { Outcome } from "./transactions.ts";

/** Asks one device and gives its answer. */
export type Ask = (service: number, body: Uint8Array) => Promise<Outcome>;

// answer bytes: an object costs its identifier and two tags, a property its reference, two tags and a value of usual size
const OBJECT_BYTES = 7;
const PROPERTY_BYTES = 9;
const ACK_HEADER_BYTES = 3;
const SMALLEST_BUDGET = 50;

/** Bytes one object's results will take in the answer, for properties with values of usual size. */
function answerBytes({ properties }: ReadSpecification): number {
  return OBJECT_BYTES + properties.length * PROPERTY_BYTES;
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

function tooLarge(outcome: Outcome): boolean {
  const aborts: readonly number[] = [ABORT.bufferOverflow, ABORT.segmentationNotSupported, ABORT.apduTooLong];
  const rejects: readonly number[] = [REJECT.bufferOverflow, REJECT.tooManyArguments];
  if (outcome.kind === "abort") return aborts.includes(outcome.reason);
  return outcome.kind === "reject" && rejects.includes(outcome.reason);
}

/**
 * Reads many properties of one device by ReadPropertyMultiple, and learns what the device can do: an answer that is too large halves
 * the batches, a device without the service is read property by property, and what cannot be decoded is narrowed down to itself.
 */
export class PropertyReader {
  readonly #ask: Ask;
  readonly #counters: Counters;
  #budget: number;
  #multiple = true;

  constructor(ask: Ask, maxApdu: number, counters: Counters) {
    this.#ask = ask;
    this.#counters = counters;
    this.#budget = Math.max(SMALLEST_BUDGET, Math.min(maxApdu, MAX_APDU));
  }

  /** All results, or undefined when the device did not answer. */
  async read(specifications: readonly ReadSpecification[]): Promise<readonly ReadResult[] | undefined> {
    const batches = planBatches(specifications, this.#budget);
    const answers = await Promise.all(batches.map((batch) => this.#readBatch(batch)));
    const results: ReadResult[] = [];
    for (const answer of answers) {
      if (answer === undefined) return undefined;
      results.push(...answer);
    }
    return results;
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
    return answer === undefined ? { ...asked, error: unreadable } : { ...asked, values: answer.values };
  }

  async #readBatch(batch: readonly ReadSpecification[]): Promise<readonly ReadResult[] | undefined> {
    if (!this.#multiple) return this.#readSingly(batch);
    const outcome = await this.#ask(CONFIRMED.readPropertyMultiple, encodeReadPropertyMultiple(batch));
    if (outcome.kind === "timeout" || outcome.kind === "cancelled") return undefined;
    if (outcome.kind === "ack") {
      const results = this.#decoded(() => decodeReadPropertyMultipleAck(outcome.body));
      if (results !== undefined) return results;
    }
    if (outcome.kind === "reject" && outcome.reason === REJECT.unrecognizedService) {
      this.#multiple = false;
      return this.#readSingly(batch);
    }
    if (tooLarge(outcome)) this.#shrinkBelow(batch);
    return batch.length > 1 ? this.#readHalves(batch) : this.#readSingly(batch);
  }

  // by the batch that failed, so that several failing at once shrink it only once
  #shrinkBelow(batch: readonly ReadSpecification[]): void {
    const bytes = batch.reduce((sum, specification) => sum + answerBytes(specification), ACK_HEADER_BYTES);
    this.#budget = Math.min(this.#budget, Math.max(SMALLEST_BUDGET, Math.floor(bytes / 2)));
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
