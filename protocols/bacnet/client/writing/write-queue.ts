import { errorCode } from "#core/errors.ts";
import { CONFIRMED, REJECT } from "../../codec/enums.ts";
import { decodeWriteMultipleError } from "../../codec/services/error.ts";
import { encodeWriteProperty, type PropertyWrite } from "../../codec/services/property.ts";
import { encodeWritePropertyMultiple } from "../../codec/services/write-property-multiple.ts";
import { objectIdWord } from "../../codec/values.ts";
import type { Outcome } from "../../station/ports.ts";
import type { Abilities } from "../abilities.ts";
import { type Ask, propertyKey } from "../polling.ts";

interface Waiting {
  readonly write: PropertyWrite;
  /** As WriteProperty's request. */
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
  readonly settle: (outcome: Outcome) => void;
}

// a request of so many writes fits the smallest APDU of a device that knows WritePropertyMultiple at all
const MOST_TOGETHER = 12;
const HEADER_BYTES = 8;
const DONE: Outcome = { kind: "ack", body: new Uint8Array() };
const CANCELLED: Outcome = { kind: "cancelled" };

/**
 * Writes to one device, one request after the other in the order in which they came. What waits while one is under way goes out
 * together as one WritePropertyMultiple, or singly where the device does not know it. [BACnet 15.9, 15.10]
 */
export class WriteQueue {
  readonly #ask: Ask;
  readonly #abilities: Abilities;
  #waiting: Waiting[] = [];
  #busy = false;

  constructor(ask: Ask, abilities: Abilities) {
    this.#ask = ask;
    this.#abilities = abilities;
  }

  /** Settles with the device's answer to this write; `cancelled` as soon as the caller gives up. @throws BACNET_MALFORMED */
  async write(write: PropertyWrite, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return CANCELLED;
    // what cannot be put into bytes fails here, where it holds up nobody else's
    const body = encodeWriteProperty(write);
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const cancel = (): void => settle(CANCELLED);
    const settle = (outcome: Outcome): void => {
      signal.removeEventListener("abort", cancel);
      resolve(outcome);
    };
    signal.addEventListener("abort", cancel, { once: true });
    this.#waiting.push({ write, body, signal, settle });
    if (!this.#busy) void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const together = this.#next();
      if (together.length === 1) await this.#single(together);
      else if (together.length > 1) await this.#multiple(together);
    }
    this.#busy = false;
  }

  /** The next writes that go out together; what was given up meanwhile is never sent. */
  #next(): readonly Waiting[] {
    this.#waiting = this.#waiting.filter(({ signal }) => !signal.aborted);
    if (!this.#abilities.writesMultiple) return this.#waiting.splice(0, 1);
    const targets = new Set<string>();
    let bytes = HEADER_BYTES;
    let count = 0;
    for (const { write, body } of this.#waiting) {
      const key = propertyKey(objectIdWord(write.object), write);
      bytes += body.length + 4;
      // the same property twice: the second one is meant to come after the answer to the first
      if (targets.has(key) || count === MOST_TOGETHER || (count > 0 && bytes > this.#abilities.budget)) break;
      targets.add(key);
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #single(writes: readonly Waiting[]): Promise<void> {
    for (const { body, signal, settle } of writes) {
      if (signal.aborted) continue;
      settle(await this.#ask(CONFIRMED.writeProperty, body));
    }
  }

  async #multiple(writes: readonly Waiting[]): Promise<void> {
    const body = encodeWritePropertyMultiple(
      writes.map(({ write: { object, ...property } }) => ({ object, properties: [property] })),
    );
    const outcome = await this.#ask(CONFIRMED.writePropertyMultiple, body);
    if (outcome.kind === "error") {
      await this.#afterError(writes, outcome);
      return;
    }
    if (outcome.kind === "reject" || outcome.kind === "abort") {
      if (outcome.kind === "reject" && outcome.reason === REJECT.unrecognizedService) {
        this.#abilities.lacks("writesMultiple");
      }
      // nothing of a rejected or aborted request was performed [BACnet 18.9, 18.10]
      await this.#single(writes);
      return;
    }
    for (const { settle } of writes) settle(outcome);
  }

  // [BACnet 15.10.1.3] written in order up to the first one that fails; the device does not go on after it
  async #afterError(writes: readonly Waiting[], outcome: Outcome & { kind: "error" }): Promise<void> {
    const first = firstFailed(writes, outcome.body);
    if (first === undefined) {
      await this.#single(writes);
      return;
    }
    writes.forEach(({ settle }, i) => {
      if (i < first) settle(DONE);
      else if (i === first) settle(outcome);
    });
    await this.#single(writes.slice(first + 1));
  }
}

/** Place of the write that failed; undefined when the device does not say one of ours. */
function firstFailed(writes: readonly Waiting[], body: Uint8Array): number | undefined {
  try {
    const { firstFailedWriteAttempt } = decodeWriteMultipleError(body);
    const key = propertyKey(objectIdWord(firstFailedWriteAttempt.object), firstFailedWriteAttempt);
    const place = writes.findIndex(({ write }) => propertyKey(objectIdWord(write.object), write) === key);
    return place === -1 ? undefined : place;
  } catch (error) {
    if (errorCode(error) !== "BACNET_MALFORMED") throw error;
    return undefined;
  }
}
