import { beforeEach, describe, expect, it } from "vitest";
import { SESSION_ABSOLUTE_MS, SESSION_IDLE_MS, Sessions } from "#cloud/auth/sessions.ts";
import { Tokens } from "#cloud/auth/tokens.ts";
import { type User, Users } from "#cloud/auth/users.ts";
import type { Db } from "#cloud/db/database.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { recordDatabases } from "./access-database.ts";

const database = recordDatabases();
const OPERATOR = { role: "operator", space: "park" } as const;
const ENGINEER = { role: "engineer", space: "park" } as const;
let db: Db;
let clock: ManualClock;
let users: Users;
let user: User;
beforeEach(async () => {
  db = await database();
  clock = new ManualClock(1_700_000_000_000);
  users = new Users(db, () => clock.now());
  user = await users.add(
    { name: "li.wei", displayName: "Li Wei", grants: [OPERATOR, ENGINEER] },
    "a long enough password",
  );
});
const disable = () => db.sync.run(db.kysely.updateTable("users").set({ disabled: 1 }));
const dump = (table: "sessions" | "tokens") => JSON.stringify(db.sync.all(db.kysely.selectFrom(table).selectAll()));

describe("a session", () => {
  let sessions: Sessions;
  const ended: string[] = [];
  beforeEach(() => {
    sessions = new Sessions(db, users, clock);
    ended.length = 0;
    sessions.onEnd((key) => ended.push(key));
  });

  it("has a new id of 256 random bits, of which the database knows only the hash", () => {
    const [one, two] = [sessions.open(user, "ip"), sessions.open(user, "ip")];
    expect(one.id).toMatch(/^[\w-]{43}$/);
    expect(one.id).not.toBe(two.id);
    expect(one.session.csrfToken).not.toBe(two.session.csrfToken);
    expect(dump("sessions")).not.toContain(one.id);
    expect(sessions.find(one.id)?.user).toEqual(user);
    expect(sessions.find(one.session.key)).toBeUndefined();
  });

  it("lives an hour from the last request, at most a shift", () => {
    const { id, session } = sessions.open(user, "ip");
    const opened = clock.now();
    expect(session.expiresAt).toBe(opened + SESSION_IDLE_MS);
    for (let i = 0; i < 23; i++) {
      clock.advance(SESSION_ABSOLUTE_MS / 24);
      expect(sessions.find(id)?.expiresAt).toBe(Math.min(clock.now() + SESSION_IDLE_MS, opened + SESSION_ABSOLUTE_MS));
    }
    clock.advance(SESSION_ABSOLUTE_MS / 24);
    expect(sessions.find(id)).toBeUndefined();
    expect(ended).toEqual([session.key]);
  });

  it("is not kept alive by a socket that only asks whether it lives", () => {
    const { id, session } = sessions.open(user, "ip");
    clock.advance(SESSION_IDLE_MS - 1);
    expect(sessions.byKey(session.key, false)?.expiresAt).toBe(clock.now() + 1);
    clock.advance(1);
    expect(sessions.find(id)).toBeUndefined();
    expect(dump("sessions")).toBe("[]");
  });

  it("ends when it is closed, and when its user is disabled", () => {
    const [one, two] = [sessions.open(user, "ip"), sessions.open(user, "ip")];
    sessions.close(one.session.key);
    expect(sessions.find(one.id)).toBeUndefined();
    expect(ended).toEqual([one.session.key]);
    disable();
    expect(sessions.find(two.id)).toBeUndefined();
    expect(ended).toEqual([one.session.key, two.session.key]);
  });

  it("takes the grants that its user has now", () => {
    const { id } = sessions.open(user, "ip");
    db.sync.run(db.kysely.updateTable("users").set({ grants: JSON.stringify([OPERATOR]) }));
    expect(sessions.find(id)?.user.grants).toEqual([OPERATOR]);
  });

  it("leaves nothing behind: those that ended unseen go when another opens", () => {
    sessions.open(user, "ip");
    clock.advance(SESSION_IDLE_MS + 1);
    sessions.open(user, "ip");
    expect(JSON.parse(dump("sessions"))).toHaveLength(1);
  });
});

describe("a token", () => {
  let tokens: Tokens;
  beforeEach(() => {
    tokens = new Tokens(db, users, () => clock.now());
  });

  it("is shown once; the database knows only its hash", () => {
    const { token, entry } = tokens.add(user, "export", [OPERATOR], null);
    expect(token).toMatch(/^pkh_[\w-]{43}$/);
    expect(dump("tokens")).not.toContain(token.slice(4));
    expect(tokens.list("li.wei")).toEqual([entry]);
    expect(tokens.list("somebody")).toEqual([]);
    expect(tokens.find(token)).toEqual({ name: "token:export@li.wei", grants: [OPERATOR] });
    expect(tokens.find(token.slice(0, -1))).toBeUndefined();
    expect(tokens.find("")).toBeUndefined();
  });

  it("gives nothing that its user does not hold, at any time", () => {
    expect(() => tokens.add(user, "more", [{ role: "administrator", space: "park" }], null)).toThrow(
      expect.objectContaining({ code: "GRANT_NOT_HELD" }),
    );
    const { token } = tokens.add(user, "export", [OPERATOR, ENGINEER], null);
    db.sync.run(db.kysely.updateTable("users").set({ grants: JSON.stringify([OPERATOR]) }));
    expect(tokens.find(token)?.grants).toEqual([OPERATOR]);
    disable();
    expect(tokens.find(token)).toBeUndefined();
  });

  it("ends at its time, which must be one that is still to come", () => {
    const { token } = tokens.add(user, "short", [OPERATOR], clock.now() + 1000);
    clock.advance(999);
    expect(tokens.find(token)).toBeDefined();
    clock.advance(1);
    expect(tokens.find(token)).toBeUndefined();
    for (const end of [clock.now(), Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => tokens.add(user, "odd", [OPERATOR], end)).toThrow(
        expect.objectContaining({ code: "TOKEN_EXPIRY_INVALID" }),
      );
  });

  it("is withdrawn by its own user only", () => {
    const { token, entry } = tokens.add(user, "export", [OPERATOR], null);
    expect(tokens.remove("somebody", entry.id)).toBe(false);
    expect(tokens.find(token)).toBeDefined();
    expect(tokens.remove("li.wei", entry.id)).toBe(true);
    expect(tokens.find(token)).toBeUndefined();
    expect(tokens.remove("li.wei", entry.id)).toBe(false);
  });

  it("tells when it was last used, to the minute", () => {
    const { token } = tokens.add(user, "export", [OPERATOR], null);
    const used = () => tokens.list("li.wei")[0]?.usedAt;
    expect(used()).toBeNull();
    tokens.find(token);
    const first = clock.now();
    clock.advance(60_000);
    tokens.find(token);
    expect(used()).toBe(first);
    clock.advance(1);
    tokens.find(token);
    expect(used()).toBe(clock.now());
  });
});
