import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import type { Clock } from "#core/clock.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../db/database.ts";
import type { BlobState, BlobStore } from "../media-ports.ts";

/** Largest blob, bytes. */
export const MAX_BLOB_BYTES = 32 * 1024 * 1024;

const SHA256 = /^[0-9a-f]{64}$/;
const CONTENT_TYPE = /^[a-z0-9.+-]{1,60}\/[a-z0-9.+-]{1,60}(; ?[a-z0-9=._"-]{1,60})*$/i;

/** Types that no browser runs anything of. */
const PASSIVE = /^(image\/(jpeg|png|gif|webp|bmp)|(video|audio)\/[a-z0-9.+-]+|application\/json)$/;

/** What a blob is served as. Any other type is kept as mere bytes: a camera must not be able to bring a page or a script. */
function servedType(contentType: string): string {
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return PASSIVE.test(type) ? type : "application/octet-stream";
}

function isGone(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}

/** The disk refuses. */
export class BlobError extends HubError {}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A blob as the retention rules see it. */
export interface KeptBlob {
  readonly sha256: string;
  readonly bytes: number;
  /** Unix ms. */
  readonly storedAt: number;
}

/** Blobs as files `<folder>/ab/<sha256>`, whole or not there at all; what they are is in the database. */
export class FileBlobStore implements BlobStore {
  readonly #db: Db;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Set<(sha256: string, bytes: number) => void>();
  /** What is being done with a blob: writing and removing the same one wait for each other. */
  readonly #busy = new Map<string, Promise<unknown>>();

  /** `folder`: `$PARKHUB_DATA/blobs`. */
  constructor(deps: { readonly db: Db; readonly folder: string; readonly clock: Clock; readonly logger: Logger }) {
    this.#db = deps.db;
    this.#folder = deps.folder;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
  }

  /** Folder of the files. */
  get folder(): string {
    return this.#folder;
  }

  /** @throws BLOB_HASH_MISMATCH, BLOB_TOO_LARGE, BLOB_TYPE_INVALID, BLOB_IO */
  async put(sha256: string, contentType: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length > MAX_BLOB_BYTES)
      throw new InvalidInputError(
        "BLOB_TOO_LARGE",
        `a blob has ${bytes.length} bytes, at most ${MAX_BLOB_BYTES} are taken`,
      );
    if (!CONTENT_TYPE.test(contentType))
      throw new InvalidInputError("BLOB_TYPE_INVALID", `"${contentType.slice(0, 80)}" is no content type`);
    const found = createHash("sha256").update(bytes).digest("hex");
    if (!SHA256.test(sha256) || found !== sha256)
      throw new InvalidInputError("BLOB_HASH_MISMATCH", `the bytes hash to ${found}, not to ${sha256.slice(0, 80)}`);
    if (await this.#alone(sha256, () => this.#put(sha256, contentType, bytes)))
      for (const listener of this.#listeners) listener(sha256, bytes.length);
  }

  find(sha256: string): BlobState | undefined {
    const row = this.#db.sync.get(this.#db.kysely.selectFrom("blobs").selectAll().where("sha256", "=", sha256));
    if (row === undefined) return undefined;
    if (row.removed_at !== null) return { state: "expired", removedAt: row.removed_at };
    return { state: "here", contentType: row.content_type, bytes: row.size, storedAt: row.created_at };
  }

  states(hashes: readonly string[]): ReadonlyMap<string, BlobState["state"]> {
    if (hashes.length === 0) return new Map();
    const { kysely, sync } = this.#db;
    const rows = sync.all(kysely.selectFrom("blobs").select(["sha256", "removed_at"]).where("sha256", "in", hashes));
    return new Map(rows.map((row) => [row.sha256, row.removed_at === null ? "here" : "expired"]));
  }

  async read(sha256: string, range?: { readonly from: number; readonly to: number }): Promise<Readable | undefined> {
    // The name comes from outside: only one that is a hash may become a path.
    if (!SHA256.test(sha256) || this.find(sha256)?.state !== "here") return undefined;
    try {
      const handle = await open(this.#path(sha256), "r");
      return handle.createReadStream(range === undefined ? {} : { start: range.from, end: range.to });
    } catch (cause) {
      if (!isGone(cause)) throw new BlobError("BLOB_IO", `blob ${sha256} cannot be read`, { cause, retriable: true });
      this.#logger.warn({ sha256 }, "a blob is known but its file is gone");
      return undefined;
    }
  }

  onStored(listener: (sha256: string, bytes: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Bytes of all blobs that are here. */
  usedBytes(): number {
    const { kysely, sync } = this.#db;
    const sum = kysely.selectFrom("blobs").select((e) => e.fn.sum<number | null>("size").as("bytes"));
    return sync.get(sum.where("removed_at", "is", null))?.bytes ?? 0;
  }

  /** Blobs that are here, oldest first, after another one. */
  oldest(after: KeptBlob | undefined, limit: number): readonly KeptBlob[] {
    const { kysely, sync } = this.#db;
    let kept = kysely.selectFrom("blobs").select(["sha256", "size", "created_at"]).where("removed_at", "is", null);
    if (after !== undefined) {
      const { sha256, storedAt } = after;
      kept = kept.where((e) =>
        e.or([e("created_at", ">", storedAt), e.and([e("created_at", "=", storedAt), e("sha256", ">", sha256)])]),
      );
    }
    return sync
      .all(kept.orderBy("created_at").orderBy("sha256").limit(limit))
      .map(({ sha256, size, created_at }) => ({ sha256, bytes: size, storedAt: created_at }));
  }

  /** Takes the bytes away; what is known of the blob stays, with the time, unless `forgotten`. @throws BLOB_IO */
  async remove(sha256: string, forgotten: boolean): Promise<void> {
    if (!SHA256.test(sha256)) return;
    await this.#alone(sha256, async () => {
      const { kysely, sync } = this.#db;
      // The row first: a file that nobody knows is found again, a row without its file would be a broken link.
      sync.run(
        forgotten
          ? kysely.deleteFrom("blobs").where("sha256", "=", sha256)
          : kysely.updateTable("blobs").set({ removed_at: this.#clock.now() }).where("sha256", "=", sha256),
      );
      try {
        await rm(this.#path(sha256), { force: true });
      } catch (cause) {
        throw new BlobError("BLOB_IO", `blob ${sha256} cannot be removed`, { cause, retriable: true });
      }
    });
  }

  /** True when it was not here before. */
  async #put(sha256: string, contentType: string, bytes: Uint8Array): Promise<boolean> {
    if (this.find(sha256)?.state === "here" && (await this.#isWhole(sha256, bytes.length))) return false;
    try {
      await this.#write(sha256, bytes);
    } catch (cause) {
      throw new BlobError("BLOB_IO", `blob ${sha256} cannot be written`, { cause, retriable: true });
    }
    const row = { size: bytes.length, created_at: this.#clock.now(), removed_at: null };
    this.#db.sync.run(
      this.#db.kysely
        .insertInto("blobs")
        .values({ sha256, content_type: servedType(contentType), ...row })
        .onConflict((conflict) => conflict.column("sha256").doUpdateSet(row)),
    );
    return true;
  }

  /** One after the other for the same blob. */
  async #alone<T>(sha256: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(sha256);
    const turn = before === undefined ? work() : before.then(work, work);
    this.#busy.set(sha256, turn);
    try {
      return await turn;
    } finally {
      if (this.#busy.get(sha256) === turn) this.#busy.delete(sha256);
    }
  }

  #path(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256);
  }

  async #isWhole(sha256: string, bytes: number): Promise<boolean> {
    try {
      return (await stat(this.#path(sha256))).size === bytes;
    } catch (cause) {
      if (isGone(cause)) return false;
      throw new BlobError("BLOB_IO", `blob ${sha256} cannot be read`, { cause, retriable: true });
    }
  }

  /** Written aside, on the disk, then named: a crash leaves a whole blob or none. */
  async #write(sha256: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(sha256);
    await mkdir(dirname(path), { recursive: true });
    const partial = `${path}.${randomUUID()}.partial`;
    try {
      const handle = await open(partial, "wx", 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    await syncFolder(dirname(path));
  }
}
