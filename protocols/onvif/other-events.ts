import type { Clock } from "#core/clock.ts";
import type { Notification } from "./codec/notification.ts";
import { recordOf } from "./map.ts";

/** One event of a topic in so long. */
const PERIOD_MS = 60_000;
/** A device has some dozens of topics; a hostile one may invent more, and those are counted only. */
const MAX_TOPICS = 100;

interface Told {
  at: number;
  suppressed: number;
}

/**
 * Events of topics the hub does not know: told as they are, so that nothing a device says is lost without a trace, and at most
 * once a minute a topic, so that a chatty topic does not bury the rest. Measurements (Monitoring) and repetitions are none.
 */
export class OtherEvents {
  readonly #clock: Clock;
  readonly #topics = new Map<string, Told>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What to tell of a notification; `suppressed` counts those of its topic left out since the last. Undefined for nothing. */
  take(notification: Notification): Readonly<Record<string, string | number>> | undefined {
    const { topic, operation } = notification;
    if (operation === "Initialized" || operation === "Deleted" || topic.startsWith("tns1:Monitoring/"))
      return undefined;
    const now = this.#clock.monotonic();
    const known = this.#topics.get(topic);
    if (known === undefined && this.#topics.size >= MAX_TOPICS) return undefined;
    if (known !== undefined && now - known.at < PERIOD_MS) {
      known.suppressed++;
      return undefined;
    }
    this.#topics.set(topic, { at: now, suppressed: 0 });
    return { ...recordOf(notification), suppressed: known?.suppressed ?? 0 };
  }
}
