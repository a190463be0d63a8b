import type { Clock } from "#core/clock.ts";
import type { Lane } from "#core/contracts/lanes.ts";

/**
 * So long the lanes wait for what the cloud says at a birth; one that is slow, or of an earlier version, does not say it. In steps,
 * ms: when this process stood still for longer, what has come meanwhile is read before the next step.
 */
const STEP_MS = 250;
const STEPS = 4;

/** Of which lanes the cloud has said on this connection what it has. It does so at the births, for each lane by an ack. */
export class CloudGreeting {
  readonly #clock: Clock;
  readonly #answered = new Set<Lane>();
  /** Nobody waits for the greeting any more. */
  #isOver = true;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A connection begins. `over` is called when the lanes need not wait any longer. */
  connected(over: () => void): void {
    this.#answered.clear();
    this.#cancel?.();
    this.#isOver = false;
    this.#wait(STEPS, over);
  }

  /** Nothing more is waited for. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(steps: number, over: () => void): void {
    this.#cancel = this.#clock.after(STEP_MS, () => {
      if (steps > 1) {
        this.#wait(steps - 1, over);
        return;
      }
      this.#cancel = undefined;
      this.#isOver = true;
      over();
    });
  }

  /** The cloud acks a lane. True the first time on this connection: a later greeting answers a birth in the middle of it. */
  answered(lane: Lane): boolean {
    const first = !this.#answered.has(lane);
    this.#answered.add(lane);
    return first;
  }

  /**
   * Is it known on this connection what the cloud had of a lane? It makes the outbox write down what is published from then on: of
   * a batch sent before, a process that is killed now and starts again would not know that it was its own.
   */
  over(lane: Lane): boolean {
    return this.#isOver || this.#answered.has(lane);
  }
}
