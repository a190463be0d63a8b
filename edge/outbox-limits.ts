import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";

/** Where an outbox lies and how much it may hold. */
export interface OutboxOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<OutboxLimits>;
}

/** Caps of an outbox. At `telemetryBytes` and `ledgerBytes` the oldest go and a gap is recorded; at `eventsBytes` device events are refused. */
export interface OutboxLimits {
  readonly telemetryBytes: number;
  readonly eventsBytes: number;
  readonly ledgerBytes: number;
  /** Samples held in memory while the disk refuses every commit; beyond it they are lost and recorded as a gap. */
  readonly pendingSamples: number;
  /** Items and records held likewise before device events are refused. */
  readonly pendingItems: number;
}

/** Three days of 150 samples a second, about. */
export const DEFAULT_OUTBOX_LIMITS: OutboxLimits = {
  telemetryBytes: 512 * 1024 * 1024,
  eventsBytes: 64 * 1024 * 1024,
  ledgerBytes: 8 * 1024 * 1024,
  pendingSamples: 50_000,
  pendingItems: 20_000,
};

/** Most characters of one item: it must fit one packet, or it would hold up its lane for ever. */
export const MAX_ITEM_CHARS = 262_144;

/**
 * A hard stop of the file below the disk's own: at a page limit a DELETE still works, on a full disk it does not (SQLITE_FULL).
 * @returns pages of 4096 bytes
 */
export function pageLimit({ telemetryBytes, eventsBytes, ledgerBytes }: OutboxLimits): number {
  return Math.ceil(((telemetryBytes + eventsBytes * 2 + ledgerBytes) * 1.5) / 4096) + 256;
}

/** Monotonic counters of an outbox, all at nothing. */
export function outboxCounters() {
  return {
    commits: 0,
    commitFailures: 0,
    droppedSamples: 0,
    refusedEvents: 0,
    oversizeItems: 0,
    foreignAcks: 0,
    newEpochs: 0,
  };
}
