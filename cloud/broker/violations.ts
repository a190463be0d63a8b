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
  | "takeover"
  | "takeoverStorm"
  | "connectionFlood"
  | "tooFast"
  | "exactlyOnce"
  | "slowSubscriber"
  | "tooManyBirths"
  | "unknownNode";

const REPEAT_MS = 60_000;
/** Most reports of one kind a minute, whoever they are about: a peer that has not signed in names itself as it likes. */
const MAX_REPORTS = 30;

interface Reported {
  readonly at: number;
  since: number;
}

/**
 * Counts each violation, and logs and audits it at most once a minute per kind and peer, and only so many a minute of one
 * kind: neither a misconfigured gateway that reconnects for ever nor a stranger with many names floods anything.
 */
export class Violations {
  readonly #logger: Logger;
  readonly #audit: AuditLog | undefined;
  readonly #clock: Clock;
  /** By kind, then by peer; at most MAX_REPORTS peers a kind. */
  readonly #reported = new Map<ViolationKind, Map<string, Reported>>();
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
    const now = this.#clock.monotonic();
    const peers = this.#reported.get(kind) ?? new Map<string, Reported>();
    this.#reported.set(kind, peers);
    const last = peers.get(who);
    if (last !== undefined && now - last.at < REPEAT_MS) {
      last.since++;
      return;
    }
    for (const [peer, { at }] of peers) if (peer !== who && now - at >= REPEAT_MS) peers.delete(peer);
    if (last === undefined && peers.size >= MAX_REPORTS) return;
    peers.set(who, { at: now, since: 0 });
    const unreported = last?.since ?? 0;
    this.#logger.warn({ kind, who, unreported, ...detail }, "refused at the broker");
    try {
      this.#audit?.append({
        actor: who,
        action: `mqtt.${kind}`,
        result: "refused",
        detail: { ...detail, unreported },
      });
    } catch (error) {
      // Refusing must go on while nobody can take notes of it.
      this.#logger.error({ kind, who, err: error }, "a violation cannot be recorded");
    }
  }
}
