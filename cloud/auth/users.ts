import type { Grant, PasswordChange } from "#core/contracts/session.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import type { Db } from "../db/database.ts";
import { hashPassword, NOBODY_HASH, needsRehash, verifyPassword } from "./passwords.ts";

/** A user as the API shows it. */
export interface User {
  readonly name: string;
  readonly displayName: string;
  readonly grants: readonly Grant[];
  readonly disabled: boolean;
}

/** Shortest password that is accepted. [GB/T 22239-2019 8.1.4.1, OWASP ASVS 5.0 V6.2.1] */
export const PASSWORD_MIN = 12;

/** Stands in the audit log for a name that no user has. */
export const UNKNOWN_USER = "unknown";
/** Names under which the hub itself writes into records. */
const RESERVED: readonly string[] = [UNKNOWN_USER, "system"];

/** Users and their passwords in the record database. */
export class Users {
  readonly #db: Db;
  readonly #now: () => number;

  constructor(db: Db, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  list(): readonly User[] {
    const { kysely, sync } = this.#db;
    return sync.all(kysely.selectFrom("users").selectAll().orderBy("name")).map(show);
  }

  get(name: string): User | undefined {
    const { kysely, sync } = this.#db;
    const row = sync.get(kysely.selectFrom("users").selectAll().where("name", "=", name));
    return row && show(row);
  }

  /** @throws USER_EXISTS, PASSWORD_TOO_SHORT */
  async add(user: Omit<User, "disabled">, password: string): Promise<User> {
    requireLong(password);
    if (RESERVED.includes(user.name.toLowerCase()))
      throw new HubError("USER_EXISTS", `user ${user.name}: the name is taken by the hub itself`);
    const hash = await hashPassword(password);
    const { kysely, sync } = this.#db;
    const row = {
      name: user.name,
      display_name: user.displayName,
      password: hash,
      grants: JSON.stringify(user.grants),
      disabled: 0,
      created_at: this.#now(),
      changed_at: this.#now(),
    };
    const { changes } = sync.run(
      kysely
        .insertInto("users")
        .values(row)
        .onConflict((c) => c.column("name").doNothing()),
    );
    if (changes === 0) throw new HubError("USER_EXISTS", `user ${user.name}: the name is taken`);
    return show(row);
  }

  /** The user when name and password fit and the user is not disabled. An unknown name costs as much time as a known one. */
  async authenticate(name: string, password: string): Promise<User | undefined> {
    const { kysely, sync } = this.#db;
    const row = sync.get(kysely.selectFrom("users").selectAll().where("name", "=", name));
    const fits = await verifyPassword(password, row?.password ?? NOBODY_HASH);
    if (!fits || row === undefined || row.disabled !== 0) return undefined;
    if (needsRehash(row.password)) await this.#setPassword(name, password);
    return show(row);
  }

  /** Gives a user another password than the one he has proved. @throws PASSWORD_TOO_SHORT, PASSWORD_SAME */
  async changePassword(name: string, { current, password }: PasswordChange): Promise<void> {
    requireLong(password);
    if (password === current)
      throw new InvalidInputError("PASSWORD_SAME", "password: expected another one than before");
    await this.#setPassword(name, password);
  }

  async #setPassword(name: string, password: string): Promise<void> {
    const hash = await hashPassword(password);
    const { kysely, sync } = this.#db;
    sync.run(kysely.updateTable("users").set({ password: hash, changed_at: this.#now() }).where("name", "=", name));
  }
}

/** @throws PASSWORD_TOO_SHORT */
function requireLong(password: string): void {
  if (password.length >= PASSWORD_MIN) return;
  const text = `password: expected at least ${PASSWORD_MIN} characters, got ${password.length}`;
  throw new InvalidInputError("PASSWORD_TOO_SHORT", text);
}

function show(row: { name: string; display_name: string; grants: string; disabled: number }): User {
  return {
    name: row.name,
    displayName: row.display_name,
    grants: JSON.parse(row.grants) as Grant[],
    disabled: row.disabled !== 0,
  };
}
