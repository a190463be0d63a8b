import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zhCN } from "#cloud/console/i18n/zh-cn.ts";
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
import { Park } from "./park.ts";

let park: Park;
let browser: Browser;
let context: BrowserContext;
let watch: Watch;
let page: Page;

const door = (id: string): Locator => page.locator(`[data-testid="door"][data-door="${id}"]`);
const mode = (id: string): Promise<string | null> => door(id).getAttribute("data-state");
const text = async (place: Locator): Promise<string> =>
  ((await place.textContent()) ?? "").replaceAll(/\s+/g, " ").trim();

/** Mode of a door in the simulated controller. */
const simulated = async (id: string): Promise<unknown> =>
  (await park.device("door-controller")).signals[`${id}-mode`]?.value;

/** Asks a door for something as an operator does, and waits until the field has confirmed it. */
async function operate(id: string, operation: keyof typeof zhCN.door.operation, reason?: string): Promise<void> {
  await door(id).getByTestId(`door-${operation}`).click();
  if (reason !== undefined) await page.getByTestId("door-reason").fill(reason);
  await page.getByTestId("door-confirm").click();
  const status = door(id).getByTestId("door-status");
  await expect.poll(() => text(status)).toContain(zhCN.door.operation[operation]);
  await expect.poll(() => status.getAttribute("data-status")).toBe("done");
}

describe.skipIf(chromiumFile === undefined)("doors in the console", () => {
  beforeAll(async () => {
    [park, browser] = await Promise.all([Park.start(), startBrowser()]);
    context = await visit(browser, park);
    watch = await Watch.over(context, park);
    watch.expect(NOT_SIGNED_IN);
    watch.expect(NOT_YET_HERE);
    page = await openConsole(context);
    await page.getByTestId("nav-doors").click();
    await page.locator('[data-door="door-2"][data-state="Locked"]').waitFor();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await park?.close();
  });

  it("lets somebody through: the door is released, seen on the page, and locks again by itself", async () => {
    expect(await text(door("door-2"))).toContain(zhCN.door.mode.Locked);
    const before = await simulated("door-2");
    await operate("door-2", "access", "访客到场");
    await expect.poll(() => mode("door-2")).toBe("Accessed");
    expect(await text(door("door-2").getByTestId("door-state"))).toContain(zhCN.door.mode.Accessed);
    expect(await simulated("door-2")).not.toBe(before);
    await expect.poll(() => mode("door-2"), { timeout: 15_000 }).toBe("Locked");
    expect(await simulated("door-2")).toBe(before);
  }, 40_000);

  it("asks a door in lock-down for nothing but its release", async () => {
    await operate("door-3", "lockDown");
    await expect.poll(() => mode("door-3")).toBe("LockedDown");
    const offered = door("door-3").locator(".door-operations button");
    await expect.poll(() => offered.allTextContents()).toEqual([zhCN.door.operation.lockDownRelease]);
    await operate("door-3", "lockDownRelease");
    await expect.poll(() => mode("door-3")).toBe("Locked");
  }, 40_000);

  it("shows who passed and who did not, with the reason", async () => {
    await door("door-1").locator(".cell-link").click();
    const events = page.getByTestId("access-event");
    await park.set("door-controller", "door-1-card", "0004400818");
    const denied = events.and(page.locator('[data-kind="accessDenied"]')).first();
    await denied.waitFor();
    expect(await text(denied)).toMatch(
      new RegExp(`拒绝通行.*王芳 Wang Fang.*${zhCN.door.denyReason.CredentialNotEnabled}`),
    );
    await park.set("door-controller", "door-1-card", "0004400817");
    const granted = events.and(page.locator('[data-kind="accessGranted"]')).first();
    await granted.waitFor();
    expect(await text(granted)).toContain("李强 Li Qiang");
    // Newest first.
    const kinds = await events.evaluateAll((all) => all.map((one) => one.getAttribute("data-kind")));
    expect(kinds.indexOf("accessGranted")).toBeLessThan(kinds.indexOf("accessDenied"));
  }, 60_000);

  it("shows a door that is forced, by colour, shape and text", async () => {
    await park.scenario("door-forced-2", { seconds: 30 });
    const state = door("door-2").getByTestId("door-state");
    await expect.poll(() => text(state)).toMatch(new RegExp(`${zhCN.door.open}.*▲.*${zhCN.door.alarm.DoorForcedOpen}`));
    await park.endScenario("door-forced-2");
    await expect.poll(() => text(state)).toContain(zhCN.door.closed);
  });

  it("shows the certificates of the gateway, and decides about one only after a confirmation that names it", async () => {
    await page.getByTestId("nav-gateways").click();
    const trusted = page.locator('[data-testid="certificate"][data-trust="trusted"]').first();
    await trusted.waitFor();
    const own = page.locator('[data-testid="certificate"][data-trust="own"]');
    expect(await own.count()).toBe(1);
    expect(await own.locator("button").count()).toBe(0);
    const thumbprint = (await trusted.getAttribute("data-thumbprint")) ?? "";
    await trusted.getByTestId("certificate-reject").click();
    const dialog = page.getByRole("dialog");
    expect((await text(dialog)).replaceAll(" ", "").toLowerCase()).toContain(thumbprint);
    await page.getByTestId("certificate-confirm").click();
    const status = page.getByTestId("certificate-status");
    // the demo park's servers are pinned in its configuration: a person cannot overrule that here, and is told so
    await expect.poll(() => status.getAttribute("data-status")).toBe("rejected");
    expect(await text(status)).toContain("OPCUA_CERTIFICATE_PINNED");
  }, 60_000);

  it.each(["light", "dark"] as const)(
    "has no barrier in the %s theme",
    async (colorScheme) => {
      if (colorScheme === "dark") await page.getByTestId("theme-switch").click();
      const rules = { colours: colorScheme === "dark" };
      await page.getByTestId("nav-gateways").click();
      await page.getByTestId("certificate").first().waitFor();
      const gateways = await barriers(page, rules);
      await page.getByTestId("nav-doors").click();
      await door("door-1").locator(".cell-link").click();
      await page.getByTestId("access-event").first().waitFor();
      const doors = await barriers(page, rules);
      await door("door-1").getByTestId("door-access").click();
      await page.getByTestId("door-confirm").waitFor();
      const dialog = await barriers(page, rules);
      await page.keyboard.press("Escape");
      expect({ gateways, doors, dialog }).toEqual({ gateways: [], doors: [], dialog: [] });
    },
    40_000,
  );

  it("asked no other origin, kept to its policy and complained of nothing", () => {
    expect(watch.foreign).toEqual([]);
    expect(watch.complaints).toEqual([]);
  });
});
