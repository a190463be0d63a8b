import { Value as Schema } from "typebox/value";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Discovery } from "#core/contracts/discovery.ts";
import { deviceId } from "#core/ids.ts";
import type { ActionResult } from "#protocols/driver.ts";
import { OpcuaAddress, OpcuaDevice } from "#protocols/opcua/config.ts";
import { node } from "#tests/fixtures/opcua/server-process.ts";
import { never, nodePoints, PANEL, type PanelField, POLL, panelField } from "./opcua-field.ts";

const CHANNEL = deviceId("park/gw-1/opcua-1");
const ADD = {
  object: node("Panel"),
  method: node("Add"),
  arguments: [
    { name: "a", dataType: "Double" as const },
    { name: "b", dataType: "Double" as const },
  ],
};

describe("actions on an OPC UA server", () => {
  let field: PanelField;
  beforeAll(async () => {
    field = await panelField();
    await field.bind(nodePoints(["Float"]), { methods: [ADD] });
    await vi.waitUntil(() => field.recording.reachability(PANEL).length === 1, POLL);
  });
  afterAll(async () => {
    await field.close();
  });

  const act = (action: string, params: Record<string, string | number | boolean> = {}, device = PANEL) =>
    field.driver.act({ device, action, params }, never);
  function discovered(result: ActionResult): Discovery {
    expect(result).toMatchObject({ status: "done", blob: { contentType: "application/json" } });
    const bytes = result.status === "done" ? result.blob?.bytes : undefined;
    const found: unknown = JSON.parse(new TextDecoder().decode(bytes));
    expect([...Schema.Errors(Discovery, found)]).toEqual([]);
    return found as Discovery;
  }

  it("calls a method that is allowed, and gives its outputs", async () => {
    const result = await act("callMethod", { object: ADD.object, method: ADD.method, a: 2, b: 40.5 });
    expect(result).toEqual({ status: "done", data: { out0: 42.5 } });
  });

  it("calls no other method", async () => {
    const params = { object: "i=2253", method: "i=11492", a: 1 };
    expect(await act("callMethod", params)).toMatchObject({ status: "rejected", code: "OPCUA_METHOD_NOT_ALLOWED" });
  });

  it("calls no method with an argument that does not fit", async () => {
    const params = { object: ADD.object, method: ADD.method, a: "two", b: 1 };
    expect(await act("callMethod", params)).toMatchObject({ status: "rejected", code: "OPCUA_PARAMETER_INVALID" });
    const missing = { object: ADD.object, method: ADD.method, a: 1 };
    expect(await act("callMethod", missing)).toMatchObject({ status: "rejected", code: "OPCUA_PARAMETER_INVALID" });
  });

  it("discovers the points of a server, with units, states and what may be written", async () => {
    const { points, problems } = discovered(await act("discover"));
    expect(problems).toEqual([]);
    const found = new Map(points.map((one) => [one.name, one]));
    expect(found.get("Temperature")).toEqual({
      id: "Panel.Temperature",
      name: "Temperature",
      nameEn: "Temperature",
      kind: "number",
      unit: "degC",
      writable: true,
      address: { nodeId: node("Temperature") },
    });
    expect(found.get("Mode")).toMatchObject({
      kind: "enum",
      states: [
        { value: 0, name: "Off" },
        { value: 1, name: "Auto" },
        { value: 2, name: "Manual" },
      ],
    });
    expect(found.get("ReadOnly")).toMatchObject({ kind: "number", writable: false });
    expect(found.get("Text")).toMatchObject({ kind: "string", writable: true });
    expect(found.has("Numbers"), "an array is no point").toBe(false);
    expect(new Set(points.map(({ id }) => id)).size).toBe(points.length);
    for (const { address } of points) expect(Schema.Check(OpcuaAddress, address)).toBe(true);
  });

  it("discovers the servers of the channel, with the best security they offer", async () => {
    const { devices } = discovered(await act("discover", {}, CHANNEL));
    expect(devices).toHaveLength(1);
    expect(devices[0]).toMatchObject({
      identity: "urn:parkhub:test:server",
      config: { securityMode: "SignAndEncrypt", applicationUri: "urn:parkhub:test:server" },
    });
    expect(Schema.Check(OpcuaDevice, devices[0]?.config)).toBe(true);
  });
});
