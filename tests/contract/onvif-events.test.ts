import { afterEach, describe, expect, it } from "vitest";
import { buildFault } from "#protocols/onvif/codec/envelope.ts";
import { CAMERA, type CameraField, cameraField, POLL } from "./onvif-field.ts";

describe("events of a camera", { timeout: 40_000 }, () => {
  const fields: CameraField[] = [];
  afterEach(async () => {
    await Promise.all(fields.splice(0).map((field) => field.close()));
  });

  async function listening(options: Parameters<typeof cameraField>[0] = {}): Promise<CameraField> {
    const field = await cameraField(options);
    fields.push(field);
    await expect.poll(() => field.latest("motion")?.quality, POLL).toBe("good");
    return field;
  }

  it("become device events and boolean points, each change once", async () => {
    const field = await listening();
    expect(field.latest("motion")?.value).toBe(false);
    field.camera.write("motion", true);
    await expect.poll(() => field.latest("motion")?.value, POLL).toBe(true);
    field.camera.write("tamper", true);
    field.camera.write("digital-input", true);
    field.camera.write("field-intrusion", true);
    await expect.poll(() => field.latest("fieldIntrusion")?.value, POLL).toBe(true);
    expect([field.latest("tamper")?.value, field.latest("digitalInput")?.value]).toEqual([true, true]);
    field.camera.write("motion", false);
    await expect.poll(() => field.events("motion").map((event) => event.state), POLL).toEqual([true, false]);
    expect(field.events("tamper")).toMatchObject([{ device: CAMERA, state: true, data: { Source: "VS_1" } }]);
    expect(field.events("digitalInput")).toMatchObject([{ state: true, data: { InputToken: "DI_1" } }]);
    expect(new Set(field.recording.events.map((event) => event.id)).size).toBe(field.recording.events.length);
  });

  it("tell every crossing of a line", async () => {
    const field = await listening();
    for (const object of ["1", "2", "3"]) {
      field.camera.write("line-crossed", true);
      await expect.poll(() => field.events("lineCrossed").at(-1)?.data?.["ObjectId"], POLL).toBe(object);
      expect(field.latest("lineCrossed")).toMatchObject({ value: true, quality: "good" });
    }
    expect(field.events("lineCrossed").length).toBe(3);
    await expect.poll(() => field.latest("lineCrossed")?.value, POLL).toBe(false);
  });

  it("tell a motion that stood before anybody listened [MP-01]", async () => {
    const field = await cameraField();
    fields.push(field);
    field.camera.write("motion", true);
    await expect.poll(() => field.events("motion").map((event) => event.state), POLL).toEqual([true]);
  });

  it("flow again after the camera has restarted, with what may be missing and the restart told", async () => {
    const field = await listening();
    field.camera.write("motion", true);
    await expect.poll(() => field.latest("motion")?.value, POLL).toBe(true);
    const down = field.server.reboot(2500);
    await expect.poll(() => field.latest("motion"), POLL).toMatchObject({ quality: "bad", reason: "commLost" });
    // What happens while the hub is blind ...
    field.camera.write("motion", false);
    await down;
    await expect.poll(() => field.latest("motion"), POLL).toMatchObject({ value: false, quality: "good" });
    field.camera.write("tamper", true);
    await expect.poll(() => field.latest("tamper")?.value, POLL).toBe(true);
    expect(field.events("eventsMayBeMissing").length).toBe(1);
    // ... is told as learnt afterwards.
    expect(field.events("motion").map((event) => [event.state, event.data?.["recovered"] ?? false])).toEqual([
      [true, false],
      [false, true],
    ]);
    await expect.poll(() => field.events("restarted").length, POLL).toBe(1);
    expect(field.recording.reachability(CAMERA)).toEqual([true, false, true]);
  });

  it("flow again after the camera has lost the subscription without a word, and no alarm is told twice", async () => {
    const field = await listening();
    field.camera.write("motion", true);
    await expect.poll(() => field.latest("motion")?.value, POLL).toBe(true);
    field.server.dropSubscriptions();
    await expect.poll(() => field.events("eventsMayBeMissing").length, POLL).toBe(1);
    await expect.poll(() => field.latest("motion"), POLL).toMatchObject({ value: true, quality: "good" });
    field.camera.write("motion", false);
    await expect.poll(() => field.latest("motion")?.value, POLL).toBe(false);
    expect(field.events("motion").map((event) => event.state)).toEqual([true, false]);
    expect(field.recording.reachability(CAMERA)).toEqual([true]);
    expect(field.server.subscriptions).toBe(1);
  });

  it("begin as soon as a camera that refused the subscription takes one", async () => {
    const field = await cameraField();
    fields.push(field);
    const fault = buildFault("Receiver", ["Action", "MaxSubscriptions"], "no place for another subscription");
    field.server.force("CreatePullPointSubscription", {
      status: 500,
      contentType: "application/soap+xml",
      body: fault,
    });
    field.server.dropSubscriptions();
    const asked = (): number => field.server.requests.get("CreatePullPointSubscription") ?? 0;
    await expect.poll(asked, POLL).toBeGreaterThan(2);
    await expect.poll(() => field.latest("online")?.value, POLL).toBe(true);
    expect(field.latest("motion")?.quality).not.toBe("good");
    field.server.force("CreatePullPointSubscription", undefined);
    field.camera.write("motion", true);
    await expect.poll(() => field.latest("motion"), POLL).toMatchObject({ value: true, quality: "good" });
  });

  it("are held uncertain, not normal, while the camera lives and its events do not", async () => {
    const field = await listening();
    const page = { status: 200, contentType: "text/html", body: "<html><body>busy</body></html>" };
    field.server.force("PullMessages", page);
    await expect.poll(() => field.latest("motion"), POLL).toMatchObject({ quality: "uncertain", reason: "stale" });
    expect(field.latest("pan")?.quality).toBe("good");
    field.server.force("PullMessages", undefined);
    await expect.poll(() => field.latest("motion")?.quality, POLL).toBe("good");
  });

  it("keep flowing where the camera refuses to renew, because pulling keeps a subscription alive", async () => {
    const fault = buildFault("Receiver", ["ActionNotSupported"], "no Renew");
    const field = await cameraField({ config: { subscriptionMs: 10_000 } });
    fields.push(field);
    field.server.force("Renew", { status: 500, contentType: "application/soap+xml", body: fault });
    await expect.poll(() => field.server.requests.get("Renew") ?? 0, POLL).toBe(2);
    field.camera.write("motion", true);
    await expect.poll(() => field.latest("motion")?.value, POLL).toBe(true);
    expect(field.events("eventsMayBeMissing")).toEqual([]);
  });

  it("are renewed at half life, on one and the same subscription", async () => {
    const field = await listening();
    await expect.poll(() => field.server.requests.get("Renew") ?? 0, POLL).toBeGreaterThan(0);
    expect(field.server.requests.get("CreatePullPointSubscription")).toBe(1);
    expect(field.events("eventsMayBeMissing")).toEqual([]);
  });

  it("give the subscription back to the camera when the driver stops", async () => {
    const field = await listening();
    expect(field.server.subscriptions).toBe(1);
    await field.driver.stop();
    expect(field.server.subscriptions).toBe(0);
  });
});
