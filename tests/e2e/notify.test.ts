import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { en } from "#cloud/console/i18n/en.ts";
import { barriers, chromiumFile, openConsole, startBrowser, visit, Watch } from "./browser.ts";
import { Park } from "./park.ts";

const TABS = ["positions", "contacts", "rotas", "channels", "rules", "ledger", "history"] as const;

describe.skipIf(chromiumFile === undefined)("the page of notifications", () => {
  let park: Park;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let watch: Watch;
  beforeAll(async () => {
    park = await Park.start();
    browser = await startBrowser();
    context = await visit(browser, park, { locale: "en-GB" });
    watch = await Watch.over(context, park);
    watch.expect(/401/);
    page = await openConsole(context);
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await park?.close();
  });

  /** The row of a table, by what it holds. */
  const row = (table: string, text: string) =>
    page.getByTestId(`notify-${table}`).getByRole("row").filter({ hasText: text });

  it("makes a contact with the keyboard alone", async () => {
    await page.goto("/notify?tab=contacts");
    await page.getByTestId("notify-new").focus();
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=notify-id]:focus").waitFor();
    await page.keyboard.type("chen");
    await page.keyboard.press("Tab");
    await page.keyboard.type("Chen Jing");
    await page.keyboard.press("Enter");
    await row("contacts", "Chen Jing").waitFor();
  }, 60_000);

  it("puts the contact on call, and the position says so", async () => {
    await page.goto("/notify?tab=rotas");
    await page.getByTestId("rota-control-room").click();
    await page.getByLabel("At other times").focus();
    await page.keyboard.type("Chen");
    await page.keyboard.press("Enter");
    await page.getByTestId("notify-save").click();
    await page.goto("/notify?tab=positions");
    expect(await row("positions", "Control room").textContent()).toContain("Chen Jing");
  }, 60_000);

  it("does not remove who is still on call, and says so", async () => {
    const end = watch.expect(/409/);
    await page.goto("/notify?tab=contacts");
    await row("contacts", "Chen Jing").getByRole("button").click();
    await page.getByTestId("notify-remove").click();
    await page.getByText(en.notify.removeText).waitFor();
    await page.getByTestId("notify-remove-confirm").click();
    const refusal = page.getByRole("alert").filter({ hasText: en.error.NOTIFY_IN_USE });
    await refusal.waitFor();
    expect(await refusal.textContent()).toContain("rota control-room");
    await page.reload();
    await row("contacts", "Chen Jing").waitFor();
    end();
  }, 60_000);

  it("says with the keyboard alone after how long the alarms of a position are told further", async () => {
    await page.goto("/notify?tab=positions");
    await row("positions", "Control room").getByRole("button").focus();
    await page.keyboard.press("Enter");
    await page.getByTestId("escalate-urgent").focus();
    await page.keyboard.type("2");
    await page.getByTestId("escalate-medium").focus();
    await page.keyboard.type("0");
    await page.keyboard.press("Enter");
    await row("positions", "Urgent 2 min").waitFor();
    expect(await row("positions", "Control room").textContent()).toContain("Medium never");
    const client = await park.signIn();
    const { items } = await client.get<{ items: { document: object }[] }>("/notify/positions");
    expect(items[0]?.document).toMatchObject({ escalateMinutes: { urgent: 2, medium: 0 } });
  }, 60_000);

  it("tells who changed what, when and why, and keeps what was removed", async () => {
    const client = await park.signIn();
    const document = { name: "Li Wei", language: "en", groups: [], phone: "021 5550 1234" };
    await client.put("/notify/contacts/li", { version: 0, document });
    const changed = { version: 1, document: { ...document, phone: "021 5550 9999" }, why: "a new phone" };
    await client.put("/notify/contacts/li", changed);
    await page.goto("/notify?tab=contacts");
    await row("contacts", "Li Wei").getByRole("button").click();
    await page.getByTestId("notify-remove").focus();
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=notify-remove-reason]:focus").waitFor();
    await page.keyboard.type("has left");
    await page.keyboard.press("Enter");
    await expect.poll(() => row("contacts", "Li Wei").count()).toBe(0);
    await page.goto("/notify?tab=history");
    const versions = page.getByTestId("notify-version").filter({ hasText: "Li Wei" });
    await expect.poll(() => versions.count()).toBe(3);
    const told = async (index: number): Promise<string> => (await versions.nth(index).textContent()) ?? "";
    expect(await told(0)).toMatch(/removed.*Contacts.*by admin.*has left/);
    expect(await told(1)).toMatch(/changed.*by admin.*a new phone/);
    await versions.nth(1).locator("summary").focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => told(1)).toMatch(/Phone021 5550 1234 → 021 5550 9999/);
    expect(await versions.nth(1).locator(".fact").count()).toBe(1);
  }, 60_000);

  it("says that a list could not be loaded anew, and gives no older ones until it is", async () => {
    const end = watch.expect(/503/);
    let answer: "whole" | "late" | "none" = "whole";
    const late = Promise.withResolvers<void>();
    await page.route("**/api/v1/notify/versions*", async (route) => {
      if (answer === "none") return await route.fulfill({ status: 503, json: {} });
      if (answer === "late") await late.promise;
      const response = await route.fetch();
      return await route.fulfill({ response, json: { ...(await response.json()), nextCursor: "older" } });
    });
    await page.goto("/notify?tab=history");
    const more = page.getByRole("button", { name: en.common.more });
    const refresh = page.getByRole("button", { name: en.notify.refresh });
    const failed = page.getByTestId("reload-error");
    await more.waitFor();
    answer = "late";
    await refresh.click();
    await expect.poll(() => more.count()).toBe(0);
    expect(await page.getByTestId("notify-version").count()).toBeGreaterThan(0);
    late.resolve();
    await more.waitFor();
    answer = "none";
    await refresh.click();
    await failed.waitFor();
    expect(await page.getByTestId("notify-version").count()).toBeGreaterThan(0);
    answer = "whole";
    await failed.getByRole("button", { name: en.common.retry }).click();
    await expect.poll(() => failed.count()).toBe(0);
    await page.unroute("**/api/v1/notify/versions*");
    end();
  }, 60_000);

  it("says why a test message was not sent, beside its channel and in the ledger", async () => {
    const client = await park.signIn();
    const document = { type: "webhook", name: "Hook", url: "https://hooks.example.com/", language: "en" };
    await client.put("/notify/channels/hook", {
      version: 0,
      document,
      secrets: { signingKey: "a-key-of-the-receiver" },
    });
    await page.goto("/notify?tab=channels");
    await page.getByTestId("notify-test-hook").click();
    await row("channels", "EGRESS_FORBIDDEN").waitFor();
    await page.goto("/notify?tab=ledger");
    await row("deliveries", "EGRESS_FORBIDDEN").waitFor();
  }, 60_000);

  it("is free of barriers in both themes, with its forms open", async () => {
    const look = async (colours: boolean): Promise<void> => {
      for (const tab of colours ? (["positions", "channels", "rules"] as const) : TABS) {
        await page.goto(`/notify?tab=${tab}`);
        await page.locator(".notify-panel").waitFor();
        expect(await barriers(page, { colours }), tab).toEqual([]);
        if (!["positions", "channels", "rules"].includes(tab)) continue;
        await page.getByTestId("notify-new").click();
        await page.getByTestId("notify-save").waitFor();
        expect(await barriers(page, { colours }), `${tab}, form`).toEqual([]);
      }
    };
    await look(false);
    await page.goto("/notify");
    await page.getByRole("button", { name: "Dark theme" }).click();
    await look(true);
    expect(watch.complaints).toEqual([]);
  }, 180_000);
});
