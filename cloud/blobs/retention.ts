import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { BlobClass, BlobUse, BlobUser } from "../media-ports.ts";
import type { AuditLog } from "../ports.ts";
import type { FileBlobStore, KeptBlob } from "./store.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SWEEP_EVERY_MS = HOUR_MS;
/** After a start there is other work to do first. */
const FIRST_SWEEP_MS = 60_000;
/** While the limit is passed, it is looked after at most so often. */
const NUDGE_EVERY_MS = 10_000;
/** What nothing refers to is kept so long: the item that names it may come later. */
const ORPHAN_MS = DAY_MS;
/** So many blobs are judged in one go; then others have their turn. */
const PAGE = 500;

/** How long blobs are kept. */
export interface BlobLimits {
  /** All blobs together, bytes. */
  readonly bytes: number;
  readonly days: Readonly<Record<BlobClass, number>>;
}

/** Why a blob was removed. */
type Cause = "orphan" | "age" | "limit";

/** What a sweep removed. */
export interface Swept {
  readonly removed: Readonly<Record<Cause, number>>;
  readonly bytes: number;
  /** What is here now, bytes. */
  readonly kept: number;
}

export interface RetentionDeps {
  readonly store: FileBlobStore;
  readonly users: readonly BlobUser[];
  readonly limits: BlobLimits;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Judged extends KeptBlob {
  readonly use: BlobUse | undefined;
}

/** In which order blobs go beyond the disk limit: what somebody had a look at is no evidence of anything, and there may be much of it. */
const FIRST_TO_GO: readonly ((use: BlobUse | undefined) => boolean)[] = [(use) => use?.class === "picture", () => true];

/**
 * Removes blobs by their class and age, and beyond the disk limit the pictures of a look, then the oldest ones; never one that
 * belongs to an alarm that is still open.
 */
export class BlobRetention {
  readonly #deps: RetentionDeps;
  readonly #stops: (() => void)[] = [];
  #used: number;
  #sweeping: Promise<Swept> | undefined;
  #nudged = false;
  #stopped = false;
  #full = false;

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
    this.#used = deps.store.usedBytes();
  }

  /** Bytes of all blobs. */
  get usedBytes(): number {
    return this.#used;
  }

  start(): void {
    const { clock, store } = this.#deps;
    this.#stops.push(
      clock.after(FIRST_SWEEP_MS, () => this.#sweepLater()),
      clock.every(SWEEP_EVERY_MS, () => this.#sweepLater()),
      store.onStored((_sha256, bytes) => this.#grown(bytes)),
    );
  }

  /** Resolves when no sweep is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const stop of this.#stops.splice(0)) stop();
    await this.#sweeping?.catch(() => undefined);
  }

  /** Removes what is due. One at a time: whoever asks meanwhile gets the same sweep. */
  sweep(): Promise<Swept> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  #sweepLater(): void {
    this.sweep().catch((error: unknown) => this.#deps.logger.error({ err: error }, "blobs cannot be looked after"));
  }

  #grown(bytes: number): void {
    this.#used += bytes;
    if (this.#used <= this.#deps.limits.bytes || this.#nudged) return;
    this.#nudged = true;
    this.#stops.push(
      this.#deps.clock.after(NUDGE_EVERY_MS, () => {
        this.#nudged = false;
      }),
    );
    this.#sweepLater();
  }

  async #sweep(): Promise<Swept> {
    const { store, limits, clock } = this.#deps;
    const now = clock.now();
    const removed: Record<Cause, number> = { orphan: 0, age: 0, limit: 0 };
    let bytes = 0;
    const remove = async (due: readonly (Judged & { cause: Cause })[]): Promise<void> => {
      await this.#remove(due);
      for (const { cause, bytes: size } of due) {
        removed[cause]++;
        bytes += size;
      }
    };
    await this.#walk(async (page) => {
      await remove(
        page.flatMap((blob) => {
          const cause = this.#overdue(blob, now);
          return cause === undefined ? [] : [{ ...blob, cause }];
        }),
      );
      return undefined;
    });
    let over = store.usedBytes() - limits.bytes;
    for (const goes of FIRST_TO_GO) {
      if (over <= 0) break;
      await this.#walk(async (page) => {
        const due: (Judged & { cause: Cause })[] = [];
        for (const blob of page) {
          if (over <= 0) break;
          if (blob.use?.held === true || !goes(blob.use)) continue;
          due.push({ ...blob, cause: "limit" });
          over -= blob.bytes;
        }
        await remove(due);
        return over <= 0;
      });
    }
    await this.#leftovers(now);
    this.#used = store.usedBytes();
    this.#tell(removed, bytes);
    return { removed, bytes, kept: this.#used };
  }

  /** All blobs, oldest first, page by page, until `work` says that it is enough. */
  async #walk(work: (page: readonly Judged[]) => Promise<boolean | undefined>): Promise<void> {
    const { store, users } = this.#deps;
    let last: KeptBlob | undefined;
    while (!this.#stopped) {
      const page = store.oldest(last, PAGE);
      last = page.at(-1);
      if (last === undefined) return;
      const hashes = page.map(({ sha256 }) => sha256);
      const uses = Map.groupBy(
        users.flatMap((user) => user.usesOf(hashes)),
        ({ sha256 }) => sha256,
      );
      const judged = page.map((blob) => ({ ...blob, use: this.#strongest(uses.get(blob.sha256) ?? []) }));
      if ((await work(judged)) === true) return;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Of several uses of a blob the one that keeps it longest. */
  #strongest(uses: readonly BlobUse[]): BlobUse | undefined {
    const { days } = this.#deps.limits;
    const longest = uses.reduce<BlobUse | undefined>(
      (best, use) => (best === undefined || days[use.class] > days[best.class] ? use : best),
      undefined,
    );
    return longest && { ...longest, held: uses.some(({ held }) => held) };
  }

  #overdue({ use, storedAt }: Judged, now: number): Cause | undefined {
    const age = now - storedAt;
    if (use === undefined) return age > ORPHAN_MS ? "orphan" : undefined;
    return !use.held && age > this.#deps.limits.days[use.class] * DAY_MS ? "age" : undefined;
  }

  async #remove(due: readonly Judged[]): Promise<void> {
    if (due.length === 0) return;
    const { store, users } = this.#deps;
    const hashes = due.map(({ sha256 }) => sha256);
    for (const user of users) user.forget(hashes);
    // What is still named somewhere is told there as expired; of anything else nothing is left.
    const named = new Set(users.flatMap((user) => user.usesOf(hashes)).map(({ sha256 }) => sha256));
    for (const sha256 of hashes) await store.remove(sha256, !named.has(sha256));
  }

  /** Files that no row knows: what a crash has left. */
  async #leftovers(now: number): Promise<void> {
    const { store } = this.#deps;
    for (const folder of await namesIn(store.folder)) {
      if (this.#stopped) return;
      const path = join(store.folder, folder);
      const names = await namesIn(path);
      const known = store.states(names);
      for (const name of names) {
        if (known.get(name) === "here") continue;
        const file = join(path, name);
        const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: now }));
        if (now - mtimeMs > ORPHAN_MS) await rm(file, { force: true });
      }
    }
  }

  #tell(removed: Readonly<Record<Cause, number>>, bytes: number): void {
    const { audit, logger, limits } = this.#deps;
    if (Object.values(removed).some((count) => count > 0))
      audit.append({ actor: "system", action: "blob.remove", result: "ok", detail: { ...removed, bytes } });
    const full = this.#used > limits.bytes;
    if (full && !this.#full)
      logger.warn({ bytes: this.#used, limit: limits.bytes }, "blobs pass their limit: all belong to open alarms");
    this.#full = full;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return [];
    throw error;
  }
}
