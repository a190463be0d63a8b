import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { en } from "#cloud/console/i18n/en.ts";
import { zhCN } from "#cloud/console/i18n/zh-cn.ts";
import { barriers, chromiumFile, signInAs, startBrowser } from "#tests/e2e/browser.ts";
import { AlarmHistory, aFacilityAlarm } from "#tests/fixtures/cloud/alarm-history.ts";
import { anAlarm } from "#tests/fixtures/cloud/alarms.ts";
import { PASSWORD, type ParkApi, parkApi, START } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

const root = path.resolve(import.meta.dirname, "../..");
const MINUTE = 60_000;
const HOUR = 3_600_000;

let folder = "";
let browser: Browser | undefined;
let park: ParkApi;
let address: string;
let context: BrowserContext;

/** A night with a flood, a chattering alarm and an old one. */
function furnish(history: AlarmHistory): void {
  history.atOnce(() => {
    // The journal is written in the order in which things come to be known.
    history.happened(aFacilityAlarm("old", START - 40 * HOUR, { definition: "old" }), "raised", START - 40 * HOUR);
    for (let i = 0; i < 30; i++)
      history.activation(
        aFacilityAlarm(`flood-${i}`, START - 9 * HOUR + i * 5000, { definition: `d-${i}` }),
        HOUR,
        "li.wei",
      );
    for (let i = 0; i < 12; i++) history.activation(aFacilityAlarm(`chatter-${i}`, START - HOUR + i * 20_000), 10_000);
  });
}

async function visit(locale: "zh-CN" | "en-GB", colorScheme: "light" | "dark", user = "li.wei"): Promise<Page> {
  browser ??= await startBrowser();
  context = await browser.newContext({
    baseURL: address,
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
    locale,
    colorScheme,
    acceptDownloads: true,
  });
  const page = await context.newPage();
  await page.clock.setFixedTime(START);
  await page.goto("/quality");
  await signInAs(page, user, PASSWORD);
  return page;
}

describe.skipIf(chromiumFile === undefined)("in the browser", () => {
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "parkhub-console-"));
    const vite = path.join(root, "node_modules/vite/bin/vite.js");
    execFileSync(
      process.execPath,
      [vite, "build", "cloud/console", "--outDir", folder, "--emptyOutDir", "--logLevel", "error"],
      {
        cwd: root,
      },
    );
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    park = await parkApi({ consoleFolder: folder });
    await park.addUser("li.wei", [{ role: "engineer", space: PARK.root }]);
    await park.addUser("wang.fang", [{ role: "operator", space: PARK.root }]);
    park.deps.definitions.add(
      {
        id: "noisy-alarm",
        category: "equipment",
        priority: "low",
        condition: { type: "equals", point: PARK.fence, value: false },
        message: "阀门反馈",
        messageEn: "Valve feedback",
      },
      { why: "a test", actor: { name: "somebody", grants: [] } },
    );
    furnish(new AlarmHistory(park.db));
    park.alarms.put(anAlarm("open-1", "perimeter"));
    address = await park.app.listen({ host: "127.0.0.1", port: 0 });
  });
  afterEach(async () => {
    await context.close();
    await park.close();
  });

  it("shows each figure with its target, in words and shapes beside the colour", async () => {
    const page = await visit("zh-CN", "light");
    const card = (figure: string) => page.locator(`[data-testid="kpi"][data-figure="${figure}"]`);
    await card("maximumAlarmRate").waitFor();
    expect(await card("maximumAlarmRate").getAttribute("data-state")).toBe("bad");
    expect(await card("maximumAlarmRate").textContent()).toContain(zhCN.alarmQuality.judged.bad);
    expect(await card("perDay").textContent()).toMatch(/42.*达标.*≤ 150/);
    expect(await card("staleCount").textContent()).toContain("1");
    expect(await page.getByTestId("rates").textContent()).toContain("30");
    expect(await page.getByTestId("kpi-group").count()).toBe(3);
    expect(await barriers(page)).toEqual([]);
  });

  it("shows it in English and in the dark without barriers, and splits it as asked", async () => {
    const page = await visit("en-GB", "dark");
    await page.getByTestId("kpi").first().waitFor();
    await page.getByTestId("quality-by").selectOption("area");
    await expect.poll(() => page.getByTestId("kpi-group").allTextContents(), { timeout: 30_000 }).toHaveLength(1);
    await page.getByTestId("period-lastWeek").check({ force: true });
    await expect
      .poll(() => page.getByTestId("report-title").locator("..").textContent(), { timeout: 30_000 })
      .toContain("43");
    expect(await barriers(page)).toEqual([]);
  });

  it("makes a clean report of the browser's print: the page alone, not empty, with its title", async () => {
    const page = await visit("en-GB", "dark");
    await page.getByTestId("kpi").first().waitFor();
    await page.getByTestId("bad-actor").first().waitFor();
    await page.emulateMedia({ media: "print" });
    expect(await page.getByTestId("report-title").isVisible()).toBe(true);
    for (const hidden of [".nav", ".top", ".quality-tools"])
      expect(await page.locator(hidden).first().isVisible(), hidden).toBe(false);
    const pdf = await page.pdf({ format: "A4", printBackground: true });
    expect(pdf.subarray(0, 5).toString("latin1")).toBe("%PDF-");
    const text = pdf.toString("latin1");
    const title = Buffer.from(en.page.quality, "utf16le").swap16().toString("hex").toUpperCase();
    expect(/\/Title <FEFF([0-9A-F]+)>/.exec(text)?.[1]).toContain(title);
    const pages = Number(/\/Type \/Pages[\s\S]*?\/Count (\d+)/.exec(text)?.[1]);
    expect(pages).toBeGreaterThan(1);
    expect(pages).toBeLessThan(8);
  });

  it("gives the figures as a file in the language shown", async () => {
    const page = await visit("en-GB", "light");
    await page.getByTestId("kpi").first().waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId("quality-csv").click()]);
    expect(download.suggestedFilename()).toBe("alarm-kpi.csv");
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).toString("utf8")).toMatch(/^\u{feff}Part,From,To,Alarms,/u);
  });

  it("has a proposal accepted by the keyboard alone, with a reason", async () => {
    const page = await visit("en-GB", "light");
    const accept = page.getByTestId("proposal-accept").first();
    await accept.focus();
    await page.keyboard.press("Enter");
    await page.getByTestId("proposal-reason").waitFor();
    await expect
      .poll(() => page.evaluate("document.activeElement.dataset.testid"), { timeout: 30_000 })
      .toBe("proposal-reason");
    await page.keyboard.press("Enter");
    expect(await page.getByTestId("proposal-confirm").isDisabled()).toBe(true);
    await page.keyboard.type("it chatters");
    await page.keyboard.press("Enter");
    await page.getByTestId("proposal-decision").waitFor();
    expect(park.deps.definitions.get("noisy-alarm")?.definition.offDelayMs).toBe(11_000);
  }, 60_000);

  it("hands a shift over: drawn up, noted, signed, and confirmed by the next person with his password", async () => {
    const page = await visit("en-GB", "light");
    await page.getByTestId("nav-handover").click();
    await page.getByTestId("handover-draw").click();
    await page.getByTestId("handed-alarm").first().waitFor();
    expect(await page.getByTestId("handover-title").textContent()).toContain(en.alarmQuality.handover.wholeSite);
    // The state is told in words: its letter is known to nobody who has not read the standard.
    const states = await page.getByTestId("handed-alarm").locator("td:last-child").allTextContents();
    expect(states.filter((state) => !Object.values(en.alarm.state).some((word) => state.startsWith(word)))).toEqual([]);
    await page.getByTestId("handover-notes").fill("gate 2 is open for a delivery");
    expect(await barriers(page)).toEqual([]);
    await page.getByTestId("handover-sign").click();
    await page.getByTestId("sign-confirm").click();
    await page.getByTestId("handover-confirm").click();
    expect(await page.getByTestId("confirm-confirm").isDisabled()).toBe(true);
    await page.getByTestId("confirm-username").fill("wang.fang");
    await page.getByTestId("confirm-password").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await expect
      .poll(() => page.getByTestId("handover-status").textContent(), { timeout: 30_000 })
      .toBe(en.alarmQuality.handover.status.closed);
    expect(await page.locator(".handover-signatures").textContent()).toMatch(/li\.wei.*wang\.fang/);
    expect(await page.locator(".handover-sheet .handover-notes").textContent()).toBe("gate 2 is open for a delivery");
    await page.emulateMedia({ media: "print" });
    expect(await page.locator(".handover-list").isVisible()).toBe(false);
    expect((await page.pdf({ format: "A4" })).length).toBeGreaterThan(5000);
  }, 60_000);

  it("shows the draft that is in the way of another, and gives it up by the keyboard with a reason", async () => {
    const { id } = await park.deps.shifts.draft(undefined, { name: "wang.fang", grants: [] });
    const page = await visit("en-GB", "light");
    await page.getByTestId("nav-handover").click();
    await page.getByTestId("handover-entry").first().waitFor();
    await page.getByTestId("handover-draw").click();
    await page.getByTestId("handover-discard").waitFor();
    expect(await page.locator(".handover-head").textContent()).toContain("wang.fang");
    expect(await page.locator(".handover-list").textContent()).toContain(en.error.HANDOVER_OPEN);
    await page.getByTestId("handover-discard").focus();
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=discard-reason]:focus").waitFor();
    expect(await barriers(page)).toEqual([]);
    expect(await page.getByTestId("discard-confirm").isDisabled()).toBe(true);
    await page.keyboard.type("drawn up for the wrong shift");
    await page.keyboard.press("Enter");
    await page.getByTestId("handover-discarded").waitFor();
    expect(await page.getByTestId("handover-discarded").textContent()).toMatch(/li\.wei.*wrong shift/);
    expect(await page.getByTestId("handover-acts").count()).toBe(0);
    expect(park.deps.shifts.get(id).status).toBe("discarded");
    await page.getByTestId("handover-draw").click();
    await page.getByTestId("handover-sign").waitFor();
    await expect.poll(() => page.getByTestId("handover-entry").count()).toBe(2);
  }, 60_000);

  it("shows what a colleague has done meanwhile, and keeps what was typed", async () => {
    const colleague = { name: "wang.fang", grants: [] };
    const page = await visit("en-GB", "light");
    await page.getByTestId("nav-handover").click();
    await page.getByText(en.alarmQuality.handover.empty).waitFor();
    const { id, revision } = await park.deps.shifts.draft(undefined, colleague);
    await page.getByTestId("handover-draw").click();
    await page.getByTestId("handover-notes").fill("gate 2 is open");
    expect(await page.locator(".handover-list").textContent()).toContain(en.error.HANDOVER_OPEN);
    const noted = await park.deps.shifts.change(id, { revision, notes: "gate 3 is shut" }, colleague);
    await page.getByTestId("handover-save").click();
    await page.getByTestId("handover-again").click();
    await page.getByTestId("handover-other-notes").waitFor();
    expect(await page.getByTestId("handover-other-notes").textContent()).toContain("gate 3 is shut");
    expect(await page.getByTestId("handover-notes").inputValue()).toBe("gate 2 is open");
    expect(await barriers(page)).toEqual([]);
    park.deps.shifts.discard(id, { revision: noted.revision, reason: "the wrong shift" }, colleague);
    await page.getByTestId("handover-save").click();
    await page.getByTestId("handover-again").click();
    await page.getByTestId("handover-discarded").waitFor();
    expect(await page.getByTestId("handover-other-notes").textContent()).toContain("gate 2 is open");
    await page.getByTestId("handover-entry").first().click();
    await expect.poll(() => page.locator(".handover-list [role=alert]").count()).toBe(0);
  }, 60_000);

  it("tells of a flood while it is on, live", async () => {
    const page = await visit("en-GB", "light");
    await page.getByTestId("load").first().waitFor();
    const flood = { id: "site", name: "全园区", nameEn: "Whole site", count: 25, flood: true, floodCount: 25 };
    const since = new Date(START - 5 * MINUTE).toISOString();
    park.deps.bus.publish({ kind: "loads", id: "site", item: { ...flood, since } });
    // Changes go out together, several times a second of the hub's clock.
    park.clock.advance(1000);
    await expect
      .poll(() => page.getByTestId("load").first().textContent(), { timeout: 30_000 })
      .toMatch(/25 in the last 10 min.*flood: 25 since/);
  });
});
