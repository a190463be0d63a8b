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
import { PASSWORD, type ParkApi, parkApi, START } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

const root = path.resolve(import.meta.dirname, "../..");

let folder = "";
let browser: Browser | undefined;
let park: ParkApi;
let address: string;
const contexts: BrowserContext[] = [];

async function visit(
  user: string,
  locale: "zh-CN" | "en-GB",
  colorScheme: "light" | "dark",
  width = 1280,
): Promise<Page> {
  browser ??= await startBrowser();
  const context = await browser.newContext({
    baseURL: address,
    viewport: { width, height: 900 },
    reducedMotion: "reduce",
    locale,
    colorScheme,
  });
  contexts.push(context);
  const page = await context.newPage();
  await page.clock.setFixedTime(START);
  await page.goto("/maintenance");
  await signInAs(page, user, PASSWORD);
  return page;
}

/** A permit that has ended, with what it held back. */
function anEndedPermit(): void {
  const digest = {
    alarms: 2,
    raised: 5,
    active: 1,
    items: [
      {
        alarm: "a",
        occurrence: 3,
        category: "comfort",
        priority: "medium",
        message: "温度过高",
        messageEn: "Too warm",
        raised: 4,
        active: true,
        area: "office-a",
      },
      {
        alarm: "b",
        occurrence: 1,
        category: "comfort",
        priority: "low",
        message: "二氧化碳",
        messageEn: "CO2",
        raised: 1,
        active: false,
        area: "office-a",
      },
    ],
  };
  const row = {
    id: "permit-1",
    status: "ended" as const,
    scope: JSON.stringify({ areas: ["building-a"], categories: ["comfort"], definitions: [] }),
    from_at: START - 7_200_000,
    until_at: START - 3_600_000,
    reason: "filter change",
    requested_by: "wang.fang",
    requested_at: START - 7_300_000,
    decided_by: "li.wei",
    decided_at: START - 7_250_000,
    started_at: START - 7_200_000,
    ended_at: START - 3_600_000,
    digest: JSON.stringify(digest),
  };
  park.db.sync.run(park.db.kysely.insertInto("permits").values(row));
}

describe.skipIf(chromiumFile === undefined)("in the browser", () => {
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "parkhub-console-"));
    const vite = path.join(root, "node_modules/vite/bin/vite.js");
    const args = [vite, "build", "cloud/console", "--outDir", folder, "--emptyOutDir", "--logLevel", "error"];
    execFileSync(process.execPath, args, { cwd: root });
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    park = await parkApi({ consoleFolder: folder });
    await park.addUser("li.wei", [{ role: "engineer", space: PARK.root }]);
    await park.addUser("wang.fang", [{ role: "operator", space: PARK.root }]);
    await park.addUser("guest", [{ role: "viewer", space: PARK.root }]);
    address = await park.app.listen({ host: "127.0.0.1", port: 0 });
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    await park.close();
  });

  it("is asked for by one person, approved by another one and ended, all by keyboard", {
    timeout: 120_000,
  }, async () => {
    const page = await visit("wang.fang", "zh-CN", "light");
    await page.getByTestId("permit-request").press("Enter");
    const form = page.getByRole("dialog");
    await form.getByTestId("permit-submit").press("Enter");
    await expect.poll(() => form.getByRole("alert").textContent()).toBe(zhCN.maintenance.incomplete);
    expect(await form.getByRole("checkbox", { name: zhCN.alarm.category.panic }).count()).toBe(0);
    await form.getByRole("checkbox").first().press("Space");
    await form.getByRole("checkbox", { name: zhCN.alarm.category.equipment }).press("Space");
    await form.getByRole("checkbox", { name: zhCN.alarm.category.intrusion }).press("Space");
    await form.getByText(zhCN.maintenance.securityWarning).waitFor();
    await form.getByTestId("permit-reason").fill("更换滤网");
    expect(await barriers(page)).toEqual([]);
    await form.getByTestId("permit-submit").press("Enter");
    const status = page.getByTestId("permit-status");
    await expect.poll(() => status.textContent()).toBe(zhCN.maintenance.status.requested);
    expect(await page.getByTestId("permit-approve").count()).toBe(0);

    const other = await visit("li.wei", "en-GB", "dark");
    await other.getByTestId("permit-approve").press("Enter");
    await other.getByTestId("permit-confirm").press("Enter");
    await expect.poll(() => other.getByTestId("permit-status").textContent()).toBe(en.maintenance.status.active);
    expect(await barriers(other)).toEqual([]);
    await other.getByTestId("permit-end").press("Enter");
    await other.getByTestId("permit-reason").fill("done early");
    await other.getByTestId("permit-confirm").press("Enter");
    await other.getByText(en.maintenance.empty).waitFor();
    expect(park.deps.maintenance.list({ limit: 1 }, "all").items[0]).toMatchObject({
      status: "ended",
      requestedBy: "wang.fang",
      decidedBy: "li.wei",
      endedBy: "li.wei",
    });
  });

  it("shows who may only look what was held back, on a phone too", { timeout: 120_000 }, async () => {
    anEndedPermit();
    const page = await visit("guest", "en-GB", "light", 390);
    await page.getByRole("button", { name: en.maintenance.past, exact: true }).press("Enter");
    await page.getByTestId("permit-digest").locator("summary").press("Enter");
    await page.getByText("Too warm").waitFor();
    expect(await page.getByTestId("permit-digest").textContent()).toContain("2 alarms, raised 5 times, 1 still active");
    for (const act of ["permit-request", "permit-approve", "permit-end"])
      expect(await page.getByTestId(act).count(), act).toBe(0);
    const wider = await page
      .locator(".permit-desk")
      .evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
    expect(wider).toBeLessThanOrEqual(0);
    expect(await barriers(page)).toEqual([]);
  });
});
