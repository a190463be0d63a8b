import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SESSION_ABSOLUTE_MS, SESSION_IDLE_MS } from "#cloud/auth/sessions.ts";
import { PASSWORD, type ParkApi, parkApi } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";
import { ALARM, furnish } from "./routes-and-roles.ts";

let park: ParkApi;
beforeEach(async () => {
  park = await parkApi();
  await furnish(park);
  await park.addUser("li.wei", [{ role: "operator", space: PARK.root }]);
});
afterEach(() => park.close());

const signIn = (password = PASSWORD, headers: Record<string, string> = {}, username = "li.wei") =>
  park.ask("POST", "/session", { payload: { username, password }, headers });
const cookieOf = (answer: { headers: Record<string, unknown> }): string => String(answer.headers["set-cookie"]);
/** What the tests have caused; the park was furnished by "somebody". */
const auditOf = () =>
  park.deps.audit.list({ limit: 1000 }).items.filter(({ actor }) => !["somebody", "system"].includes(actor));

describe("changing the own password", () => {
  const NEXT = "another long password";
  const change = (headers: Record<string, string>, current = PASSWORD, password = NEXT) =>
    park.ask("PUT", "/session/password", { payload: { current, password }, headers });
  const enter = async (password = PASSWORD) => {
    const answer = await signIn(password);
    return { cookie: cookieOf(answer).split(";")[0] ?? "", "x-csrf-token": String(answer.json().csrfToken) };
  };

  it("counts from now on, ends the user's other sessions and is recorded", async () => {
    const [here, elsewhere] = [await enter(), await enter()];
    expect((await change(here)).statusCode).toBe(204);
    expect((await signIn()).json().code).toBe("SIGN_IN_REFUSED");
    expect((await signIn(NEXT)).statusCode).toBe(200);
    expect((await park.ask("GET", "/session", { headers: here })).statusCode).toBe(200);
    expect((await park.ask("GET", "/session", { headers: elsewhere })).statusCode).toBe(401);
    expect(auditOf()).toContainEqual(
      expect.objectContaining({ actor: "li.wei", action: "user.password", result: "ok" }),
    );
    expect(JSON.stringify(auditOf())).not.toContain(NEXT);
  });

  it("needs the password that counts now, and counts guesses like those at the door", async () => {
    const here = await enter();
    const wrong = await change(here, "a wrong password");
    expect([wrong.statusCode, wrong.json().code]).toEqual([403, "PASSWORD_WRONG"]);
    for (let i = 0; i < 4; i++) await change(here, "a wrong password");
    expect((await change(here)).json().code).toBe("SIGN_IN_THROTTLED");
    park.clock.advance(2000);
    expect((await change(here)).statusCode).toBe(204);
  });

  it("refuses one that is short, the same one, and a page of another origin", async () => {
    const here = await enter();
    expect((await change(here, PASSWORD, "short")).json().code).toBe("PASSWORD_TOO_SHORT");
    expect((await change(here, PASSWORD, PASSWORD)).json().code).toBe("PASSWORD_SAME");
    expect((await change({ cookie: here.cookie })).json().code).toBe("CSRF_MISSING");
    expect((await signIn()).statusCode).toBe(200);
  });
});

describe("signing in from behind a proxy", () => {
  const address = async (headers: Record<string, string>, trustedProxies: readonly string[]) => {
    const behind = await parkApi({ trustedProxies });
    await behind.addUser("li.wei", []);
    await behind.ask("POST", "/session", { payload: { username: "li.wei", password: PASSWORD }, headers });
    const [entry] = behind.deps.audit.list({ limit: 1 }).items;
    await behind.close();
    return entry?.ip;
  };

  it("is recorded with the address that a trusted proxy names, and with nobody else's word", async () => {
    const headers = { "x-forwarded-for": "203.0.113.9" };
    expect(await address(headers, ["127.0.0.1"])).toBe("203.0.113.9");
    expect(await address(headers, [])).toBe("127.0.0.1");
    expect(await address(headers, ["192.0.2.0/24"])).toBe("127.0.0.1");
  });
});

describe("signing in", () => {
  it("sets a cookie that scripts cannot read and other sites do not send", async () => {
    const answer = await signIn();
    expect(answer.statusCode).toBe(200);
    expect(cookieOf(answer)).toMatch(/^parkhub_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(answer.json()).toMatchObject({
      user: { name: "li.wei", displayName: "li.wei" },
      grants: [{ role: "operator", space: PARK.root }],
      expiresAt: "2026-11-21T10:00:00.000Z",
    });
    expect(answer.json().permissions).toContain("alarm.acknowledge");
    expect(answer.json().permissions).not.toContain("user.manage");
    const [cookie = ""] = cookieOf(answer).split(";");
    const again = await park.ask("GET", "/session", { headers: { cookie } });
    expect(again.json()).toEqual(answer.json());
  });

  it("marks the cookie Secure and asks for HTTPS where the service is reached by it", async () => {
    const safe = await parkApi({ https: true });
    await safe.addUser("li.wei", []);
    const payload = { username: "li.wei", password: PASSWORD };
    const answer = await safe.ask("POST", "/session", {
      payload,
      headers: { host: "park.example", origin: "https://park.example" },
    });
    expect(cookieOf(answer)).toContain("; Secure");
    expect(answer.headers["strict-transport-security"]).toBe("max-age=31536000");
    const plain = await safe.ask("POST", "/session", {
      payload,
      headers: { host: "park.example", origin: "http://park.example" },
    });
    expect(plain.json().code).toBe("ORIGIN_FOREIGN");
    await safe.close();
  });

  it("says the same of a wrong password and of an unknown name", async () => {
    const wrong = await signIn("wrong");
    const unknown = await signIn("wrong", {}, "nobody");
    expect(wrong.statusCode).toBe(401);
    expect(wrong.json().code).toBe("SIGN_IN_REFUSED");
    expect(unknown.json()).toEqual(wrong.json());
    expect(wrong.headers["set-cookie"]).toBeUndefined();
  });

  it("is refused to a page of another origin before the password is looked at", async () => {
    for (const origin of ["https://evil.example", "null", "http://localhost:1", "not a url"]) {
      const answer = await signIn(PASSWORD, { origin, host: "park.example" });
      expect([answer.statusCode, answer.json().code], origin).toEqual([403, "ORIGIN_FOREIGN"]);
    }
    expect((await signIn(PASSWORD, { "sec-fetch-site": "cross-site" })).json().code).toBe("ORIGIN_FOREIGN");
    expect(auditOf()).toEqual([]);
    expect((await signIn(PASSWORD, { origin: "http://park.example", host: "park.example" })).statusCode).toBe(200);
  });

  it("slows down guessing, for the account and for the address, and lets the right one in after the wait", async () => {
    for (let i = 0; i < 5; i++) expect((await signIn("wrong")).statusCode).toBe(401);
    const throttled = await signIn();
    expect([throttled.statusCode, throttled.json().code]).toEqual([429, "SIGN_IN_THROTTLED"]);
    expect(throttled.json().detail).toMatch(/try again in 2 s$/);
    expect((await signIn(PASSWORD, {}, "doorman")).statusCode).toBe(429);
    park.clock.advance(2000);
    expect((await signIn()).statusCode).toBe(200);
  });

  it("records the first refusal of a waiting time only, and no name that nobody has", async () => {
    for (let i = 0; i < 5; i++) await signIn("wrong", {}, "my secret pass");
    for (let i = 0; i < 20; i++) expect((await signIn("wrong")).statusCode).toBe(429);
    expect(auditOf().map(({ actor, detail }) => [actor, detail?.["code"]])).toEqual([
      ["li.wei", "SIGN_IN_THROTTLED"],
      ...Array.from({ length: 5 }, () => ["unknown", "SIGN_IN_REFUSED"]),
    ]);
  });

  it("ends the session that the browser had before", async () => {
    const before = park.open("li.wei");
    await signIn(PASSWORD, { cookie: before.cookie });
    expect((await park.ask("GET", "/session", { as: before })).statusCode).toBe(401);
  });

  it("leaves no password, cookie or token in the audit log or in the log", async () => {
    const as = park.open("li.wei");
    await park.addUser("programmer", [{ role: "engineer", space: PARK.root }]);
    const programmer = park.open("programmer");
    const made = await park.ask("POST", "/tokens", {
      as: programmer,
      payload: { name: "export", grants: [{ role: "engineer", space: PARK.root }] },
    });
    const { token } = made.json();
    await park.ask("GET", "/points?q=hello", { token });
    await signIn("a wrong pass word");
    await park.ask("GET", "/session", { as });
    await park.ask("DELETE", "/session", { as });
    const written = `${JSON.stringify(auditOf())}${park.log.lines.join("\n")}`;
    const [, id = "none"] = as.cookie.split("=");
    for (const secret of ["a wrong pass word", PASSWORD, token, id, as.csrf]) expect(written).not.toContain(secret);
    expect(park.log.lines.some((line) => line.includes("/api/v1/points"))).toBe(true);
    expect(park.log.lines.join()).not.toContain("hello");
  });
});

describe("a session", () => {
  it("ends on signing out, and the cookie is taken back", async () => {
    const as = park.open("li.wei");
    const answer = await park.ask("DELETE", "/session", { as });
    expect(answer.statusCode).toBe(204);
    expect(cookieOf(answer)).toMatch(/^parkhub_session=; .*Expires=Thu, 01 Jan 1970/);
    expect((await park.ask("GET", "/session", { as })).statusCode).toBe(401);
  });

  it("ends after an hour without a request", async () => {
    const as = park.open("li.wei");
    park.clock.advance(SESSION_IDLE_MS - 1);
    expect((await park.ask("GET", "/session", { as })).statusCode).toBe(200);
    park.clock.advance(SESSION_IDLE_MS - 1);
    expect((await park.ask("GET", "/session", { as })).statusCode).toBe(200);
    park.clock.advance(SESSION_IDLE_MS);
    expect((await park.ask("GET", "/session", { as })).statusCode).toBe(401);
  });

  it("ends after a shift however busy it is", async () => {
    const as = park.open("li.wei");
    const step = SESSION_IDLE_MS / 2;
    for (let spent = step; spent < SESSION_ABSOLUTE_MS; spent += step) {
      park.clock.advance(step);
      expect((await park.ask("GET", "/session", { as })).statusCode).toBe(200);
    }
    park.clock.advance(step);
    expect((await park.ask("GET", "/session", { as })).statusCode).toBe(401);
  });
});

describe("a change by cookie", () => {
  const acknowledge = (headers: Record<string, string>) =>
    park.ask("POST", `/alarms/${ALARM}/acknowledge`, { payload: { occurrence: 1 }, headers });

  it("needs the session's own token", async () => {
    const [as, other] = [park.open("li.wei"), park.open("li.wei")];
    for (const headers of [{}, { "x-csrf-token": "" }, { "x-csrf-token": "wrong" }, { "x-csrf-token": other.csrf }]) {
      const answer = await acknowledge({ cookie: as.cookie, ...headers });
      expect([answer.statusCode, answer.json().code]).toEqual([403, "CSRF_MISSING"]);
    }
    expect(park.alarms.acts).toEqual([]);
    expect((await acknowledge({ cookie: as.cookie, "x-csrf-token": as.csrf })).statusCode).toBe(200);
  });

  it("is refused to a page of another origin even with the token, and recorded", async () => {
    const as = park.open("li.wei");
    const answer = await acknowledge({ cookie: as.cookie, "x-csrf-token": as.csrf, origin: "https://evil.example" });
    expect([answer.statusCode, answer.json().code]).toEqual([403, "ORIGIN_FOREIGN"]);
    expect(park.alarms.acts).toEqual([]);
    expect(auditOf()[0]).toMatchObject({
      actor: "li.wei",
      action: "POST /api/v1/alarms/:id/acknowledge",
      target: ALARM,
      result: "refused",
      detail: { code: "ORIGIN_FOREIGN" },
    });
  });

  it("is recorded when it is refused for want of a permission", async () => {
    const as = park.open("doorman");
    await park.ask("POST", `/alarms/${ALARM}/acknowledge`, { as, payload: { occurrence: 1 } });
    expect(auditOf()[0]).toMatchObject({ actor: "doorman", result: "refused", detail: { code: "FORBIDDEN" } });
  });
});

describe("a token", () => {
  const make = (payload: object) => park.ask("POST", "/tokens", { as: park.open("programmer"), payload });
  const grants = [{ role: "engineer", space: PARK.root }] as const;
  beforeEach(() => park.addUser("programmer", grants));

  it("acts for a program without cookie and CSRF token, until it is withdrawn", async () => {
    const made = (await make({ name: "export", grants })).json();
    const { token } = made;
    const act = () => park.ask("POST", `/alarms/${ALARM}/acknowledge`, { token, payload: { occurrence: 1 } });
    expect((await act()).json().acknowledgedBy).toBe("token:export@programmer");
    const as = park.open("programmer");
    const list = (await park.ask("GET", "/tokens", { as })).json();
    expect(list.items).toMatchObject([{ id: made.id, name: "export", usedAt: "2026-11-21T09:00:00.000Z" }]);
    expect(JSON.stringify(list)).not.toContain(token);
    expect((await park.ask("DELETE", `/tokens/${made.id}`, { as })).statusCode).toBe(204);
    expect((await act()).statusCode).toBe(401);
  });

  it("gives nothing that its user does not hold, and ends when it says so", async () => {
    const more = await make({ name: "more", grants: [{ role: "administrator", space: PARK.root }] });
    expect([more.statusCode, more.json().code]).toEqual([403, "GRANT_NOT_HELD"]);
    for (const expiresAt of ["2026-11-21T08:59:59Z", "2016-12-31T23:59:60Z"])
      expect((await make({ name: "late", grants, expiresAt })).json().code, expiresAt).toBe("TOKEN_EXPIRY_INVALID");
    const { token } = (await make({ name: "short", grants, expiresAt: "2026-11-21T09:10:00Z" })).json();
    expect((await park.ask("GET", "/points", { token })).statusCode).toBe(200);
    park.clock.advance(10 * 60_000);
    expect((await park.ask("GET", "/points", { token })).statusCode).toBe(401);
  });

  it("is not helped by a cookie, and makes no further tokens", async () => {
    const as = park.open("programmer");
    expect((await park.ask("GET", "/points", { as, token: "pkh_wrong" })).statusCode).toBe(401);
    const { token } = (await make({ name: "export", grants })).json();
    const more = await park.ask("POST", "/tokens", { token, payload: { name: "heir", grants } });
    expect([more.statusCode, more.json().code]).toEqual([403, "FORBIDDEN"]);
  });
});

describe("users", () => {
  const add = (as: ReturnType<ParkApi["open"]>, more: object) =>
    park.ask("POST", "/users", {
      as,
      payload: { name: "new-one", displayName: "New", password: PASSWORD, grants: [], ...more },
    });

  it("are made by those who manage them, with nothing that these do not hold themselves", async () => {
    const as = await park.person("boss-of-a", { role: "administrator", space: "building-a" });
    const role = (name: string, space: string) => add(as, { grants: [{ role: name, space }] });
    expect((await role("viewer", "perimeter")).statusCode).toBe(403);
    expect((await role("viewer", PARK.root)).statusCode).toBe(403);
    expect((await role("auditor", "building-a")).statusCode).toBe(403);
    expect((await role("operator", "office-a")).statusCode).toBe(201);
    const listed = (await park.ask("GET", "/users", { as })).json().items;
    expect(listed.map(({ name }: { name: string }) => name)).toEqual(["boss-of-a", "new-one"]);
  });

  it("are refused with a short password, a taken or reserved name, or a place that is none", async () => {
    const as = await park.person("boss", { role: "administrator", space: PARK.root });
    const codes = [
      await add(as, { password: "too short" }),
      await add(as, { name: "li.wei" }),
      await add(as, { name: "system" }),
      await add(as, { grants: [{ role: "viewer", space: "nowhere" }] }),
    ].map((answer) => [answer.statusCode, answer.json().code]);
    expect(codes).toEqual([
      [400, "PASSWORD_TOO_SHORT"],
      [409, "USER_EXISTS"],
      [409, "USER_EXISTS"],
      [400, "SPACE_UNKNOWN"],
    ]);
  });
});
