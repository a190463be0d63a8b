import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Outbox } from "./outbox.ts";
import type { Supervisor } from "./supervisor.ts";

const RULE = "rule";
const RELEASE_TIMEOUT_MS = 10_000;
const RETRY_MS = 5_000;

export interface RuleWritesOptions {
  readonly outbox: Pick<Outbox, "records" | "put" | "remove">;
  readonly supervisor: Pick<Supervisor, "releaseWrites">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Has what a rule wrote given back when the rule leaves the gateway, also when it left while a driver was down or the gateway was
 * off: the rules that ran here are kept on the disk until every driver has let go of theirs.
 */
export class RuleWrites {
  readonly #options: RuleWritesOptions;
  #rules: ReadonlySet<string> = new Set();
  /** Rules that may have written something that still stands, as on the disk. */
  #known: Set<string> | undefined;
  #cancel: (() => void) | undefined;
  #releasing = false;
  #stopped = false;

  constructor(options: RuleWritesOptions) {
    this.#options = options;
  }

  /** The rules that run here now. Call when the drivers have their new configuration. */
  configure(rules: readonly { readonly id: string }[]): void {
    const { outbox } = this.#options;
    this.#rules = new Set(rules.map(({ id }) => id));
    this.#known ??= new Set(outbox.records(RULE).keys());
    for (const id of this.#rules) {
      if (this.#known.has(id)) continue;
      this.#known.add(id);
      outbox.put(RULE, id, true);
    }
    this.#begin();
  }

  /** Cancels the timer. What is still to be given back is known to the next process. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #begin(): void {
    if (this.#releasing) return;
    this.#releasing = true;
    this.#release()
      .catch((error: unknown) =>
        this.#options.logger.error({ cause: errorMessage(error) }, "writes of rules not released"),
      )
      .finally(() => {
        this.#releasing = false;
      });
  }

  async #release(): Promise<void> {
    const { outbox, supervisor, clock } = this.#options;
    for (const id of this.#gone()) {
      const released = await supervisor.releaseWrites(`rule:${id}`, RELEASE_TIMEOUT_MS);
      if (this.#stopped) return;
      // it may have come back meanwhile
      if (!released || this.#rules.has(id)) continue;
      this.#known?.delete(id);
      outbox.remove(RULE, id);
    }
    this.#cancel?.();
    if (this.#gone().length > 0) this.#cancel = clock.after(RETRY_MS, () => this.#begin());
  }

  #gone(): string[] {
    return [...(this.#known ?? [])].filter((id) => !this.#rules.has(id));
  }
}
