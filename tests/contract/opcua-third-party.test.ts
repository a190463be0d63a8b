import { rm } from "node:fs/promises";
import process from "node:process";
import { Value as Schema } from "typebox/value";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Discovery } from "#core/contracts/discovery.ts";
import type { FieldCondition } from "#core/model/field-condition.ts";
import type { ActionResult, PointBinding, ProtocolDriver, WriteResult } from "#protocols/driver.ts";
import type { OpcuaAddress, OpcuaDevice } from "#protocols/opcua/config.ts";
import { opcua } from "#protocols/opcua/index.ts";
import { SECURITY_POLICIES } from "#protocols/opcua/vocabulary.ts";
import { TcpRelay } from "#tests/fixtures/opcua/tcp-relay.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";
import { never, PANEL, POLL, point } from "./opcua-field.ts";

/**
 * A third-party server on this machine, built outside the project; see docs/interop/opcua.md. What a server does not have is left
 * out of the environment, and its tests are skipped.
 */
const url = process.env["PARKHUB_OPCUA_SERVER"];
/** NodeId of a writable Double. */
const setpoint = process.env["PARKHUB_OPCUA_NODE"] ?? "";
/** `name:password` of a user. */
const user = process.env["PARKHUB_OPCUA_USER"];
/** NodeId of a Boolean that raises an alarm while it is true. */
const trigger = process.env["PARKHUB_OPCUA_TRIGGER"];
/** NodeId of a writable node of numbers with a history. */
const recorded = process.env["PARKHUB_OPCUA_RECORDED"];
/** `<object> <method>` of a method that adds two Doubles `a` and `b`. */
const method = process.env["PARKHUB_OPCUA_METHOD"];
/** Process id of the server, which the tests stop and continue. */
const pid = process.env["PARKHUB_OPCUA_PID"];

if (url === undefined) {
  process.stderr.write("PARKHUB_OPCUA_SERVER names no third-party OPC UA server: its tests are skipped\n");
}

describe.skipIf(url === undefined)("a third-party OPC UA server", { timeout: 60_000 }, () => {
  let recording: Recording;
  let driver: ProtocolDriver;
  beforeEach(async () => {
    recording = recordDriver();
    driver = await opcua.create({ publishingMs: 100, keepAliveMs: 400 }, recording.deps);
    await driver.start(never);
  });
  afterEach(async () => {
    await driver.stop();
    await rm(recording.deps.folder, { recursive: true, force: true });
  });

  const at = (id: string, nodeId: string): PointBinding<OpcuaAddress> => ({
    point: point(id),
    address: { nodeId, samplingMs: 0 },
    writable: true,
  });
  async function bind(
    points: readonly PointBinding<OpcuaAddress>[],
    section: Partial<OpcuaDevice> = {},
  ): Promise<void> {
    const config = { endpointUrl: url ?? "", trustOnFirstUse: true, ...section };
    const before = recording.states.length;
    await driver.bind([{ device: PANEL, config, points }]);
    await expect.poll(() => recording.states[before], POLL).toMatchObject({ online: true });
  }
  const latest = (id: string): unknown => recording.latest(point(id));
  const write = (id: string, value: number | boolean): Promise<WriteResult> =>
    driver.write({ point: point(id), value, priority: 8 }, never);
  const act = (action: string, params: Record<string, string | number> = {}): Promise<ActionResult> =>
    driver.act({ device: PANEL, action, params }, never);
  const conditions = (): readonly FieldCondition[] => recording.conditions.flatMap((report) => report.conditions);

  it.each(SECURITY_POLICIES)("is observed and written over %s, signed and encrypted", async (securityPolicy) => {
    await bind(
      [at("setpoint", setpoint), { point: point("state"), address: { signal: "serverState" }, writable: false }],
      {
        securityPolicy,
      },
    );
    expect(latest("state")).toMatchObject({ value: 0, quality: "good" });
    for (const value of [17.25, 18.5]) {
      expect(await write("setpoint", value)).toEqual({ status: "done", readBack: value });
      await expect.poll(() => latest("setpoint"), POLL).toMatchObject({ value, quality: "good" });
    }
    expect(driver.counters()).toMatchObject({ missed: 0, timeouts: 0 });
  });

  it.skipIf(user === undefined)("lets a user in, and not with a wrong password", async () => {
    const [username = "", password = ""] = user?.split(":") ?? [];
    await bind([at("setpoint", setpoint)], { username, password });
    const config = { endpointUrl: url ?? "", trustOnFirstUse: true, username, password: `${password}x` };
    await driver.bind([{ device: PANEL, config, points: [at("setpoint", setpoint)] }]);
    await expect.poll(() => recording.states.at(-1), POLL).toMatchObject({ online: false, reason: "unauthorized" });
  });

  it("shows its points to a discovery", async () => {
    await bind([at("setpoint", setpoint)]);
    const result = await act("discover");
    expect(result.status).toBe("done");
    const found: unknown = JSON.parse(
      new TextDecoder().decode(result.status === "done" ? result.blob?.bytes : undefined),
    );
    expect([...Schema.Errors(Discovery, found)]).toEqual([]);
    const { points } = found as Discovery;
    const name = setpoint.replace(/^.*;s=/, "");
    expect(points.find((one) => JSON.stringify(one.address).includes(name))).toMatchObject({
      kind: "number",
      writable: true,
    });
  });

  it("goes on with its session and subscriptions after a broken connection, and misses no change", async () => {
    const relay = await TcpRelay.start(Number(new URL(url?.replace("opc.tcp", "http") ?? "").port));
    await bind([at("setpoint", setpoint)], { endpointUrl: relay.url });
    const other = recordDriver();
    const second = await opcua.create({}, other.deps);
    await second.start(never);
    const config = { endpointUrl: url ?? "", trustOnFirstUse: true };
    await second.bind([{ device: PANEL, config, points: [at("setpoint", setpoint)] }]);
    await expect.poll(() => other.states.at(-1), POLL).toMatchObject({ online: true });
    await second.write({ point: point("setpoint"), value: 0, priority: 8 }, never);
    await expect.poll(() => latest("setpoint"), POLL).toMatchObject({ value: 0 });
    const from = recording.samples.length;
    relay.cut();
    await expect.poll(() => recording.states.at(-1), POLL).toMatchObject({ online: false });
    for (const value of [1, 2, 3, 4]) await second.write({ point: point("setpoint"), value, priority: 8 }, never);
    relay.restore();
    await expect.poll(() => recording.states.at(-1), POLL).toMatchObject({ online: true });
    const told = recording.samples.slice(from).filter(({ quality }) => quality === "good");
    expect([...new Set(told.map(({ value }) => value))]).toEqual([1, 2, 3, 4]);
    expect(driver.counters()).toMatchObject({ resumed: 1, missed: 0 });
    expect(recording.events).toEqual([]);
    await second.stop();
    await relay.close();
    await rm(other.deps.folder, { recursive: true, force: true });
  });

  it.skipIf(trigger === undefined)("keeps conditions that are mirrored and acknowledged", async () => {
    await bind([at("trigger", trigger ?? "")]);
    await expect.poll(() => recording.conditions.some(({ complete }) => complete), POLL).toBe(true);
    await write("trigger", true);
    await expect.poll(() => conditions().at(-1), POLL).toMatchObject({ active: true, acknowledged: false });
    const condition = conditions().at(-1)?.condition ?? "";
    expect(await act("acknowledgeCondition", { condition, comment: "seen" })).toEqual({ status: "done" });
    await expect.poll(() => conditions().at(-1), POLL).toMatchObject({ condition, acknowledged: true });
    await write("trigger", false);
    await expect.poll(() => conditions().at(-1), POLL).toMatchObject({ condition, active: false });
  });

  it.skipIf(recorded === undefined)("gives its history after an outage", async () => {
    const relay = await TcpRelay.start(Number(new URL(url?.replace("opc.tcp", "http") ?? "").port));
    await bind([at("recorded", recorded ?? "")], { endpointUrl: relay.url });
    const other = recordDriver();
    const second = await opcua.create({}, other.deps);
    await second.start(never);
    const config = { endpointUrl: url ?? "", trustOnFirstUse: true };
    await second.bind([{ device: PANEL, config, points: [at("recorded", recorded ?? "")] }]);
    await expect.poll(() => other.states.at(-1), POLL).toMatchObject({ online: true });
    relay.cut();
    await expect.poll(() => recording.states.at(-1), POLL).toMatchObject({ online: false });
    const values = Array.from({ length: 30 }, (_, number) => 1000 + number);
    for (const value of values) await second.write({ point: point("recorded"), value, priority: 8 }, never);
    relay.restore();
    await expect.poll(() => recording.history.length, POLL).toBe(values.length);
    expect(recording.history.map(({ value }) => value)).toEqual(values);
    await second.stop();
    await relay.close();
    await rm(other.deps.folder, { recursive: true, force: true });
  });

  it.skipIf(method === undefined)("has a method that is called", async () => {
    const [object = "", id = ""] = method?.split(" ") ?? [];
    const names = ["a", "b"].map((name) => ({ name, dataType: "Double" as const }));
    await bind([at("setpoint", setpoint)], { methods: [{ object, method: id, arguments: names }] });
    expect(await act("callMethod", { object, method: id, a: 1.5, b: 2 })).toEqual({
      status: "done",
      data: { out0: 3.5 },
    });
  });

  it.skipIf(pid === undefined)("is told as lost while it is frozen", async () => {
    await bind([at("setpoint", setpoint)]);
    process.kill(Number(pid), "SIGSTOP");
    await expect.poll(() => latest("setpoint"), POLL).toMatchObject({ quality: "bad", reason: "commLost" });
    process.kill(Number(pid), "SIGCONT");
    await expect.poll(() => latest("setpoint"), POLL).toMatchObject({ quality: "good" });
    await expect.poll(() => recording.reachability(PANEL), POLL).toEqual([true, false, true]);
  });
});
