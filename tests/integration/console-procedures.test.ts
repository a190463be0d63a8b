import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { zhCN } from "#cloud/console/i18n/zh-cn.ts";
import type { Procedure } from "#core/model/procedure.ts";
import { barriers, chromiumFile, signInAs, startBrowser } from "#tests/e2e/browser.ts";
import { anAlarm } from "#tests/fixtures/cloud/alarms.ts";
import { PASSWORD, type ParkApi, parkApi, START } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

const root = path.resolve(import.meta.dirname, "../..");
const SOMEBODY = { name: "somebody", grants: [] };
const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
/** A browser on a machine that may have much else to do. */
const PATIENT = { timeout: 30_000 };

const INTRUSION: Procedure = {
  id: "fence",
  title: "周界入侵",
  titleEn: "Perimeter intrusion",
  scope: { categories: ["intrusion"] },
  steps: [
    {
      title: "看现场画面",
      titleEn: "Look at the picture",
      text: "判断是人还是动物。",
      textEn: "A person or an animal?",
      confirm: "person",
      mandatory: true,
      link: { kind: "camera", device: PARK.camera },
    },
    { title: "派人到场", titleEn: "Send a guard", confirm: "name", role: "security", mandatory: true },
    { title: "登记", titleEn: "Write it down", confirm: "person" },
  ],
};

let folder = "";
let browser: Browser | undefined;
let park: ParkApi;
let address: string;
let context: BrowserContext;

interface Visit {
  readonly locale?: "zh-CN" | "en-GB";
  readonly colorScheme?: "light" | "dark";
  readonly viewport?: typeof DESK;
  readonly user?: string;
}

async function visit(where: string, { locale = "zh-CN", user = "li.wei", ...more }: Visit = {}): Promise<Page> {
  browser ??= await startBrowser();
  context = await browser.newContext({ baseURL: address, viewport: DESK, reducedMotion: "reduce", locale, ...more });
  context.setDefaultTimeout(PATIENT.timeout);
  const page = await context.newPage();
  await page.clock.setFixedTime(START);
  await page.goto(where);
  await signInAs(page, user, PASSWORD);
  return page;
}
const definition = () => park.deps.definitions.get("fence-alarm");
const runOf = () => park.deps.procedures.runs.view(anAlarm("a-1", "perimeter")).run;

describe.skipIf(chromiumFile === undefined)("in the browser", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "parkhub-console-"));
    const vite = path.join(root, "node_modules/vite/bin/vite.js");
    const build = ["build", "cloud/console", "--outDir", folder, "--emptyOutDir", "--logLevel", "error"];
    execFileSync(process.execPath, [vite, ...build], { cwd: root });
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    park = await parkApi({ consoleFolder: folder });
    await park.addUser("li.wei", [{ role: "engineer", space: PARK.root }]);
    await park.addUser("wang.fang", [{ role: "engineer", space: PARK.root }]);
    await park.addUser("guard", [{ role: "security", space: "perimeter" }]);
    const { library } = park.deps.procedures;
    library.create(INTRUSION, SOMEBODY);
    library.publish("fence", 1, "agreed with the guards", SOMEBODY);
    park.alarms.put(anAlarm("a-1", "perimeter"));
    address = await park.app.listen({ host: "127.0.0.1", port: 0 });
  }, 60_000);
  afterEach(async () => {
    await context.close();
    await park.close();
  }, 60_000);

  it("a limit of the law is changed with a reason, and the history tells it, without barriers", async () => {
    const page = await visit("/alarm-definitions?definition=fence-alarm", { colorScheme: "dark" });
    await page.getByTestId("definition-save").waitFor();
    expect(await page.getByTestId("definition-save").isDisabled()).toBe(true);
    await page.getByLabel(zhCN.definition.field.response, { exact: true }).fill("先看画面");
    expect(await page.getByTestId("definition-save").isDisabled()).toBe(true);
    await page.getByTestId("definition-why").fill("guards asked for it");
    await page.getByTestId("definition-why").press("Enter");
    await expect
      .poll(() => page.getByTestId("definition-history").textContent(), PATIENT)
      .toContain("guards asked for it");
    expect(definition()?.definition.response).toBe("先看画面");
    expect(await barriers(page)).toEqual([]);
  });

  it("a security alarm is disabled only when a second person says so", async () => {
    const page = await visit("/alarm-definitions?definition=fence-alarm", { locale: "en-GB" });
    await page.getByTestId("definition-enabled").uncheck();
    await page.getByTestId("definition-why").fill("the fence is rebuilt");
    await page.getByTestId("definition-save").click();
    await page.getByTestId("definition-pending").waitFor();
    expect(await page.getByTestId("definition-approve").count()).toBe(0);
    expect(definition()).toMatchObject({ enabled: true, pending: { requestedBy: "li.wei" } });
    await context.close();
    const second = await visit("/alarm-definitions?definition=fence-alarm", { user: "wang.fang" });
    await second.getByTestId("definition-approve").click();
    await expect.poll(() => definition()?.enabled, PATIENT).toBe(false);
    await second.getByTestId("definition-pending").waitFor({ state: "detached" });
  });

  it("a procedure is written with its steps in order, looked at as it will be seen, and published", async () => {
    const page = await visit("/procedures?procedure=%2B", { locale: "en-GB" });
    await page.getByTestId("procedure-field-id").fill("wet");
    await page.getByTestId("procedure-field-title").fill("漏水");
    await page.getByTestId("procedure-field-titleEn").fill("Water leak");
    await page.getByTestId("procedure-add-step").click();
    for (const [n, zh, english] of [
      [1, "关阀", "Close the valve"],
      [2, "断电", "Switch the power off"],
    ] as const) {
      const step = page.getByTestId(`procedure-edit-${n}`);
      await step.locator("input.text-input").nth(0).fill(zh);
      await step.locator("input.text-input").nth(1).fill(english);
    }
    await page.getByRole("button", { name: "Move step 2 up" }).press("Enter");
    await page.getByTestId("procedure-preview").click();
    await expect
      .poll(() => page.getByTestId("procedure-steps").locator("strong").allTextContents(), PATIENT)
      .toEqual(["Switch the power off", "Close the valve"]);
    await page.getByTestId("procedure-save").click();
    await page.getByTestId("procedure-publish").click();
    await page.getByTestId("procedure-publish-reason").fill("in force");
    await page.getByTestId("procedure-publish-reason").press("Enter");
    await expect.poll(() => park.deps.procedures.library.get("wet")?.published?.version, PATIENT).toBe(1);
    expect(await barriers(page)).toEqual([]);
  });

  it("an alarm is worked on by its checklist with the keyboard alone", async () => {
    const page = await visit("/alarms?alarm=a-1", { locale: "en-GB" });
    await page.getByTestId("procedure-start").press("Enter");
    await expect.poll(() => runOf()?.status, PATIENT).toBe("running");
    await page.getByRole("button", { name: "Done: Look at the picture" }).press("Enter");
    await expect.poll(() => runOf()?.steps[0]?.status, PATIENT).toBe("confirmed");
    const who = page.getByTestId("procedure-step-2").locator("input");
    await who.focus();
    await page.keyboard.type("Zhao Qiang");
    await page.keyboard.press("Enter");
    await expect.poll(() => runOf()?.steps[1]?.doneBy, PATIENT).toBe("Zhao Qiang");
    await page.getByRole("button", { name: "Skip: Write it down" }).press("Enter");
    await page.getByTestId("procedure-reason").fill("the shift log is down");
    await page.getByTestId("procedure-reason").press("Enter");
    await expect.poll(() => runOf()?.status, PATIENT).toBe("finished");
    expect(runOf()?.steps.map(({ status }) => status)).toEqual(["confirmed", "confirmed", "skipped"]);
    expect(runOf()?.acts.every(({ station }) => (station ?? "") !== "")).toBe(true);
    expect(await barriers(page)).toEqual([]);
  });

  it("the checklist fits a phone, with buttons for a thumb", async () => {
    const page = await visit("/alarms?alarm=a-1", { viewport: PHONE, user: "guard" });
    const panel = page.getByTestId("procedure-panel");
    await panel.scrollIntoViewIfNeeded();
    await page.getByTestId("procedure-start").click();
    await expect.poll(() => runOf()?.startedBy, PATIENT).toBe("guard");
    const confirm = panel.getByRole("button", { name: new RegExp(`^${zhCN.procedure.panel.confirm}：看现场画面`) });
    const box = await confirm.boundingBox();
    expect(box?.height).toBeGreaterThanOrEqual(44);
    const inside = await panel.boundingBox();
    expect((inside?.x ?? 0) + (inside?.width ?? PHONE.width + 1)).toBeLessThanOrEqual(PHONE.width);
    await confirm.click();
    await expect.poll(() => runOf()?.steps[0]?.actor, PATIENT).toBe("guard");
  });
});
