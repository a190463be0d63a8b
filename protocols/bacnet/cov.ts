import type { Clock } from "#core/clock.ts";
import { CONFIRMED } from "./codec/enums.ts";
import { encodeSubscribeCov } from "./codec/services/cov.ts";
import { type ObjectId, objectIdWord } from "./codec/values.ts";
import type { Counters } from "./counters.ts";
import type { Ask } from "./polling.ts";

/** What the subscriptions of one device need. */
export interface CovDeps {
  readonly ask: Ask;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly signal: AbortSignal;
  /** Subscriber process identifier: one per start of the driver. */
  readonly processId: number;
  readonly confirmed: boolean;
  readonly lifetimeS: number;
}

/**
 * COV subscriptions of one device: renewed at about half their life, spread by jitter. A device that refuses an object is asked
 * again with each renewal; until then the object is not `covers`ed and the caller polls it. [BACnet 13.14]
 */
export class CovSubscriptions {
  readonly #deps: CovDeps;
  readonly #objects: readonly ObjectId[];
  readonly #active = new Set<number>();

  constructor(objects: readonly ObjectId[], deps: CovDeps) {
    this.#objects = [...new Map(objects.map((object) => [objectIdWord(object), object])).values()];
    this.#deps = deps;
  }

  /** Do notifications tell this object's changes now? */
  covers(object: ObjectId): boolean {
    return this.#active.has(objectIdWord(object));
  }

  /** Subscribes to all and keeps them renewed until the signal aborts. */
  async begin(): Promise<void> {
    const { signal, clock, lifetimeS } = this.#deps;
    if (this.#objects.length === 0) return;
    await this.subscribeAll();
    if (signal.aborted) return;
    const halfLifeMs = lifetimeS * 500;
    const cancel = clock.after(halfLifeMs * (0.8 + 0.2 * Math.random()), () => {
      signal.removeEventListener("abort", cancel);
      void this.begin();
    });
    signal.addEventListener("abort", cancel, { once: true });
  }

  /** Subscribes or renews every object now. */
  async subscribeAll(): Promise<void> {
    await Promise.all(this.#objects.map((object) => this.subscribe(object)));
  }

  /** Subscribes or renews one object. A silent device is not concluded from here: `ask` tells its caller. */
  async subscribe(object: ObjectId): Promise<void> {
    const { ask, counters, processId, confirmed, lifetimeS } = this.#deps;
    const subscription = { confirmed, lifetimeS };
    const outcome = await ask(CONFIRMED.subscribeCov, encodeSubscribeCov({ processId, object, subscription }));
    const word = objectIdWord(object);
    if (outcome.kind === "ack") this.#active.add(word);
    else {
      this.#active.delete(word);
      if (outcome.kind !== "timeout" && outcome.kind !== "cancelled") counters.add("covRefused");
    }
  }
}
