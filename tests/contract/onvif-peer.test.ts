import jpeg from "jpeg-js";
import onvif from "onvif";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { chooseChallenge, digestAuthorization } from "#protocols/onvif/codec/http-digest.ts";
import type { SimulatedCamera } from "#simulators/devices/camera.ts";
import { type CameraServer, serveCamera } from "#simulators/servers/onvif.ts";
import { CREDENTIALS, dome, POLL } from "./onvif-field.ts";

type Client = InstanceType<typeof onvif.Cam>;
type Answer = Readonly<Record<string, unknown>>;

/** The independent client's callbacks as promises. */
function ask(call: (done: (error: Error | null, data?: unknown) => void) => void): Promise<Answer> {
  return new Promise((resolve, reject) => {
    call((error, data) => (error === null || error === undefined ? resolve(Object(data)) : reject(error)));
  });
}

describe("the simulated camera and the independent client of npm", { timeout: 30_000 }, () => {
  let camera: SimulatedCamera;
  let server: CameraServer;
  let stopPhysics: () => void;

  beforeEach(async () => {
    camera = dome();
    server = await serveCamera(camera, { ...CREDENTIALS, clockOffsetMs: -3_600_000 }, silentLogger);
    stopPhysics = systemClock.every(50, () => camera.step(0.05, systemClock.now()));
  });
  afterEach(async () => {
    stopPhysics();
    await server.close();
  });

  function connect(password = CREDENTIALS.password): Promise<Client> {
    return new Promise((resolve, reject) => {
      const options = {
        hostname: server.address.host,
        port: server.address.port,
        username: "hub",
        password,
        timeout: 3000,
      };
      const client: Client = new onvif.Cam(options, (error) => (error ? reject(error) : resolve(client)));
    });
  }

  it("connect in spite of the clock, and see profiles, identity, streams and snapshots", async () => {
    const client = await connect();
    expect(client.activeSource).toMatchObject({ sourceToken: "VS_1", profileToken: "profile_main", encoding: "H264" });
    expect(client.profiles?.length).toBe(2);
    expect(await ask((done) => client.getDeviceInformation(done))).toMatchObject({ serialNumber: "SIM-camera-1" });
    expect(await ask((done) => client.getStreamUri({ protocol: "RTSP" }, done))).toMatchObject({
      uri: "rtsp://127.0.0.1:554/camera-1/main",
    });
    expect(await ask((done) => client.getSnapshotUri({}, done))).toMatchObject({
      uri: `http://127.0.0.1:${server.address.port}/onvif/snapshot/profile_main.jpg`,
    });
    expect(await ask((done) => client.getCapabilities(done))).toMatchObject({ events: { WSPullPointSupport: true } });
    expect(Object.keys(await ask((done) => client.getScopes(done))).length).toBeGreaterThan(3);
  });

  it("agree that a wrong password is refused", async () => {
    await expect(connect("wrong")).rejects.toThrow(/not authorized/i);
  });

  it("agree on presets, moves and status", async () => {
    const client = await connect();
    expect(Object.keys(await ask((done) => client.getPresets({}, done)))).toEqual(["Home", "Gate 3"]);
    await ask((done) => client.gotoPreset({ preset: "gate-3" }, done));
    await expect.poll(() => camera.read("preset"), POLL).toBe("gate-3");
    const status = await ask((done) => client.getStatus({}, done));
    expect(status).toMatchObject({ moveStatus: { panTilt: "IDLE" }, position: { x: 0.333333, y: -0.111111 } });
    await ask((done) => client.absoluteMove({ x: -0.5, y: 0, zoom: 1 }, done));
    await expect.poll(() => [camera.read("pan"), camera.read("zoom")], POLL).toEqual([-90, 20]);
    await ask((done) => client.continuousMove({ x: 1, y: 0, zoom: 0 }, done));
    expect(camera.read("moving")).toBe(true);
    await ask((done) => client.stop({ panTilt: true, zoom: true }, done));
    expect(camera.read("moving")).toBe(false);
    await expect(ask((done) => client.gotoPreset({ preset: "nowhere" }, done))).rejects.toThrow(/no preset/);
  });

  it("agree on relative moves, the home position and new presets", async () => {
    const client = await connect();
    await ask((done) => client.relativeMove({ x: 0.1, y: -0.1, zoom: 0 }, done));
    await expect.poll(() => [camera.read("pan"), camera.read("tilt")], POLL).toEqual([18, -9]);
    await ask((done) => client.setHomePosition({}, done));
    await ask((done) => client.setPreset({ presetName: "Yard" }, done));
    expect(await ask((done) => client.getPresets({}, done))).toMatchObject({
      Yard: { PTZPosition: { panTilt: { $: { x: 0.1, y: -0.1 } } } },
    });
    await ask((done) => client.gotoPreset({ preset: "gate-3" }, done));
    await expect.poll(() => camera.read("preset"), POLL).toBe("gate-3");
    await ask((done) => client.gotoHomePosition({}, done));
    await expect.poll(() => [camera.read("pan"), camera.read("tilt")], POLL).toEqual([18, -9]);
    await ask((done) => client.removePreset({ presetToken: "1" }, done));
    expect(camera.presets.map(({ token }) => token)).toEqual(["007", "gate-3"]);
  });

  it("agree on imaging settings", async () => {
    const client = await connect();
    await ask((done) => client.setImagingSettings({ brightness: 70, contrast: 30 }, done));
    expect([camera.read("brightness"), camera.read("contrast"), camera.read("sharpness")]).toEqual([70, 30, 50]);
    expect(await ask((done) => client.getImagingSettings({}, done))).toMatchObject({ brightness: 70, contrast: 30 });
  });

  it("see an H.265 main stream by Media2, and its address", async () => {
    server.faults.set("h265-main");
    const client = await connect();
    expect(client.media2Support).toBe(true);
    expect(client.activeSource).toMatchObject({ profileToken: "profile_main", encoding: "H265" });
    expect(await ask((done) => client.getStreamUri({ protocol: "RTSP" }, done))).toMatchObject({
      uri: "rtsp://127.0.0.1:554/camera-1/main",
    });
  });

  it("exchange events over a PullPoint", async () => {
    const client = await connect();
    expect(await ask((done) => client.getEventProperties(done))).toMatchObject({
      topicSet: { videoSource: { motionAlarm: {} } },
    });
    const seen: string[] = [];
    client.on("event", (message) => {
      const item = message.message.message.data.simpleItem.$;
      seen.push(
        `${message.topic._} ${item.Name}=${item.Value} ${message.message.message.$.PropertyOperation ?? "instant"}`,
      );
    });
    const motion = (operation: string, state: boolean): string =>
      `tns1:VideoSource/MotionAlarm State=${state} ${operation}`;
    await expect.poll(() => seen, POLL).toContain(motion("Initialized", false));
    camera.write("motion", true);
    await expect.poll(() => seen, POLL).toContain(motion("Changed", true));
    camera.write("line-crossed", true);
    await expect.poll(() => seen, POLL).toContain("tns1:RuleEngine/LineDetector/Crossed ObjectId=1 instant");
    client.removeAllListeners("event");
  });

  it("give a picture to who knows the password, once a nonce count, and to nobody else", async () => {
    const url = `http://127.0.0.1:${server.address.port}/onvif/snapshot/profile_main.jpg`;
    const refused = await fetch(url);
    expect(refused.status).toBe(401);
    const challenge = chooseChallenge((refused.headers.get("www-authenticate") ?? "").split(/,\s*(?=Digest )/));
    if (challenge === undefined) throw new Error("no challenge");
    const authorization = (password: string): string =>
      digestAuthorization({
        challenge,
        username: "hub",
        password,
        method: "GET",
        uri: "/onvif/snapshot/profile_main.jpg",
        count: 1,
        clientNonce: "c",
      });
    expect((await fetch(url, { headers: { authorization: authorization("wrong") } })).status).toBe(401);
    const header = { authorization: authorization(CREDENTIALS.password) };
    const granted = await fetch(url, { headers: header });
    expect(granted.headers.get("content-type")).toBe("image/jpeg");
    expect(jpeg.decode(new Uint8Array(await granted.arrayBuffer())).width).toBe(640);
    expect((await fetch(url, { headers: header })).status).toBe(401);
  });
});
