import { createHash } from "node:crypto";
import { Check, Errors } from "typebox/value";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { apiRoutes } from "#cloud/api/routes/index.ts";
import { Problem } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import { AlarmHistory, aFacilityAlarm } from "#tests/fixtures/cloud/alarm-history.ts";
import { anAlarm } from "#tests/fixtures/cloud/alarms.ts";
import { type ParkApi, parkApi, type SignedIn, START, sampleOf } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";
import { ALARM, furnish, PICTURE, PICTURE_SHA, SAMPLES } from "./routes-and-roles.ts";

/** Lists of what nobody does here; the tests of their domains look at them. */
const EMPTY: ReadonlySet<string> = new Set(["/notify/deliveries"]);

let park: ParkApi;
let all: SignedIn;
let guard: SignedIn;
const enc = encodeURIComponent;
const setpoint = `/points/${enc(PARK.setpoint)}`;

beforeAll(async () => {
  park = await parkApi();
  await furnish(park);
  const history = new AlarmHistory(park.db);
  history.happened(aFacilityAlarm(ALARM, START), "raised", START);
  const long = START - 26 * 3_600_000;
  history.happened(aFacilityAlarm("alarm-in-the-office", long, { area: "office" }), "raised", long);
  all = await park.person("admin", { role: "administrator", space: PARK.root }, { role: "auditor", space: PARK.root });
  guard = await park.person("guard", { role: "security", space: "perimeter" });
  park.state.take([sampleOf(PARK.setpoint, 21), sampleOf(PARK.fence, false)]);
  park.telemetry.samples.push({ ...sampleOf(PARK.setpoint, 21, START - 60_000), epoch: "e", offset: 1 });
});
afterAll(() => park.close());
beforeEach(() => {
  park.alarms.failure = undefined;
});

const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`,
});

describe("answers", () => {
  it("fit what the route declares, for every route that is read", async () => {
    await park.ask("POST", "/tokens", {
      as: all,
      payload: { name: "program", grants: [{ role: "auditor", space: PARK.root }] },
    });
    for (const kind of ["positions", "contacts", "rotas", "channels", "rules"]) {
      const { url = "", payload } = SAMPLES[`PUT /notify/${kind}/:id`]?.(park, all, "administrator") ?? {};
      expect((await park.ask("PUT", url, { as: all, payload })).statusCode, url).toBe(200);
    }
    let checked = 0;
    for (const { method, url, answer, access } of apiRoutes(park.deps)) {
      if (method !== "GET" || answer === undefined || access.kind === "gateway") continue;
      const sample = SAMPLES[`${method} ${url}`]?.(park, all, "administrator");
      const body = (await park.ask("GET", sample?.url ?? "", { as: all })).json();
      expect([...Errors(answer, body)], url).toEqual([]);
      expect(Check(answer, body), url).toBe(true);
      // An empty list fits every schema.
      if ("items" in body && !EMPTY.has(url)) expect(body.items, url).not.toEqual([]);
      checked++;
    }
    expect(checked).toBeGreaterThanOrEqual(22);
  });

  it("carry headers that keep a browser from doing more than it should", async () => {
    for (const url of ["/points", "/nothing-here", "/points/unknown"]) {
      const { headers } = await park.ask("GET", url, { as: all });
      expect(headers).toMatchObject({
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
      });
      expect(headers["content-security-policy"]).toMatch(/^default-src 'self';/);
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  it("come for ids with slashes, percent-encoded in the path", async () => {
    expect((await park.ask("GET", setpoint, { as: all })).json()).toMatchObject({
      id: PARK.setpoint,
      current: { value: 21, quality: "good" },
    });
    expect((await park.ask("GET", `/gateways/${enc(PARK.gateway)}`, { as: all })).json().id).toBe(PARK.gateway);
    expect((await park.ask("GET", `/points/${PARK.setpoint}`, { as: all })).statusCode).toBe(404);
    const odd = await park.ask("GET", `/points/${enc("a/b%2Fc d?e#f")}`, { as: all });
    expect(odd.json()).toMatchObject({ code: "POINT_UNKNOWN", detail: "point a/b%2Fc d?e#f: no such point" });
  });

  it("hold only what lies in the caller's spaces", async () => {
    const ids = async (url: string) =>
      (await park.ask("GET", url, { as: guard })).json().items.map(({ id }: { id: string }) => id);
    expect(await ids("/points")).toEqual([PARK.doorAlarm, PARK.doorLeaf, PARK.doorMode, PARK.fence]);
    expect(await ids("/doors")).toEqual([PARK.door]);
    expect(await ids("/events")).toEqual(["event-1"]);
    expect(await ids("/devices")).toEqual([PARK.camera, PARK.doors, "small-park/gw-1/panel-1"]);
    expect(await ids("/spaces")).toEqual(["perimeter"]);
    const { items } = (await park.ask("GET", "/alarms/journal", { as: guard })).json();
    expect(items.map(({ alarm }: { alarm: string }) => alarm)).toEqual([ALARM]);
    for (const url of [setpoint, `${setpoint}/history?from=2026-11-21T00:00:00Z`, `/devices/${enc(PARK.ahu)}`])
      expect((await park.ask("GET", url, { as: guard })).statusCode, url).toBe(404);
  });
});

describe("pages of a list", () => {
  it.each(["/points", "/spaces", "/devices"])("%s follow each other without gap or repetition", async (url) => {
    const whole = (await park.ask("GET", `${url}?count=true`, { as: all })).json();
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const more = cursor === undefined ? "" : `&cursor=${enc(cursor)}`;
      const page = (await park.ask("GET", `${url}?limit=2${more}`, { as: all })).json();
      expect(page.items.length).toBeLessThanOrEqual(2);
      expect(page.total).toBeUndefined();
      seen.push(...page.items.map(({ id }: { id: string }) => id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(whole.items.map(({ id }: { id: string }) => id));
    expect(whole.total).toBe(seen.length);
    expect(whole.nextCursor).toBeUndefined();
  });

  it("refuse a cursor that the list has not given", async () => {
    const foreign = Buffer.from('["nowhere", 1]').toString("base64url");
    for (const url of ["/points", "/alarms", "/audit", "/spaces"])
      for (const cursor of ["nonsense", foreign, ""]) {
        const answer = await park.ask("GET", `${url}?cursor=${cursor}`, { as: all });
        expect([answer.statusCode, answer.json().code], `${url} ${cursor}`).toEqual([400, "CURSOR_INVALID"]);
      }
  });

  it.each(["limit=0", "limit=1001", "limit=many", "count=perhaps", "colour=blue"])("refuse %s", async (query) => {
    const answer = await park.ask("GET", `/points?${query}`, { as: all });
    expect([answer.statusCode, answer.json().code]).toEqual([400, "VALIDATION"]);
  });
});

describe("problems", () => {
  const acknowledge = (payload: object, id = ALARM) =>
    park.ask("POST", `/alarms/${id}/acknowledge`, { as: all, payload });

  it("are problem documents with a stable code", async () => {
    const answers = [
      await acknowledge({ occurrence: 1 }, "unknown"),
      await acknowledge({ occurrence: 0 }),
      await park.ask("GET", "/nothing-here", { as: all }),
      await park.ask("PUT", "/points", { as: all }),
      await park.ask("POST", "/api/elsewhere"),
      await park.app.inject({ method: "POST", url: "/not-the-api" }),
      await park.ask("GET", "/points/%zz", { as: all }),
      await park.ask("POST", "/commands", { as: all, payload: "{", headers: { "content-type": "application/json" } }),
      await park.ask("POST", "/commands", { as: all, payload: "a=b", headers: { "content-type": "text/xml" } }),
      await park.ask("POST", "/commands", { as: all, payload: { point: PARK.setpoint, value: 99 } }),
      await park.ask("POST", "/commands", { as: all, payload: { point: PARK.temperature, value: 20 } }),
    ];
    for (const answer of answers) {
      expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
      expect(Check(Problem, answer.json()), answer.body).toBe(true);
      expect(answer.json().status).toBe(answer.statusCode);
      expect(answer.headers["x-content-type-options"]).toBe("nosniff");
    }
    expect(answers.map((answer) => [answer.statusCode, answer.json().code])).toEqual([
      [404, "ALARM_UNKNOWN"],
      [400, "VALIDATION"],
      [404, "NOT_FOUND"],
      [404, "NOT_FOUND"],
      [404, "NOT_FOUND"],
      [404, "NOT_FOUND"],
      [400, "BAD_REQUEST"],
      [400, "BODY_NOT_JSON"],
      [415, "MEDIA_TYPE"],
      [422, "VALUE_OUT_OF_RANGE"],
      [422, "POINT_NOT_WRITABLE"],
    ]);
  });

  it("name the field that is wrong or unknown", async () => {
    const unknown = (await acknowledge({ occurrence: 1, force: true })).json();
    expect(unknown).toMatchObject({ code: "VALIDATION", errors: [{ message: expect.stringContaining("force") }] });
    const wrong = (await acknowledge({ occurrence: "1" })).json();
    expect(wrong.errors).toEqual([{ path: "body/occurrence", message: "must be integer" }]);
    const nested = { items: [{ id: ALARM, occurrence: 1, also: 1 }] };
    const bulk = (await park.ask("POST", "/alarms/acknowledge", { as: all, payload: nested })).json();
    expect(bulk.errors).toMatchObject([{ path: "body/items/0" }]);
  });

  it("refuse a query that the route does not know, also where it knows none", async () => {
    for (const url of ["/session?force=1", `/alarms/${ALARM}?journal=false`])
      expect((await park.ask("GET", url, { as: all })).json().code, url).toBe("VALIDATION");
  });

  it("refuse an act on an older occurrence with 409", async () => {
    park.alarms.put(anAlarm("twice", "perimeter", { occurrence: 2 }));
    const answer = await acknowledge({ occurrence: 1 }, "twice");
    expect([answer.statusCode, answer.json().code]).toEqual([409, "ALARM_OCCURRENCE_STALE"]);
  });

  it("tell nothing of a fault of our own, which is logged", async () => {
    for (const failure of [
      new HubError("DB_CONSTRAINT", "INSERT INTO secret_table"),
      new TypeError("cannot read /home/secret_table"),
      new HubError("DB_BUSY", "UPDATE secret_table", { retriable: true }),
    ]) {
      park.alarms.failure = failure;
      park.log.lines.length = 0;
      const answer = await acknowledge({ occurrence: 1 });
      expect(answer.statusCode).toBe(failure.message.startsWith("UPDATE") ? 503 : 500);
      const items = [{ id: ALARM, occurrence: 1 }];
      const bulk = await park.ask("POST", "/alarms/acknowledge", { as: all, payload: { items } });
      // One transaction: what is our own fault is done to none of them.
      expect(bulk.json()).toMatchObject({ code: answer.json().code, status: answer.statusCode });
      expect(answer.body + bulk.body).not.toContain("secret_table");
      expect(park.log.lines.filter((line) => line.startsWith("error") && line.includes("secret_table"))).toHaveLength(
        2,
      );
    }
  });

  it("refuse a body that is too long, before the whole of it is read", async () => {
    const answer = await acknowledge({ occurrence: 1, comment: "x".repeat(70_000) });
    expect([answer.statusCode, answer.json().code]).toEqual([413, "BODY_TOO_LARGE"]);
  });

  it("take no field from a prototype", async () => {
    const headers = { "content-type": "application/json" };
    const payload = '{"occurrence": 1, "__proto__": {"admin": true}}';
    const answer = await park.ask("POST", `/alarms/${ALARM}/acknowledge`, { as: all, payload, headers });
    expect(answer.statusCode).toBe(400);
  });
});

describe("a gateway", () => {
  const credential = () => basic(park.gateways.username, park.gateways.password);
  const put = (sha: string, payload: Buffer, headers: Record<string, string>, id = "gw-1") =>
    park.ask("PUT", `/gateways/${enc(id)}/blobs/${sha}`, {
      payload,
      headers: { "content-type": "image/png", ...headers },
    });
  const picture = Buffer.from("another picture");
  const sha = createHash("sha256").update(picture).digest("hex");

  it("gets its bundle byte for byte as it was hashed, by its own credential", async () => {
    const answer = await park.ask("GET", "/gateways/gw-1/bundle", { headers: credential() });
    expect(answer.statusCode).toBe(200);
    expect(createHash("sha256").update(answer.rawPayload).digest("hex")).toBe(answer.headers["x-parkhub-sha256"]);
    expect(answer.json()).toMatchObject({ site: PARK.site, gateway: "gw-1", version: park.deps.catalog.version });
    const long = await park.ask("GET", `/gateways/${enc(PARK.gateway)}/bundle`, { headers: credential() });
    expect(long.rawPayload).toEqual(answer.rawPayload);
  });

  it("is refused with a wrong, foreign, halved or missing credential", async () => {
    const { username, password } = park.gateways;
    for (const headers of [
      {},
      basic(username, "wrong"),
      basic(`${PARK.site}:gw-2`, password),
      basic("gw-1", password),
      { authorization: "Basic !!!" },
      { authorization: `Basic ${Buffer.from(username).toString("base64")}` },
      { cookie: all.cookie, "x-csrf-token": all.csrf },
    ]) {
      const answer = await park.ask("GET", "/gateways/gw-1/bundle", { headers });
      expect([answer.statusCode, answer.headers["www-authenticate"]]).toEqual([401, 'Basic realm="gateway"']);
      expect((await put(sha, picture, headers)).statusCode).toBe(401);
    }
    expect((await park.ask("GET", "/gateways/gw-2/bundle", { headers: credential() })).statusCode).toBe(401);
    expect(park.log.lines.join()).not.toContain(password);
  });

  it("brings blobs whose hash fits, of the kinds that cameras and searches give", async () => {
    expect((await put(sha, Buffer.from("something else"), credential())).json().code).toBe("BLOB_HASH_MISMATCH");
    expect((await put(sha, picture, { ...credential(), "content-type": "image/svg+xml" })).statusCode).toBe(415);
    const json = await put(sha, Buffer.from("{}"), { ...credential(), "content-type": "application/json" });
    expect(json.json().code).toBe("BLOB_HASH_MISMATCH");
    expect((await put("short", picture, credential())).json().code).toBe("VALIDATION");
    expect((await put(sha, picture, credential(), PARK.gateway)).statusCode).toBe(204);
    expect((await put(sha, picture, credential())).statusCode).toBe(204);
    expect((await park.ask("GET", `/blobs/${sha}`, { as: all })).rawPayload).toEqual(picture);
  });

  it("brings pictures up to 32 MiB", async () => {
    const large = Buffer.alloc(32 * 1024 * 1024, 7);
    const largeSha = createHash("sha256").update(large).digest("hex");
    expect((await put(largeSha, large, credential())).statusCode).toBe(204);
    expect((await put(largeSha, Buffer.concat([large, picture]), credential())).statusCode).toBe(413);
  });
});

describe("a picture", () => {
  it("is shown to whoever sees the alarm or the camera it is of, and kept by no shared cache", async () => {
    const answer = await park.ask("GET", `/blobs/${PICTURE_SHA}`, { as: guard });
    expect(answer.rawPayload).toEqual(PICTURE);
    expect(answer.headers).toMatchObject({
      "content-type": "image/jpeg",
      "cache-control": "private, max-age=86400, immutable",
      "x-content-type-options": "nosniff",
    });
  });

  it("is not there for whoever sees neither", async () => {
    const as = await park.person("viewer-of-a", { role: "viewer", space: "building-a" });
    expect((await park.ask("GET", `/blobs/${PICTURE_SHA}`, { as })).statusCode).toBe(404);
  });

  it("is never shown as something that a browser runs", async () => {
    const page = Buffer.from("<script>alert(1)</script>");
    const sha = createHash("sha256").update(page).digest("hex");
    await park.deps.blobs.put(sha, "text/html", page);
    const answer = await park.ask("GET", `/blobs/${sha}`, { as: all });
    expect(answer.headers["content-type"]).toBe("application/octet-stream");
  });
});
