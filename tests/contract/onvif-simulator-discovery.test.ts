import { createSocket } from "node:dgram";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { parseEnvelope } from "#protocols/onvif/codec/envelope.ts";
import type { XmlElement } from "#protocols/onvif/codec/xml.ts";
import { type CameraServer, serveCamera } from "#simulators/servers/onvif.ts";
import { CREDENTIALS, dome } from "./onvif-field.ts";
import { bodyOf, soap } from "./onvif-simulator-client.ts";

const DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery";
const ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
const MESSAGE_ID = "urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a";
/** How long silence is waited for, ms. */
const SILENCE_MS = 250;

function message(action: string, body: string): string {
  return (
    `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="${ADDRESSING}" xmlns:d="${DISCOVERY}">` +
    `<e:Header><w:MessageID>${MESSAGE_ID}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>` +
    `<w:Action>${DISCOVERY}/${action}</w:Action></e:Header><e:Body>${body}</e:Body></e:Envelope>`
  );
}

const probe = (types: string, scopes = ""): string =>
  message(
    "Probe",
    `<d:Probe><d:Types xmlns:n="http://www.onvif.org/ver10/network/wsdl" xmlns:t="http://www.onvif.org/ver10/device/wsdl">${types}</d:Types>${scopes}</d:Probe>`,
  );

describe("a simulated camera that lets itself be found", () => {
  let server: CameraServer;

  beforeEach(async () => {
    server = await serveCamera(dome(), { ...CREDENTIALS, discovery: {} }, silentLogger);
  });
  afterEach(() => server.close());

  /** Sends a datagram and gives what comes back; undefined for silence. */
  async function ask(datagram: string): Promise<{ header: readonly XmlElement[]; body: XmlElement } | undefined> {
    const socket = createSocket("udp4");
    try {
      const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
        const cancel = systemClock.after(SILENCE_MS, () => resolve(undefined));
        socket.once("error", reject);
        socket.once("message", (bytes) => {
          cancel();
          resolve(bytes);
        });
        socket.bind(0, "127.0.0.1", () => socket.send(datagram, server.discoveryAddress?.port, "127.0.0.1"));
      });
      if (answer === undefined) return undefined;
      const parsed = parseEnvelope(answer.toString("utf8"));
      return parsed.kind === "body" ? { header: parsed.headers, body: parsed.body } : undefined;
    } finally {
      socket.close();
    }
  }

  it("answers a probe for its kind with its identity, its scopes and its address", async () => {
    const answer = await ask(probe("n:NetworkVideoTransmitter"));
    const related = answer?.header.find(({ name }) => name === "RelatesTo");
    expect([related?.namespace, related?.text]).toEqual([ADDRESSING, MESSAGE_ID]);
    const match = answer?.body.child("ProbeMatch", DISCOVERY);
    expect(match?.children.map(({ name }) => name)).toEqual([
      "EndpointReference",
      "Types",
      "Scopes",
      "XAddrs",
      "MetadataVersion",
    ]);
    expect(match?.textAt("XAddrs")).toBe(server.url);
    expect(match?.textAt("Scopes")).toContain("onvif://www.onvif.org/hardware/SimulatedPTZ");
    const identity = await bodyOf(soap(server, "<tds:GetEndpointReference/>"));
    expect(match?.textAt("EndpointReference", "Address")).toBe(identity.textAt("GUID"));
    expect(identity.textAt("GUID")).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  it("answers a probe for everything and for its scopes, whole segments only", async () => {
    const scoped = (scope: string, rule = ""): string => probe("", `<d:Scopes${rule}>${scope}</d:Scopes>`);
    expect(await ask(message("Probe", "<d:Probe/>"))).toBeDefined();
    expect(await ask(scoped("onvif://www.onvif.org/hardware"))).toBeDefined();
    expect(await ask(scoped("onvif://www.onvif.org/type/ptz onvif://www.onvif.org"))).toBeDefined();
    expect(await ask(scoped("onvif://www.onvif.org/hardware/Simulated"))).toBeUndefined();
    expect(await ask(scoped("onvif://www.onvif.org/hardware", ` MatchBy="${DISCOVERY}/strcmp0"`))).toBeUndefined();
  });

  it("is silent to probes for others, to garbage, and while its cable is cut", async () => {
    expect(await ask(probe("t:NetworkVideoTransmitter"))).toBeUndefined();
    expect(await ask(probe("n:NetworkVideoTransmitter t:Printer"))).toBeUndefined();
    expect(await ask("<broken")).toBeUndefined();
    expect(await ask(`<!DOCTYPE x [<!ENTITY a "b">]>${probe("")}`)).toBeUndefined();
    server.silence();
    expect(await ask(probe("t:Device"))).toBeUndefined();
    server.restore();
    expect(await ask(probe("t:Device"))).toBeDefined();
  });

  it("resolves its own endpoint reference and nobody else's", async () => {
    const identity = (await bodyOf(soap(server, "<tds:GetEndpointReference/>"))).textAt("GUID");
    const resolve = (address: string | undefined): string =>
      message(
        "Resolve",
        `<d:Resolve><w:EndpointReference><w:Address>${address}</w:Address></w:EndpointReference></d:Resolve>`,
      );
    expect((await ask(resolve(identity)))?.body.child("ResolveMatch")?.textAt("XAddrs")).toBe(server.url);
    expect(await ask(resolve(MESSAGE_ID))).toBeUndefined();
  });
});
