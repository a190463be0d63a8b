import jpeg from "jpeg-js";
import { afterEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import type { ActionResult } from "#protocols/driver.ts";
import { buildEnvelope, buildFault } from "#protocols/onvif/codec/envelope.ts";
import { CAMERA, type CameraField, cameraField, never, type PlainServer, POLL, plainServer } from "./onvif-field.ts";

const SOAP = "application/soap+xml";

function jpegOf(result: ActionResult): Uint8Array {
  if (result.status !== "done" || result.blob === undefined) throw new Error(`no blob: ${JSON.stringify(result)}`);
  expect(result.blob.contentType).toBe("image/jpeg");
  return result.blob.bytes;
}

describe("actions of a camera", { timeout: 40_000 }, () => {
  const closing: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of closing.splice(0)) await one.close();
  });

  async function connected(options: Parameters<typeof cameraField>[0] = {}): Promise<CameraField> {
    const field = await cameraField(options);
    closing.push(field);
    await expect.poll(() => field.latest("preset")?.quality, POLL).toBe("good");
    return field;
  }
  async function plain(answer: Parameters<typeof plainServer>[0]): Promise<PlainServer> {
    const server = await plainServer(answer);
    closing.push(server);
    return server;
  }
  const soap = (body: string) => ({ status: 200, contentType: SOAP, body: buildEnvelope(body) });

  it("turn it to a preset and answer when it is there", async () => {
    const field = await connected();
    expect(field.latest("preset")?.value).toBe("007");
    expect(await field.act("ptzPreset", { preset: "gate-3" })).toEqual({ status: "done" });
    expect([field.camera.read("preset"), field.camera.read("moving")]).toEqual(["gate-3", false]);
    expect(field.latest("preset")).toMatchObject({ value: "gate-3", quality: "good" });
    expect(field.latest("pan")?.value).toBeCloseTo(60 / 180, 3);
    expect(field.latest("moving")?.value).toBe(false);
  });

  it("take a preset's name as well as its token, and keep a token the string it is", async () => {
    const field = await connected();
    expect(await field.act("ptzPreset", { preset: "Gate 3" })).toEqual({ status: "done" });
    expect(await field.act("ptzPreset", { preset: "007" })).toEqual({ status: "done" });
    expect(field.latest("preset")?.value).toBe("007");
    expect(await field.act("ptzPreset", { preset: "7" })).toMatchObject({
      status: "rejected",
      code: "ONVIF_PRESET_UNKNOWN",
    });
  });

  it("tell a camera that does not arrive", async () => {
    const field = await connected({ config: { moveTimeoutMs: 1000 } });
    // It takes the order and stays where it is.
    field.server.force("GotoPreset", soap("<tptz:GotoPresetResponse/>"));
    expect(await field.act("ptzPreset", { preset: "gate-3" })).toMatchObject({
      status: "timeout",
      code: "ONVIF_PTZ_TIMEOUT",
    });
    field.server.force("GotoPreset", {
      status: 500,
      contentType: SOAP,
      body: buildFault("Receiver", ["Action", "CannotMove"], "motor blocked"),
    });
    expect(await field.act("ptzPreset", { preset: "gate-3" })).toMatchObject({ status: "failed", code: "ONVIF_FAULT" });
  });

  it("do not call a move done that the camera cannot confirm", async () => {
    const field = await connected();
    field.server.force("GetStatus", soap("<tptz:GetStatusResponse><tptz:PTZStatus/></tptz:GetStatusResponse>"));
    expect(await field.act("ptzPreset", { preset: "gate-3" })).toMatchObject({
      status: "failed",
      code: "ONVIF_PTZ_UNCONFIRMED",
    });
  });

  it("give way to a later move", async () => {
    const field = await connected();
    const first = field.act("ptzPreset", { preset: "gate-3" });
    const second = field.act("ptzPreset", { preset: "007" });
    expect(await first).toMatchObject({ status: "failed", code: "ONVIF_PTZ_SUPERSEDED" });
    expect(await second).toEqual({ status: "done" });
  });

  it("take a picture that shows where the camera looks", async () => {
    const field = await connected();
    const home = jpeg.decode(jpegOf(await field.act("snapshot")));
    await field.act("ptzPreset", { preset: "gate-3" });
    const gate = jpeg.decode(jpegOf(await field.act("snapshot")));
    expect([home.width, home.height, gate.width, gate.height]).toEqual([640, 360, 640, 360]);
    let different = 0;
    for (let i = 0; i < home.data.length; i += 4) {
      if (Math.abs((home.data[i] ?? 0) - (gate.data[i] ?? 0)) > 24) different++;
    }
    expect(different).toBeGreaterThan(home.width * home.height * 0.1);
  });

  it("take pictures one after the other on one digest nonce", async () => {
    const field = await connected();
    for (let i = 0; i < 3; i++) jpegOf(await field.act("snapshot"));
    // One refusal to learn the nonce, then one request a picture.
    expect(field.server.requests.get("snapshot")).toBe(4);
    expect(field.server.requests.get("GetSnapshotUri")).toBe(1);
    field.server.reboot(0).catch(() => undefined);
    await expect.poll(() => field.latest("online"), POLL).toMatchObject({ value: true, quality: "good" });
  });

  it.each([
    ["a page for people", { status: 200, contentType: "image/jpeg", body: "<html>login</html>" }],
    ["nothing", { status: 200, contentType: "image/jpeg", body: "" }],
    ["an error", { status: 503, contentType: "text/plain", body: "busy" }],
    ["another server", { status: 302, contentType: "text/plain", body: "" }],
  ])("do not take %s for a picture", async (_what, answer) => {
    const field = await connected();
    field.server.force("snapshot", answer);
    expect(await field.act("snapshot")).toMatchObject({ status: "failed", code: "ONVIF_SNAPSHOT_FAILED" });
    field.server.force("snapshot", undefined);
    jpegOf(await field.act("snapshot"));
  });

  it("refuse a picture of more than 8 MiB", async () => {
    const field = await connected({ config: { timeoutMs: 3000 } });
    field.server.force("snapshot", { status: 200, contentType: "image/jpeg", body: "x".repeat(9 * 1024 * 1024) });
    expect(await field.act("snapshot")).toMatchObject({ status: "failed", code: "ONVIF_MALFORMED" });
  });

  it("never follow an address to another host: its path is asked of the camera itself", async () => {
    const other = await plain((_request, _body, response) => response.end("stolen"));
    const field = await connected();
    const uri = `http://localhost:${other.port}/onvif/snapshot/profile_main.jpg`;
    field.server.force(
      "GetSnapshotUri",
      soap(
        `<trt:GetSnapshotUriResponse><trt:MediaUri><tt:Uri>${uri}</tt:Uri></trt:MediaUri></trt:GetSnapshotUriResponse>`,
      ),
    );
    jpegOf(await field.act("snapshot"));
    expect(other.paths).toEqual([]);
  });

  it("end within their time when the camera falls silent", async () => {
    const field = await connected();
    field.server.silence();
    expect((await field.act("snapshot")).status).toMatch(/^(timeout|failed|rejected)$/);
    expect((await field.act("ptzPreset", { preset: "gate-3" })).status).toMatch(/^(timeout|failed|rejected)$/);
    await expect.poll(() => field.recording.reachability(CAMERA).at(-1), POLL).toBe(false);
    expect(await field.act("snapshot")).toMatchObject({ status: "rejected", code: "ONVIF_DEVICE_OFFLINE" });
  });

  it("end when they are called off", async () => {
    const field = await connected();
    field.server.silence();
    const calledOff = AbortSignal.abort();
    const result = await field.driver.act({ device: CAMERA, action: "snapshot", params: {} }, calledOff);
    expect(result.status).toBe("failed");
  });

  it("do not include writing: a camera's points are read only", async () => {
    const field = await connected();
    const write = { point: pointId(`${CAMERA}/pan`), value: 0.5, priority: 8 };
    expect(await field.driver.write(write, never)).toMatchObject({ status: "rejected", code: "ONVIF_POINT_READ_ONLY" });
  });
});
