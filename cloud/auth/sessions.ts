import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "#core/clock.ts";
import type { Db } from "../db/database.ts";
import type { User, Users } from "./users.ts";

/** A session ends after so long without a request ... */
export const SESSION_IDLE_MS = 60 * 60_000;
/** ... and after so long in any case: one shift. */
export const SESSION_ABSOLUTE_MS = 12 * 60 * 60_000;
const SEEN_STEP_MS = 30_000;

export interface LiveSession {
  /** Hash of the session id: names the session inside the process, is no secret. */
  readonly key: string;
  readonly user: User;
  readonly csrfToken: string;
  readonly expiresAt: number;
}

const hashed = (id: string): string => createHash("sha256").update(id).digest("hex");

/** Sessions of the console. The id is 256 random bits, known to the browser only; the database holds its hash. */
export class Sessions {
  readonly #db: Db;
  readonly #users: Users;
  readonly #clock: Clock;
  readonly #ended = new Set<(key: string) => void>();

  constructor(db: Db, users: Users, clock: Clock) {
    this.#db = db;
    this.#users = users;
    this.#clock = clock;
  }

  /** A new session with a new id: one that was there before is never taken over. */
  open(user: User, ip: string): { id: string; session: LiveSession } {
    const id = randomBytes(32).toString("base64url");
    const csrf = randomBytes(32).toString("base64url");
    const now = this.#clock.now();
    const { kysely, sync } = this.#db;
    sync.transaction(() => {
      sync.run(
        kysely
          .deleteFrom("sessions")
          .where((e) =>
            e.or([e("seen_at", "<", now - SESSION_IDLE_MS), e("created_at", "<", now - SESSION_ABSOLUTE_MS)]),
          ),
      );
      sync.run(
        kysely
          .insertInto("sessions")
          .values({ hash: hashed(id), user: user.name, csrf, created_at: now, seen_at: now, ip }),
      );
    });
    return { id, session: { key: hashed(id), user, csrfToken: csrf, expiresAt: now + SESSION_IDLE_MS } };
  }

  /** The session of an id, or undefined when it is unknown, expired, or its user disabled. Counts as activity when `touch`. */
  find(id: string, touch = true): LiveSession | undefined {
    return this.byKey(hashed(id), touch);
  }

  /** As `find`, by the session's key: for a socket that has outlived its request. */
  byKey(key: string, touch: boolean): LiveSession | undefined {
    const { kysely, sync } = this.#db;
    const row = sync.get(kysely.selectFrom("sessions").selectAll().where("hash", "=", key));
    if (row === undefined) return undefined;
    const now = this.#clock.now();
    const seen = touch ? now : row.seen_at;
    const expiresAt = Math.min(seen + SESSION_IDLE_MS, row.created_at + SESSION_ABSOLUTE_MS);
    const user = this.#users.get(row.user);
    if (now >= Math.min(row.seen_at + SESSION_IDLE_MS, expiresAt) || user === undefined || user.disabled) {
      this.close(key);
      return undefined;
    }
    if (touch && now - row.seen_at > SEEN_STEP_MS)
      sync.run(kysely.updateTable("sessions").set({ seen_at: now }).where("hash", "=", key));
    return { key, user, csrfToken: row.csrf, expiresAt };
  }

  /** Ends a session and tells whoever holds a socket for it. */
  close(key: string): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.deleteFrom("sessions").where("hash", "=", key));
    for (const listener of this.#ended) listener(key);
  }

  /** Ends every session of a user but one. */
  closeOthers(user: string, kept: string): void {
    const { kysely, sync } = this.#db;
    const others = kysely.selectFrom("sessions").select("hash").where("user", "=", user).where("hash", "!=", kept);
    for (const { hash } of sync.all(others)) this.close(hash);
  }

  /** Called with the key of each session that ends. Returns how to stop listening. */
  onEnd(listener: (key: string) => void): () => void {
    this.#ended.add(listener);
    return () => void this.#ended.delete(listener);
  }
}
