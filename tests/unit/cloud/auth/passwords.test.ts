import { argon2Sync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { hashPassword, NOBODY_HASH, needsRehash, verifyPassword } from "#cloud/auth/passwords.ts";
import { PASSWORD_MIN, Users } from "#cloud/auth/users.ts";
import { recordDatabases } from "./access-database.ts";

const database = recordDatabases();

describe("a password", () => {
  it("is kept as argon2id with the costs that OWASP names, salted anew each time", async () => {
    const [one, two] = [await hashPassword("correct horse battery"), await hashPassword("correct horse battery")];
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(two);
    expect(needsRehash(one)).toBe(false);
  });

  it("fits its own hash and no other does", async () => {
    const hash = await hashPassword("correct horse battery");
    expect(await verifyPassword("correct horse battery", hash)).toBe(true);
    expect(await verifyPassword("correct horse batterz", hash)).toBe(false);
    expect(await verifyPassword("", NOBODY_HASH)).toBe(false);
  });

  it("is the same however an accent was typed", async () => {
    expect(
      await verifyPassword("re\u0301sume\u0301 de la re\u0301union", await hashPassword("résumé de la réunion")),
    ).toBe(true);
  });

  it.each([
    "",
    "plain",
    "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
    "$argon2id$v=19$m=x,t=2,p=1$c2FsdA$aGFzaA",
  ])("fits nothing that is no argon2id hash: %s", async (hash) => {
    expect(await verifyPassword("correct horse battery", hash)).toBe(false);
    expect(needsRehash(hash)).toBe(true);
  });
});

describe("users", () => {
  const li = { name: "li.wei", displayName: "李伟", grants: [{ role: "operator", space: "park" }] } as const;

  it("are known by name and password", async () => {
    const users = new Users(await database(), () => 1);
    const made = await users.add(li, "a long enough password");
    expect(made).toEqual({ ...li, disabled: false });
    expect(await users.authenticate("li.wei", "a long enough password")).toEqual(made);
    expect(await users.authenticate("li.wei", "another long password")).toBeUndefined();
    expect(await users.authenticate("nobody", "a long enough password")).toBeUndefined();
    expect(users.list()).toEqual([made]);
    expect(JSON.stringify(users.list())).not.toContain("argon2id");
  });

  it("are not let in when disabled", async () => {
    const db = await database();
    const users = new Users(db, () => 1);
    await users.add(li, "a long enough password");
    db.sync.run(db.kysely.updateTable("users").set({ disabled: 1 }));
    expect(await users.authenticate("li.wei", "a long enough password")).toBeUndefined();
  });

  it("have their hash renewed at sign-in when it was made with other costs", async () => {
    const db = await database();
    const users = new Users(db, () => 1);
    await users.add(li, "a long enough password");
    const old = cheapHash("a long enough password");
    db.sync.run(db.kysely.updateTable("users").set({ password: old }));
    expect(await users.authenticate("li.wei", "a wrong one indeed")).toBeUndefined();
    const kept = () => db.sync.get(db.kysely.selectFrom("users").select("password"))?.password ?? "";
    expect(kept()).toBe(old);
    expect(await users.authenticate("li.wei", "a long enough password")).toBeDefined();
    expect(needsRehash(kept())).toBe(false);
    expect(await users.authenticate("li.wei", "a long enough password")).toBeDefined();
  });

  it("are refused with a short password, a taken name or a name of the hub's own", async () => {
    const users = new Users(await database(), () => 1);
    const add = (name: string, password: string) => users.add({ ...li, name }, password);
    await expect(add("a", "x".repeat(PASSWORD_MIN - 1))).rejects.toMatchObject({ code: "PASSWORD_TOO_SHORT" });
    await add("a", "x".repeat(PASSWORD_MIN));
    await expect(add("a", "another long password")).rejects.toMatchObject({ code: "USER_EXISTS" });
    for (const name of ["system", "Unknown"])
      await expect(add(name, "a long enough password")).rejects.toMatchObject({ code: "USER_EXISTS" });
    expect(await users.authenticate("a", "another long password")).toBeUndefined();
  });
});

/** A hash with lower costs than today's. */
function cheapHash(password: string): string {
  const nonce = Buffer.alloc(16, 1);
  const tag = argon2Sync("argon2id", {
    message: password,
    nonce,
    memory: 8192,
    passes: 1,
    parallelism: 1,
    tagLength: 32,
  });
  const text = (bytes: Buffer): string => bytes.toString("base64").replaceAll("=", "");
  return `$argon2id$v=19$m=8192,t=1,p=1$${text(nonce)}$${text(tag)}`;
}
