import process from "node:process";
import { Value as Schema } from "typebox/value";
import { afterEach, describe, expect, it } from "vitest";
import { Discovery } from "#core/contracts/discovery.ts";
import { pointId } from "#core/ids.ts";
import type { ActionResult } from "#protocols/driver.ts";
import type { OnvifAddress, OnvifDevice } from "#protocols/onvif/config.ts";
import { onvif } from "#protocols/onvif/index.ts";
import { recordDriver } from "./driver-contract.ts";
import { CAMERA, never, POLL } from "./onvif-field.ts";

/*
 * A third-party ONVIF server, started by hand: PARKHUB_ONVIF_SERVER is the address of its device service,
 * PARKHUB_ONVIF_SERVER_USER and PARKHUB_ONVIF_SERVER_PASSWORD sign in. Which ones were run is in docs/interop/onvif.md.
 */
const url = process.env["PARKHUB_ONVIF_SERVER"];
const username = process.env["PARKHUB_ONVIF_SERVER_USER"] ?? "";
const password = process.env["PARKHUB_ONVIF_SERVER_PASSWORD"] ?? "";
if (url === undefined)
  process.stderr.write("PARKHUB_ONVIF_SERVER is not set: tests of a third-party server are skipped\n");

function jsonOf(result: ActionResult): unknown {
  if (result.status !== "done" || result.blob === undefined) throw new Error(JSON.stringify(result));
  return JSON.parse(new TextDecoder().decode(result.blob.bytes));
}

describe.skipIf(url === undefined)("a third-party ONVIF server", { timeout: 60_000 }, () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  async function connected(addresses: readonly OnvifAddress[] = []) {
    const recording = recordDriver();
    const config: OnvifDevice = { url: url ?? "", username, password };
    const driver = await onvif.create({ pollMs: 500, pullMs: 2000, confirmMs: 6000 }, recording.deps);
    closing.push(() => driver.stop());
    const named = (address: OnvifAddress) => pointId(`${CAMERA}/${address.signal}`);
    const all: readonly OnvifAddress[] = [{ signal: "online" }, { signal: "clockOffset" }, ...addresses];
    await driver.start(never);
    await driver.bind([
      { device: CAMERA, config, points: all.map((address) => ({ point: named(address), address, writable: true })) },
    ]);
    const latest = (signal: OnvifAddress["signal"]) => recording.latest(named({ signal }));
    await expect.poll(() => latest("online")?.value, POLL).toBe(true);
    const act = (action: string, params: Readonly<Record<string, string | number>> = {}) =>
      driver.act({ device: CAMERA, action, params }, never);
    return { driver, recording, latest, act, named };
  }
  async function offered() {
    const { act } = await connected();
    const discovery = jsonOf(await act("discover"));
    expect(Schema.Check(Discovery, discovery)).toBe(true);
    return (discovery as Discovery).points;
  }

  it("is reached with its password, its clock is measured, and its points are listed", async () => {
    const { latest } = await connected();
    expect(latest("clockOffset")?.quality).toBe("good");
    expect((await offered()).length).toBeGreaterThan(2);
  });

  it("is refused with a wrong password", async () => {
    const recording = recordDriver();
    const driver = await onvif.create({}, recording.deps);
    closing.push(() => driver.stop());
    await driver.start(never);
    await driver.bind([{ device: CAMERA, config: { url: url ?? "", username, password: `${password}x` }, points: [] }]);
    await expect.poll(() => recording.states.at(-1)?.reason, POLL).toBe("unauthorized");
  });

  it("gives streams on its own host and a picture", async ({ skip }) => {
    const { act } = await connected();
    const main = await act("streamUri", { quality: "main" });
    if (main.status === "rejected") skip("no video");
    if (main.status !== "done") throw new Error(JSON.stringify(main));
    const uri = String(main.data?.["uri"]);
    expect(URL.parse(uri)?.hostname).toBe(URL.parse(url ?? "")?.hostname);
    expect(String(main.data?.["codec"])).toMatch(/^H26[45]$/);
    expect((await act("streamUri", { quality: "sub" })).status).toBe("done");
    expect((await act("snapshot")).status).toBe("done");
  });

  it("turns to a preset, by speed and back home", async ({ skip }) => {
    const { act } = await connected([{ signal: "pan" }, { signal: "preset" }]);
    const listed = await act("ptzPresets");
    if (listed.status === "rejected") skip("does not move");
    const { presets } = jsonOf(listed) as { presets: readonly { token: string }[] };
    for (const { token } of presets.slice(0, 2))
      expect(await act("ptzPreset", { preset: token })).toEqual({ status: "done" });
    expect(await act("ptzMove", { pan: 0.5, seconds: 0.5 })).toEqual({ status: "done" });
    expect(await act("ptzStop")).toEqual({ status: "done" });
    expect(await act("ptzHome")).toEqual({ status: "done" });
  });

  it("tells events and shows a relay that is switched", async ({ skip }) => {
    const points = await offered();
    const relay = points.map(({ address }) => address as OnvifAddress).find(({ signal }) => signal === "relay");
    if (relay === undefined) skip("no relay");
    const { driver, latest, named } = await connected([relay as OnvifAddress]);
    const point = named({ signal: "relay" });
    for (const value of [true, false]) {
      const result = await driver.write({ point, value, priority: 8 }, never);
      expect(result).toEqual({ status: "done", readBack: value });
      await expect.poll(() => latest("relay"), POLL).toMatchObject({ value, quality: "good" });
    }
  });
});
