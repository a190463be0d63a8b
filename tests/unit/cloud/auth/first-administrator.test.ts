import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeFirstAdministrator } from "#cloud/auth/first-administrator.ts";
import { Users } from "#cloud/auth/users.ts";
import { recordDatabases } from "./access-database.ts";

const database = recordDatabases();
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "parkhub-admin-"));
  file = path.join(folder, "first-login.txt");
});
afterEach(() => rmSync(folder, { recursive: true }));

it("makes one administrator with a random password, which only the file's owner can read", async () => {
  const users = new Users(await database(), () => 1);
  expect(await makeFirstAdministrator(users, "park", undefined, file)).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const [, password = ""] = /^user: admin\npassword: (.{20,})\n$/.exec(readFileSync(file, "utf8")) ?? [];
  const admin = await users.authenticate("admin", password);
  expect(admin?.grants).toEqual([
    { role: "administrator", space: "park" },
    { role: "auditor", space: "park" },
  ]);
});

it("takes a given password and writes it nowhere", async () => {
  const users = new Users(await database(), () => 1);
  expect(await makeFirstAdministrator(users, "park", "given by the environment", file)).toBe(true);
  expect(await users.authenticate("admin", "given by the environment")).toBeDefined();
  expect(() => statSync(file)).toThrow("ENOENT");
});

it("makes none where there is a user, whatever the environment says", async () => {
  const users = new Users(await database(), () => 1);
  await makeFirstAdministrator(users, "park", "given by the environment", file);
  expect(await makeFirstAdministrator(users, "park", "another one from outside", file)).toBe(false);
  expect(await users.authenticate("admin", "another one from outside")).toBeUndefined();
});

it("refuses a given password that is too short", async () => {
  const users = new Users(await database(), () => 1);
  await expect(makeFirstAdministrator(users, "park", "short", file)).rejects.toMatchObject({
    code: "PASSWORD_TOO_SHORT",
  });
});
