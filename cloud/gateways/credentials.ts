import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "#core/clock.ts";
import { gatewayClientId } from "#core/contracts/topics.ts";
import { HubError } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../db/database.ts";

const HASH_BYTES = 32;
const MAX_PASSWORD = 256;
/** Hashes under way at once, and those that may wait: a storm of wrong passwords must not take the machine. */
const MAX_HASHING = 2;
const MAX_WAITING = 200;

interface Credential {
  readonly gateway: GatewayId;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** Too many sign-ins at once: try again later. */
export class CredentialError extends HubError {}

// [RFC 7914 §2] N=16384, r=8, p=1: about 50 ms and 16 MiB
function hashOf(password: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, { N: 16_384, r: 8, p: 1 }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

/** Passwords of gateways: the database keeps a hash, the file for the gateway is written once. */
export class GatewayCredentials {
  readonly #db: Db;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #known = new Map<string, Credential>();
  /** Keyed hash of the last password that was right, so that a reconnect storm costs no scrypt each. */
  readonly #verified = new Map<string, Buffer>();
  readonly #key = randomBytes(32);
  #hashing = 0;
  readonly #waiting: (() => void)[] = [];

  /** `folder`: `$PARKHUB_DATA/gateways`. */
  constructor(deps: { readonly db: Db; readonly folder: string; readonly clock: Clock; readonly logger: Logger }) {
    this.#db = deps.db;
    this.#folder = deps.folder;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    for (const row of deps.db.sync.all(deps.db.kysely.selectFrom("gateway_credentials").selectAll()))
      this.#known.set(row.username, { gateway: row.gateway as GatewayId, salt: row.salt, hash: row.hash });
  }

  /** Gives each gateway that has none a password and writes `<folder>/<gateway>/credential.json` (mode 600). */
  async ensure(gateways: readonly GatewayId[]): Promise<void> {
    for (const gateway of gateways) {
      const [site = "", name = ""] = gateway.split("/");
      const username = gatewayClientId(site, name);
      if (!this.#known.has(username)) await this.#create(gateway, name, username);
    }
  }

  /** The gateway these belong to, or undefined. @throws CREDENTIAL_BUSY when too many are being checked */
  async verify(username: string, password: string): Promise<GatewayId | undefined> {
    const credential = this.#known.get(username);
    if (credential === undefined || password.length > MAX_PASSWORD) return undefined;
    const digest = createHmac("sha256", this.#key).update(`${username}\0${password}`).digest();
    const verified = this.#verified.get(username);
    if (verified !== undefined && timingSafeEqual(verified, digest)) return credential.gateway;
    const hash = await this.#limited(() => hashOf(password, credential.salt));
    if (!timingSafeEqual(hash, credential.hash)) return undefined;
    this.#verified.set(username, digest);
    return credential.gateway;
  }

  async #create(gateway: GatewayId, name: string, username: string): Promise<void> {
    const password = randomBytes(24).toString("base64url");
    const salt = randomBytes(16);
    const hash = await hashOf(password, salt);
    const folder = join(this.#folder, name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const partial = join(folder, "credential.json.partial");
    await writeFile(partial, `${JSON.stringify({ username, password })}\n`, { mode: 0o600 });
    await chmod(partial, 0o600);
    await rename(partial, join(folder, "credential.json"));
    // The file first: a crash in between makes a new password, never a hash whose password nobody has.
    this.#db.sync.run(
      this.#db.kysely
        .insertInto("gateway_credentials")
        .values({ gateway, username, salt, hash, created_at: this.#clock.now() }),
    );
    this.#known.set(username, { gateway, salt, hash });
    this.#logger.info({ gateway, file: join(folder, "credential.json") }, "credential made for a gateway");
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    if (this.#hashing >= MAX_HASHING) {
      if (this.#waiting.length >= MAX_WAITING)
        throw new CredentialError("CREDENTIAL_BUSY", "too many sign-ins at once", { retriable: true });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#hashing++;
    try {
      return await work();
    } finally {
      // The turn is handed on, so the count stays; without anyone waiting it ends.
      const next = this.#waiting.shift();
      if (next === undefined) this.#hashing--;
      else next();
    }
  }
}
