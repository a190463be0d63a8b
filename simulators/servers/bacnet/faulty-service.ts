import type { Clock } from "#core/clock.ts";
import { ABORT, CONFIRMED, ERROR_CLASS, ERROR_CODE } from "#protocols/bacnet/codec/enums.ts";
import { encodeError } from "#protocols/bacnet/codec/services/error.ts";
import { decodeReadPropertyMultiple } from "#protocols/bacnet/codec/services/property.ts";
import type { Question, Reply } from "#protocols/bacnet/station/ports.ts";
import type { BacnetFaults } from "./faults.ts";

/** Requests that wait for a slow device; whoever asks more gets no answer. */
const MAX_WAITING = 50;
const SILENCE: Reply = { kind: "silence" };
const NO_SPACE: Reply = {
  kind: "error",
  body: encodeError({ errorClass: ERROR_CLASS.resources, errorCode: ERROR_CODE.noSpaceToAddListElement }),
};
const SUBSCRIPTIONS: readonly number[] = [CONFIRMED.subscribeCov, CONFIRMED.subscribeCovProperty];

/** How a weak or broken controller answers requests. */
export class FaultyService {
  readonly #faults: BacnetFaults;
  readonly #clock: Clock;
  readonly #perform: (question: Question) => Reply;
  readonly #waiting = new Set<() => void>();
  /** When a slow device is done with what it has taken so far, monotonic ms. */
  #busyUntil = 0;

  constructor(faults: BacnetFaults, clock: Clock, perform: (question: Question) => Reply) {
    this.#faults = faults;
    this.#clock = clock;
    this.#perform = perform;
  }

  asked(question: Question): Reply | Promise<Reply> {
    const slow = this.#faults.of("slow");
    if (slow !== undefined) return this.#inTurn(question, 1000 / slow.perSecond);
    const reply = this.#answer(question);
    const late = this.#faults.of("late");
    return late === undefined ? reply : this.#after(late.ms, () => reply);
  }

  /** Whoever still waits is answered by silence. */
  close(): void {
    for (const giveUp of this.#waiting) giveUp();
    this.#waiting.clear();
  }

  #inTurn(question: Question, eachMs: number): Reply | Promise<Reply> {
    if (this.#waiting.size >= MAX_WAITING) return SILENCE;
    const now = this.#clock.monotonic();
    this.#busyUntil = Math.max(now, this.#busyUntil) + eachMs;
    return this.#after(this.#busyUntil - now, () => this.#answer(question));
  }

  #after(ms: number, answer: () => Reply): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(ms, () => {
        this.#waiting.delete(giveUp);
        try {
          resolve(answer());
        } catch (error) {
          reject(error);
        }
      });
      const giveUp = (): void => {
        cancel();
        resolve(SILENCE);
      };
      this.#waiting.add(giveUp);
    });
  }

  #answer(question: Question): Reply {
    const { service, body } = question;
    if (this.#faults.has("cov-refused") && SUBSCRIPTIONS.includes(service)) return NO_SPACE;
    const abort = this.#faults.of("rpm-abort");
    if (abort !== undefined && service === CONFIRMED.readPropertyMultiple) {
      const asked = decodeReadPropertyMultiple(body).reduce((sum, { properties }) => sum + properties.length, 0);
      if (asked > abort.above) return { kind: "abort", reason: ABORT.bufferOverflow };
    }
    return this.#perform(question);
  }
}
