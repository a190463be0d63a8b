import { X509Certificate } from "node:crypto";
import { request as httpsRequest } from "node:https";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import type { SimulatedCamera } from "#simulators/devices/camera.ts";
import { type CameraServer, serveCamera } from "#simulators/servers/onvif.ts";
import { CREDENTIALS, dome, POLL } from "./onvif-field.ts";
import { bodyOf, faultOf, soap, subscribe } from "./onvif-simulator-client.ts";

const INFORMATION = "<tds:GetDeviceInformation/>";
const RENEW = "<wsnt:Renew><wsnt:TerminationTime>PT60S</wsnt:TerminationTime></wsnt:Renew>";

/** How far ahead of ours the camera's clock is, whole seconds. */
async function clockAhead(server: CameraServer): Promise<number> {
  const answer = await bodyOf(soap(server, "<tds:GetSystemDateAndTime/>", { header: "" }));
  const utc = answer.at("SystemDateAndTime", "UTCDateTime");
  const part = (...names: string[]): number => Number(utc?.textAt(...names));
  const told = Date.UTC(
    part("Date", "Year"),
    part("Date", "Month") - 1,
    part("Date", "Day"),
    part("Time", "Hour"),
    part("Time", "Minute"),
    part("Time", "Second"),
  );
  return Math.round((told - Date.now()) / 1000);
}

describe("the fault menu of a simulated camera", { timeout: 30_000 }, () => {
  let camera: SimulatedCamera;
  let server: CameraServer;

  beforeEach(async () => {
    camera = dome();
    server = await serveCamera(camera, CREDENTIALS, silentLogger);
  });
  afterEach(() => server.close());

  it("refuses what it does not have and options that make no sense, all named", () => {
    const { faults } = server;
    expect(() => faults.set("earthquake")).toThrow(expect.objectContaining({ code: "SIM_FAULT_UNKNOWN" }));
    expect(() => faults.set("deaf-doors")).toThrow(expect.objectContaining({ code: "SIM_FAULT_UNKNOWN" }));
    for (const [kind, options] of [
      ["late", { ms: -1 }],
      ["late", { ms: "soon" }],
      ["late", { when: 1 }],
      ["wrong-shape", { shape: "round" }],
      ["redirect", { status: 200 }],
    ] as const) {
      expect(() => faults.set(kind, options), kind).toThrow(
        expect.objectContaining({ code: "SIM_FAULT_OPTION_INVALID" }),
      );
    }
    expect(faults.active).toEqual([]);
    faults.set("no-renew");
    faults.set("late", { ms: 1, operation: "GetScopes" });
    faults.clear("no-renew");
    expect(faults.active).toEqual(["late"]);
    faults.clear();
    expect(faults.active).toEqual([]);
  });

  it("answers late, does nothing for a dropped request, and hits one operation only where told so", async () => {
    server.faults.set("late", { ms: 300, operation: "GetScopes" });
    const began = performance.now();
    await bodyOf(soap(server, INFORMATION));
    await bodyOf(soap(server, "<tds:GetScopes/>"));
    expect(performance.now() - began).toBeGreaterThan(290);
    server.faults.set("dropped", { operation: "SetRelayOutputState" });
    const relay =
      "<tds:SetRelayOutputState><tds:RelayOutputToken>RO_1</tds:RelayOutputToken><tds:LogicalState>active</tds:LogicalState></tds:SetRelayOutputState>";
    await expect(soap(server, relay)).rejects.toThrow();
    expect(camera.read("relay")).toBe(false);
    await bodyOf(soap(server, INFORMATION));
  });

  it("takes connections and says nothing when half open", async () => {
    server.faults.set("half-open");
    const gone = AbortSignal.timeout(300);
    await expect(soap(server, INFORMATION, { signal: gone })).rejects.toThrow(/aborted|timeout/i);
    server.faults.clear();
    await bodyOf(soap(server, INFORMATION));
  });

  it("trickles", async () => {
    server.faults.set("slow-bytes", { bytesPerSecond: 50 });
    const response = await fetch(server.url, { method: "POST", body: "<nothing/>" });
    expect(response.status).toBe(400);
    const chunks = response.body?.getReader();
    const first = await chunks?.read();
    expect(first?.value?.length ?? 0).toBeLessThan(10);
    await chunks?.cancel();
  });

  it("sends bombs, traps, deep and wrong shapes in the place of an answer", async () => {
    const text = async (): Promise<string> =>
      (
        await fetch(server.url, {
          method: "POST",
          body: `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><GetX/></s:Body></s:Envelope>`,
        })
      ).text();
    server.faults.set("xml-bomb");
    expect(await text()).toMatch(/<!DOCTYPE.*<!ENTITY e9 "(&e8;){10}">.*&e9;/s);
    server.faults.clear();
    server.faults.set("external-entity");
    const trap = /SYSTEM "([^"]+)"/.exec(await text())?.[1] ?? "";
    await fetch(trap);
    expect(server.requests.get("leak")).toBe(1);
    server.faults.clear();
    const shapes: Record<string, RegExp> = {
      "other-element": /SetHostnameFromDHCPResponse/,
      "no-content": /<tds:GetXResponse\/>/,
      "empty-body": /<s:Body><\/s:Body>/,
      "no-envelope": /<answer>/,
      html: /<html>/,
      truncated: /<tds:Value>$/,
      "soap-1.1": /schemas.xmlsoap.org\/soap\/envelope/,
      deep: /(<tt:A>){1000}/,
    };
    for (const [shape, looks] of Object.entries(shapes)) {
      server.faults.set("wrong-shape", { shape });
      expect(await text(), shape).toMatch(looks);
    }
  });

  it("streams an answer of any size, and stops when the client has had enough", async () => {
    server.faults.set("huge-answer", { megabytes: 5 });
    const body = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><GetX/></s:Body></s:Envelope>`;
    const response = await fetch(server.url, { method: "POST", body });
    expect((await response.text()).length).toBeGreaterThan(5_000_000);
    server.faults.set("huge-answer", { megabytes: 1000 });
    const endless = await fetch(server.url, { method: "POST", body });
    await endless.body?.cancel();
    server.faults.clear();
    await bodyOf(soap(server, INFORMATION));
  });

  it("redirects to another host, and names another host in its addresses", async () => {
    server.faults.set("redirect", { status: 302 });
    const response = await fetch(server.url, {
      method: "POST",
      body: `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><GetX/></s:Body></s:Envelope>`,
      redirect: "manual",
    });
    expect([response.status, response.headers.get("location")]).toEqual([302, "http://192.0.2.1/onvif/device_service"]);
    server.faults.clear();
    server.faults.set("foreign-address", { of: "media", host: "192.0.2.9" });
    const uri = "<trt:GetStreamUri><trt:ProfileToken>profile_main</trt:ProfileToken></trt:GetStreamUri>";
    expect((await bodyOf(soap(server, uri))).textAt("MediaUri", "Uri")).toMatch(/^rtsp:\/\/192\.0\.2\.9:/);
    expect((await subscribe(server)).url).toContain("127.0.0.1");
  });

  it("lets its clock drift, and refuses tokens of the right time then", async () => {
    server.faults.set("clock-drift", { seconds: 7200 });
    expect(Math.abs((await clockAhead(server)) - 7200)).toBeLessThanOrEqual(1);
    expect(await faultOf(soap(server, INFORMATION))).toEqual([400, "Sender", "NotAuthorized"]);
    await bodyOf(soap(server, INFORMATION, { now: Date.now() + 7_200_000 }));
    server.faults.clear("clock-drift");
    expect(Math.abs(await clockAhead(server))).toBeLessThanOrEqual(1);
  });

  it("loses its subscriptions, and each new one after a while", async () => {
    const before = await subscribe(server);
    server.faults.set("subscription-death", { afterMs: 50 });
    expect(await faultOf(before.ask(RENEW))).toEqual([400, "Sender", "InvalidArgVal"]);
    await subscribe(server);
    await expect.poll(() => server.subscriptions, POLL).toBe(0);
  });

  it("knows no Renew, takes one form of time only, leaves CurrentTime out, has no pull points", async () => {
    const events = await subscribe(server);
    server.faults.set("no-renew");
    expect(await faultOf(events.ask(RENEW))).toEqual([500, "Receiver", "ActionNotSupported"]);
    server.faults.clear();
    server.faults.set("termination-form", { takes: "absolute" });
    expect(await faultOf(events.ask(RENEW))).toEqual([400, "Sender", "InvalidArgVal"]);
    const at = new Date(Date.now() + 60_000).toISOString();
    await bodyOf(events.ask(RENEW.replace("PT60S", at)));
    server.faults.set("termination-form", { takes: "relative" });
    expect(await faultOf(events.ask(RENEW.replace("PT60S", at)))).toEqual([400, "Sender", "InvalidArgVal"]);
    await bodyOf(events.ask(RENEW));
    server.faults.set("missing-current-time");
    const { answer, ask } = await subscribe(server);
    const pull = "<tev:PullMessages><tev:Timeout>PT1S</tev:Timeout></tev:PullMessages>";
    for (const told of [answer, await bodyOf(ask(RENEW)), await bodyOf(ask(pull))]) {
      expect([told.child("TerminationTime"), told.child("CurrentTime")]).toEqual([expect.anything(), undefined]);
    }
    server.faults.set("create-pull-point-fault");
    await expect(subscribe(server)).rejects.toThrow(/MaxPullPoints/);
  });

  it("never answers a pull when its events are frozen, while all else is answered", async () => {
    const events = await subscribe(server);
    server.faults.set("frozen-events");
    const frozen = soap(server, "<tev:PullMessages><tev:Timeout>PT0.1S</tev:Timeout></tev:PullMessages>", {
      url: events.url,
      signal: AbortSignal.timeout(600),
    });
    await expect(frozen).rejects.toThrow(/aborted|timeout/i);
    await bodyOf(events.ask(RENEW));
  });

  it("tells events backwards and twice", async () => {
    const events = await subscribe(server, "tns1:VideoSource/MotionAlarm");
    await events.pull();
    server.faults.set("events-out-of-order");
    server.faults.set("events-duplicated");
    camera.write("motion", true);
    camera.write("motion", false);
    const told = (state: boolean): string => `tns1:VideoSource/MotionAlarm {Source=VS_1 State=${state}} Changed`;
    expect(await events.pull()).toEqual([told(false), told(false), told(true), told(true)]);
  });

  it("takes HTTP digest only, or lets nobody in", async () => {
    server.faults.set("http-digest-only");
    expect(await faultOf(soap(server, INFORMATION))).toEqual([401, "Sender", "NotAuthorized"]);
    server.faults.clear();
    server.faults.set("not-authorized");
    expect(await faultOf(soap(server, INFORMATION))).toEqual([400, "Sender", "NotAuthorized"]);
  });

  it("reboots: subscriptions are gone, and the last reboot is told anew", async () => {
    const boot = async (): Promise<string | undefined> =>
      (await (await subscribe(server, "tns1:Monitoring//.")).pull()).find((told) => told.includes("LastReboot"));
    const before = await boot();
    server.faults.set("reboot", { downMs: 50 });
    expect(server.faults.active).toEqual(["reboot"]);
    await expect.poll(() => server.faults.active, POLL).toEqual([]);
    expect(server.subscriptions).toBe(0);
    const after = await boot();
    expect(after).toContain("Initialized");
    expect(after).not.toBe(before);
  });
});

describe("a simulated camera with TLS", () => {
  let server: CameraServer;
  beforeEach(async () => {
    server = await serveCamera(dome(), { ...CREDENTIALS, tls: true }, silentLogger);
  });
  afterEach(() => server.close());

  /** The certificate that a client is shown, and whether it would trust it when told to. */
  function handshake(ca?: string): Promise<{ readonly certificate: DetailedPeerCertificate; readonly error: string }> {
    return new Promise((resolve, reject) => {
      const trust = ca === undefined ? {} : { ca };
      const request = httpsRequest(server.url, { method: "POST", rejectUnauthorized: false, agent: false, ...trust });
      request.on("response", (response) => {
        const socket = response.socket as TLSSocket;
        const { authorizationError } = socket;
        response.resume();
        resolve({
          certificate: socket.getPeerCertificate(true),
          error: authorizationError instanceof Error ? authorizationError.message : String(authorizationError ?? ""),
        });
      });
      request.on("error", reject);
      request.end("<nothing/>");
    });
  }
  const pem = (raw: Buffer): string =>
    `-----BEGIN CERTIFICATE-----\n${raw.toString("base64")}\n-----END CERTIFICATE-----\n`;

  it("shows a certificate that who trusts it accepts, made out to the camera and signed by itself", async () => {
    expect(server.url).toMatch(/^https:/);
    const { certificate } = await handshake();
    expect(certificate.fingerprint256).toBe(server.fingerprint);
    expect((await handshake(pem(certificate.raw))).error).toBe("");
    expect(certificate.subjectaltname).toBe("DNS:localhost, IP Address:127.0.0.1");
    const read = new X509Certificate(certificate.raw);
    expect([read.subject, read.verify(read.publicKey)]).toEqual(["CN=SIM-camera-1", true]);
  });

  it("shows an expired one while that fault is on", async () => {
    const { certificate } = await handshake();
    server.faults.set("expired-certificate");
    const expired = await handshake();
    expect(Date.parse(expired.certificate.valid_to)).toBeLessThan(Date.now());
    expect((await handshake(pem(expired.certificate.raw))).error).toBe("CERT_HAS_EXPIRED");
    server.faults.clear();
    expect(Date.parse((await handshake()).certificate.valid_to)).toBeGreaterThan(Date.parse(certificate.valid_from));
  });
});
