import { mkdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { ApiClient } from "./api-client.ts";
import { openConsole, startBrowser, visit } from "./browser.ts";
import { act, alarmWhen } from "./guard.ts";
import { Park, until } from "./park.ts";

/*
 * `npm run screenshots`: takes the pictures of docs/pictures from a demo park of its own, in which an intrusion is under way and a
 * chiller has tripped. Needs Chromium.
 */

const FOLDER = path.resolve(import.meta.dirname, "../../docs/pictures");
const POINT = "demo-park/gw-1/ahu-1/cooling-valve-command";
const SETPOINT = "demo-park/gw-1/ahu-1/supply-air-temperature-setpoint";
/** So long the park runs before and after its set point is changed, ms: a trend of a minute shows nothing. */
const TREND_MS = 180_000;
const LOCALES = { zh: "zh-CN", en: "en-GB" } as const;
type Language = keyof typeof LOCALES;
type Theme = "light" | "dark";

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

async function take(page: Page, name: string): Promise<void> {
  // The pointer rests where it points at nothing, so that no row is raised and no order held.
  await page.mouse.move(1, 1);
  await page.locator(".state-loading").first().waitFor({ state: "detached" });
  await page.screenshot({ path: path.join(FOLDER, `${name}.png`), animations: "disabled", caret: "hide" });
  say(name);
}

/** Changes a set point, so that the valve's trend has a story. */
async function makeTrend(client: ApiClient): Promise<void> {
  say(`the park runs for ${(2 * TREND_MS) / 60_000} minutes, so that there is a trend to see`);
  await sleep(TREND_MS);
  await client.post("/commands", {
    point: SETPOINT,
    value: 15,
    idempotencyKey: "screenshots-1",
    reason: "screenshots",
  });
  await sleep(TREND_MS);
}

async function communication(client: ApiClient): Promise<AlarmView | undefined> {
  return (await client.all<AlarmView>("/alarms")).find(({ category }) => category === "communication");
}

/** Lets things happen that an operator would look at. Gives the intrusion. */
async function makeTrouble(park: Park, client: ApiClient): Promise<AlarmView> {
  await park.scenario("camera-offline-1", { seconds: 3600 });
  await park.hold("ahu-2", "filter-alarm", true, 3600);
  const silent = await until("the silent camera", () => communication(client));
  await act(client, silent, "acknowledge");
  await park.scenario("tamper-zone-5", { seconds: 2 });
  await park.scenario("chiller-trip", { seconds: 3600 });
  await alarmWhen(client, "chiller-plant.chiller-1-trip", ({ live }) => live);
  const tamper = await alarmWhen(client, "zone-5-tamper", ({ live }) => !live);
  await act(client, tamper, "acknowledge");
  await park.scenario("intrusion-zone-3", { seconds: 3600 });
  // Somebody with a lost card, and somebody who may pass.
  await park.set("door-controller", "door-1-card", "0004400818");
  await park.set("door-controller", "door-1-card", "0004400817");
  return alarmWhen(
    client,
    "zone-3-intrusion",
    ({ snapshots, runs, clips }) => snapshots.length > 0 && runs.length > 0 && clips[0]?.state === "here",
    90_000,
  );
}

async function withConsole(
  browser: Browser,
  park: Park,
  language: Language,
  colorScheme: Theme,
  see: (page: Page, context: BrowserContext) => Promise<void>,
): Promise<void> {
  const context = await visit(browser, park, { locale: LOCALES[language], colorScheme });
  await see(await openConsole(context), context);
  await context.close();
}

async function takeAlarms(page: Page, alarm: AlarmView, name: string): Promise<void> {
  await page.goto(`/alarms?alarm=${encodeURIComponent(alarm.id)}`);
  const picture = page.getByTestId("alarm-detail").getByTestId("alarm-picture").locator("img");
  await until("the picture", async () => (await picture.evaluate((image) => image.naturalWidth > 0)) || undefined);
  await page.getByTestId("run").waitFor();
  await page.getByTestId("alarm-journal").waitFor();
  await page.getByTestId("procedure-panel").waitFor();
  await take(page, name);
}

async function takeDevices(page: Page, name: string): Promise<void> {
  await page.goto(`/devices?${new URLSearchParams({ device: "demo-park/gw-1/ahu-1", point: POINT }).toString()}`);
  await page.locator(`[data-point="${POINT}"]`).waitFor();
  await page.getByTestId("trend-chart").waitFor();
  await page.getByTestId("write-value").fill("55");
  await take(page, name);
}

async function takeVideo(page: Page, name: string): Promise<void> {
  await page.goto("/video");
  const playing = page.locator('[data-testid="live-picture"][data-phase="playing"]');
  await until("live pictures", async () => (await playing.count()) >= 3 || undefined);
  await take(page, name);
}

async function takeDoors(page: Page, name: string): Promise<void> {
  await page.goto("/doors?door=door-1");
  await page.getByTestId("access-event").first().waitFor();
  await take(page, name);
}

const PHONE = { width: 400, height: 820 } as const;
const WALL = { width: 1920, height: 1080 } as const;

/** The alarm list without an alarm, in every language and theme. */
async function takeEmpty(browser: Browser, park: Park): Promise<void> {
  await eachLook(browser, park, async (page, look) => {
    await page.locator(".alarm-none").waitFor();
    await take(page, `alarms-empty-${look}`);
  });
}

/** The dialog that shelves, the phone and the wall. */
async function takeDesk(page: Page, alarm: AlarmView, look: string): Promise<void> {
  await page
    .getByTestId("alarm-row")
    .filter({ hasText: /冷机|chiller 1/i })
    .first()
    .click();
  await page.keyboard.press("s");
  await page.getByTestId("act-dialog").waitFor();
  await take(page, `alarms-shelve-${look}`);
  await page.keyboard.press("Escape");
  await page.setViewportSize(PHONE);
  await page.goto("/alarms");
  await page.getByTestId("alarm-row").first().waitFor();
  await take(page, `phone-list-${look}`);
  await page.goto(`/alarms?alarm=${encodeURIComponent(alarm.id)}`);
  await page.getByTestId("alarm-detail").getByTestId("alarm-picture").first().waitFor();
  await take(page, `phone-alarm-${look}`);
  await page.setViewportSize(WALL);
  await page.goto("/alarms?wall=1");
  await page.getByTestId("wall").locator("li").first().waitFor();
  // As it hangs there: somebody has woken its sound.
  await page.keyboard.press("Tab");
  await page.getByTestId("wall-silent").waitFor({ state: "detached" });
  await take(page, `wall-${look}`);
}

/** A storm, folded by cause. */
async function takeFlood(browser: Browser, park: Park): Promise<void> {
  await park.scenario("alarm-storm", { count: 200, seconds: 20 });
  await sleep(25_000);
  await eachLook(browser, park, async (page, look) => {
    await page.getByTestId("alarm-group").first().waitFor();
    await take(page, `alarms-flood-${look}`);
  });
}

/** The list while the cloud is silent: the pictures are taken before it goes on. */
async function takeOffline(browser: Browser, park: Park): Promise<void> {
  const contexts: BrowserContext[] = [];
  const pages: (readonly [Page, string])[] = [];
  for (const language of ["zh", "en"] as const)
    for (const theme of ["light", "dark"] as const) {
      const context = await visit(browser, park, { locale: LOCALES[language], colorScheme: theme });
      contexts.push(context);
      pages.push([await openConsole(context), `${language}-${theme}`]);
    }
  const cloud = park.kill("cloud", "SIGSTOP");
  try {
    for (const [page, look] of pages) {
      await page.getByTestId("stale-banner").waitFor({ timeout: 30_000 });
      await take(page, `alarms-offline-${look}`);
    }
  } finally {
    process.kill(cloud, "SIGCONT");
  }
  for (const context of contexts) await context.close();
}

async function eachLook(browser: Browser, park: Park, see: (page: Page, look: string) => Promise<void>): Promise<void> {
  for (const language of ["zh", "en"] as const)
    for (const theme of ["light", "dark"] as const)
      await withConsole(browser, park, language, theme, (page) => see(page, `${language}-${theme}`));
}

async function takeAll(browser: Browser, park: Park): Promise<void> {
  const door = await visit(browser, park);
  const page = await door.newPage();
  await page.goto("/");
  await page.getByTestId("sign-in-form").waitFor();
  await take(page, "sign-in-zh-light");
  await door.close();

  const client = await park.signIn();
  await takeEmpty(browser, park);
  await makeTrend(client);
  const alarm = await makeTrouble(park, client);
  for (const language of ["zh", "en"] as const)
    for (const theme of ["light", "dark"] as const)
      await withConsole(browser, park, language, theme, async (one) => {
        await takeAlarms(one, alarm, `alarms-${language}-${theme}`);
        await takeDevices(one, `devices-${language}-${theme}`);
        await takeVideo(one, `video-${language}-${theme}`);
        await takeDoors(one, `doors-${language}-${theme}`);
      });
  await withConsole(browser, park, "zh", "light", async (one) => {
    await one.getByTestId("nav-gateways").click();
    await one.getByTestId("lane").first().waitFor();
    await take(one, "gateways-zh-light");
  });
  await withConsole(browser, park, "en", "dark", async (one) => {
    await one.getByTestId("nav-rules").click();
    await one.locator('[data-rule="perimeter-intrusion"]').getByRole("button", { pressed: false }).click();
    await one.getByTestId("run").waitFor();
    await take(one, "rules-en-dark");
  });
  await eachLook(browser, park, (one, look) => takeDesk(one, alarm, look));
  await takeFlood(browser, park);
  await takeOffline(browser, park);
}

mkdirSync(FOLDER, { recursive: true });
const [park, browser] = await Promise.all([Park.start(), startBrowser()]);
try {
  await takeAll(browser, park);
} finally {
  await browser.close();
  await park.close();
}
