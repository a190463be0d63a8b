import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { buildEnvelope, buildFault } from "#protocols/onvif/codec/envelope.ts";
import { serveCamera } from "#simulators/servers/onvif.ts";
import {
  bindingTo,
  CAMERA,
  type CameraField,
  CREDENTIALS,
  cameraField,
  dome,
  never,
  observe,
  type PlainServer,
  POLL,
  plainServer,
} from "./onvif-field.ts";

const SOAP = "application/soap+xml";

describe("the connection to a camera", { timeout: 40_000 }, () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function field(options: Parameters<typeof cameraField>[0] = {}): Promise<CameraField> {
    const made = await cameraField(options);
    closing.push(() => made.close());
    return made;
  }
  async function observing(...args: Parameters<typeof observe>): ReturnType<typeof observe> {
    const made = await observe(...args);
    closing.push(() => made.driver.stop());
    return made;
  }
  async function plain(answer: Parameters<typeof plainServer>[0]): Promise<PlainServer> {
    const server = await plainServer(answer);
    closing.push(() => server.close());
    return server;
  }

  it("is offline as unauthorized with a wrong password, and asks a few times only", async () => {
    const made = await field({ device: { password: "wrong" } });
    await expect
      .poll(() => made.recording.states.at(-1), POLL)
      .toMatchObject({
        device: CAMERA,
        online: false,
        reason: "unauthorized",
      });
    expect(made.latest("motion")).toMatchObject({ quality: "bad", reason: "commLost" });
    expect(made.driver.counters()["unauthorized"]).toBeGreaterThan(0);
    expect(made.recording.reachability(CAMERA)).toEqual([false]);
    expect(await made.act("snapshot")).toMatchObject({ status: "rejected", code: "ONVIF_DEVICE_OFFLINE" });
  });

  it("tells unauthorized when the password changes while it is in use", async () => {
    const made = await field();
    await expect.poll(() => made.latest("motion")?.quality, POLL).toBe("good");
    const fault = { status: 400, contentType: SOAP, body: buildFault("Sender", ["NotAuthorized"], "not authorized") };
    for (const operation of ["PullMessages", "GetStatus", "GetDeviceInformation", "CreatePullPointSubscription"]) {
      made.server.force(operation, fault);
    }
    await expect.poll(() => made.recording.states.at(-1)?.reason, POLL).toBe("unauthorized");
  });

  it.each([
    ["an hour behind", -3_600_000],
    ["a year ahead", 31_536_000_000],
  ])("works with a camera whose clock is %s, and tells by how much", async (_what, clockOffsetMs) => {
    const made = await field({ server: { clockOffsetMs } });
    await expect.poll(() => made.latest("motion")?.quality, POLL).toBe("good");
    expect(Math.abs(Number(made.latest("clockOffset")?.value) - clockOffsetMs / 1000)).toBeLessThanOrEqual(1);
    expect(made.driver.counters()["unauthorized"]).toBe(0);
  });

  it("goes on when the camera's clock is set to another time", async () => {
    const made = await field({ config: { pollMs: 30_000 } });
    await expect.poll(() => made.latest("motion")?.quality, POLL).toBe("good");
    made.server.setClockOffset(-7_200_000);
    // The next signed request is refused as too old; the driver looks at the clock and signs again.
    expect(await made.act("ptzPreset", { preset: "gate-3" })).toEqual({ status: "done" });
    expect(made.recording.reachability(CAMERA)).toEqual([true]);
  });

  it("uses HTTP digest where the camera takes no tokens", async () => {
    const made = await field({ server: { httpDigestOnly: true } });
    await expect.poll(() => made.latest("motion")?.quality, POLL).toBe("good");
    made.camera.write("motion", true);
    await expect.poll(() => made.latest("motion")?.value, POLL).toBe(true);
    expect(await made.act("ptzPreset", { preset: "gate-3" })).toEqual({ status: "done" });
    expect((await made.act("snapshot")).status).toBe("done");
  });

  it("is offline as unauthorized with a wrong password by HTTP digest too", async () => {
    const made = await field({ server: { httpDigestOnly: true }, device: { password: "wrong" } });
    await expect.poll(() => made.recording.states.at(-1)?.reason, POLL).toBe("unauthorized");
  });

  it("tells every point again and again, changed or not, as its sign of life", async () => {
    // Time passes thirty times as fast for what the driver measures.
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() * 30 };
    const made = await field({ clock });
    const told = (): number => made.recording.samples.filter((sample) => sample.point.endsWith("/tamper")).length;
    await expect.poll(() => made.latest("tamper")?.quality, POLL).toBe("good");
    const before = told();
    await expect.poll(told, POLL).toBeGreaterThanOrEqual(before + 2);
    expect(made.events("tamper")).toEqual([]);
  });

  it("refuses a camera that is not the one meant", async () => {
    const made = await field({ server: { serialNumber: "0123456789" }, device: { serialNumber: "123456789" } });
    await expect.poll(() => made.recording.states.at(-1)?.reason, POLL).toBe("wrongDevice");
    const right = await observing(made.server.url, { device: { serialNumber: "0123456789" } });
    await expect.poll(() => right.latest("online")?.value, POLL).toBe(true);
  });

  it("falls back to GetCapabilities with a camera that has no GetServices", async () => {
    const made = await field();
    const fault = buildFault("Receiver", ["ActionNotSupported"], "no GetServices");
    made.server.force("GetServices", { status: 500, contentType: SOAP, body: fault });
    const late = await observing(made.server.url);
    await expect.poll(() => late.latest("motion")?.quality, POLL).toBe("good");
    expect(made.server.requests.get("GetCapabilities")).toBeGreaterThan(0);
  });

  it("uses services behind an address translation: their paths at the configured address", async () => {
    const camera = dome();
    const server = await serveCamera(camera, CREDENTIALS, silentLogger);
    closing.push(() => server.close());
    const paths = ["device", "media", "ptz", "event"].map((name) => `http://192.0.2.1/onvif/${name}_service`);
    const namespaces = ["ver10/device/wsdl", "ver10/media/wsdl", "ver20/ptz/wsdl", "ver10/events/wsdl"];
    const services = paths.map(
      (path, i) =>
        `<tds:Service><tds:Namespace>http://www.onvif.org/${namespaces[i]}</tds:Namespace><tds:XAddr>${path}</tds:XAddr></tds:Service>`,
    );
    const body = buildEnvelope(`<tds:GetServicesResponse>${services.join("")}</tds:GetServicesResponse>`);
    server.force("GetServices", { status: 200, contentType: SOAP, body });
    const made = await observing(server.url);
    await expect.poll(() => made.latest("motion")?.quality, POLL).toBe("good");
  });

  it("tells points that the camera cannot have as a fault of the configuration", async () => {
    const made = await field();
    const fixed = buildEnvelope(
      '<trt:GetProfilesResponse><trt:Profiles token="p"><tt:VideoSourceConfiguration/><tt:VideoEncoderConfiguration/>' +
        "</trt:Profiles></trt:GetProfilesResponse>",
    );
    made.server.force("GetProfiles", { status: 200, contentType: SOAP, body: fixed });
    const late = await observing(made.server.url);
    await expect.poll(() => late.latest("pan"), POLL).toMatchObject({ quality: "bad", reason: "configError" });
    expect(await late.act("ptzPreset", { preset: "007" })).toMatchObject({ status: "rejected", code: "ONVIF_NO_PTZ" });
  });

  describe("to a hostile device", () => {
    const page = "<!DOCTYPE html><html><head><title>Login</title></head><body>hello</body></html>";
    const bomb = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>`;

    it.each([
      ["a page for people", "text/html", page],
      ["an entity bomb", SOAP, bomb],
      ["garbage", SOAP, "\u0000\u0001\u0002<<<>>>&&&"],
      ["nothing", SOAP, ""],
      ["a wrong envelope", SOAP, buildEnvelope("<tds:SomethingElse/>")],
      ["a very deep envelope", SOAP, buildEnvelope("<a>".repeat(5000) + "</a>".repeat(5000))],
      [
        "more than any answer holds",
        SOAP,
        buildEnvelope(`<tds:GetSystemDateAndTimeResponse>${"x".repeat(3_000_000)}</tds:GetSystemDateAndTimeResponse>`),
      ],
      ["a half answer", SOAP, buildEnvelope("<tds:GetSystemDateAndTimeResponse/>").slice(0, -20)],
    ])("that answers %s, is offline and tried again", async (_what, type, answer) => {
      const hostile = await plain((_request, _body, response) => {
        response.writeHead(200, { "content-type": type });
        response.end(answer);
      });
      const made = await observing(hostile.url);
      await expect.poll(() => made.recording.states.at(-1), POLL).toMatchObject({ online: false });
      expect(made.latest("motion")).toMatchObject({ quality: "bad", reason: "commLost" });
      const asked = hostile.paths.length;
      await expect.poll(() => hostile.paths.length, POLL).toBeGreaterThan(asked + 1);
    });

    it("that answers a byte now and then, is given up after the time-out", async () => {
      const hostile = await plain((_request, _body, response) => {
        response.writeHead(200, { "content-type": SOAP });
        const drip = setInterval(() => response.write(" "), 50);
        response.once("close", () => clearInterval(drip));
      });
      const made = await observing(hostile.url);
      await expect.poll(() => made.recording.states.at(-1), POLL).toMatchObject({ online: false, reason: "commLost" });
      expect(made.driver.counters()["timeouts"]).toBeGreaterThan(0);
    });

    it("that closes every connection, is offline and tried again", async () => {
      const hostile = await plain((request) => request.socket.destroy());
      const made = await observing(hostile.url);
      await expect.poll(() => made.recording.states.at(-1)?.online, POLL).toBe(false);
      const asked = hostile.paths.length;
      await expect.poll(() => hostile.paths.length, POLL).toBeGreaterThan(asked + 1);
    });

    it("whose pulls bring garbage, stops neither the driver nor the camera beside it", async () => {
      const bad = await field();
      const good = await field();
      await expect.poll(() => bad.latest("motion")?.quality, POLL).toBe("good");
      await expect.poll(() => good.latest("motion")?.quality, POLL).toBe("good");
      const flood = Array.from(
        { length: 3000 },
        () => "<wsnt:NotificationMessage><wsnt:Topic>tns1:A/B</wsnt:Topic></wsnt:NotificationMessage>",
      ).join("");
      const answers = [
        page,
        bomb,
        buildEnvelope("<tev:Wrong/>"),
        buildEnvelope(`<tev:PullMessagesResponse>${flood}</tev:PullMessagesResponse>`),
      ];
      for (const body of answers) {
        bad.server.force("PullMessages", { status: 200, contentType: SOAP, body });
        const before = bad.driver.counters()["malformed"] ?? 0;
        await expect.poll(() => bad.driver.counters()["malformed"] ?? 0, POLL).toBeGreaterThan(before);
      }
      bad.server.force("PullMessages", undefined);
      bad.camera.write("motion", true);
      await expect.poll(() => bad.latest("motion"), POLL).toMatchObject({ value: true, quality: "good" });
      expect(good.recording.reachability(CAMERA)).toEqual([true]);
      expect(good.recording.samples.filter((sample) => sample.quality === "uncertain")).toEqual([]);
    });

    it("never sees the password", async () => {
      const seen: string[] = [];
      const hostile = await plain((request, body, response) => {
        seen.push(JSON.stringify(request.headers), body);
        // Asks for a scheme that would send the password as it is.
        response.writeHead(401, { "www-authenticate": 'Basic realm="camera"', "content-type": "text/html" });
        response.end("unauthorized");
      });
      const made = await observing(hostile.url, { device: { password: "geheim-4711" } });
      await expect.poll(() => made.recording.states.at(-1)?.reason, POLL).toBe("unauthorized");
      const basic = Buffer.from("hub:geheim-4711").toString("base64");
      expect(seen.some((text) => text.includes("geheim-4711") || text.includes(basic))).toBe(false);
    });
  });

  it("of a changed configuration is a new one; points can change on the same one", async () => {
    const made = await field({ device: { password: "wrong" } });
    await expect.poll(() => made.recording.states.at(-1)?.reason, POLL).toBe("unauthorized");
    await made.driver.bind([bindingTo(made.server.url)]);
    await expect.poll(() => made.latest("motion")?.quality, POLL).toBe("good");
    const connections = made.server.requests.get("GetServices");
    await made.driver.bind([{ ...bindingTo(made.server.url), points: bindingTo(made.server.url).points.slice(0, 2) }]);
    await expect.poll(() => made.recording.reachability(CAMERA), POLL).toEqual([false, true, true]);
    expect(made.server.requests.get("GetServices")).toBe(connections);
  });

  it("follows the last of two sets of devices that come one upon the other", async () => {
    const made = await field();
    await expect.poll(() => made.latest("online")?.value, POLL).toBe(true);
    const { url } = made.server;
    // other credentials: the first set has to wait for the end of the connection in use
    const other = bindingTo(url, { username: "other" });
    const [first, second] = other.points;
    if (first === undefined || second === undefined) throw new Error("two points are needed");
    await Promise.all([
      made.driver.bind([{ ...other, points: [first] }]),
      made.driver.bind([{ ...other, points: [second] }]),
    ]);
    const code = async ({ point }: typeof first): Promise<unknown> => {
      const result = await made.driver.write({ point, value: true, priority: 8 }, never);
      return result.status === "rejected" ? result.code : result.status;
    };
    expect([await code(first), await code(second)]).toEqual(["ONVIF_POINT_UNKNOWN", "ONVIF_POINT_READ_ONLY"]);
  });
});
