import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";

/** Where an outbox lies and how much it may hold. */
export interface OutboxOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<OutboxLimits>;
  /** What tells this machine from others. A file of another machine is a copy: it goes on in an epoch of its own. Absent: not known. */
  readonly machine?: string;
  /** For measuring only: NORMAL commits without waiting for the disk, and a power cut takes what was committed last. */
  readonly synchronous?: "FULL" | "NORMAL";
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
  /** Disk that is kept back beside the file, and given up so that a full disk can still be worked on. */
  readonly reserveBytes: number;
}

/** Three days of 150 samples a second, about. */
export const DEFAULT_OUTBOX_LIMITS: OutboxLimits = {
  telemetryBytes: 512 * 1024 * 1024,
  eventsBytes: 64 * 1024 * 1024,
  ledgerBytes: 8 * 1024 * 1024,
  pendingSamples: 50_000,
  pendingItems: 20_000,
  reserveBytes: 16 * 1024 * 1024,
};

/** Most characters of one item: it must fit one packet, or it would hold up its lane for ever. */
export const MAX_ITEM_CHARS = 262_144;

const PAGE_BYTES = 4_096;
/** Pages are never filled to the last byte. */
const ROOM = 1.5;
const EXTRA_PAGES = 256;

/**
 * A hard stop of the file below the disk's own: at a page limit a DELETE still works, on a full disk it does not (SQLITE_FULL).
 * @returns pages of 4096 bytes
 */
export function pageLimit({ telemetryBytes, eventsBytes, ledgerBytes }: OutboxLimits): number {
  return Math.ceil(((telemetryBytes + eventsBytes * 2 + ledgerBytes) * ROOM) / PAGE_BYTES) + EXTRA_PAGES;
}

/** Share of the disk that is free for the outbox which its caps may fill together. */
const SHARE_OF_DISK = 0.8;

/**
 * Limits that fit on the disk: where the caps would not, telemetry gives way, and after it the ledger and the events.
 * @param disk bytes that the outbox may fill, with those it fills already
 */
export function fitToDisk(limits: OutboxLimits, disk: number): OutboxLimits {
  const wanted = pageLimit(limits) * PAGE_BYTES + limits.reserveBytes;
  const share = (disk * SHARE_OF_DISK) / wanted;
  if (share >= 1) return limits;
  const reserveBytes = Math.floor(limits.reserveBytes * share);
  const room = (disk * SHARE_OF_DISK - reserveBytes) / ROOM - EXTRA_PAGES * PAGE_BYTES;
  const others = limits.eventsBytes * 2 + limits.ledgerBytes;
  const least = Math.max(room / 4, 64 * 1024);
  const rest = Math.min(1, Math.max(room - least, least) / others);
  return {
    ...limits,
    reserveBytes,
    telemetryBytes: Math.floor(Math.min(limits.telemetryBytes, Math.max(least, room - others * rest))),
    eventsBytes: Math.floor(limits.eventsBytes * rest),
    ledgerBytes: Math.floor(limits.ledgerBytes * rest),
  };
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
