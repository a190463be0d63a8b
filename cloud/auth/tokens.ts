import { createHash, randomBytes } from "node:crypto";
import type { Grant } from "#core/contracts/session.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { Db } from "../db/database.ts";
import type { User, Users } from "./users.ts";

/** A token as it is listed. The token itself is shown once, when it is made. */
export interface Token {
  readonly id: string;
  readonly name: string;
  readonly user: string;
  readonly grants: readonly Grant[];
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly usedAt: number | null;
}

const PREFIX = "pkh_";
const USED_STEP_MS = 60_000;
const hashed = (token: string): string => createHash("sha256").update(token).digest("hex");

/** Access tokens for programs. A token never gives more than its user has at the moment of use. */
export class Tokens {
  readonly #db: Db;
  readonly #users: Users;
  readonly #now: () => number;

  constructor(db: Db, users: Users, now: () => number) {
    this.#db = db;
    this.#users = users;
    this.#now = now;
  }

  list(user: string): readonly Token[] {
    const { kysely, sync } = this.#db;
    return sync.all(kysely.selectFrom("tokens").selectAll().where("user", "=", user).orderBy("id")).map(show);
  }

  /**
   * Makes a token with some of the user's own grants. `expiresAt` is Unix ms, null for never.
   * @throws GRANT_NOT_HELD, TOKEN_EXPIRY_INVALID
   */
  add(user: User, name: string, grants: readonly Grant[], expiresAt: number | null): { token: string; entry: Token } {
    const foreign = grants.find((grant) => !holds(user, grant));
    if (foreign)
      throw new HubError(
        "GRANT_NOT_HELD",
        `${foreign.role} in ${foreign.space}: ${user.name} does not hold this grant`,
      );
    const now = this.#now();
    // Not a number is written as null, which would mean for ever.
    if (expiresAt !== null && !(Number.isFinite(expiresAt) && expiresAt > now))
      throw new InvalidInputError("TOKEN_EXPIRY_INVALID", "the end of a token must be a time that is still to come");
    const token = `${PREFIX}${randomBytes(32).toString("base64url")}`;
    const row = {
      id: newId(now),
      hash: hashed(token),
      user: user.name,
      name,
      grants: JSON.stringify(grants),
      created_at: now,
      expires_at: expiresAt,
      used_at: null,
    };
    this.#db.sync.run(this.#db.kysely.insertInto("tokens").values(row));
    return { token, entry: show(row) };
  }

  /** Withdraws a user's token. False when the user has none of that id. */
  remove(user: string, id: string): boolean {
    const { kysely, sync } = this.#db;
    return sync.run(kysely.deleteFrom("tokens").where("id", "=", id).where("user", "=", user)).changes > 0;
  }

  /** Who acts with this token, or undefined when it is unknown, expired, or its user is disabled. */
  find(token: string): { name: string; grants: readonly Grant[] } | undefined {
    if (!token.startsWith(PREFIX)) return undefined;
    const { kysely, sync } = this.#db;
    const row = sync.get(kysely.selectFrom("tokens").selectAll().where("hash", "=", hashed(token)));
    const now = this.#now();
    if (row === undefined || (row.expires_at !== null && now >= row.expires_at)) return undefined;
    const user = this.#users.get(row.user);
    if (user === undefined || user.disabled) return undefined;
    if (now - (row.used_at ?? 0) > USED_STEP_MS)
      sync.run(kysely.updateTable("tokens").set({ used_at: now }).where("id", "=", row.id));
    return { name: `token:${row.name}@${row.user}`, grants: show(row).grants.filter((grant) => holds(user, grant)) };
  }
}

function holds(user: User, grant: Grant): boolean {
  return user.grants.some((own) => own.role === grant.role && own.space === grant.space);
}

function show(row: {
  id: string;
  name: string;
  user: string;
  grants: string;
  created_at: number;
  expires_at: number | null;
  used_at: number | null;
}): Token {
  return {
    id: row.id,
    name: row.name,
    user: row.user,
    grants: JSON.parse(row.grants) as Grant[],
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    usedAt: row.used_at,
  };
}
