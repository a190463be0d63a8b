import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { type DeskPark, dataFolder, parkOnADesk } from "#tests/unit/simulators/park-on-a-desk.ts";
import { call, json } from "./simulators-call.ts";

describe("control port", () => {
  let park: DeskPark;
  let url: string;
  beforeAll(async () => {
    park = await parkOnADesk(systemClock);
    url = park.controlUrl;
  });
  afterAll(() => park.close());

  it("lists scenarios with their parameters, starts one and tells when it ends", async () => {
    const list = (await call(`${url}/scenarios`)).body["items"] as { id: string; parameters: object }[];
    expect(list.map(({ id }) => id)).toEqual([
      "alarm-storm",
      "camera-offline-1",
      "chiller-trip",
      "device-reboot",
      "door-forced-2",
      "field-cut",
      "fire-building-b",
      "gateway-cut",
      "intrusion-zone-3",
      "panic-button",
      "tamper-zone-5",
    ]);
    const started = await call(`${url}/scenarios/tamper-zone-5`, { method: "POST", body: '{"seconds": 30}' });
    expect(started.status).toBe(200);
    const { name, startedAt, endsAt } = started.body as { name: string; startedAt: string; endsAt: string };
    expect(name).toBe("tamper-zone-5");
    expect(Date.parse(endsAt) - Date.parse(startedAt)).toBe(30_000);
    expect(park.value("perimeter-panel", "zone-5-tamper")).toBe(true);
    const stopped = await call(`${url}/scenarios/tamper-zone-5`, { method: "DELETE" });
    expect(stopped.body).toEqual({ name: "tamper-zone-5", stopped: true });
    expect(park.value("perimeter-panel", "zone-5-tamper")).toBe(false);
  });

  it("sets a signal, shows it with the time of its change and records it", async () => {
    const before = (await call(`${url}/log`)).body["newest"] as number;
    const set = await call(`${url}/devices/perimeter-panel/signals/zone-7-open`, {
      method: "PUT",
      body: '{"value": true}',
    });
    expect(set).toMatchObject({ status: 200, body: { value: true, held: false } });
    const state = (await call(`${url}/state/perimeter-panel`)).body as unknown as ReturnType<
      typeof park.field.deviceState
    >;
    expect(state.signals["zone-7-open"]).toEqual({ value: true, since: set.body["since"] });
    const log = (await call(`${url}/log?since=${before}`)).body["items"] as object[];
    expect(log).toMatchObject([
      { seq: before + 1, type: "set", device: "perimeter-panel", signal: "zone-7-open", value: true },
      { seq: before + 2, type: "change", device: "perimeter-panel", signal: "zone-7-open", value: true },
    ]);
    const changes = await call(`${url}/devices/perimeter-panel/signals/zone-7-open/changes`);
    expect((changes.body["items"] as { value: boolean }[]).map(({ value }) => value)).toEqual([false, true]);
  });

  it("holds a measured value that the physics would move, until it is released", async () => {
    const signal = `${url}/devices/ahu-2/signals/supply-air-temperature`;
    const held = await call(signal, { method: "PUT", body: '{"value": 40, "holdSeconds": 600}' });
    expect(held.body).toMatchObject({ value: 40, held: true });
    const released = await call(`${signal}/hold`, { method: "DELETE" });
    expect(released.body).toMatchObject({ held: false });
    expect(released.body["value"]).toBeLessThan(30);
  });

  it("switches faults of a device on and off, those of all its servers", async () => {
    const faults = `${url}/devices/cam-1/faults`;
    const offered = (await call(faults)).body as { kinds: string[]; active: string[] };
    expect(offered.kinds).toContain("clock-drift");
    expect(offered.kinds).toContain("video-loss");
    expect(offered.active).toEqual([]);
    const late = await call(`${faults}/late`, { method: "PUT", body: '{"options": {"ms": 100}}' });
    expect(late).toMatchObject({ status: 200, body: { active: ["late"] } });
    const both = await call(`${faults}/video-loss`, { method: "PUT" });
    expect(both.body["active"]).toEqual(["late", "video-loss"]);
    expect((await call(`${faults}/late`, { method: "DELETE" })).body["active"]).toEqual(["video-loss"]);
    expect((await call(faults, { method: "DELETE" })).body["active"]).toEqual([]);
  });

  it("shows the whole field", async () => {
    const { body } = await call(`${url}/state`);
    const devices = body["devices"] as ReturnType<typeof park.state>["devices"];
    expect(Object.keys(devices).length).toBe(26);
    expect(devices["ahu-1"]).toMatchObject({ protocol: "bacnet", instance: 1001, silent: false });
    expect(devices["power-meter-3"]).toMatchObject({ protocol: "modbus", unitId: 3, port: park.ports["power-meters"] });
    expect(devices["lift-2"]).toMatchObject({ protocol: "opcua", port: park.ports["building-services"] });
    expect(devices["burglar-panel"]).toMatchObject({ protocol: "sia-dc09", port: park.ports["sia-receiver"] });
    expect(devices["cam-1"]?.ptz).toMatchObject({ preset: "home", moving: false });
    expect(body["relay"]).toMatchObject({ cut: null, open: 0 });
  });

  const refusals: readonly [string, string, RequestInit, number, string][] = [
    ["an unknown path", "/nothing", {}, 404, "SIM_NOT_FOUND"],
    ["a wrong method", "/state", { method: "POST" }, 405, "SIM_METHOD_NOT_ALLOWED"],
    ["an unknown scenario", "/scenarios/flood", { method: "POST" }, 404, "SIM_SCENARIO_UNKNOWN"],
    ["a wrong parameter", "/scenarios/gateway-cut", { method: "POST", body: '{"mode":"x"}' }, 400, "SIM_PARAM_INVALID"],
    ["a body that is no JSON", "/scenarios/gateway-cut", { method: "POST", body: "{" }, 400, "SIM_BODY_INVALID"],
    ["a body too large", "/scenarios/x", { method: "POST", body: "x".repeat(70_000) }, 413, "SIM_BODY_TOO_LARGE"],
    ["an unknown device", "/state/ahu-9", {}, 404, "SIM_DEVICE_UNKNOWN"],
    [
      "an unknown signal",
      "/devices/ahu-1/signals/x",
      { method: "PUT", body: '{"value":1}' },
      404,
      "SIM_SIGNAL_UNKNOWN",
    ],
    [
      "a value the signal cannot hold",
      "/devices/ahu-1/signals/co2-setpoint",
      { method: "PUT", body: '{"value":9000}' },
      400,
      "SIM_VALUE_INVALID",
    ],
    ["an unknown fault", "/devices/fire-panel/faults/flood", { method: "PUT" }, 404, "SIM_FAULT_UNKNOWN"],
    [
      "a fault of a device that has none of that kind",
      "/devices/chiller-plant/faults/frozen",
      { method: "PUT" },
      404,
      "SIM_FAULT_UNKNOWN",
    ],
    [
      "an option the fault does not have",
      "/devices/fire-panel/faults/slow",
      { method: "PUT", body: '{"options":{"ms":-1}}' },
      400,
      "SIM_FAULT_OPTION_INVALID",
    ],
    [
      "options that are no object of plain values",
      "/devices/fire-panel/faults/slow",
      { method: "PUT", body: '{"options":{"ms":{}}}' },
      400,
      "SIM_BODY_INVALID",
    ],
    ["a bad cursor", "/log?since=yesterday", {}, 400, "SIM_PARAM_INVALID"],
    ["a page of another origin", "/state", { headers: { origin: "http://evil.example" } }, 403, "SIM_ORIGIN_REFUSED"],
  ];
  it.each(refusals)("refuses %s as a problem with a code", async (_, target, init, status, code) => {
    const answer = await call(`${url}${target}`, init);
    expect(answer).toMatchObject({ status, type: "application/problem+json", body: { status, code } });
    expect(String(answer.body["detail"]).length).toBeGreaterThan(10);
  });

  it("listens on loopback only", async () => {
    const { dataDir, remove } = dataFolder();
    const refused = parkOnADesk(systemClock, { dataDir, controlHost: "0.0.0.0" });
    await expect(refused).rejects.toMatchObject({ code: "SIM_CONTROL_NOT_LOOPBACK" });
    remove();
  });
});

describe("a restart", () => {
  const { dataDir, remove } = dataFolder();
  afterAll(remove);

  it("keeps every port, password and certificate, and takes another port where one is taken", async () => {
    const first = await parkOnADesk(systemClock, { dataDir });
    await first.close();
    const secrets = path.join(dataDir, "sim-secrets.json");
    expect(statSync(secrets).mode & 0o777).toBe(0o600);
    const password = readFileSync(secrets, "utf8");
    const told = json(path.join(dataDir, "sim-ports.json"));
    expect(told).toMatchObject(first.ports);

    const other = createServer();
    other.listen(first.ports["street-lighting"], "127.0.0.1");
    await once(other, "listening");
    const second = await parkOnADesk(systemClock, { dataDir });
    const { control: _a, "street-lighting": moved, ...kept } = second.ports;
    const { control: _b, "street-lighting": former, ...expected } = first.ports;
    other.close();
    await second.close();
    expect(kept).toEqual(expected);
    expect(moved).not.toBe(former);
    const pinned = ["fire-panel-thumbprint", "building-services-thumbprint"] as const;
    const again = json(path.join(dataDir, "sim-ports.json"));
    for (const name of pinned) {
      expect(told[name]).toMatch(/^[0-9a-f]{40}$/);
      expect(again[name]).toBe(told[name]);
    }
    expect(readFileSync(secrets, "utf8")).toBe(password);
  });
});

describe("a meter", () => {
  const { dataDir, remove } = dataFolder();
  afterAll(remove);

  it("does not turn its counter back when the process ends and starts again", async () => {
    const first = await parkOnADesk(systemClock, { dataDir });
    first.field.set("power-meter-1", "energy-import", 50_000);
    await first.close();
    const second = await parkOnADesk(systemClock, { dataDir });
    expect(second.value("power-meter-1", "energy-import")).toBeGreaterThanOrEqual(50_000);
    await second.close();
  });
});
