import { readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AlarmJournal } from "#cloud/alarms/journal-store.ts";
import { verifyPack } from "#cloud/evidence/verify.ts";
import { anAlarm } from "#tests/fixtures/cloud/alarms.ts";
import { type ParkApi, parkApi } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";
import { alarmOf, closedAlarm, happeningOf, START } from "#tests/unit/cloud/journal/journal-park.ts";
import { barriers, chromiumFile, startBrowser } from "./browser.ts";

const CONSOLE = path.resolve(import.meta.dirname, "../../cloud/console/dist");
const CHILLER = {
  message: "冷水机组 2 出水温度过高",
  messageEn: "Chiller 2 outlet too warm",
  area: "building-a",
} as const;

/** 120 alarms, each tenth of them acknowledged at a workplace. */
function fill(park: ParkApi): void {
  const journal = new AlarmJournal(park.db, () => -4200);
  for (let i = 0; i < 120; i++) {
    const at = START + i * 60_000;
    const alarm = i % 3 === 0 ? alarmOf(`a-${i}`) : closedAlarm(`a-${i}`, CHILLER);
    park.alarms.put(anAlarm(alarm.id, alarm.area));
    journal.write(happeningOf(alarm, { at, receivedAt: at + 90, ...(i % 4 === 0 ? { toldBy: PARK.gateway } : {}) }));
    if (i % 10 !== 0) continue;
    const acknowledged = { ...alarm, acknowledged: true, acknowledgedBy: "li.wei", acknowledgedAt: at + 5000 };
    const act = { actor: "li.wei", station: "消防控制室 2", comment: "已派人现场查看" };
    journal.write(
      happeningOf(acknowledged, { transition: "acknowledged", at: at + 5000, receivedAt: at + 5000, ...act }),
    );
  }
}

/** A browser takes its time on a busy machine. */
const TEST_MS = 120_000;

describe.skipIf(chromiumFile === undefined)("the page of the alarm journal", { timeout: TEST_MS }, () => {
  let park: ParkApi;
  let browser: Browser;
  let baseURL: string;
  beforeAll(async () => {
    park = await parkApi({ consoleFolder: CONSOLE });
    fill(park);
    for (const name of ["guard", "viewer"])
      await park.addUser(name, [{ role: name === "guard" ? "security" : "viewer", space: PARK.root }]);
    await park.app.listen({ host: "127.0.0.1", port: 0 });
    const address = park.app.server.address();
    baseURL = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await park.close();
  });

  const open = async (
    user: string,
    visitor: { locale?: string; colorScheme?: "light" | "dark"; width?: number } = {},
  ): Promise<{ page: Page; context: BrowserContext }> => {
    const { locale = "zh-CN", colorScheme = "light", width = 1280 } = visitor;
    const viewport = { width, height: 900 };
    const context = await browser.newContext({ baseURL, locale, colorScheme, viewport, reducedMotion: "reduce" });
    const [name = "", value = ""] = park.open(user).cookie.split("=", 2);
    await context.addCookies([{ name, value, url: baseURL }]);
    const page = await context.newPage();
    await page.goto("/journal");
    await page.getByTestId("journal-row").first().waitFor();
    return { page, context };
  };
  const rows = (page: Page) => page.getByTestId("journal-row").count();

  it("is searched by the keyboard, and the search stands in its address", async () => {
    const { page, context } = await open("guard");
    expect(await rows(page)).toBe(100);
    await page.getByTestId("journal-q").focus();
    await page.keyboard.type("消防");
    await page.keyboard.press("Enter");
    await expect.poll(() => rows(page)).toBe(12);
    expect(await page.getByTestId("journal-row").first().textContent()).toContain("li.wei / 消防控制室 2");
    const again = await context.newPage();
    await again.goto(page.url());
    await again.getByTestId("journal-row").first().waitFor();
    expect(await rows(again)).toBe(12);
    await context.close();
  });

  it("gives older entries when asked, until there are no more", async () => {
    const { page, context } = await open("guard", { locale: "en-GB" });
    await page.getByRole("button", { name: "Load more" }).press("Enter");
    await expect.poll(() => rows(page)).toBe(132);
    expect(await page.getByRole("button", { name: "Load more" }).count()).toBe(0);
    await context.close();
  });

  it("gives evidence of an alarm to who may export it, for a reason, and the file proves itself", async () => {
    const { page, context } = await open("guard", { locale: "en-GB" });
    await page.getByTestId("evidence-button").first().press("Enter");
    expect(await page.getByTestId("evidence-confirm").isDisabled()).toBe(true);
    await page.getByTestId("evidence-reason").fill("Asked for by the police");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByTestId("evidence-reason").press("Enter"),
    ]);
    expect(download.suggestedFilename()).toMatch(/^evidence-a-119-.*\.zip$/);
    const verdict = verifyPack(readFileSync(await download.path()), park.completeness.key.key);
    expect(verdict).toMatchObject({ good: true, manifest: { reason: "Asked for by the police" } });
    await context.close();
    const { page: other, context: theirs } = await open("viewer");
    expect(await other.getByTestId("evidence-button").count()).toBe(0);
    await theirs.close();
  });

  it("gives the search as a CSV file", async () => {
    const { page, context } = await open("guard");
    await page.goto("/journal?transition=acknowledged");
    await expect.poll(() => rows(page)).toBe(12);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByTestId("journal-csv").press("Enter"),
    ]);
    const lines = readFileSync(await download.path(), "utf8")
      .trimEnd()
      .split("\r\n");
    expect(lines).toHaveLength(13);
    expect(lines[1]).toContain("确认");
    await context.close();
  });

  it.each([
    { locale: "zh-CN", colorScheme: "light" },
    { locale: "en-GB", colorScheme: "dark" },
    { locale: "zh-CN", colorScheme: "dark", width: 390 },
  ] as const)("has no serious fault of accessibility (%o)", async (visitor) => {
    const { page, context } = await open("guard", visitor);
    expect(await barriers(page)).toEqual([]);
    await context.close();
  });
});
