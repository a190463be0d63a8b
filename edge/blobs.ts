import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { Backoff } from "./backoff.ts";
import { askCloud, succeeded } from "./cloud-request.ts";

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

const EXTENSIONS: Readonly<Record<string, string>> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "video/mp4": "mp4",
  "application/json": "json",
};
const CONTENT_TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries(EXTENSIONS).map(([type, extension]) => [extension, type]),
);
const FILE = /^([0-9a-f]{64})\.([a-z0-9]+)$/;
/** A file whose writing was cut off, or still goes on. */
const PARTIAL = ".part";
/** The queue counts as full from a loss until it has shrunk below this share of its cap. */
const RELIEVED = 0.9;
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
  #full = false;
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

  get #cap(): number {
    return this.#options.capBytes ?? 1024 ** 3;
  }
  /** Were blobs dropped at the cap, and is there still hardly any room? */
  get full(): boolean {
    return this.#full;
  }

  /** Reads what a former process left and begins to send it. */
  async start(): Promise<void> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true });
    const found: Entry[] = [];
    for (const name of await readdir(directory)) {
      const [, sha256, extension] = FILE.exec(name) ?? [];
      const file = join(directory, name);
      if (name.endsWith(PARTIAL)) await rm(file, { force: true });
      else if (sha256 !== undefined && extension !== undefined) {
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
    // a name of its own: two steps may take the same picture at the same time
    const partial = `${file}.${randomUUID()}${PARTIAL}`;
    try {
      await writeDurably(partial, bytes);
      await rename(partial, file);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    const directory = await open(this.#options.directory, "r");
    await directory.sync().finally(() => directory.close());
    this.#counters.stored++;
    this.#take({ ...stored, file, storedAt: this.#options.clock.now() });
    await this.#keepCap();
    this.#pump();
    return stored;
  }

  async #keepCap(): Promise<void> {
    const cap = this.#cap;
    for (const entry of [...this.#entries.values()]) {
      if (this.#bytes <= cap || this.#entries.size <= 1) return;
      this.#counters.dropped++;
      this.#full = true;
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
      const bytes = await this.#read(entry);
      if (bytes === undefined) continue;
      const refusal = await this.#send(entry, bytes);
      if (refusal !== undefined) {
        // to the end of the queue, unless it was dropped meanwhile: one that the cloud refuses must not hold the others back
        if (this.#entries.delete(entry.sha256)) this.#entries.set(entry.sha256, entry);
        this.#failed(refusal);
        return;
      }
      this.#counters.sent++;
      this.#backoff.reset();
      if (this.#failing !== undefined) this.#options.logger.info({}, "blobs reach the cloud again");
      this.#failing = undefined;
      await this.#forget(entry);
      if (this.#bytes < this.#cap * RELIEVED) this.#full = false;
    }
  }

  /** A file that is gone, dropped at the cap or taken away by hand, is lost and must not hold the others back. */
  async #read(entry: Entry): Promise<Buffer | undefined> {
    try {
      return await readFile(entry.file);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") {
        if (this.#entries.delete(entry.sha256)) this.#entries.set(entry.sha256, entry);
        throw error;
      }
      if (!this.#entries.has(entry.sha256)) return undefined;
      this.#counters.dropped++;
      this.#options.logger.error({ sha256: entry.sha256 }, "blob lost: its file is gone");
      await this.#forget(entry);
      return undefined;
    }
  }

  async #send(entry: Entry, body: Buffer): Promise<string | undefined> {
    const { cloud, gateway, authorization } = this.#options;
    const url = new URL(`/api/v1/gateways/${encodeURIComponent(gateway)}/blobs/${entry.sha256}`, cloud());
    const response = await askCloud(url, {
      method: "PUT",
      headers: { authorization, "content-type": entry.contentType },
      body,
      signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
    response.destroy();
    return succeeded(response) ? undefined : `the cloud answered ${response.statusCode}`;
  }

  #failed(cause: string): void {
    if (this.#abort.signal.aborted) return;
    this.#counters.failed++;
    if (this.#failing !== cause) this.#options.logger.warn({ cause, waiting: this.#entries.size }, "blobs wait");
    this.#failing = cause;
    this.#retryLater();
  }

  #retryLater(): void {
    this.#cancelRetry = this.#options.clock.after(this.#backoff.next(), () => {
      this.#cancelRetry = undefined;
      this.#pump();
    });
  }

  /** The cloud is known to be back: a pause that has grown long in its absence begins anew at its shortest. */
  retrySoon(): void {
    this.#backoff.reset();
    if (this.#cancelRetry === undefined) return;
    this.#cancelRetry();
    this.#retryLater();
  }

  /** Stops sending; what waits stays on the disk. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancelRetry?.();
    await this.#sending;
  }
}

async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
