import { randomFillSync } from "node:crypto";
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";

/** Written in one go while the reserve is made, bytes: more would hold up the gateway's thread. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** Bytes that this process may still write on the disk of a folder. @throws ENOENT and the like */
export function freeDisk(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Size of a file, 0 when there is none. */
export function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * A file of no content that keeps disk back. On a full disk SQLite can neither write nor delete; what the reserve gives back is
 * enough to work on. It is made anew, bit by bit, when there is room for it and half as much again.
 */
export class OutboxReserve {
  readonly #path: string;
  readonly #bytes: number;
  readonly #logger: Logger;
  #size: number;
  #cause: string | undefined;

  constructor(path: string, bytes: number, logger: Logger) {
    this.#path = path;
    this.#bytes = bytes;
    this.#logger = logger;
    this.#size = fileBytes(path);
    // a smaller one is wanted than was kept before
    if (this.#size > bytes) this.release();
  }

  /** Is all of it there? */
  get held(): boolean {
    return this.#size >= this.#bytes;
  }

  /** Bytes that are kept back now. */
  get bytes(): number {
    return this.#size;
  }

  /** Gives all of it back to the disk. */
  release(): void {
    rmSync(this.#path, { force: true });
    this.#size = 0;
  }

  /** Makes the next piece where there is room. Called about once a second. */
  maintain(): void {
    const missing = this.#bytes - this.#size;
    if (missing <= 0 || freeDisk(dirname(this.#path)) < missing + this.#bytes / 2) return;
    try {
      this.#append(Math.min(missing, PIECE_BYTES));
      this.#cause = undefined;
    } catch (error) {
      const cause = errorMessage(error);
      if (cause !== this.#cause) this.#logger.warn({ cause }, "reserve of the outbox cannot be made");
      this.#cause = cause;
      this.release();
    }
  }

  #append(bytes: number): void {
    // random: a file system that compresses would keep nothing back for zeros
    const piece = randomFillSync(Buffer.allocUnsafe(bytes));
    const file = openSync(this.#path, "a", 0o600);
    try {
      for (let at = 0; at < bytes; ) {
        const written = writeSync(file, piece, at);
        at += written;
        this.#size += written;
      }
    } finally {
      closeSync(file);
    }
  }
}
