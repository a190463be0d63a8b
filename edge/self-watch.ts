import { basename } from "node:path";
import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import { ClockWatch } from "./clock-watch.ts";
import type { Outbox } from "./outbox.ts";
import type { SelfAlarms } from "./self-alarms.ts";

export interface SelfWatchOptions {
  readonly self: SelfAlarms;
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** Milliseconds that no setting of the clock moves and that also pass while the machine sleeps. */
  readonly elapsed: () => number;
  readonly logger: Logger;
  /** How the other parts stand. */
  readonly parts: () => {
    readonly blobsDropped: boolean;
    readonly conditionsRefused: boolean;
    readonly shortLived: number;
  };
}

/** Looks at the gateway itself, its disk, its clock, its identity, and tells what an operator must know. */
export class SelfWatch {
  readonly #options: SelfWatchOptions;
  readonly #clockWatch: ClockWatch;

  constructor(options: SelfWatchOptions) {
    this.#options = options;
    const { clock, elapsed, logger, self } = options;
    this.#clockWatch = new ClockWatch(clock, elapsed, (byMs) => {
      logger.warn({ byMs }, "the machine's clock was set by a leap");
      self.happened("clockJumped", { byMs });
    });
  }

  /** Tells in what state the outbox file was found. */
  started(): void {
    const { outbox, self } = this.#options;
    if (outbox.quarantined !== undefined) self.happened("outboxBroken", { file: basename(outbox.quarantined) });
    if (outbox.counters["newEpochs"] !== 0) self.happened("outboxCopied", undefined);
  }

  /** Tells how things stand. Called with each commit. */
  look(): void {
    const { self, outbox, parts } = this.#options;
    self.watch({
      ...parts(),
      eventsFull: outbox.eventsFull,
      fullness: outbox.fullness,
      diskFull: outbox.distressed,
      droppedSamples: outbox.counters["droppedSamples"] ?? 0,
      clockBehind: this.#clockWatch.isBehind(outbox.lastObservedAt),
    });
  }

  /** Looks at the clock. Called about once a second. */
  lookAtClock(): void {
    this.#clockWatch.look();
  }
}
