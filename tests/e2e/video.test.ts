import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zhCN } from "#cloud/console/i18n/zh-cn.ts";
import type { ApiClient } from "./api-client.ts";
import {
  barriers,
  chromiumFile,
  NOT_SIGNED_IN,
  NOT_YET_HERE,
  openConsole,
  startBrowser,
  visit,
  Watch,
} from "./browser.ts";
import { alarmWhen } from "./guard.ts";
import { Park } from "./park.ts";
import { clipsOf } from "./site.ts";

const CAMERAS = ["cam-1", "cam-2", "cam-3", "cam-4"];
/** What the site's clips show, s: from so long before their alarm until so long after it. */
const BEFORE_S = 10;
const AFTER_S = 8;
const CAMERA_1 = "demo-park/gw-1/cam-1";
/** A park that has just started needs a moment for its first pictures. */
const FIRST_PICTURES = { timeout: 30_000 } as const;

let park: Park;
let browser: Browser;
let context: BrowserContext;
let watch: Watch;
let page: Page;
let client: ApiClient;

const tile = (camera: string): Locator => page.locator(`[data-testid="video-tile"][data-camera$="/${camera}"]`);
const picture = (place: Locator | Page): Locator => place.getByTestId("live-picture");
const phase = (camera: string): Promise<string | null> => picture(tile(camera)).getAttribute("data-phase");
const text = async (place: Locator): Promise<string> =>
  ((await place.textContent()) ?? "").replaceAll(/\s+/g, " ").trim();

/** A number that is another one when the picture is another one, and whether it shows anything at all. */
const seen = (place: Locator): Promise<{ width: number; sum: number; shades: number }> =>
  place.locator("canvas").evaluate((canvas) => {
    const copied = canvas.ownerDocument.createElement("canvas");
    copied.width = canvas.width;
    copied.height = canvas.height;
    const copy = copied.getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    const shades = new Set<number>();
    let sum = 0;
    for (let index = 0; index < data.length; index += 4) {
      const shade = data[index] + 256 * data[index + 1] + 65_536 * data[index + 2];
      sum = (sum * 31 + shade) % 2_147_483_647;
      shades.add(shade);
    }
    return { width: canvas.width, sum, shades: shades.size };
  });

/** How far a camera of the simulators looks to the side, and on which preset it stands. */
async function stands(camera: string): Promise<{ pan: number; preset: unknown }> {
  const { signals } = await park.device(camera);
  return { pan: Number(signals["pan"]?.value), preset: signals["preset"]?.value };
}

describe.skipIf(chromiumFile === undefined)("video in the console", () => {
  beforeAll(async () => {
    [park, browser] = await Promise.all([Park.start({}, undefined, clipsOf(BEFORE_S, AFTER_S)), startBrowser()]);
    client = await park.signIn();
    context = await visit(browser, park);
    watch = await Watch.over(context, park);
    watch.expect(NOT_SIGNED_IN);
    watch.expect(NOT_YET_HERE);
    page = await openConsole(context);
    await page.getByTestId("nav-video").click();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await park?.close();
  });

  it("shows four cameras live, and their pictures move", async () => {
    for (const camera of CAMERAS) await expect.poll(() => phase(camera), FIRST_PICTURES).toBe("playing");
    for (const camera of CAMERAS) {
      const before = await seen(tile(camera));
      // A single colour is no picture of a park.
      expect(before.shades, camera).toBeGreaterThan(100);
      expect(before.width, camera).toBeGreaterThanOrEqual(320);
      await expect.poll(async () => (await seen(tile(camera))).sum, { message: camera }).not.toBe(before.sum);
      expect(await text(tile(camera).getByTestId("video-mode"))).toContain(zhCN.video.mode.h264);
    }
  }, 60_000);

  it("turns a camera to a preset, seen at the camera and read back on the page", async () => {
    await tile("cam-1").getByTestId("tile-press").click();
    const preset = page.locator('[data-testid="ptz-preset"][data-preset="zone-2"]');
    await preset.click();
    await expect.poll(async () => (await stands("cam-1")).preset).toBe("zone-2");
    await expect.poll(() => page.getByTestId("ptz-status").getAttribute("data-status")).toBe("done");
    await expect.poll(() => text(preset)).toContain(zhCN.video.atPreset);
  });

  it("turns a camera while an arrow key is held, and stops it when the key is let go", async () => {
    const before = await stands("cam-1");
    await tile("cam-1").getByTestId("tile-press").focus();
    await page.keyboard.down("ArrowRight");
    await expect.poll(async () => (await stands("cam-1")).pan).not.toBe(before.pan);
    await page.keyboard.up("ArrowRight");
    const stopped = async (): Promise<boolean> => {
      const { moving } = (await park.device("cam-1")).signals;
      return moving?.value === false;
    };
    // Sooner than the movement would have ended by itself.
    await expect.poll(stopped, { timeout: 1800 }).toBe(true);
  });

  it("turns a camera while a button of the pad is held, and home", async () => {
    const before = await stands("cam-1");
    await page.getByTestId("ptz-left").hover();
    await page.mouse.down();
    await expect.poll(async () => (await stands("cam-1")).pan).not.toBe(before.pan);
    await page.mouse.up();
    await page.getByTestId("ptz-home").click();
    // Its home position looks straight ahead.
    await expect.poll(async () => Math.abs((await stands("cam-1")).pan)).toBeLessThan(0.5);
    await expect.poll(() => page.getByTestId("ptz-status").getAttribute("data-status")).toBe("done");
  });

  it("enlarges a picture with its main stream, and goes back", async () => {
    const { width } = await seen(tile("cam-1"));
    await tile("cam-1").getByTestId("tile-press").press("Enter");
    await expect.poll(() => new URL(page.url()).searchParams.get("camera")).toBe(CAMERA_1);
    await expect.poll(async () => (await seen(tile("cam-1"))).width, FIRST_PICTURES).toBeGreaterThan(width);
    await page.keyboard.press("Escape");
    await expect.poll(() => page.getByTestId("video-tile").count()).toBe(4);
  }, 40_000);

  it("remembers which camera stands where", async () => {
    await tile("cam-1").locator("select").selectOption(`demo-park/gw-1/cam-4`);
    const places = (): Promise<(string | null)[]> =>
      page.getByTestId("video-tile").evaluateAll((tiles) => tiles.map((one) => one.getAttribute("data-camera")));
    const swapped = ["cam-4", "cam-2", "cam-3", "cam-1"].map((camera) => `demo-park/gw-1/${camera}`);
    await expect.poll(places).toEqual(swapped);
    await page.reload();
    await expect.poll(places, FIRST_PICTURES).toEqual(swapped);
  });

  it("plays the clip of an alarm from the moment of the alarm", async () => {
    await park.scenario("intrusion-zone-3", { seconds: 20 });
    const { id } = await alarmWhen(client, "zone-3-intrusion", ({ live }) => live);
    await page.goto(`/alarms?alarm=${encodeURIComponent(id)}`);
    const alarm = await alarmWhen(client, "zone-3-intrusion", ({ clips }) => clips[0]?.state === "here", 80_000);
    const clip = alarm.clips[0];
    if (clip === undefined) throw new Error("no clip");
    const momentS = (Date.parse(clip.triggerAt) - Date.parse(clip.startedAt)) / 1000;
    expect(momentS).toBeGreaterThan(2);
    const player = page.getByTestId("clip-player");
    await player.waitFor();
    const now = (): Promise<{ at: number; ready: boolean; width: number }> =>
      player.evaluate((video) => ({ at: video.currentTime, ready: video.readyState >= 2, width: video.videoWidth }));
    await expect.poll(async () => (await now()).ready).toBe(true);
    // a busy browser is ready a moment before it tells the page so
    await expect.poll(async () => (await now()).at).toBeCloseTo(momentS, 0);
    expect((await now()).width).toBe(clip.width);
    await player.evaluate((video) => video.play());
    await expect.poll(async () => (await now()).at).toBeGreaterThan(momentS + 0.5);
    expect(await text(page.getByTestId("clip-hash"))).toBe(clip.sha256);
    const { bytes } = await client.bytes(clip.url);
    const digest = await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes));
    expect(Buffer.from(digest).toString("hex")).toBe(clip.sha256);
  }, 120_000);

  it("shows the camera of an alarm live when somebody asks for it", async () => {
    const live = page.getByTestId("alarm-live");
    expect(await picture(live).count()).toBe(0);
    await live.getByTestId("show-live").click();
    await expect.poll(() => picture(live).getAttribute("data-phase"), FIRST_PICTURES).toBe("playing");
    const before = await seen(live);
    await expect.poll(async () => (await seen(live)).sum).not.toBe(before.sum);
  }, 40_000);

  it.each(["light", "dark"] as const)(
    "has no barrier in the %s theme",
    async (colorScheme) => {
      if (colorScheme === "dark") await page.getByTestId("theme-switch").click();
      const rules = { colours: colorScheme === "dark" };
      const alarm = await barriers(page, rules);
      await page.getByTestId("nav-video").click();
      await picture(page).first().waitFor();
      expect({ alarm, video: await barriers(page, rules) }).toEqual({ alarm: [], video: [] });
      await page.getByTestId("nav-alarms").click();
    },
    40_000,
  );

  it("says that it is cut off when the gateway dies, and plays again by itself", async () => {
    await page.getByTestId("nav-video").click();
    await expect.poll(() => phase("cam-2"), FIRST_PICTURES).toBe("playing");
    park.kill("gw-1");
    await expect.poll(() => phase("cam-2")).not.toBe("playing");
    for (const camera of CAMERAS) await expect.poll(() => phase(camera), FIRST_PICTURES).toBe("playing");
  }, 60_000);

  it("asked no other origin, kept to its policy and complained of nothing", () => {
    expect(watch.foreign).toEqual([]);
    expect(watch.complaints).toEqual([]);
  });
});
