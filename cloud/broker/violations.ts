import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { AuditLog } from "../ports.ts";

/** What a peer may do wrong at the broker. */
export type ViolationKind =
  | "packetTooLarge"
  | "badCredential"
  | "foreignClientId"
  | "persistentSession"
  | "foreignPublish"
  | "retainedPublish"
  | "foreignSubscribe"
  | "takeover";

const REPEAT_MS = 60_000;
const MAX_KEYS = 1000;

/** Counts each violation, and logs and audits it at most once a minute per kind and peer: a misconfigured gateway that reconnects for ever floods nothing. */
export class Violations {
  readonly #logger: Logger;
  readonly #audit: AuditLog | undefined;
  readonly #clock: Clock;
  readonly #reported = new Map<string, { at: number; since: number }>();
  readonly #counts = new Map<ViolationKind, number>();

  constructor(deps: { readonly logger: Logger; readonly audit?: AuditLog | undefined; readonly clock: Clock }) {
    this.#logger = deps.logger;
    this.#audit = deps.audit;
    this.#clock = deps.clock;
  }

  /** How often each kind happened since the start. */
  get counts(): ReadonlyMap<ViolationKind, number> {
    return this.#counts;
  }

  /** `who` is the gateway, or where the peer came from. */
  report(kind: ViolationKind, who: string, detail: Readonly<Record<string, string>>): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    const key = `${kind} ${who}`;
    const now = this.#clock.monotonic();
    const last = this.#reported.get(key);
    if (last !== undefined && now - last.at < REPEAT_MS) {
      last.since++;
      return;
    }
    if (this.#reported.size >= MAX_KEYS) this.#reported.clear();
    this.#reported.set(key, { at: now, since: 0 });
    const unreported = last?.since ?? 0;
    this.#logger.warn({ kind, who, unreported, ...detail }, "refused at the broker");
    this.#audit?.append({
      actor: who,
      action: `mqtt.${kind}`,
      result: "refused",
      detail: { ...detail, unreported },
    });
  }
}
