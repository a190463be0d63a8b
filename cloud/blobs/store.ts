import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "#core/clock.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../db/database.ts";
import type { BlobStore } from "../ports.ts";

/** Largest blob, bytes. */
export const MAX_BLOB_BYTES = 32 * 1024 * 1024;

const SHA256 = /^[0-9a-f]{64}$/;
const CONTENT_TYPE = /^[a-z0-9.+-]{1,60}\/[a-z0-9.+-]{1,60}(; ?[a-z0-9=._"-]{1,60})*$/i;

/** Types that no browser runs anything of. */
const PASSIVE = /^(image\/(jpeg|png|gif|webp|bmp)|(video|audio)\/[a-z0-9.+-]+)$/;

/** What a blob is served as. Any other type is kept as mere bytes: a camera must not be able to bring a page or a script. */
function servedType(contentType: string): string {
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return PASSIVE.test(type) ? type : "application/octet-stream";
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

/** Blobs as files `<folder>/ab/<sha256>`, whole or not there at all; what they are is in the database. */
export class FileBlobStore implements BlobStore {
  readonly #db: Db;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #logger: Logger;

  /** `folder`: `$PARKHUB_DATA/blobs`. */
  constructor(deps: { readonly db: Db; readonly folder: string; readonly clock: Clock; readonly logger: Logger }) {
    this.#db = deps.db;
    this.#folder = deps.folder;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
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
    if (this.#meta(sha256) !== undefined && (await this.#read(sha256)) !== undefined) return;
    try {
      await this.#write(sha256, bytes);
    } catch (cause) {
      throw new BlobError("BLOB_IO", `blob ${sha256} cannot be written`, { cause, retriable: true });
    }
    this.#db.sync.run(
      this.#db.kysely
        .insertInto("blobs")
        .values({
          sha256,
          content_type: servedType(contentType),
          size: bytes.length,
          retention: "alarm",
          created_at: this.#clock.now(),
        })
        .onConflict((conflict) => conflict.column("sha256").doNothing()),
    );
  }

  async get(sha256: string): Promise<{ contentType: string; bytes: Uint8Array } | undefined> {
    // The name comes from outside: only one that is a hash may become a path.
    const meta = SHA256.test(sha256) ? this.#meta(sha256) : undefined;
    if (meta === undefined) return undefined;
    const bytes = await this.#read(sha256);
    if (bytes === undefined) this.#logger.warn({ sha256 }, "a blob is known but its file is gone");
    return bytes === undefined ? undefined : { contentType: meta.content_type, bytes };
  }

  #meta(sha256: string): { content_type: string } | undefined {
    return this.#db.sync.get(this.#db.kysely.selectFrom("blobs").select("content_type").where("sha256", "=", sha256));
  }

  #path(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256);
  }

  async #read(sha256: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.#path(sha256));
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
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
