import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommandView } from "#core/contracts/commands.ts";
import type { GatewayView } from "#core/contracts/gateways.ts";
import type { PointView } from "#core/contracts/points.ts";
import type { Grant } from "#core/contracts/session.ts";
import type { Value } from "#core/model/sample.ts";
import { ApiClient } from "./api-client.ts";
import { refusal } from "./guard.ts";
import { Park, until } from "./park.ts";

const AHU = "demo-park/gw-1/ahu-1";
const SIGNAL = "supply-air-temperature-setpoint";
const SETPOINT = `${AHU}/${SIGNAL}`;
const PASSWORD = "e2e-park-somebody-else";
const PRIORITY_8 = 7;

let park: Park;
let client: ApiClient;

beforeAll(async () => {
  park = await Park.start();
  client = await park.signIn();
}, 120_000);
afterAll(() => park?.close());

const ask = (body: object, as = client): Promise<CommandView> => as.post<CommandView>("/commands", body);
const command = (id: string): Promise<CommandView> => client.get(`/commands/${encodeURIComponent(id)}`);
/** The command when it has ended. */
const ended = ({ id }: CommandView, timeoutMs = 20_000): Promise<CommandView> =>
  until(
    `the end of command ${id}`,
    async () => {
      const view = await command(id);
      return view.status === "pending" || view.status === "sent" ? undefined : view;
    },
    timeoutMs,
  );
const current = async (point: string) => (await client.get<PointView>(`/points/${encodeURIComponent(point)}`)).current;
const slots = async (): Promise<readonly Value[]> => (await park.device("ahu-1")).priorityArrays?.[SIGNAL] ?? [];
/** Values that came over the wire to a signal since a line of the field's record, in order. */
async function writesOf(signal: string, since: number): Promise<readonly unknown[]> {
  const log = await park.fieldLog(since);
  return log.filter((entry) => entry.type === "write" && entry.signal === signal).map(({ value }) => value);
}

describe("a set point written over the API", () => {
  it("reaches the BACnet device at priority 8, is read back, seen by everybody, and relinquished", async () => {
    const before = (await current(SETPOINT)).value;
    const { seq } = await park.simulatorState();
    const asked = await ask({ point: SETPOINT, value: 18.5, reason: "too cold in A201" });
    expect(asked).toMatchObject({ point: SETPOINT, value: 18.5, priority: 8, requestedBy: "admin" });
    expect(await ended(asked)).toMatchObject({ status: "done", readBack: 18.5, reason: "too cold in A201" });
    const held = Array.from({ length: 16 }, (_, slot) => (slot === PRIORITY_8 ? 18.5 : null));
    expect(await slots()).toEqual(held);
    expect((await park.device("ahu-1")).signals[SIGNAL]).toMatchObject({ value: 18.5 });
    await expect.poll(async () => (await current(SETPOINT)).value).toBe(18.5);

    expect(await ended(await ask({ point: SETPOINT, value: null }))).toMatchObject({
      status: "done",
      readBack: before,
    });
    expect(await slots()).toEqual(Array.from({ length: 16 }, () => null));
    await expect.poll(async () => (await current(SETPOINT)).value).toBe(before);
    expect(await writesOf(SIGNAL, seq)).toEqual([18.5, null]);
  });

  it("is in the audit log with who, what and how it ended", async () => {
    const audit = await client.get<{ items: { action: string; actor: string; target?: string; result: string }[] }>(
      "/audit",
    );
    const ours = audit.items.filter(({ action, target }) => action.startsWith("command.") && target === SETPOINT);
    expect(ours.map(({ action, actor, result }) => [action, actor, result]).toReversed()).toEqual([
      ["command.write", "admin", "ok"],
      ["command.result", "demo-park/gw-1", "ok"],
      ["command.write", "admin", "ok"],
      ["command.result", "demo-park/gw-1", "ok"],
    ]);
    expect(await client.get("/audit/verify")).toEqual({ whole: true });
  });

  it("acts once when it is sent twice with the same key, and refuses the key for anything else", async () => {
    const { seq } = await park.simulatorState();
    const body = { point: SETPOINT, value: 19, idempotencyKey: "once" };
    const [first, second] = await Promise.all([ask(body), ask(body)]);
    const third = await ask(body);
    expect(new Set([first.id, second.id, third.id]).size).toBe(1);
    expect(await ended(first)).toMatchObject({ status: "done", readBack: 19 });
    expect((await ask(body)).id).toBe(first.id);
    expect(await refusal(ask({ ...body, value: 20 }))).toEqual({ status: 409, code: "IDEMPOTENCY_CONFLICT" });
    // Whatever was sent before this one has been executed when this one has.
    expect(await ended(await ask({ point: SETPOINT, value: null }))).toMatchObject({ status: "done" });
    expect(await writesOf(SIGNAL, seq)).toEqual([19, null]);
  });

  it("reaches a Modbus device too", async () => {
    const point = "demo-park/gw-1/power-meter-2/breaker-command";
    expect(await ended(await ask({ point, value: false }))).toMatchObject({ status: "done", readBack: false });
    expect((await park.device("power-meter-2")).signals["breaker-command"]).toMatchObject({ value: false });
    await expect.poll(async () => (await current(point)).value).toBe(false);
    expect(await ended(await ask({ point, value: null }))).toMatchObject({ status: "rejected" });
    expect(await ended(await ask({ point, value: true }))).toMatchObject({ status: "done", readBack: true });
  });

  it("asks a camera for a preset", async () => {
    const order = { device: "demo-park/gw-1/cam-1", action: "ptzPreset", params: { preset: "zone-1" } };
    expect(await ended(await ask(order))).toMatchObject({ status: "done" });
    await expect.poll(async () => (await park.device("cam-1")).ptz).toMatchObject({ preset: "zone-1", moving: false });
  });
});

describe("an expired command", () => {
  const gatewayOnline = (online: boolean) =>
    expect
      .poll(async () => (await client.get<{ items: GatewayView[] }>("/gateways")).items, { timeout: 25_000 })
      .toMatchObject([{ online }]);

  it("is never executed when the uplink was cut until after its time", { timeout: 60_000 }, async () => {
    const { seq } = await park.simulatorState();
    await park.scenario("gateway-cut", { seconds: 60 });
    await gatewayOnline(false);
    const asked = await ask({ point: SETPOINT, value: 21, expiresInMs: 500 });
    expect(await ended(asked)).toMatchObject({ status: "expired", code: "COMMAND_GATEWAY_OFFLINE" });
    await park.endScenario("gateway-cut");
    await gatewayOnline(true);
    expect(await ended(await ask({ point: SETPOINT, value: 22 }))).toMatchObject({ status: "done", readBack: 22 });
    expect(await ended(await ask({ point: SETPOINT, value: null }))).toMatchObject({ status: "done" });
    expect(await command(asked.id)).toMatchObject({ status: "expired" });
    expect(await writesOf(SIGNAL, seq)).toEqual([22, null]);
  });

  it("is never executed when it reaches the gateway after its time", { timeout: 60_000 }, async () => {
    const { seq } = await park.simulatorState();
    park.kill("gw-1", "SIGSTOP");
    const asked = await ask({ point: SETPOINT, value: 23, expiresInMs: 1000 });
    expect(await ended(asked)).toMatchObject({ status: "timeout", code: "COMMAND_NO_RESULT" });
    park.kill("gw-1", "SIGCONT");
    // The gateway got it and says so itself.
    await expect
      .poll(() => command(asked.id), { timeout: 20_000 })
      .toMatchObject({ status: "expired", code: "COMMAND_EXPIRED" });
    expect(await ended(await ask({ point: SETPOINT, value: 24 }))).toMatchObject({ status: "done", readBack: 24 });
    expect(await ended(await ask({ point: SETPOINT, value: null }))).toMatchObject({ status: "done" });
    expect(await writesOf(SIGNAL, seq)).toEqual([24, null]);
  });
});

describe("a command that must be refused", () => {
  let since: number;
  const fieldWrites = async () =>
    (await park.fieldLog(since)).filter(({ type }) => type === "write" || type === "action");
  async function signedIn(name: string, grants: readonly Grant[]): Promise<ApiClient> {
    await client.post("/users", { name, displayName: name, grants, password: PASSWORD });
    return ApiClient.signIn(client.base, name, PASSWORD);
  }

  beforeAll(async () => {
    ({ seq: since } = await park.simulatorState());
  });

  it.each([
    ["an unknown point", { point: `${AHU}/no-such-point`, value: 1 }, 404, "POINT_UNKNOWN"],
    ["a point that is no id", { point: "nonsense", value: 1 }, 404, "POINT_UNKNOWN"],
    ["a point that is not writable", { point: `${AHU}/supply-air-temperature`, value: 20 }, 422, "POINT_NOT_WRITABLE"],
    ["a value above the range", { point: SETPOINT, value: 30.5 }, 422, "VALUE_OUT_OF_RANGE"],
    ["a value below the range", { point: SETPOINT, value: -1 }, 422, "VALUE_OUT_OF_RANGE"],
    ["a value of another kind", { point: SETPOINT, value: "warm" }, 422, "VALUE_KIND"],
    ["a state that does not exist", { point: `${AHU}/operating-mode`, value: 99 }, 422, "VALUE_OUT_OF_RANGE"],
    ["a priority that does not exist", { point: SETPOINT, value: 20, priority: 17 }, 400, "VALIDATION"],
    ["a field that nobody knows", { point: SETPOINT, value: 20, colour: "red" }, 400, "VALIDATION"],
    ["an unknown device", { device: "demo-park/gw-1/cam-9", action: "snapshot" }, 404, "DEVICE_UNKNOWN"],
    ["an action that the device has not", { device: AHU, action: "ptzPreset" }, 422, "ACTION_UNKNOWN"],
  ])("names %s by its code, as a problem document", async (_what, body, status, code) => {
    const response = await fetch(`${client.base}/api/v1/commands`, {
      method: "POST",
      headers: {
        cookie: client.cookie,
        origin: client.base,
        "x-csrf-token": client.session.csrfToken,
        "content-type": "application/json",
      },
      body: JSON.stringify(body),
    });
    expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ status, code })]);
  });

  it("is one without permission, or with it elsewhere only", async () => {
    const viewer = await signedIn("viewer", [{ role: "viewer", space: "park" }]);
    expect(await refusal(ask({ point: SETPOINT, value: 20 }, viewer))).toEqual({ status: 403, code: "FORBIDDEN" });
    const elsewhere = await signedIn("operator-b", [
      { role: "viewer", space: "park" },
      { role: "operator", space: "building-b" },
    ]);
    expect(await refusal(ask({ point: SETPOINT, value: 20 }, elsewhere))).toEqual({ status: 403, code: "FORBIDDEN" });
    const blind = await signedIn("operator-only-b", [{ role: "operator", space: "building-b" }]);
    expect(await refusal(ask({ point: SETPOINT, value: 20 }, blind))).toEqual({ status: 404, code: "POINT_UNKNOWN" });
  });

  it("is one of nobody, or of a page of another site", async () => {
    const send = (headers: Record<string, string>) =>
      fetch(`${client.base}/api/v1/commands`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ point: SETPOINT, value: 20 }),
      }).then(async (response) => [response.status, ((await response.json()) as { code: string }).code]);
    const cookie = client.cookie;
    const token = client.session.csrfToken;
    expect(await send({ origin: client.base })).toEqual([401, "UNAUTHENTICATED"]);
    expect(await send({ origin: client.base, cookie })).toEqual([403, "CSRF_MISSING"]);
    expect(await send({ origin: "http://evil.example", cookie, "x-csrf-token": token })).toEqual([
      403,
      "ORIGIN_FOREIGN",
    ]);
  });

  it("writes nothing into the field", async () => {
    // A command that is allowed comes through; none of the refused ones did before it.
    expect(await ended(await ask({ point: SETPOINT, value: 17.5 }))).toMatchObject({ status: "done" });
    expect((await fieldWrites()).map(({ signal, value }) => [signal, value])).toEqual([[SIGNAL, 17.5]]);
    const audit = await client.get<{ items: { action: string; result: string; detail?: { code?: string } }[] }>(
      "/audit",
    );
    const refused = audit.items.filter(
      ({ action, result }) => action !== "command.result" && action.startsWith("command.") && result === "refused",
    );
    expect(new Set(refused.map(({ detail }) => detail?.code))).toEqual(
      new Set([
        "POINT_UNKNOWN",
        "POINT_NOT_WRITABLE",
        "VALUE_OUT_OF_RANGE",
        "VALUE_KIND",
        "DEVICE_UNKNOWN",
        "ACTION_UNKNOWN",
      ]),
    );
  });
});
