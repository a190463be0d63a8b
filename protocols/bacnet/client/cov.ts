import type { Clock } from "#core/clock.ts";
import { CONFIRMED, ERROR_CLASS, ERROR_CODE, PROPERTIES, REJECT } from "../codec/enums.ts";
import { encodeSubscribeCov } from "../codec/services/cov.ts";
import type { PropertyReference } from "../codec/services/property.ts";
import { encodeSubscribeCovProperty } from "../codec/services/subscribe-cov-property.ts";
import { type ObjectId, objectIdWord } from "../codec/values.ts";
import type { Counters } from "../counters.ts";
import type { Outcome } from "../station/ports.ts";
import type { Abilities } from "./abilities.ts";
import type { Target } from "./map.ts";
import type { Ask } from "./polling.ts";

/** What the subscriptions of one device need. */
export interface CovDeps {
  readonly ask: Ask;
  readonly abilities: Abilities;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly signal: AbortSignal;
  /** Subscriber process identifier: one per start of the driver. */
  readonly processId: number;
  /** The one of the former start: its subscriptions may still take the device's slots. */
  readonly formerProcessId: number | undefined;
  readonly confirmed: boolean;
  readonly lifetimeS: number;
  /** Requests in flight at once. */
  readonly window: number;
}

/** What one subscription is for: an object as a whole, or one property of it, with an increment of our own. */
interface Item {
  readonly object: ObjectId;
  readonly monitored?: { readonly reference: PropertyReference; readonly increment?: number };
}

/** How asking for one subscription ended. `full`: the device wants no more subscriptions at all. */
type Answer = "taken" | "refused" | "full" | "unanswered";

// a device whose slots were taken is asked for so many more with each renewal
const PROBES = 1;

/** Key of what the target's changes are told by; undefined when it is to be polled. */
function keyOf(target: Target): string | undefined {
  if (!target.cov) return undefined;
  const word = objectIdWord(target.object);
  const whole = target.property === PROPERTIES.presentValue && target.index === undefined;
  if (whole && target.covIncrement === undefined) return `${word}`;
  return `${word}:${target.property}:${target.index ?? ""}:${target.covIncrement ?? ""}`;
}

function itemOf({ object, property, index, covIncrement }: Target): Item {
  const whole = property === PROPERTIES.presentValue && index === undefined;
  if (whole && covIncrement === undefined) return { object };
  const reference = { property, ...(index === undefined ? {} : { index }) };
  return {
    object,
    monitored: { reference, ...(covIncrement === undefined ? {} : { increment: covIncrement }) },
  };
}

/**
 * COV subscriptions of one device: SubscribeCOV for present values, SubscribeCOVProperty for other properties and increments of
 * our own, renewed at about half their life, spread by jitter. What a device refuses is not `covers`ed and polled by the caller;
 * it is asked for again with each renewal, but a device whose slots have run out for one more at a time only. [BACnet 13.14, 13.15]
 */
export class CovSubscriptions {
  readonly #deps: CovDeps;
  readonly #items: ReadonlyMap<string, Item>;
  readonly #active = new Set<string>();
  #formerCancelled = false;

  constructor(targets: readonly Target[], deps: CovDeps) {
    const items = new Map<string, Item>();
    for (const target of targets) {
      const key = keyOf(target);
      if (key !== undefined) items.set(key, itemOf(target));
    }
    this.#items = items;
    this.#deps = deps;
  }

  /** Do notifications tell this target's changes now? */
  covers(target: Target): boolean {
    const key = keyOf(target);
    return key !== undefined && this.#active.has(key);
  }

  /** Subscribes to all and keeps them renewed until the signal aborts. */
  async begin(): Promise<void> {
    const { signal, clock, lifetimeS } = this.#deps;
    if (this.#items.size === 0) return;
    await this.subscribeAll();
    if (signal.aborted) return;
    const halfLifeMs = lifetimeS * 500;
    const cancel = clock.after(halfLifeMs * (0.8 + 0.2 * Math.random()), () => {
      signal.removeEventListener("abort", cancel);
      void this.begin();
    });
    signal.addEventListener("abort", cancel, { once: true });
  }

  /** Subscribes or renews everything now, what is held before what was refused. */
  async subscribeAll(): Promise<void> {
    const held = [...this.#items].filter(([key]) => this.#active.has(key));
    const wanted = [...this.#items].filter(([key]) => !this.#active.has(key));
    // a device that started again with fewer slots has forgotten some of these: each is asked for, so that none is relied on in vain
    await this.#inGroups(held, false);
    const free = Math.max(0, this.#deps.abilities.covSlots - this.#active.size);
    await this.#inGroups(Number.isFinite(free) ? wanted.slice(0, free + PROBES) : wanted);
    const refused = wanted.filter(([key]) => !this.#active.has(key));
    if (this.#active.size === this.#deps.abilities.covSlots && (await this.#cancelFormer()))
      await this.#inGroups(refused);
  }

  /** Gives back the slots that the former start of the gateway still holds; true when there may be some free now. */
  async #cancelFormer(): Promise<boolean> {
    const { formerProcessId, window, signal } = this.#deps;
    if (formerProcessId === undefined || this.#formerCancelled) return false;
    this.#formerCancelled = true;
    const items = [...this.#items.values()];
    for (let at = 0; at < items.length && !signal.aborted; at += window) {
      const group = items.slice(at, at + window);
      await Promise.all(group.map((item) => this.#cancel(formerProcessId, item)));
    }
    return !signal.aborted;
  }

  // [BACnet 13.14.1.2] cancelling what is not there is no error
  async #cancel(processId: number, { object, monitored }: Item): Promise<void> {
    const { ask, abilities } = this.#deps;
    if (monitored !== undefined && abilities.subscribesProperties) {
      const monitoredProperty = monitored.reference;
      const body = encodeSubscribeCovProperty({ processId, object, monitoredProperty });
      await ask(CONFIRMED.subscribeCovProperty, body);
    } else await ask(CONFIRMED.subscribeCov, encodeSubscribeCov({ processId, object }));
  }

  /** Subscribes or renews what tells one target. */
  async subscribe(target: Target): Promise<void> {
    const key = keyOf(target);
    const item = key === undefined ? undefined : this.#items.get(key);
    if (key !== undefined && item !== undefined) await this.#subscribe(key, item);
  }

  async #inGroups(entries: readonly (readonly [string, Item])[], untilFull = true): Promise<void> {
    const { window, signal, abilities } = this.#deps;
    let full = false;
    for (let at = 0; at < entries.length && !(full && untilFull) && !signal.aborted; at += window) {
      const group = entries.slice(at, at + window);
      const answers = await Promise.all(group.map(([key, item]) => this.#subscribe(key, item)));
      full ||= answers.includes("full");
    }
    if (full || this.#active.size > abilities.covSlots) abilities.covSlotsAre(this.#active.size);
  }

  /** A silent device is not concluded from here: `ask` tells its caller. */
  async #subscribe(key: string, item: Item): Promise<Answer> {
    const answer = await this.#asked(item);
    if (answer === "taken") this.#active.add(key);
    else {
      this.#active.delete(key);
      if (answer !== "unanswered") this.#deps.counters.add("covRefused");
    }
    return answer;
  }

  async #asked({ object, monitored }: Item): Promise<Answer> {
    const { abilities } = this.#deps;
    if (monitored === undefined) return this.#object(object);
    if (abilities.subscribesProperties) {
      const answer = await this.#property(object, monitored);
      if (answer !== "refused") return answer;
    }
    // [BACnet 13.14] tells presentValue by the object's own increment: better than polling
    const whole = monitored.reference.property === PROPERTIES.presentValue && monitored.reference.index === undefined;
    return whole ? this.#object(object) : "refused";
  }

  async #object(object: ObjectId): Promise<Answer> {
    const { ask, abilities, processId, confirmed, lifetimeS } = this.#deps;
    if (!abilities.subscribes) return "refused";
    const subscription = { confirmed, lifetimeS };
    const outcome = await ask(CONFIRMED.subscribeCov, encodeSubscribeCov({ processId, object, subscription }));
    if (isUnknownService(outcome)) abilities.lacks("cov");
    return answerOf(outcome);
  }

  async #property(object: ObjectId, { reference, increment }: NonNullable<Item["monitored"]>): Promise<Answer> {
    const { ask, abilities, processId, confirmed, lifetimeS } = this.#deps;
    const body = encodeSubscribeCovProperty({
      processId,
      object,
      confirmed,
      lifetimeS,
      monitoredProperty: reference,
      ...(increment === undefined ? {} : { covIncrement: increment }),
    });
    const outcome = await ask(CONFIRMED.subscribeCovProperty, body);
    if (isUnknownService(outcome)) abilities.lacks("covProperty");
    return answerOf(outcome);
  }
}

function isUnknownService(outcome: Outcome): boolean {
  return outcome.kind === "reject" && outcome.reason === REJECT.unrecognizedService;
}

function answerOf(outcome: Outcome): Answer {
  switch (outcome.kind) {
    case "ack":
      return "taken";
    case "error": {
      const { errorClass, errorCode } = outcome.error;
      // [BACnet 13.14.1.3] class resources; some devices say it by the code alone
      const full = errorClass === ERROR_CLASS.resources || errorCode === ERROR_CODE.covSubscriptionFailed;
      return full ? "full" : "refused";
    }
    case "reject":
    case "abort":
      return "refused";
    case "timeout":
    case "cancelled":
      return "unanswered";
    default:
      outcome satisfies never;
      return "unanswered";
  }
}
