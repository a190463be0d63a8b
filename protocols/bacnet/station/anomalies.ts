import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Endpoint } from "../codec/link.ts";
import type { StationCounter, StationCounting } from "./counters.ts";

const AGAIN_MS = 60_000;
const MAX_TOLD = 256;

/** Transmission anomalies: each is counted, and logged at most once a minute for each host. */
export class Anomalies {
  readonly #clock: Clock;
  readonly #counters: StationCounting;
  readonly #logger: Logger;
  readonly #told = new Set<string>();
  #since = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, counters: StationCounting, logger: Logger) {
    this.#clock = clock;
    this.#counters = counters;
    this.#logger = logger;
  }

  /** Does `work`; what it throws ends nothing. A malformed datagram is counted as `where`, everything else is our own fault. */
  guard(from: Endpoint, where: StationCounter, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (errorCode(error) === "BACNET_MALFORMED") this.malformed(from, where, error);
      else this.failed(from, error);
    }
  }

  /** A datagram that does not follow the standard. */
  malformed(from: Endpoint, where: StationCounter, error: unknown): void {
    this.#counters.add("malformed");
    this.#counters.add(where);
    if (!this.#isNews("malformed", from)) return;
    this.#logger.debug(fieldsOf(from, error), "transmission anomaly: BACnet datagram dropped");
  }

  /** Something of ours failed on what came from there. */
  failed(from: Endpoint, error: unknown): void {
    this.#counters.add("handlerErrors");
    if (this.#isNews("failed", from)) this.#logger.error(fieldsOf(from, error), "BACnet message was not handled");
  }

  #isNews(what: string, { host }: Endpoint): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#since >= AGAIN_MS) {
      this.#since = now;
      this.#told.clear();
    }
    const key = `${what} ${host}`;
    if (this.#told.has(key) || this.#told.size >= MAX_TOLD) return false;
    this.#told.add(key);
    return true;
  }
}

function fieldsOf({ host, port }: Endpoint, error: unknown): object {
  return { code: errorCode(error), error: errorMessage(error), from: `${host}:${port}` };
}
