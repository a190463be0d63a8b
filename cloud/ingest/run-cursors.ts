import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { GatewayLink } from "../ports.ts";
import type { CursorKey, LaneCursors } from "./cursors.ts";
import type { Offers } from "./offers.ts";
import type { Run } from "./runs.ts";
import type { ToldRows } from "./told-rows.ts";
import { isStoreTrouble } from "./trouble.ts";

/**
 * Moving the cursors blocks this thread, and with it the rules, for a flush of the disk: at most so often, ms, and on a slow
 * disk more rarely, so that it takes no larger share of the time. Only acknowledgements wait for it, and never longer than
 * LONGEST_MS after the one before: a gateway offers again what is not acknowledged for seconds.
 */
const COMMIT_MS = 10;
const COMMIT_SHARE = 0.05;
const LONGEST_MS = 250;
/**
 * With so many samples waiting cursors move at once, COMMIT_MS after the last time at the soonest: then the gateways send as fast as
 * they are acknowledged, and to wait would be to leave the store without work.
 */
const COMMIT_SAMPLES = 65_536;
const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 1000;

/** What moves cursors over stored runs. */
export interface RunCursorsDeps {
  readonly cursors: LaneCursors;
  readonly offers: Offers;
  readonly told: ToldRows;
  readonly link: GatewayLink;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Puts a run aside that no cursor can take. */
  readonly condemn: (run: Run, code: string, reason: string) => void;
  /** Cursors move again after they could not. */
  readonly onRecovered: () => void;
}

const nameOf = ({ gateway, epoch }: CursorKey): string => `${gateway} ${epoch}`;

/** Moves the cursors over what the store has made durable, many runs in one transaction, and acknowledges it then. */
export class RunCursors {
  readonly #deps: RunCursorsDeps;
  /** Runs whose cursors have moved. */
  readonly #done = new WeakSet<Run>();
  #waiting: Run[] = [];
  #samples = 0;
  #soonestAt = Number.NEGATIVE_INFINITY;
  #nextAt = Number.NEGATIVE_INFINITY;
  #retryMs = 0;
  #cancel: (() => void) | undefined;

  constructor(deps: RunCursorsDeps) {
    this.#deps = deps;
  }

  /** Does the record database refuse? Then nothing more should be stored: it could not be acknowledged. */
  get stuck(): boolean {
    return this.#retryMs > 0;
  }

  /** Takes runs that are durably stored, in the order of their coming: their cursors move now or in a moment. */
  take(runs: readonly Run[]): void {
    this.#waiting.push(...runs);
    for (const { from, to } of runs) this.#samples += to - from + 1;
    if (this.#samples >= COMMIT_SAMPLES && this.#retryMs === 0) this.#hurry();
    if (this.#waiting.length > 0) this.#schedule();
  }

  /** Moves them over all that waits, once, and stops. */
  close(): void {
    this.#cancel?.();
    if (this.#waiting.length > 0) this.#commit();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #hurry(): void {
    if (this.#nextAt <= this.#soonestAt) return;
    this.#nextAt = this.#soonestAt;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(): void {
    if (this.#cancel !== undefined) return;
    const { clock } = this.#deps;
    const waitMs = this.#nextAt - clock.monotonic();
    if (waitMs <= 0) {
      this.#commit();
      return;
    }
    this.#cancel = clock.after(waitMs, () => {
      this.#cancel = undefined;
      this.#commit();
    });
  }

  #commit(): void {
    const { clock, logger } = this.#deps;
    const began = clock.monotonic();
    try {
      this.#moveWaiting();
    } catch (error) {
      if (this.#retryMs === 0) logger.error({ err: error }, "cursors cannot be moved, trying again");
      this.#retryMs = Math.min(Math.max(this.#retryMs * 2, RETRY_FIRST_MS), RETRY_LONGEST_MS);
      this.#nextAt = clock.monotonic() + this.#retryMs;
      this.#schedule();
      return;
    }
    this.#waiting = [];
    this.#samples = 0;
    const now = clock.monotonic();
    this.#soonestAt = began + COMMIT_MS;
    this.#nextAt = Math.max(this.#soonestAt, now + Math.min((now - began) * (1 / COMMIT_SHARE - 1), LONGEST_MS));
    if (this.#retryMs === 0) return;
    this.#retryMs = 0;
    logger.info({}, "cursors move again");
    this.#deps.onRecovered();
  }

  /** @throws what is trouble of the database; the runs that it stopped go on waiting */
  #moveWaiting(): void {
    try {
      this.#move(this.#waiting);
    } catch (error) {
      if (isStoreTrouble(error)) throw error;
      this.#isolate();
    }
  }

  #move(runs: readonly Run[]): void {
    const { cursors, offers } = this.#deps;
    const keys = new Map(runs.map(({ key }) => [nameOf(key), key]));
    offers.during(() =>
      cursors.change(
        (changes) => {
          for (const run of runs) {
            const { key, session, from, to } = run;
            // Its COMMIT was not answered and did happen: it is not offered again, only moved again.
            if (this.#done.has(run)) continue;
            offers.note(changes, key, session, from);
            changes.store(key, { from, to });
          }
        },
        () => {
          for (const run of runs) this.#done.add(run);
          this.moved(keys.values());
        },
      ),
    );
  }

  /** One of the runs is refused for what it is: the others must not wait for it. @throws what is trouble of the database */
  #isolate(): void {
    const runs = this.#waiting;
    for (const [at, run] of runs.entries())
      try {
        this.#move([run]);
      } catch (error) {
        if (isStoreTrouble(error)) {
          // That says nothing of this run, nor of those behind it.
          this.#waiting = runs.slice(at);
          throw error;
        }
        this.#deps.condemn(run, errorCode(error), errorMessage(error));
      }
  }

  /** These cursors have moved: tells the gateways up to where everything is stored. */
  moved(keys: Iterable<CursorKey>): void {
    const { cursors, told, link } = this.#deps;
    for (const key of keys) {
      told.settle(key);
      const cursor = cursors.get(key);
      if (cursor !== undefined && cursor.upTo >= 0)
        link.sendAck(key.gateway, { lane: "telemetry", epoch: key.epoch, upTo: cursor.upTo });
    }
  }
}
