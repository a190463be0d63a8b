import type { Clock } from "#core/clock.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { GatewayRows } from "./gateway-rows.ts";

/** A gateway that was not heard for so long is offline. It speaks at least every 5 s. */
export const OFFLINE_AFTER_MS = 15_000;
const CHECK_MS = 1000;
/** How often the last sign of life is written down while a gateway is online. */
const WRITE_SEEN_MS = 60_000;

/** A change of presence. `at` is Unix ms. */
export type PresenceListener = (gateway: GatewayId, online: boolean, at: number, reason?: string) => void;

interface Lease {
  online: boolean;
  /** Was anything said about it since the start of this process? */
  told: boolean;
  /** Monotonic. */
  heardAt: number;
  /** Unix ms; null when never. */
  seenAt: number | null;
  writtenAt: number;
}

/** What Presence works with. */
export interface PresenceDeps {
  readonly clock: Clock;
  readonly rows: GatewayRows;
  readonly logger: Logger;
  /** Foreign nodes promise no heartbeat: their death or the end of their connection tells. */
  readonly mayBeSilent?: (gateway: GatewayId) => boolean;
}

/**
 * Who is there, as a lease that each message renews. A death or a will only speeds the end up: a broker that is killed
 * loses its wills, and a silent network sends none.
 */
export class Presence {
  readonly #clock: Clock;
  readonly #mayBeSilent: (gateway: GatewayId) => boolean;
  readonly #rows: GatewayRows;
  readonly #logger: Logger;
  readonly #leases = new Map<GatewayId, Lease>();
  readonly #listeners: PresenceListener[] = [];
  readonly #stop: () => void;

  constructor(deps: PresenceDeps) {
    this.#mayBeSilent = deps.mayBeSilent ?? (() => false);
    this.#clock = deps.clock;
    this.#rows = deps.rows;
    this.#logger = deps.logger;
    this.#stop = deps.clock.every(CHECK_MS, () => this.#check());
  }

  onChange(listener: PresenceListener): void {
    this.#listeners.push(listener);
  }

  /** Gateways that should be there: one that is not heard in time is told offline, also when it was never heard. */
  expect(gateways: readonly GatewayId[]): void {
    for (const gateway of gateways) this.#lease(gateway);
  }

  isOnline(gateway: GatewayId): boolean {
    return this.#leases.get(gateway)?.online === true;
  }

  /** Unix ms of the last sign of life, null when there was none. */
  lastSeenAt(gateway: GatewayId): number | null {
    return this.#leases.get(gateway)?.seenAt ?? this.#rows.get(gateway).lastSeenAt;
  }

  /** A birth or data of the gateway came in. */
  heard(gateway: GatewayId): void {
    const lease = this.#lease(gateway);
    lease.heardAt = this.#clock.monotonic();
    lease.seenAt = this.#clock.now();
    if (!lease.online) this.#change(gateway, lease, true);
    else if (lease.heardAt - lease.writtenAt >= WRITE_SEEN_MS) this.#write(gateway, lease);
  }

  /** Its death came in. */
  dead(gateway: GatewayId, reason: string): void {
    const lease = this.#leases.get(gateway);
    if (lease?.online === true) this.#change(gateway, lease, false, reason);
  }

  /** It is none of ours any more: nothing is told of it, not even that it went. */
  forget(gateway: GatewayId): void {
    this.#leases.delete(gateway);
  }

  close(): void {
    this.#stop();
    for (const [gateway, lease] of this.#leases) if (lease.online) this.#write(gateway, lease);
  }

  #lease(gateway: GatewayId): Lease {
    let lease = this.#leases.get(gateway);
    if (lease === undefined) {
      const now = this.#clock.monotonic();
      const { lastSeenAt } = this.#rows.get(gateway);
      lease = { online: false, told: false, heardAt: now, seenAt: lastSeenAt, writtenAt: now };
      this.#leases.set(gateway, lease);
    }
    return lease;
  }

  #check(): void {
    const now = this.#clock.monotonic();
    for (const [gateway, lease] of this.#leases)
      if ((lease.online || !lease.told) && now - lease.heardAt >= OFFLINE_AFTER_MS && !this.#mayBeSilent(gateway))
        this.#change(gateway, lease, false, "silent");
  }

  #change(gateway: GatewayId, lease: Lease, online: boolean, reason?: string): void {
    lease.online = online;
    lease.told = true;
    this.#write(gateway, lease);
    this.#logger.info({ gateway, online, reason }, "gateway presence changed");
    for (const listener of this.#listeners) listener(gateway, online, this.#clock.now(), reason);
  }

  #write(gateway: GatewayId, lease: Lease): void {
    lease.writtenAt = this.#clock.monotonic();
    if (lease.seenAt === null) return;
    try {
      this.#rows.seen(gateway, lease.seenAt);
    } catch (error) {
      // Only a note of when: presence itself lives in memory and must not stop for a full disk.
      this.#logger.warn({ gateway, err: error }, "last sign of life not written");
    }
  }
}
