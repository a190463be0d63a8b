import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import { BVLC_RESULT, type Bvlc, type Endpoint } from "../codec/link.ts";
import type { StationCounting } from "./counters.ts";

/** Registration with a BBMD of another IP network. [BACnet J.5] */
export interface ForeignDeviceOptions {
  /** The BBMD. */
  readonly host: string;
  readonly port: number;
  /** Time to live of the registration, s; renewed at half of it. */
  readonly ttlS: number;
}

/** `registering`: not answered yet. `refused`: the BBMD said no. `silent`: it says nothing. */
export type ForeignState = "registering" | "registered" | "refused" | "silent";

/** What a foreign device needs. */
export interface ForeignDeviceDeps {
  readonly clock: Clock;
  readonly counters: StationCounting;
  readonly logger: Logger;
  /** Wait for the BBMD's answer, ms. */
  readonly timeoutMs: number;
  send(bvlc: Bvlc, to: Endpoint): void;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** Keeps registered with a BBMD: renews at half of the lifetime, and tries again after a refusal, after silence and after a loss. */
export class ForeignDevice {
  readonly #options: ForeignDeviceOptions;
  readonly #deps: ForeignDeviceDeps;
  #state: ForeignState = "registering";
  #awaiting = false;
  #pauseMs = FIRST_PAUSE_MS;
  #cancelTimer: () => void = () => {};
  #closed = false;

  constructor(options: ForeignDeviceOptions, deps: ForeignDeviceDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get state(): ForeignState {
    return this.#state;
  }

  get bbmd(): Endpoint {
    return { host: this.#options.host, port: this.#options.port };
  }

  /** Registers now. */
  begin(): void {
    if (this.#closed) return;
    this.#awaiting = true;
    this.#in(this.#deps.timeoutMs, () => this.#unanswered());
    this.#deps.send({ function: "registerForeignDevice", ttlS: this.#options.ttlS }, this.bbmd);
  }

  /** A BVLC-Result; false when it is not from our BBMD or nothing of ours. */
  result(code: number, from: Endpoint): boolean {
    const { host, port } = this.#options;
    if (from.host !== host || from.port !== port || this.#closed) return false;
    // a result does not say of what: success while we wait is the registration's
    if (code === BVLC_RESULT.success && this.#awaiting) this.#registered();
    else if (code === BVLC_RESULT.registerForeignDeviceNak && this.#awaiting) this.#refused();
    else if (code === BVLC_RESULT.distributeBroadcastNak) this.#forgotten();
    else return false;
    return true;
  }

  /** Registers no more; the BBMD forgets us with the lifetime. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer();
  }

  #registered(): void {
    this.#awaiting = false;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#deps.counters.add("foreignRegistrations");
    this.#become("registered");
    this.#in((this.#options.ttlS * 1000) / 2, () => this.begin());
  }

  #refused(): void {
    this.#awaiting = false;
    this.#deps.counters.add("foreignRefusals");
    this.#become("refused");
    this.#again();
  }

  // the wait for the answer was pause enough, as long as the registration may still be alive
  #unanswered(): void {
    this.#awaiting = false;
    this.#deps.counters.add("foreignSilences");
    this.#become("silent");
    this.#again();
  }

  // the BBMD has restarted, or dropped us; while a registration is under way its answer decides
  #forgotten(): void {
    this.#deps.counters.add("foreignRefusals");
    if (this.#awaiting || this.#state === "refused") return;
    this.#become("registering");
    this.begin();
  }

  #again(): void {
    this.#in(this.#pauseMs, () => this.begin());
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * this.#pauseMs);
  }

  #become(state: ForeignState): void {
    if (this.#state === state) return;
    this.#state = state;
    const { host, port } = this.#options;
    const fields = { bbmd: `${host}:${port}`, state };
    if (state === "refused" || state === "silent") this.#deps.logger.warn(fields, "BBMD does not take us");
    else this.#deps.logger.info(fields, "foreign device registration changed");
  }

  #in(ms: number, then: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#deps.clock.after(ms, then);
  }
}
