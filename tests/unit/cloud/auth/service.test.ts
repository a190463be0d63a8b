import { beforeEach, expect, it } from "vitest";
import { AuditChain } from "#cloud/audit/log.ts";
import { Access } from "#cloud/auth/service.ts";
import { Sessions } from "#cloud/auth/sessions.ts";
import { SignInThrottle } from "#cloud/auth/throttle.ts";
import { Tokens } from "#cloud/auth/tokens.ts";
import { Users } from "#cloud/auth/users.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { recordDatabases } from "./access-database.ts";

const database = recordDatabases();
const PASSWORD = "a long enough password";
const GRANTS = [{ role: "engineer", space: "park" }] as const;
const boss = { name: "boss", grants: [], ip: "10.0.0.1" };
let clock: ManualClock;
let access: Access;
let audit: AuditChain;
beforeEach(async () => {
  const db = await database();
  clock = new ManualClock(1_700_000_000_000);
  const now = (): number => clock.now();
  const users = new Users(db, now);
  audit = new AuditChain(db, now);
  const sessions = new Sessions(db, users, clock);
  const tokens = new Tokens(db, users, now);
  access = new Access({ users, sessions, tokens, throttle: new SignInThrottle(clock), audit, clock });
  await access.addUser({ name: "li.wei", displayName: "Li Wei", grants: GRANTS }, PASSWORD, boss);
});
const recorded = () => audit.list({ limit: 100 }).items.toReversed();

it("records who did what to whom from where, and no secret", async () => {
  const { id, session } = await access.signIn("li.wei", PASSWORD, "10.0.0.2");
  await expect(access.signIn("li.wei", "wrong", "10.0.0.3")).rejects.toMatchObject({ code: "SIGN_IN_REFUSED" });
  const li = { name: "li.wei", grants: GRANTS, ip: "10.0.0.2" };
  const { token, entry } = access.addToken("li.wei", "export", GRANTS, null, li);
  access.removeToken("li.wei", entry.id, li);
  access.removeToken("li.wei", entry.id, li);
  access.signOut(session, "10.0.0.2");
  expect(recorded().map(({ actor, action, target, result, ip }) => [actor, action, target, result, ip])).toEqual([
    ["boss", "user.add", "li.wei", "ok", "10.0.0.1"],
    ["li.wei", "session.signIn", undefined, "ok", "10.0.0.2"],
    ["li.wei", "session.signIn", undefined, "refused", "10.0.0.3"],
    ["li.wei", "token.add", entry.id, "ok", "10.0.0.2"],
    ["li.wei", "token.remove", entry.id, "ok", "10.0.0.2"],
    ["li.wei", "session.signOut", undefined, "ok", "10.0.0.2"],
  ]);
  const text = JSON.stringify(recorded());
  for (const secret of [PASSWORD, "wrong", id, token, session.csrfToken]) expect(text).not.toContain(secret);
});

it("checks no password during a waiting time, not even the right one", async () => {
  for (let i = 0; i < 5; i++)
    await expect(access.signIn("li.wei", "wrong", `10.0.0.${i}`)).rejects.toMatchObject({ code: "SIGN_IN_REFUSED" });
  await expect(access.signIn("LI.WEI", PASSWORD, "10.9.9.9")).rejects.toMatchObject({ code: "SIGN_IN_THROTTLED" });
  clock.advance(2_000);
  await access.signIn("li.wei", PASSWORD, "10.9.9.9");
  await access.signIn("li.wei", PASSWORD, "10.9.9.9");
});

it("lets no more attempts through at once than one after the other", async () => {
  const tries = Array.from({ length: 12 }, () => access.signIn("li.wei", "wrong", "10.0.0.9"));
  const codes = (await Promise.allSettled(tries)).map((one) => one.status === "rejected" && one.reason.code);
  expect(codes.filter((code) => code === "SIGN_IN_REFUSED")).toHaveLength(5);
  expect(codes.filter((code) => code === "SIGN_IN_THROTTLED")).toHaveLength(7);
});

it("does not clear a guessing address by an account that it has", async () => {
  for (let i = 0; i < 4; i++)
    await expect(access.signIn(`victim-${i}`, "wrong", "10.0.0.9")).rejects.toMatchObject({ code: "SIGN_IN_REFUSED" });
  await access.signIn("li.wei", PASSWORD, "10.0.0.9");
  await expect(access.signIn("victim-5", "wrong", "10.0.0.9")).rejects.toMatchObject({ code: "SIGN_IN_REFUSED" });
  await expect(access.signIn("victim-6", "wrong", "10.0.0.9")).rejects.toMatchObject({ code: "SIGN_IN_THROTTLED" });
});

it("tells whoever listens which session ends, until he stops", async () => {
  const ended: string[] = [];
  const stop = access.onSessionEnd((key) => ended.push(key));
  const [one, two] = [await access.signIn("li.wei", PASSWORD, "ip"), await access.signIn("li.wei", PASSWORD, "ip")];
  access.signOut(one.session, "ip");
  stop();
  access.signOut(two.session, "ip");
  expect(ended).toEqual([one.session.key]);
  expect(access.session(one.id)).toBeUndefined();
  expect(access.sessionByKey(one.session.key)).toBeUndefined();
});

it("makes tokens for users that there are", () => {
  expect(() => access.addToken("nobody", "export", [], null, boss)).toThrow(
    expect.objectContaining({ code: "USER_UNKNOWN" }),
  );
});
