import process from "node:process";
import { gzipSync } from "node:zlib";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { en } from "#cloud/console/i18n/en.ts";
import { zhCN } from "#cloud/console/i18n/zh-cn.ts";
import { AlarmDesk } from "./alarm-desk.ts";
import { barriers, chromiumFile, openConsole, startBrowser, visit } from "./browser.ts";
import { Park } from "./park.ts";

const t = zhCN.alarm;
/** The administrator of the demo park may see every page. */
const PAGE_COUNT = Object.keys(zhCN.page).length;
/** JavaScript that the alarm route may load before its list is there, gzipped bytes. */
const LARGEST_ROUTE = 260_000;
const PHONE = { width: 400, height: 800 };

let park: Park;
let browser: Browser;
let context: BrowserContext;
let desk: AlarmDesk;

/** Everything is inside the window: nobody scrolls sideways on a phone. */
const sideways = (page: Page): Promise<number> =>
  page.locator("html").evaluate((root) => root.scrollWidth - root.clientWidth);

/** A message of the live connection as it were with every alarm shelved. */
function shelved(message: string): string {
  const held = (one: object): object => ("suppression" in one ? { ...one, suppression: ["shelved"] } : one);
  return JSON.stringify(JSON.parse(message, (key, value) => (["items", "up"].includes(key) ? value.map(held) : value)));
}

describe.skipIf(chromiumFile === undefined)("the views of the alarm console", () => {
  beforeAll(async () => {
    [park, browser] = await Promise.all([Park.start(), startBrowser()]);
    context = await visit(browser, park);
    desk = new AlarmDesk(await openConsole(context));
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await park?.close();
  });

  it("loads no more than the alarm list needs", async () => {
    const page = await context.newPage();
    const loaded = new Map<string, Promise<number>>();
    page.on("response", (response) => {
      if (/\.js(\?|$)/.test(response.url()))
        loaded.set(
          response.url(),
          response.body().then((body) => gzipSync(body).length),
        );
    });
    await page.goto("/alarms");
    await page.getByTestId("alarm-grid").waitFor();
    await page.locator(".link-live").waitFor();
    const bytes = (await Promise.all(loaded.values())).reduce((sum, one) => sum + one, 0);
    process.stderr.write(`alarm route: ${Math.round(bytes / 1000)} kB of JavaScript, gzipped\n`);
    expect(loaded.size).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(LARGEST_ROUTE);
    await page.close();
  });

  it("warns while the workplace cannot be heard, and no longer after a key", async () => {
    const page = await context.newPage();
    await page.goto("/alarms");
    await page.getByTestId("loss-bar").waitFor();
    expect(await page.getByTestId("loss-bar").getAttribute("data-loss")).toBe("blocked");
    await page.keyboard.press("Tab");
    await expect.poll(() => page.getByTestId("loss-bar").count()).toBe(0);
    await page.close();
  });

  it("tells a flood, folds it by cause, opens a cause by keyboard, and shows every zone of the security law", async () => {
    await park.scenario("alarm-storm", { count: 120, seconds: 2 });
    await desk.page.getByTestId("flood-bar").waitFor({ timeout: 30_000 });
    await expect.poll(() => desk.tabCount("active"), { timeout: 30_000 }).toBeGreaterThan(40);
    // The storm is over: in a list that still grows the chosen row may be pushed out of sight.
    const counts: number[] = [];
    const isStill = async (): Promise<boolean> => {
      counts.push(await desk.tabCount("active"));
      const last = counts.slice(-3);
      return last.length === 3 && new Set(last).size === 1;
    };
    await expect.poll(isStill, { timeout: 30_000, interval: 1000 }).toBe(true);
    const groups = desk.page.getByTestId("alarm-group");
    await desk.inList();
    await desk.press("End");
    await groups.first().waitFor();
    // Down in the list are the folded causes of the facility law.
    for (let step = 0; step < 40 && (await desk.page.locator(".row-group.row-cursor").count()) === 0; step++)
      await desk.press("k");
    await desk.press("ArrowRight");
    await desk.page.locator(".row-group.row-cursor[aria-expanded=true]").waitFor();
    await desk.press("j");
    await expect.poll(() => desk.page.locator(".row-member.row-cursor").count()).toBe(1);
    await desk.press("ArrowLeft");
    await desk.page.locator(".row-group.row-cursor[aria-expanded=false]").waitFor();
    const folded = await groups.allTextContents();
    expect(folded.filter((text) => /防区/.test(text))).toEqual([]);
    // The record is not folded: the count names every alarm.
    await expect
      .poll(async () => (await desk.text("alarm-total")).startsWith(`显示 ${await desk.tabCount("active")} /`))
      .toBe(true);
    await desk.tabTo("fold-toggle", "Shift+Tab");
    await desk.press("Enter");
    await expect.poll(() => groups.count()).toBe(0);
    await desk.press("Enter");
    await groups.first().waitFor();
  }, 90_000);

  it("keeps the rows in their places while somebody aims, and counts the new ones", async () => {
    await desk.tabTo("alarm-grid");
    await desk.press("Home", "Space");
    const rows = desk.page.getByTestId("alarm-row");
    const before = await rows.first().getAttribute("data-alarm");
    await park.scenario("panic-button", { seconds: 2 });
    await desk.page.getByTestId("new-alarms").waitFor();
    expect(await rows.first().getAttribute("data-alarm")).toBe(before);
    await desk.press("Escape");
    await expect.poll(() => desk.words(rows)).toContain("紧急按钮");
    expect(await desk.page.getByTestId("new-alarms").count()).toBe(0);
  });

  it("acknowledges a whole flood by one explicit selection", async () => {
    await desk.inList();
    await desk.press("Control+A", "a");
    await desk.dialog();
    await desk.confirm("风暴，已核实");
    await expect.poll(() => desk.page.locator(".alarm-rows .row-loud").count(), { timeout: 20_000 }).toBe(0);
    await expect.poll(() => desk.page.getByTestId("silence").count()).toBe(0);
  }, 45_000);

  it("shows a wall that has nothing to operate, dark, with what is held back", async () => {
    const page = await context.newPage();
    await page.goto("/alarms?wall=1");
    await page.getByTestId("wall").locator("li").first().waitFor();
    expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
    // It says large that nobody would hear it, until somebody presses a key; nothing else is there to be operated.
    expect(await page.getByTestId("wall-silent").getAttribute("data-loss")).toBe("blocked");
    expect(await page.getByTestId("wall-silent").textContent()).toContain(t.wall.loss.blocked);
    expect(await barriers(page)).toEqual([]);
    await page.keyboard.press("Tab");
    await expect.poll(() => page.getByTestId("wall-silent").count()).toBe(0);
    expect(await page.locator("button, a, input, select").count()).toBe(0);
    await park.scenario("intrusion-zone-3", { seconds: 600 });
    await expect.poll(() => page.locator(".wall-rows li").first().textContent()).toContain("3 号防区入侵");
    expect(await page.locator(".wall-foot").textContent()).toContain("搁置、抑制与停用");
    expect(await barriers(page)).toEqual([]);
    await page.setViewportSize(PHONE);
    await expect.poll(() => sideways(page)).toBe(0);
    // Where it is stands below what it is, and the state keeps its shape.
    const first = page.locator(".wall-rows li").first();
    const place = await first.locator("span.cut").boundingBox();
    const message = await first.locator("strong").boundingBox();
    expect(place?.y).toBeGreaterThanOrEqual((message?.y ?? 0) + (message?.height ?? 0) - 2);
    expect(await first.locator(".wall-state .icon").isVisible()).toBe(true);
    await page.close();
  });

  it("calls nothing normal while alarms are held back, neither on the desk nor on the wall", async () => {
    const page = await context.newPage();
    await page.routeWebSocket(/\/api\/v1\/live$/, (socket) => {
      const server = socket.connectToServer();
      server.onMessage((message) => socket.send(shelved(String(message))));
    });
    const said = new RegExp(`^${t.emptyHeld.replace("{{count}}", "[1-9]\\d*")}$`);
    await page.goto("/alarms");
    await expect.poll(() => page.locator(".alarm-none").textContent()).toMatch(said);
    await page.goto("/alarms?wall=1");
    await expect.poll(() => page.locator(".wall-none").textContent()).toMatch(said);
    await page.close();
  });

  it("serves a guard's phone: the card, the picture, the response, and the acknowledgement", async () => {
    const page = await context.newPage();
    await page.setViewportSize(PHONE);
    await page.goto("/alarms");
    const card = page.getByTestId("alarm-row").filter({ hasText: "3 号防区入侵" });
    await card.click();
    await page.getByTestId("alarm-detail").getByTestId("alarm-picture").first().waitFor();
    expect(await page.getByTestId("alarm-grid").isVisible()).toBe(false);
    expect(await page.getByTestId("alarm-detail").textContent()).toContain(t.detail.response);
    // Who is on the way looks first: the picture stands above the steps.
    await page.getByTestId("procedure-panel").waitFor();
    const above = (place: Locator): Promise<number> => place.evaluate((one) => one.getBoundingClientRect().top);
    const picture = page.getByTestId("alarm-detail").getByTestId("alarm-picture").first();
    expect(await above(picture)).toBeLessThan(await above(page.getByTestId("procedure-panel")));
    expect(await sideways(page)).toBe(0);
    expect(await barriers(page)).toEqual([]);
    await page.getByTestId("acknowledge").click();
    await page.getByTestId("act-comment").fill("正在前往");
    await page.getByTestId("act-confirm").click();
    await expect.poll(() => page.getByTestId("alarm-state").textContent()).toContain(t.state.acknowledged);
    await page.getByTestId("detail-back").click();
    await page.getByTestId("alarm-grid").waitFor();
    expect(await sideways(page)).toBe(0);
    await page.close();
  }, 60_000);

  it.each([
    ["Chinese", "zh-CN", zhCN],
    ["English", "en-GB", en],
  ] as const)("names every page at 1280 pixels, in groups, in %s", async (_language, locale, texts) => {
    const visitor = await visit(browser, park, { locale });
    const page = await openConsole(visitor);
    await page.setViewportSize({ width: 1280, height: 720 });
    await page.getByTestId("nav-audit").waitFor();
    const names = page.locator(".nav-name");
    expect(await names.allTextContents()).toHaveLength(PAGE_COUNT);
    // A name that is cut is no name.
    expect(await names.evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).length)).toBe(0);
    expect(await names.evaluateAll((all) => all.every((one) => one.checkVisibility()))).toBe(true);
    const { group } = texts.app;
    for (const part of [group.monitor, group.alarm, group.operation, group.system])
      await page.getByRole("list", { name: part, exact: true }).waitFor();
    expect(await sideways(page)).toBe(0);
    expect(await barriers(page)).toEqual([]);
    await visitor.close();
  });

  it.each(["light", "dark"] as const)(
    "leads a phone to every page by its menu, with the keyboard as well, in the %s theme",
    async (colorScheme) => {
      const visitor = await visit(browser, park, { colorScheme });
      const page = await openConsole(visitor);
      await page.setViewportSize(PHONE);
      const menu = page.getByTestId("nav-menu");
      await menu.focus();
      await page.keyboard.press("Enter");
      const sheet = page.getByTestId("nav-sheet");
      await sheet.waitFor();
      expect(await menu.getAttribute("aria-expanded")).toBe("true");
      expect(await sheet.getByRole("link").count()).toBe(PAGE_COUNT);
      await expect.poll(() => page.locator(":focus").getAttribute("data-testid")).toBe("nav-alarms");
      expect(await sideways(page)).toBe(0);
      expect(await barriers(page)).toEqual([]);
      await page.keyboard.press("Escape");
      expect(await sheet.count()).toBe(0);
      expect(await page.locator(":focus").getAttribute("data-testid")).toBe("nav-menu");
      await page.keyboard.press("Enter");
      // Also what is shown already is gone to: the menu is not in its way.
      await page.getByTestId("nav-alarms").focus();
      await page.keyboard.press("Enter");
      await expect.poll(() => sheet.count()).toBe(0);
      expect(await page.locator(":focus").getAttribute("data-testid")).toBe("nav-menu");
      await page.keyboard.press("Enter");
      await page.getByTestId("nav-journal").focus();
      await page.keyboard.press("Enter");
      await page.getByTestId("journal-row").first().waitFor();
      expect(await sheet.count()).toBe(0);
      expect(await sideways(page)).toBe(0);
      expect(await barriers(page)).toEqual([]);
      await visitor.close();
    },
    60_000,
  );

  it.each(["light", "dark"] as const)(
    "has no barrier in a flood, in its dialogs and in the help, in the %s theme",
    async (colorScheme) => {
      const visitor = await visit(browser, park, { colorScheme });
      const one = new AlarmDesk(await openConsole(visitor));
      const found: Record<string, readonly string[]> = {};
      await one.inList();
      await one.press("Home");
      await one.page.getByTestId("alarm-journal").waitFor();
      found["desk"] = await barriers(one.page);
      for (const key of ["c", "i"]) {
        await one.press(key);
        await one.page.getByTestId("act-dialog").waitFor();
        found[key] = await barriers(one.page);
        await one.press("Escape");
        await one.inList();
      }
      await one.press("?");
      await one.page.getByTestId("keys-help").waitFor();
      found["help"] = await barriers(one.page);
      await one.press("Escape");
      await one.inList();
      await one.page.getByTestId("workplace").click();
      await one.page.getByTestId("workplace-dialog").waitFor();
      found["workplace"] = await barriers(one.page);
      expect(found).toEqual({ desk: [], c: [], i: [], help: [], workplace: [] });
      await visitor.close();
    },
    90_000,
  );
});
