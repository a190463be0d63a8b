import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { OPCUACertificateManager } from "node-opcua";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { deviceId } from "#core/ids.ts";
import type { FieldCertificate } from "#core/model/certificate.ts";
import type { ActionResult } from "#protocols/driver.ts";
import type { OpcuaDevice } from "#protocols/opcua/config.ts";
import { opcua } from "#protocols/opcua/index.ts";
import { SECURITY_POLICIES } from "#protocols/opcua/vocabulary.ts";
import { ServerProcess } from "#tests/fixtures/opcua/server-process.ts";
import { recordDriver } from "./driver-contract.ts";
import { CONFIG, never, nodePoints, PANEL, type PanelField, POLL, panelField, point } from "./opcua-field.ts";

const CHANNEL = deviceId("park/gw-1/opcua-1");

describe("the security of an OPC UA connection", () => {
  let field: PanelField;
  let running: ServerProcess;
  beforeAll(async () => {
    running = await ServerProcess.start();
  });
  afterAll(() => running?.close());
  beforeEach(async () => {
    field = await panelField({ running });
  });
  afterEach(async () => {
    await field.close();
  });

  const bind = (section: Partial<OpcuaDevice>): Promise<void> =>
    field.bind(nodePoints(["Float"]), { trustOnFirstUse: false, ...section });
  const certificates = (trust: FieldCertificate["trust"]): readonly FieldCertificate[] =>
    (field.recording.certificates.at(-1) ?? []).filter((one) => one.trust === trust);
  const act = (action: string, thumbprint: string): Promise<ActionResult> =>
    field.driver.act({ device: CHANNEL, action, params: { thumbprint } }, never);
  const online = (): Promise<void> =>
    expect.poll(() => field.recording.states.at(-1), POLL).toMatchObject({ online: true });
  const offline = (reason: string): Promise<void> =>
    expect.poll(() => field.recording.states.at(-1), POLL).toMatchObject({ online: false, reason });
  async function rejected(): Promise<string> {
    await offline("certificateUntrusted");
    await expect.poll(() => certificates("rejected").length, POLL).toBe(1);
    return certificates("rejected")[0]?.thumbprint ?? "";
  }

  it("trusts no certificate by itself; a person trusts it, and rejects it again", async () => {
    await bind({});
    const thumbprint = await rejected();
    expect(certificates("own")).toMatchObject([{ applicationUri: expect.stringMatching(/^urn:parkhub:gateway:/) }]);
    expect(certificates("rejected")).toMatchObject([{ applicationUri: "urn:parkhub:test:server" }]);
    expect(field.recording.latest(point("Float"))).toMatchObject({ quality: "bad", reason: "commLost" });
    expect(await act("trustCertificate", thumbprint)).toEqual({ status: "done" });
    await online();
    expect(certificates("trusted")).toMatchObject([{ thumbprint }]);
    expect(await act("rejectCertificate", thumbprint)).toEqual({ status: "done" });
    await offline("certificateUntrusted");
    expect(certificates("trusted")).toEqual([]);
    expect(await act("trustCertificate", "0".repeat(40))).toMatchObject({ status: "rejected" });
  });

  it("trusts the certificate that the configuration names, and no other", async () => {
    await bind({ serverThumbprint: "0".repeat(40) });
    const thumbprint = await rejected();
    await bind({ serverThumbprint: thumbprint.toUpperCase() });
    await online();
    expect(certificates("trusted")).toMatchObject([{ thumbprint }]);
    // it would be trusted again at the next connection: the configuration has to change
    expect(await act("rejectCertificate", thumbprint)).toMatchObject({
      status: "rejected",
      code: "OPCUA_CERTIFICATE_PINNED",
    });
    expect(certificates("trusted")).toMatchObject([{ thumbprint }]);
    await bind({ serverThumbprint: "1".repeat(40) });
    await offline("certificateUntrusted");
  });

  it("follows the last of two sets of devices that come one upon the other", async () => {
    await bind({ trustOnFirstUse: true });
    await online();
    // another section: the first set has to wait for the end of the connection in use
    const section = { trustOnFirstUse: true, applicationUri: "urn:parkhub:test:server" };
    await Promise.all([field.bind(nodePoints(["Int16"]), section), field.bind(nodePoints(["Text"]), section)]);
    const write = (name: string) => field.driver.write({ point: point(name), value: 1, priority: 8 }, never);
    expect(await write("Int16")).toMatchObject({ code: "OPCUA_POINT_UNKNOWN" });
    await expect.poll(() => field.recording.latest(point("Text")), POLL).toMatchObject({ quality: "good" });
  });

  it("trusts on first use, and then waits for a person when another certificate comes", async () => {
    await bind({ trustOnFirstUse: true });
    await online();
    const other = await panelField({ folder: field.recording.deps.folder });
    await other.bind(nodePoints(["Float"]), { trustOnFirstUse: true });
    await expect.poll(() => other.recording.states.at(-1), POLL).toMatchObject({ reason: "certificateUntrusted" });
    await other.close();
  });

  it("keeps its own certificate and the trust over a restart", async () => {
    await bind({ trustOnFirstUse: true });
    await online();
    const own = certificates("own")[0]?.thumbprint;
    await field.driver.stop();
    const again = recordDriver({ folder: field.recording.deps.folder });
    const driver = await opcua.create(CONFIG, again.deps);
    await driver.start(never);
    const config = { endpointUrl: field.server.url };
    await driver.bind([{ device: PANEL, config, points: nodePoints(["Float"]) }]);
    await expect.poll(() => again.states.at(-1), POLL).toMatchObject({ online: true });
    expect(again.certificates.at(-1)?.find(({ trust }) => trust === "own")?.thumbprint).toBe(own);
    await driver.stop();
  });

  it("refuses a server whose certificate is another application's", async () => {
    await bind({ trustOnFirstUse: true, applicationUri: "urn:another:server" });
    await offline("wrongDevice");
    await bind({ trustOnFirstUse: true, applicationUri: "urn:parkhub:test:server" });
    await online();
  });

  it("refuses security mode None unless it is allowed twice (UA-01)", async () => {
    await bind({ securityMode: "None" });
    await offline("insecure");
    await bind({ securityMode: "None", allowInsecure: true });
    await online();
    expect(certificates("trusted")).toEqual([]);
  });

  it.each(SECURITY_POLICIES)("speaks %s, signed and encrypted, and signed", async (securityPolicy) => {
    await bind({ trustOnFirstUse: true, securityPolicy });
    await online();
    await bind({ trustOnFirstUse: true, securityPolicy, securityMode: "Sign" });
    await expect.poll(() => field.recording.reachability(PANEL), POLL).toEqual([true, true]);
  });

  it("signs in as a user, and says so when the password is refused", async () => {
    await bind({ trustOnFirstUse: true, username: "hub", password: "wrong" });
    await offline("unauthorized");
    await bind({ trustOnFirstUse: true, username: "hub", password: "s3cret" });
    await online();
  });

  /** A certificate of a user and its private key, PEM. */
  async function userPair(): Promise<{ readonly userCertificate: string; readonly userPrivateKey: string }> {
    const folder = await mkdtemp(path.join(tmpdir(), "parkhub-opcua-user-"));
    const manager = new OPCUACertificateManager({ rootFolder: folder, disableFileWatchers: true });
    await manager.initialize();
    const outputFile = path.join(folder, "user.pem");
    await manager.createSelfSignedCertificate({
      applicationUri: "urn:parkhub:test:user",
      dns: [],
      outputFile,
      subject: "/CN=operator",
      startDate: new Date(),
      validity: 10,
    });
    const userCertificate = await readFile(outputFile, "utf8");
    const userPrivateKey = await readFile(manager.privateKey, "utf8");
    await manager.dispose();
    await rm(folder, { recursive: true, force: true });
    return { userCertificate, userPrivateKey };
  }

  it("signs in with a certificate as user", async () => {
    await bind({ trustOnFirstUse: true, ...(await userPair()) });
    await online();
  });

  it("does not come as nobody when its user cannot be read, or has the key of another", async () => {
    const [user, other] = [await userPair(), await userPair()];
    for (const wrong of [
      { userCertificate: user.userCertificate },
      { userPrivateKey: user.userPrivateKey },
      { ...user, userCertificate: "no certificate" },
      { ...user, userPrivateKey: other.userPrivateKey },
    ]) {
      const told = field.recording.states.length;
      await bind({ trustOnFirstUse: true, ...wrong });
      await expect.poll(() => field.recording.states.length, POLL).toBeGreaterThan(told);
      await offline("unauthorized");
    }
  });

  it("leaves no secret in what it logs", async () => {
    const said: string[] = [];
    const say = (fields: object, message: string): void => void said.push(`${message} ${JSON.stringify(fields)}`);
    const logger = { debug: say, info: say, warn: say, error: say, child: () => logger };
    const recording = recordDriver({ logger });
    const driver = await opcua.create(CONFIG, recording.deps);
    await driver.start(never);
    const config = {
      endpointUrl: field.server.url,
      trustOnFirstUse: true,
      username: "hub",
      password: "wr0ng-pa55word",
    };
    await driver.bind([{ device: PANEL, config, points: nodePoints(["Float"]) }]);
    await expect.poll(() => recording.states.at(-1), POLL).toMatchObject({ reason: "unauthorized" });
    await driver.stop();
    await rm(recording.deps.folder, { recursive: true, force: true });
    expect(said.length).toBeGreaterThan(0);
    expect(said.filter((line) => line.includes("wr0ng-pa55word"))).toEqual([]);
  });
});
