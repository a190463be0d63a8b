import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { Backoff } from "./backoff.ts";

/** A stored blob: its name is its SHA-256, 64 hex digits. */
export interface StoredBlob {
  readonly sha256: string;
  readonly bytes: number;
  readonly contentType: string;
}

export interface BlobQueueOptions {
  /** Folder of the queue. */
  readonly directory: string;
  /** HTTP address of the cloud, asked for at each attempt. */
  readonly cloud: () => string;
  readonly gateway: string;
  /** Value of the Authorization header. */
  readonly authorization: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** All blobs together; beyond it the oldest are dropped, bytes. 1 GiB when absent. */
  readonly capBytes?: number;
  readonly random?: () => number;
}

const EXTENSIONS: Readonly<Record<string, string>> = { "image/jpeg": "jpg", "image/png": "png", "video/mp4": "mp4" };
const CONTENT_TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries(EXTENSIONS).map(([type, extension]) => [extension, type]),
);
const FILE = /^([0-9a-f]{64})\.([a-z0-9]+)$/;
const REQUEST_TIMEOUT_MS = 30_000;

interface Entry extends StoredBlob {
  readonly file: string;
  readonly storedAt: number;
}

/**
 * Pictures and clips on their way to the cloud: a file each, kept until the cloud has answered 2xx. The same bytes are stored
 * once, and sending them twice does no harm, because the name is the hash.
 */
export class BlobQueue {
  readonly #options: BlobQueueOptions;
  readonly #backoff: Backoff;
  readonly #entries = new Map<string, Entry>();
  readonly #abort = new AbortController();
  #sending: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;
  #bytes = 0;
  #failing: string | undefined;
  #counters = { stored: 0, sent: 0, failed: 0, dropped: 0 };

  constructor(options: BlobQueueOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ firstMs: 500, longestMs: 60_000, random: options.random ?? Math.random });
  }

  /** Monotonic counters, and what waits now. */
  get counters(): Readonly<Record<string, number>> {
    return { ...this.#counters, waiting: this.#entries.size, waitingBytes: this.#bytes };
  }

  /** Reads what a former process left and begins to send it. */
  async start(): Promise<void> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true });
    const found: Entry[] = [];
    for (const name of await readdir(directory)) {
      const [, sha256, extension] = FILE.exec(name) ?? [];
      const file = join(directory, name);
      // anything else is a file whose writing was cut off
      if (sha256 === undefined || extension === undefined) await rm(file, { force: true, recursive: true });
      else {
        const { size, mtimeMs } = await stat(file);
        const contentType = CONTENT_TYPES.get(extension) ?? "application/octet-stream";
        found.push({ sha256, bytes: size, contentType, file, storedAt: mtimeMs });
      }
    }
    for (const entry of found.sort((a, b) => a.storedAt - b.storedAt)) this.#take(entry);
    this.#pump();
  }

  #take(entry: Entry): void {
    if (this.#entries.has(entry.sha256)) return;
    this.#entries.set(entry.sha256, entry);
    this.#bytes += entry.bytes;
  }

  /** Stores bytes durably and queues them. Resolves when they are on the disk. */
  async add(bytes: Uint8Array, contentType: string): Promise<StoredBlob> {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const stored = { sha256, bytes: bytes.length, contentType };
    if (this.#entries.has(sha256)) return stored;
    const file = join(this.#options.directory, `${sha256}.${EXTENSIONS[contentType] ?? "bin"}`);
    const handle = await open(`${file}.part`, "w", 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.part`, file);
    const directory = await open(this.#options.directory, "r");
    await directory.sync().finally(() => directory.close());
    this.#counters.stored++;
    this.#take({ ...stored, file, storedAt: this.#options.clock.now() });
    await this.#keepCap();
    this.#pump();
    return stored;
  }

  async #keepCap(): Promise<void> {
    const cap = this.#options.capBytes ?? 1024 ** 3;
    for (const entry of [...this.#entries.values()]) {
      if (this.#bytes <= cap || this.#entries.size <= 1) return;
      this.#counters.dropped++;
      this.#options.logger.warn({ sha256: entry.sha256, bytes: entry.bytes }, "blob dropped: queue at its cap");
      await this.#forget(entry);
    }
  }

  async #forget(entry: Entry): Promise<void> {
    if (this.#entries.delete(entry.sha256)) this.#bytes -= entry.bytes;
    await rm(entry.file, { force: true });
  }

  #pump(): void {
    if (this.#sending !== undefined || this.#cancelRetry !== undefined || this.#abort.signal.aborted) return;
    this.#sending = this.#sendAll()
      .catch((error: unknown) => this.#failed(errorMessage(error)))
      .finally(() => {
        this.#sending = undefined;
        if (this.#entries.size > 0) this.#pump();
      });
  }

  async #sendAll(): Promise<void> {
    for (;;) {
      const [entry] = this.#entries.values();
      if (entry === undefined || this.#abort.signal.aborted) return;
      const refusal = await this.#send(entry);
      if (refusal !== undefined) {
        // to the end of the queue: one that the cloud refuses must not hold the others back
        this.#entries.delete(entry.sha256);
        this.#entries.set(entry.sha256, entry);
        this.#failed(refusal);
        return;
      }
      this.#counters.sent++;
      this.#backoff.reset();
      if (this.#failing !== undefined) this.#options.logger.info({}, "blobs reach the cloud again");
      this.#failing = undefined;
      await this.#forget(entry);
    }
  }

  async #send(entry: Entry): Promise<string | undefined> {
    const { cloud, gateway, authorization } = this.#options;
    const url = new URL(`/api/v1/gateways/${encodeURIComponent(gateway)}/blobs/${entry.sha256}`, cloud());
    const response = await fetch(url, {
      method: "PUT",
      headers: { authorization, "content-type": entry.contentType },
      body: await readFile(entry.file),
      redirect: "error",
      signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
    await response.arrayBuffer();
    return response.ok ? undefined : `the cloud answered ${response.status}`;
  }

  #failed(cause: string): void {
    if (this.#abort.signal.aborted) return;
    this.#counters.failed++;
    if (this.#failing !== cause) this.#options.logger.warn({ cause, waiting: this.#entries.size }, "blobs wait");
    this.#failing = cause;
    this.#cancelRetry = this.#options.clock.after(this.#backoff.next(), () => {
      this.#cancelRetry = undefined;
      this.#pump();
    });
  }

  /** Stops sending; what waits stays on the disk. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancelRetry?.();
    await this.#sending;
  }
}
