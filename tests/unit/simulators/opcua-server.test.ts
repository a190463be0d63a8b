import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { AttributeIds, DataType, MessageSecurityMode, SecurityPolicy, UserTokenType, type Variant } from "node-opcua";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { createFirePanel } from "#simulators/devices/fire-panel.ts";
import { createPumpStation } from "#simulators/devices/pump-station.ts";
import { OPCUA_MAPPINGS } from "#simulators/park-opcua.ts";
import { OpcuaEngine, type OpcuaFieldServer, opcuaUri, serveOpcua } from "#simulators/servers/opcua.ts";
import { clientOf, heard, openSession } from "./opcua-client.ts";

const POLL = { timeout: 10_000, interval: 50 } as const;
const folder = mkdtempSync(path.join(tmpdir(), "parkhub-opcua-"));
const panel = createFirePanel({ id: "fire-panel", name: "火灾报警主机", nameEn: "Fire alarm panel" });
const pumps = createPumpStation({ id: "pump-station", name: "泵房", nameEn: "Pumps" });
const acts: string[] = [];
const options = { folder };
let server: OpcuaFieldServer;

const serve = (port = 0): Promise<OpcuaFieldServer> =>
  serveOpcua(
    [panel, pumps].map((device) => ({ device, mapping: OPCUA_MAPPINGS[device.id] ?? {} })),
    {
      name: "test",
      engine: new OpcuaEngine(silentLogger),
      port,
      folder: path.join(folder, "server"),
      username: "parkhub",
      password: "right",
      onAct: (device, detail) => acts.push(`${device} ${detail}`),
    },
    silentLogger,
  );

beforeAll(async () => {
  server = await serve();
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const node = (identifier: string): string => `ns=1;s=${identifier}`;

async function readValue(
  identifier: string,
  from: OpcuaFieldServer = server,
): Promise<{ readonly value: Variant["value"]; readonly status: string; readonly sourceMs: number }> {
  const { session, close } = await openSession(from.url, options);
  try {
    const { value, statusCode, sourceTimestamp } = await session.read({
      nodeId: node(identifier),
      attributeId: AttributeIds.Value,
    });
    return { value: value.value, status: statusCode.name, sourceMs: sourceTimestamp?.getTime() ?? 0 };
  } finally {
    await close();
  }
}

describe("a simulated OPC UA server", () => {
  it("starts with its first client, which waits for it, and has its application URI as namespace 1", async () => {
    const { session, close } = await openSession(server.url, options);
    const names = await session.readNamespaceArray();
    expect(names[1]).toBe(opcuaUri("test"));
    await close();
  }, 30_000);

  it("speaks signed and encrypted only, and takes nobody without name and password", async () => {
    const client = await clientOf(options);
    await client.connect(server.url);
    const endpoints = await client.getEndpoints();
    await client.disconnect();
    expect(endpoints.map(({ securityMode }) => securityMode)).toEqual([
      MessageSecurityMode.SignAndEncrypt,
      MessageSecurityMode.SignAndEncrypt,
    ]);
    expect(endpoints.map(({ securityPolicyUri }) => securityPolicyUri)).toEqual([
      SecurityPolicy.Basic256Sha256,
      SecurityPolicy.Aes256_Sha256_RsaPss,
    ]);
    expect(endpoints.flatMap(({ userIdentityTokens }) => userIdentityTokens ?? []).map((one) => one.tokenType)).toEqual(
      [UserTokenType.UserName, UserTokenType.UserName],
    );
    expect(new Set(endpoints.map(({ endpointUrl }) => endpointUrl))).toEqual(new Set([server.url]));
    await expect(openSession(server.url, { ...options, password: "wrong" })).rejects.toThrow(/BadUserAccessDenied/);
    const plain = { ...options, mode: MessageSecurityMode.None, policy: SecurityPolicy.None };
    await expect(openSession(server.url, plain)).rejects.toThrow();
    const aes = await openSession(server.url, { ...options, policy: SecurityPolicy.Aes256_Sha256_RsaPss });
    await aes.close();
  }, 30_000);

  it("keeps its certificate, made for its application URI and the loopback address", async () => {
    const pem = readFileSync(path.join(folder, "server/own/certs/certificate.pem"), "utf8");
    const certificate = new X509Certificate(pem);
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.subjectAltName).toBe(`URI:${opcuaUri("test")}, DNS:localhost, IP Address:127.0.0.1`);
    expect(certificate.fingerprint.replaceAll(":", "").toLowerCase()).toBe(server.thumbprint);
    const again = await serve();
    expect(again.thumbprint).toBe(server.thumbprint);
    await again.close();
  });

  it("tells a value with the time at which it changed, and takes what a signal can hold", async () => {
    const { session, close } = await openSession(server.url, options);
    const { values } = await heard(session, node("fire-panel.zone-a1-call-point"));
    await expect.poll(() => values.length, POLL).toBe(1);
    const before = Date.now();
    panel.write("zone-a1-call-point", true);
    await expect.poll(() => values.at(-1)?.value.value, POLL).toBe(true);
    const at = values.at(-1)?.sourceTimestamp?.getTime() ?? 0;
    expect(at).toBeGreaterThanOrEqual(before - 1);
    expect(at).toBeLessThanOrEqual(Date.now());
    panel.write("zone-a1-call-point", false);

    const write = async (identifier: string, dataType: DataType, value: unknown): Promise<string> => {
      const status = await session.write({
        nodeId: node(identifier),
        attributeId: AttributeIds.Value,
        value: { value: { dataType, value } },
      });
      return status.name;
    };
    expect(await write("pump-station.pressure-setpoint", DataType.Double, 410)).toBe("Good");
    expect(await write("pump-station.pressure-setpoint", DataType.Double, 5000)).toBe("BadOutOfRange");
    expect(await write("pump-station.flow", DataType.Double, 1)).toBe("BadNotWritable");
    expect(await write("pump-station.pump-2-mode", DataType.UInt32, 1)).toBe("Good");
    expect(await write("pump-station.pump-2-mode", DataType.UInt32, 2)).toBe("BadOutOfRange");
    await expect.poll(() => pumps.read("pump-2-mode"), POLL).toBe(2);
    expect(pumps.read("pressure-setpoint")).toBe(410);
    pumps.write("pump-2-mode", 1);
    await close();
  }, 30_000);

  it("calls a method that acts on the device", async () => {
    panel.write("zone-a1-detector", true);
    panel.write("zone-a1-detector", false);
    const { session, close } = await openSession(server.url, options);
    const { statusCode } = await session.call({ objectId: node("fire-panel"), methodId: node("fire-panel.Silence") });
    expect(statusCode.name).toBe("Good");
    await expect.poll(() => panel.read("sounders"), POLL).toBe(false);
    expect(acts).toContain("fire-panel Silence");
    await session.call({ objectId: node("fire-panel"), methodId: node("fire-panel.Reset") });
    await expect.poll(() => panel.read("fire"), POLL).toBe(false);
    await close();
  }, 30_000);
});

describe("a fault of a simulated OPC UA server", () => {
  it("frozen leaves connections open and answers nothing, then everything", async () => {
    const { session, close } = await openSession(server.url, options);
    const { values } = await heard(session, node("fire-panel.zone-b2-fault"));
    await expect.poll(() => values.length, POLL).toBe(1);
    server.faults.set("frozen");
    panel.write("zone-b2-fault", true);
    let told = false;
    const answered = session.read({ nodeId: node("fire-panel.fault"), attributeId: AttributeIds.Value });
    answered.then(
      () => {
        told = true;
      },
      () => undefined,
    );
    // another server of the same panel has started and told it: time enough
    const other = await serve();
    const { value } = await readValue("fire-panel.zone-b2-fault", other);
    await other.close();
    expect([value, told, values.length]).toEqual([true, false, 1]);
    server.faults.clear("frozen");
    expect((await answered).value.value).toBe(true);
    await expect.poll(() => values.at(-1)?.value.value, POLL).toBe(true);
    panel.write("zone-b2-fault", false);
    await close();
  }, 30_000);

  it("bad status and clock drift show in one signal and in every time", async () => {
    server.faults.set("bad-status", { signal: "flow", status: "BadSensorFailure" });
    await expect.poll(async () => (await readValue("pump-station.flow")).status, POLL).toBe("BadSensorFailure");
    expect((await readValue("pump-station.tank-level")).status).toBe("Good");
    server.faults.set("clock-drift", { seconds: 3600 });
    const ahead = async () => {
      const { sourceMs } = await readValue("pump-station.tank-level");
      return Math.abs(Math.round((sourceMs - Date.now()) / 60_000));
    };
    await expect.poll(ahead, POLL).toBe(60);
    server.faults.clear();
    await expect.poll(async () => (await readValue("pump-station.flow")).status, POLL).toBe("Good");
    await expect.poll(ahead, POLL).toBe(0);
  }, 30_000);

  it("subscription death leaves the session, a dropped session leaves the connection", async () => {
    const { client, session, close } = await openSession(server.url, options);
    const { values } = await heard(session, node("fire-panel.mains-fault"));
    await expect.poll(() => values.length, POLL).toBe(1);
    server.faults.set("subscription-death");
    await expect.poll(async () => (await session.read({ nodeId: "i=2258" })).statusCode.name, POLL).toBe("Good");
    const { values: anew } = await heard(session, node("fire-panel.mains-fault"));
    panel.write("mains-fault", true);
    await expect.poll(() => anew.at(-1)?.value.value, POLL).toBe(true);
    expect(values.length).toBe(1);
    panel.write("mains-fault", false);
    const former = session.sessionId.toString();
    server.faults.set("drop-session");
    // the client's next request is refused, and it signs in anew on the same connection
    const next = () => session.read({ nodeId: "i=2258" }).then(() => session.sessionId.toString());
    await expect.poll(next, POLL).not.toBe(former);
    expect(client.isReconnecting).toBe(false);
    server.faults.clear();
    await close();
  }, 30_000);

  it("an ended certificate is another one, and the kept one comes back", async () => {
    const shown = async (): Promise<X509Certificate> => {
      const client = await clientOf({ ...options, mode: MessageSecurityMode.None, policy: SecurityPolicy.None });
      await client.connect(server.url);
      const [endpoint] = await client.getEndpoints();
      await client.disconnect();
      return new X509Certificate(endpoint?.serverCertificate ?? Buffer.of());
    };
    const days = async (): Promise<number> => {
      const certificate = await shown().catch(() => undefined);
      return certificate === undefined
        ? Number.NaN
        : Math.round((certificate.validToDate.getTime() - Date.now()) / 86_400_000);
    };
    server.faults.set("expired-certificate", { daysAgo: 2 });
    await expect.poll(days, POLL).toBe(-2);
    server.faults.clear();
    server.faults.set("expiring-certificate", { daysLeft: 10 });
    await expect.poll(days, POLL).toBe(10);
    server.faults.clear();
    await expect
      .poll(async () => (await shown().catch(() => undefined))?.fingerprint.replaceAll(":", "").toLowerCase(), POLL)
      .toBe(server.thumbprint);
  }, 60_000);

  it("refuses what it does not know", () => {
    expect(() => server.faults.set("flood")).toThrow(/expected one of frozen/);
    expect(() => server.faults.set("slow", { ms: 1e9 })).toThrow(/expected a number from 0 to 60000/);
    expect(() => server.faults.set("slow", { sec: 1 })).toThrow(/no such option/);
    expect(() => server.faults.set("bad-status", { status: "Good" })).toThrow(/bad StatusCode/);
    expect(server.faults.active).toEqual([]);
  });
});

describe("a rebooted OPC UA server", () => {
  it("still has what it recorded and the conditions that nobody has acknowledged", async () => {
    const begun = new Date();
    for (let second = 0; second < 3; second++) {
      pumps.step(1, Date.now());
      const level = String(pumps.read("discharge-pressure"));
      await expect
        .poll(async () => String((await readValue("pump-station.discharge-pressure")).value), POLL)
        .toBe(level);
    }
    panel.write("mains-fault", true);
    const acked = "fire-panel.mains-fault.condition";
    const condition = async (what: string): Promise<unknown> => {
      const { session, close } = await openSession(server.url, options);
      const path = await session.translateBrowsePath({
        startingNode: node(acked),
        relativePath: {
          elements: [what, "Id"].map((name) => ({
            referenceTypeId: "i=33",
            includeSubtypes: true,
            targetName: { namespaceIndex: 0, name },
          })),
        },
      });
      const target = path.targets?.[0]?.targetId;
      const read = target === undefined ? undefined : await session.read({ nodeId: target });
      await close();
      return read?.value.value;
    };
    await expect.poll(() => condition("ActiveState"), POLL).toBe(true);
    panel.write("mains-fault", false);
    await expect.poll(() => condition("ActiveState"), POLL).toBe(false);
    const { session } = await openSession(server.url, options);
    await server.reboot(100);
    await expect(session.read({ nodeId: "i=2258" })).rejects.toThrow();
    expect([await condition("ActiveState"), await condition("AckedState")]).toEqual([false, false]);

    const after = await openSession(server.url, options);
    const history = await after.session.readHistoryValue(node("pump-station.discharge-pressure"), begun, new Date());
    const { dataValues } = history.historyData as unknown as { dataValues: { sourceTimestamp: Date }[] };
    expect(dataValues.length).toBeGreaterThanOrEqual(2);
    const times = dataValues.map(({ sourceTimestamp }) => sourceTimestamp.getTime());
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.every((at) => at >= begun.getTime())).toBe(true);
    await after.close();
  }, 60_000);
});
