import type { Clock } from "#core/clock.ts";
import type { CurrentReading, EdgeNodeSession } from "#core/sparkplug/edge-node-session.ts";
import type { SparkplugMessage } from "#core/sparkplug/message.ts";
import type { Outbox } from "./outbox.ts";
import type { TelemetryUplink } from "./uplink-telemetry.ts";

/** Births are made at most so often, ms, however often a host asks. */
const REBIRTH_EVERY_MS = 2_000;

/** What births are made from. */
export interface NodeBirthsOptions {
  readonly session: EdgeNodeSession;
  readonly outbox: Pick<Outbox, "state">;
  readonly telemetry: Pick<TelemetryUplink, "window" | "noneBorn" | "allBorn">;
  /** What births tell of a metric. */
  readonly current: CurrentReading;
  readonly publish: (message: SparkplugMessage) => void;
  /** Births that a host asked for were sent. */
  readonly onReborn: () => void;
  readonly clock: Clock;
}

/** The births of the node and all of its devices: when connected, when configured anew, and when a host asks. [Sparkplug 3.0 §5.4] */
export class NodeBirths {
  readonly #options: NodeBirthsOptions;
  #connected = false;
  #lastAt = -Infinity;
  #cancel: (() => void) | undefined;
  #asked = 0;

  constructor(options: NodeBirthsOptions) {
    this.#options = options;
  }

  /** How often a host asked, since the start. */
  get asked(): number {
    return this.#asked;
  }

  /** A connection begins with births. */
  connected(): void {
    this.#connected = true;
    this.#lastAt = this.#options.clock.monotonic();
    this.send();
  }

  /** Sends the births. */
  send(): void {
    const { session, telemetry, current, publish, clock } = this.#options;
    telemetry.noneBorn();
    for (const message of session.births(clock.now(), current)) publish(message);
    telemetry.allBorn();
  }

  /** A host asks for births: it gets them at once, or as soon as the last ones are long enough ago. */
  ask(): void {
    this.#asked++;
    if (this.#cancel !== undefined) return;
    const { clock, outbox, telemetry, onReborn } = this.#options;
    const wait = this.#lastAt + REBIRTH_EVERY_MS - clock.monotonic();
    this.#cancel = clock.after(Math.max(0, wait), () => {
      this.#cancel = undefined;
      // asked before this connection had its births, which are to come anyhow
      if (!this.#connected) return;
      this.#lastAt = clock.monotonic();
      const { acked, next } = outbox.state("telemetry");
      // whoever asks may have heard nothing of what is under way
      telemetry.window.reborn(acked, next);
      this.send();
      onReborn();
    });
  }

  /** The connection is gone: nobody waits for births any more. */
  disconnected(): void {
    this.#connected = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
