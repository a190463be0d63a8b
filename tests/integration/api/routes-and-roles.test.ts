import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiRoute } from "#cloud/api/route.ts";
import { apiRoutes } from "#cloud/api/routes/index.ts";
import { ROLE_PERMISSIONS } from "#cloud/auth/permissions.ts";
import { Role } from "#core/contracts/session.ts";
import { type ParkApi, parkApi, type SignedIn } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";
import { ALARM, furnish, SAMPLES } from "./routes-and-roles.ts";

let park: ParkApi;
let routes: readonly ApiRoute[];
const roles: readonly Role[] = Role.enum;

beforeAll(async () => {
  park = await parkApi();
  await furnish(park);
  routes = apiRoutes(park.deps);
  for (const role of roles) {
    await park.addUser(`${role}-of-all`, [{ role, space: PARK.root }]);
    await park.addUser(`${role}-of-nothing`, [{ role, space: PARK.empty }]);
  }
});
afterAll(() => park.close());

const nameOf = ({ method, url }: ApiRoute): string => `${method} ${url}`;

async function call(route: ApiRoute, role: Role, as: SignedIn | undefined) {
  const sample = SAMPLES[nameOf(route)]?.(park, as, role);
  if (sample === undefined) throw new Error(`no sample request of ${nameOf(route)}`);
  const { url, status = 200, ...ask } = sample;
  const answer = await park.ask(route.method, url, { ...ask, ...(as === undefined ? {} : { as }) });
  return { answer, status };
}

/** What the one table says. Writing a point and moving a camera share a route: the sample writes. */
function isAllowed(route: ApiRoute, role: Role): boolean {
  if (nameOf(route) === "POST /commands") return ROLE_PERMISSIONS[role].includes("command.write");
  const { access } = route;
  if (access.kind !== "permission") return access.kind !== "gateway";
  return (ROLE_PERMISSIONS[role] as readonly string[]).includes(access.permission);
}

/** What is asked of many things answers for each by its name. */
const MANY = new Set(["POST /alarms/acknowledge", "POST /alarms/shelve"]);

describe("every route", () => {
  it("has a sample request, and every sample a route", () => {
    expect(Object.keys(SAMPLES).sort()).toEqual(routes.map(nameOf).sort());
  });

  it("names a permission of the table", () => {
    const known = new Set<string>(Object.values(ROLE_PERMISSIONS).flat());
    const asked = routes.flatMap(({ access }) => (access.kind === "permission" ? [access.permission] : []));
    expect(asked.filter((permission) => !known.has(permission))).toEqual([]);
  });

  it("is the only way in: nothing else below /api/v1 is registered but the description and the live socket", async () => {
    const document = (await park.ask("GET", "/openapi.json")).json();
    const described = Object.entries(document.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const declared = routes.map(({ method, url }) => `${method} /api/v1${url.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(described.sort()).toEqual(declared.sort());
    expect((await park.ask("GET", "/live")).statusCode).toBe(401);
  });

  it("refuses with 401 who is not signed in", async () => {
    const open: string[] = [];
    for (const route of routes) {
      const { answer } = await call(route, "viewer", undefined);
      if (answer.statusCode !== 401) open.push(nameOf(route));
      else expect(answer.json()).toMatchObject({ code: "UNAUTHENTICATED", status: 401 });
    }
    expect(open).toEqual(["POST /session"]);
  });

  it("refuses with 401 who has no right token", async () => {
    for (const route of routes.filter(({ access }) => access.kind !== "public")) {
      const { url, ...ask } = SAMPLES[nameOf(route)]?.(park, undefined, "viewer") ?? { url: "" };
      const token = "pkh_of-nobody";
      expect((await park.ask(route.method, url, { ...ask, token })).statusCode, nameOf(route)).toBe(401);
    }
  });

  it.each(roles)("lets a %s of the whole site do what the table says, and nothing else", async (role) => {
    const wrong: string[] = [];
    for (const route of routes) {
      const { answer, status } = await call(route, role, park.open(`${role}-of-all`));
      const refused = route.access.kind === "gateway" ? 401 : 403;
      const expected = isAllowed(route, role) ? status : refused;
      if (answer.statusCode !== expected)
        wrong.push(`${nameOf(route)}: expected ${expected}, got ${answer.statusCode} ${answer.body.slice(0, 200)}`);
    }
    expect(wrong).toEqual([]);
  });

  it.each(roles)("shows a %s of another space nothing of this one, and lets nothing be changed here", async (role) => {
    const before = park.alarms.acts.length + park.commands.commands.size + park.deps.catalog.version;
    const here = /ahu-1|cam-1|panel-1|gw-1|building-a|office-a|perimeter|zone-1|look-at|alarm-|run-1|-of-all|doorman/;
    for (const route of routes.filter(({ access }) => access.kind !== "public" && access.kind !== "gateway")) {
      const { answer, status } = await call(route, role, park.open(`${role}-of-nothing`));
      const { statusCode: got, body } = answer;
      expect([status, 403, 404], `${nameOf(route)}: ${body}`).toContain(got);
      // The name of the rejected thing is the caller's own word.
      if (got === status && !MANY.has(nameOf(route))) expect(body, nameOf(route)).not.toMatch(here);
    }
    expect(park.alarms.acts.length + park.commands.commands.size + park.deps.catalog.version).toBe(before);
  });

  it("answers each alarm of a bulk acknowledgement for itself, and those elsewhere as unknown", async () => {
    const as = park.open("operator-of-nothing");
    const items = [{ id: ALARM, occurrence: 1 }];
    const answer = await park.ask("POST", "/alarms/acknowledge", { as, payload: { items } });
    expect(answer.json().items).toEqual([
      { id: ALARM, problem: { code: "ALARM_UNKNOWN", detail: `alarm ${ALARM}: no such alarm` } },
    ]);
  });
});

describe("POST /commands", () => {
  const action = { device: PARK.camera, action: "ptzPreset", params: { preset: "north" } };

  it.each(roles)("lets a %s ask a device for an action as the table says", async (role) => {
    const answer = await park.ask("POST", "/commands", { as: park.open(`${role}-of-all`), payload: action });
    expect(answer.statusCode).toBe(ROLE_PERMISSIONS[role].includes("command.action") ? 202 : 403);
  });

  it.each([
    ["priorityArray", "point.read"],
    ["readSchedule", "point.read"],
    ["writeWeeklySchedule", "command.write"],
    ["reinitializeDevice", "gateway.manage"],
    ["deviceCommunicationControl", "gateway.manage"],
  ] as const)("asks for %s of a device for the right to %s", async (name, permission) => {
    for (const role of roles) {
      const as = park.open(`${role}-of-all`);
      const answer = await park.ask("POST", "/commands", { as, payload: { device: PARK.ahu, action: name } });
      expect(answer.statusCode, role).toBe(ROLE_PERMISSIONS[role].includes(permission) ? 202 : 403);
    }
  });

  it("tells who may not command at all nothing of what there is", async () => {
    for (const payload of [
      { point: "small-park/gw-1/ahu-1/unknown", value: 1 },
      { device: "unknown", action: "snapshot" },
    ]) {
      const answer = await park.ask("POST", "/commands", { as: park.open("viewer-of-all"), payload });
      expect([answer.statusCode, answer.json().code]).toEqual([403, "FORBIDDEN"]);
    }
  });

  it("tells whoever sees a point but may not write it so, and hides what he does not see", async () => {
    const grants = [
      { role: "viewer", space: PARK.root },
      { role: "operator", space: "perimeter" },
    ] as const;
    const as = await park.person("guard", ...grants);
    const seen = await park.ask("POST", "/commands", { as, payload: { point: PARK.setpoint, value: 20 } });
    expect([seen.statusCode, seen.json().code]).toEqual([403, "FORBIDDEN"]);
    const hidden = await park.ask("POST", "/commands", {
      as: park.open("operator-of-nothing"),
      payload: { point: PARK.setpoint, value: 20 },
    });
    expect([hidden.statusCode, hidden.json().code]).toEqual([404, "POINT_UNKNOWN"]);
  });
});

describe("what lies in no space", () => {
  it("is seen by whoever sees the whole site, and by nobody else", async () => {
    const path = "/alarms/alarm-of-nowhere";
    expect((await park.ask("GET", path, { as: park.open("viewer-of-all") })).statusCode).toBe(200);
    const guard = await park.person("guard-of-the-fence", { role: "security", space: "perimeter" });
    expect((await park.ask("GET", path, { as: guard })).statusCode).toBe(404);
    const list = (await park.ask("GET", "/alarms", { as: guard })).json();
    expect(list.items.map(({ id }: { id: string }) => id)).toEqual([ALARM]);
    const act = await park.ask("POST", `${path}/acknowledge`, { as: guard, payload: { occurrence: 1 } });
    expect(act.statusCode).toBe(404);
  });

  it("leaves rules, their runs and the audit log to grants of the whole site", async () => {
    const as = await park.person(
      "engineer-of-a",
      { role: "engineer", space: "building-a" },
      { role: "auditor", space: "building-a" },
    );
    expect((await park.ask("GET", "/rules", { as })).json()).toEqual({ items: [] });
    const codes = await Promise.all(
      (["/audit", "/audit/verify", "/runs/run-1", `/rules/${PARK.rule}/runs`] as const).map(
        async (url) => (await park.ask("GET", url, { as })).statusCode,
      ),
    );
    expect(codes).toEqual([403, 403, 404, 404]);
    expect((await park.ask("POST", `/rules/${PARK.rule}/disable`, { as })).statusCode).toBe(403);
  });

  it("shows a gateway to whoever sees a device on it", async () => {
    const as = await park.person("viewer-of-a", { role: "viewer", space: "building-a" });
    expect((await park.ask("GET", "/gateways", { as })).json().items).toHaveLength(1);
    expect((await park.ask("GET", "/gateways/gw-1", { as })).statusCode).toBe(200);
  });

  it("tells what devices have sent amiss, and why, only to whoever sees the whole site", async () => {
    const path = "/gateways/gw-1/quarantine";
    const ofAll = (await park.ask("GET", path, { as: park.open("viewer-of-all") })).json().items;
    expect(ofAll).toMatchObject([{ id: 1, topic: expect.stringMatching(/\/ahu-1$/), reason: expect.any(String) }]);
    const as = await park.person("viewer-of-b", { role: "viewer", space: "building-a" });
    const ofSome = (await park.ask("GET", path, { as })).json().items;
    expect(ofSome).toMatchObject([{ id: 1, topic: "spBv1.0/small-park/DDATA/gw-1", code: "ITEM_INVALID" }]);
    expect(ofSome[0]).not.toHaveProperty("reason");
  });

  it("gives the bytes of what was put aside with an entry in the audit log", async () => {
    const as = park.open("engineer-of-all");
    expect((await park.ask("GET", "/gateways/gw-1/quarantine/1", { as })).statusCode).toBe(200);
    expect((await park.ask("GET", "/gateways/gw-1/quarantine/2", { as })).statusCode).toBe(404);
    const taken = park.deps.audit.list({ limit: 100 }).items.filter(({ action }) => action === "quarantine.take");
    expect(taken).toMatchObject([
      { actor: "engineer-of-all", target: "small-park/gw-1 1", result: "ok", detail: { bytes: 2 } },
    ]);
  });
});
