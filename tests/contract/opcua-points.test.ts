import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { WriteResult } from "#protocols/driver.ts";
import { node } from "#tests/fixtures/opcua/server-process.ts";
import { never, nodePoints, type PanelField, POLL, panelField, point } from "./opcua-field.ts";

const NAMES = ["Boolean", "Int16", "UInt32", "Float", "Text", "Localized", "Time", "Counter64", "Huge64", "Numbers"];

describe("points of an OPC UA server", () => {
  let field: PanelField;
  beforeAll(async () => {
    field = await panelField();
    await field.bind([
      ...nodePoints([...NAMES, "ReadOnly", "Temperature", "Mode", "Absent"]),
      { point: point("element"), address: { nodeId: node("Numbers"), index: "1" }, writable: true },
      { point: point("beyond"), address: { nodeId: node("Numbers"), index: "7" }, writable: false },
      { point: point("elsewhere"), address: { nodeId: "nsu=urn:nowhere;s=X" }, writable: false },
      { point: point("state"), address: { signal: "serverState" }, writable: false },
      { point: point("days"), address: { signal: "certificateDaysLeft" }, writable: false },
      { point: point("fixed"), address: { nodeId: node("Text") }, writable: false },
    ]);
    await vi.waitUntil(() => latest("days") !== undefined, POLL);
  });
  afterAll(async () => {
    await field.close();
  });

  const latest = (name: string): unknown => field.recording.latest(point(name));
  const write = (name: string, value: number | boolean | string | null): Promise<WriteResult> =>
    field.driver.write({ point: point(name), value, priority: 8 }, never);

  it.each([
    ["Boolean", true],
    ["Int16", -7],
    ["UInt32", 4_000_000_000],
    ["Float", 1.5],
    ["Text", "一号楼"],
    ["Localized", "running"],
    ["Time", "2026-01-02T03:04:05.678Z"],
    ["Counter64", 2 ** 32 + 5],
    ["Temperature", 21.5],
    ["Mode", 1],
    ["element", 20],
    ["state", 0],
  ])("%s is told as %s, good, with the server's source time", (name, value) => {
    expect(latest(name)).toMatchObject({ value, quality: "good", sourceTime: expect.any(Number) });
  });

  it("tells a 64-bit number beyond 2^53 as uncertain, because its last digits are lost", () => {
    expect(latest("Huge64")).toMatchObject({ value: 2 ** 63, quality: "uncertain", reason: "precisionLost" });
  });

  it.each(["Numbers", "Absent", "beyond", "elsewhere"])("says that the address of %s is wrong", (name) => {
    expect(latest(name)).toMatchObject({ value: null, quality: "bad", reason: "configError" });
  });

  it("tells in how many days the first certificate ends", () => {
    expect(latest("days")).toMatchObject({ quality: "good" });
    expect(Number(field.recording.latest(point("days"))?.value)).toBeGreaterThan(3600);
  });

  it.each([
    ["Good", { quality: "good" }],
    ["GoodLocalOverride", { quality: "uncertain", reason: "overridden" }],
    ["UncertainLastUsableValue", { quality: "uncertain", reason: "stale" }],
    ["UncertainSensorNotAccurate", { quality: "uncertain", reason: "uncertainSensorNotAccurate" }],
    ["BadSensorFailure", { quality: "bad", reason: "deviceFault" }],
    ["BadOutOfService", { quality: "bad", reason: "outOfService" }],
    ["BadNoCommunication", { quality: "bad", reason: "commLost" }],
    ["BadWaitingForInitialData", { quality: "bad", reason: "noValue" }],
  ])("maps the status %s", async (status, expected) => {
    const value = Math.round(Math.random() * 1e6);
    await field.server.set("ReadOnly", value, status);
    await expect.poll(() => latest("ReadOnly"), POLL).toMatchObject(expected);
  });

  it.each([
    ["Boolean", false],
    ["Int16", -32_768],
    ["UInt32", 7],
    ["Float", 3.1],
    ["Text", "二号楼"],
    ["Counter64", 2 ** 40 + 1],
    ["Mode", 2],
    ["element", 42],
  ])("writes %s in the node's own type and reads it back", async (name, value) => {
    const result = await write(name, value);
    expect(result.status).toBe("done");
    const readBack = result.status === "done" ? result.readBack : undefined;
    if (typeof value === "number") expect(Number(readBack)).toBeCloseTo(value, 5);
    else expect(readBack).toBe(value);
    await expect.poll(() => latest(name), POLL).toMatchObject({ value: readBack, quality: "good" });
  });

  it("leaves the other elements of an array as they are", async () => {
    await write("element", 43);
    expect(await field.server.do({ kind: "get", name: "Numbers" })).toEqual({ 0: 10, 1: 43, 2: 30 });
  });

  it.each([
    ["Int16", 70_000, "OPCUA_VALUE_INVALID"],
    ["Int16", 1.5, "OPCUA_VALUE_INVALID"],
    ["Boolean", "yes", "OPCUA_VALUE_INVALID"],
    ["Float", null, "OPCUA_VALUE_INVALID"],
    ["fixed", "x", "OPCUA_POINT_READ_ONLY"],
    ["days", 1, "OPCUA_POINT_READ_ONLY"],
    ["elsewhere", 1, "OPCUA_POINT_READ_ONLY"],
  ])("sends nothing for %s = %s", async (name, value, code) => {
    expect(await write(name, value)).toMatchObject({ status: "rejected", code });
  });

  it("says what the server answered to a write that it refuses", async () => {
    expect(await write("ReadOnly", 1)).toMatchObject({ status: "failed", code: "OPCUA_WRITE_REFUSED" });
    expect(JSON.stringify(await write("ReadOnly", 1))).toContain("BadNotWritable");
  });
});

describe("the sign of life of an OPC UA point", () => {
  it("is a read when nothing was heard for a while, so that each point is told again", async () => {
    const field = await panelField({ config: { rereadMs: 1000 } });
    await field.bind([
      ...nodePoints(["Float"]),
      { point: point("online"), address: { signal: "online" }, writable: false },
    ]);
    const told = (name: string): number => field.recording.samples.filter((one) => one.point === point(name)).length;
    await expect.poll(() => told("Float"), POLL).toBeGreaterThan(4);
    await expect.poll(() => told("online"), POLL).toBeGreaterThan(2);
    expect(field.recording.samples.every(({ quality }) => quality === "good")).toBe(true);
    await field.close();
  });
});
