import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "#core/clock.ts";
import { gatewayClientId } from "#core/contracts/topics.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../db/database.ts";
import { newPassword, PasswordCheck, type PasswordHash } from "./password-check.ts";

export { CredentialError } from "./password-check.ts";

interface Credential extends PasswordHash {
  readonly gateway: GatewayId;
}

/** What GatewayCredentials works with. */
export interface GatewayCredentialsDeps {
  readonly db: Db;
  /** `$PARKHUB_DATA/gateways`. */
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Shared with the other clients of the broker, so that they hash few at once together. */
  readonly passwords?: PasswordCheck;
}

/** Passwords of gateways: the database keeps a hash, the file for the gateway is written once. */
export class GatewayCredentials {
  readonly #db: Db;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #known = new Map<string, Credential>();
  readonly #passwords: PasswordCheck;

  constructor(deps: GatewayCredentialsDeps) {
    this.#db = deps.db;
    this.#folder = deps.folder;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#passwords = deps.passwords ?? new PasswordCheck();
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
    if (credential === undefined) return undefined;
    return (await this.#passwords.matches(username, password, credential)) ? credential.gateway : undefined;
  }

  async #create(gateway: GatewayId, name: string, username: string): Promise<void> {
    const { password, salt, hash } = await newPassword();
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
}
