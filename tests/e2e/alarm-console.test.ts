import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zhCN } from "#cloud/console/i18n/zh-cn.ts";
import type { JournalEntry } from "#core/contracts/alarms.ts";
import { AlarmDesk } from "./alarm-desk.ts";
import type { ApiClient } from "./api-client.ts";
import { chromiumFile, NOT_SIGNED_IN, NOT_YET_HERE, openConsole, startBrowser, visit, Watch } from "./browser.ts";
import { alarmDetail, alarmsOf } from "./guard.ts";
import { Park, until } from "./park.ts";

const t = zhCN.alarm;
const FILTER = "B 座空调机组 过滤器堵塞";
const FAN = "B 座空调机组 送风机故障";
const CHILLER = "1 号冷机故障停机";
const INTRUSION = "3 号防区入侵";
const WORKPLACE = "消防控制室 2 号台";

let park: Park;
let browser: Browser;
let context: BrowserContext;
let watch: Watch;
let desk: AlarmDesk;
let client: ApiClient;

/** The newest entry of a transition in the journal of a definition's newest alarm; waits for it. */
function journalOf(definition: string, transition: JournalEntry["transition"]): Promise<JournalEntry> {
  return until(`${transition} of ${definition}`, async () => {
    const [alarm] = await alarmsOf(client, definition);
    if (alarm === undefined) return undefined;
    const { journal } = await alarmDetail(client, alarm.id);
    return journal.filter((entry) => entry.transition === transition).toSorted((a, b) => (a.at < b.at ? 1 : -1))[0];
  });
}

describe.skipIf(chromiumFile === undefined)("the alarm console by keyboard alone", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    [park, browser] = await Promise.all([Park.start(), startBrowser()]);
    context = await visit(browser, park);
    watch = await Watch.over(context, park);
    watch.expect(NOT_SIGNED_IN);
    watch.expect(NOT_YET_HERE);
    client = await park.signIn();
    desk = new AlarmDesk(await openConsole(context));
    await park.hold("ahu-2", "filter-alarm", true, 3600);
    await park.hold("ahu-2", "supply-fan-fault", true, 3600);
    await park.scenario("chiller-trip", { seconds: 3600 });
    for (const message of [FILTER, FAN, CHILLER]) await desk.row(message).waitFor();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await park?.close();
  });

  it("asks once what the workplace is called", async () => {
    await desk.inList();
    expect(await desk.page.getByTestId("workplace-name").inputValue()).toMatch(/^工作台-[0-9a-z]{4}$/);
    await desk.tabTo("workplace-name", "Shift+Tab");
    await desk.press("Control+A");
    await desk.page.keyboard.type(WORKPLACE);
    await desk.press("Enter");
    await desk.inList();
    expect(await desk.page.getByTestId("workplace-ask").count()).toBe(0);
  });

  it("acknowledges at once what is not urgent, and says at which workplace [AL-02]", async () => {
    await desk.walkTo(FILTER);
    await desk.press("a");
    await expect.poll(() => desk.words(desk.row(FILTER))).toContain(t.state.acknowledged);
    expect(await journalOf("ahu-2.filter", "acknowledged")).toMatchObject({ actor: "admin", station: WORKPLACE });
  });

  it("shelves for the time chosen, with a reason [AL-10]", async () => {
    await desk.walkTo(FAN);
    await desk.press("s");
    await desk.dialog();
    expect(await desk.page.getByTestId("act-confirm").isDisabled()).toBe(true);
    expect(await desk.text("act-who")).toContain(WORKPLACE);
    await desk.press("Shift+Tab", "ArrowRight");
    expect(await desk.page.getByTestId("shelve-60").isChecked()).toBe(true);
    await desk.press("Tab");
    await desk.confirm("风机检修");
    await expect.poll(() => desk.tabCount("shelved")).toBe(1);
    await expect.poll(() => desk.row(FAN).count()).toBe(0);
    const { shelvedUntil, raisedAt } = await until("the shelved alarm", async () => {
      const [alarm] = await alarmsOf(client, "ahu-2.fan-fault");
      return alarm?.suppression.includes("shelved") === true ? alarm : undefined;
    });
    expect(Date.parse(shelvedUntil ?? "") - Date.parse(raisedAt)).toBeGreaterThan(59 * 60_000);
    expect(await journalOf("ahu-2.fan-fault", "shelved")).toMatchObject({ comment: "风机检修", station: WORKPLACE });
  });

  it("ends a shelving from the list of shelved alarms", async () => {
    await desk.tabTo("tab-shelved", "Shift+Tab");
    await desk.press("Enter");
    await desk.row(FAN).waitFor();
    await desk.tabTo("alarm-grid");
    await desk.walkTo(FAN);
    await desk.press("s");
    await expect.poll(() => desk.tabCount("shelved")).toBe(0);
    await desk.tabTo("tab-active", "Shift+Tab");
    await desk.press("Enter");
    await desk.row(FAN).waitFor();
    await desk.tabTo("alarm-grid");
  });

  it("shelves until the alarm returns to normal, and says so [AL-10]", async () => {
    await desk.walkTo(FAN);
    await desk.press("s");
    await desk.dialog();
    // From half an hour back over the shortest time to the last choice.
    await desk.press("Shift+Tab", "ArrowLeft", "ArrowLeft");
    expect(await desk.page.getByTestId("shelve-once").isChecked()).toBe(true);
    await desk.press("Tab");
    await desk.confirm("等待恢复");
    await expect.poll(() => desk.tabCount("shelved")).toBe(1);
    await expect.poll(() => desk.text("alarm-shelved")).toBe(t.untilNormal);
    await desk.tabTo("tab-shelved", "Shift+Tab");
    await desk.press("Enter");
    await expect.poll(() => desk.words(desk.row(FAN))).toContain(t.untilNormal);
    await desk.tabTo("alarm-grid");
    await desk.walkTo(FAN);
    await desk.press("s");
    await expect.poll(() => desk.tabCount("shelved")).toBe(0);
    await desk.tabTo("tab-active", "Shift+Tab");
    await desk.press("Enter");
    await desk.row(FAN).waitFor();
    await desk.tabTo("alarm-grid");
  });

  it("takes an alarm out of service with a reason, and back [AL-12]", async () => {
    await desk.walkTo(FAN);
    await desk.press("o");
    await desk.dialog();
    await desk.confirm("工单 4711");
    await expect.poll(() => desk.tabCount("outOfService")).toBe(1);
    await expect.poll(() => desk.row(FAN).count()).toBe(0);
    await desk.tabTo("tab-outOfService", "Shift+Tab");
    await desk.press("Enter");
    await desk.tabTo("alarm-grid");
    await desk.walkTo(FAN);
    await desk.press("o");
    await desk.dialog();
    await desk.confirm("检修完成");
    await expect.poll(() => desk.tabCount("outOfService")).toBe(0);
    await desk.tabTo("tab-active", "Shift+Tab");
    await desk.press("Enter");
    await desk.tabTo("alarm-grid");
    await desk.row(FAN).waitFor();
  });

  it("writes a comment into the journal", async () => {
    await desk.walkTo(CHILLER);
    await desk.press("c");
    await desk.dialog();
    await desk.confirm("厂家已联系");
    const told = await journalOf("chiller-plant.chiller-1-trip", "commented");
    expect(told).toMatchObject({ comment: "厂家已联系", station: WORKPLACE });
    await expect.poll(() => desk.text("alarm-journal")).toContain("厂家已联系");
  });

  it("assigns an alarm to oneself", async () => {
    await desk.walkTo(CHILLER);
    await desk.press("i");
    await desk.dialog("act-assignee");
    await desk.press("Tab", "Enter", "Shift+Tab", "Enter");
    await desk.inList();
    await expect.poll(() => desk.words(desk.row(CHILLER))).toContain("@admin");
    await expect.poll(() => desk.text("alarm-assignee")).toContain("admin");
  });

  it("acts on several that were selected one by one, and counts them first", async () => {
    await desk.walkTo(CHILLER);
    await desk.press("Space");
    await desk.walkTo(FAN);
    await desk.press("Space", "a");
    await desk.dialog();
    expect(await desk.text("act-counts")).toContain("× 2");
    await desk.confirm("");
    for (const message of [CHILLER, FAN])
      await expect.poll(() => desk.words(desk.row(message))).toContain(t.state.acknowledged);
    await expect.poll(() => desk.page.locator(".ticked-acts").count()).toBe(0);
  });

  it("shelves a selection as one act", async () => {
    await desk.walkTo(FILTER);
    await desk.press("Shift+ArrowUp", "s");
    await desk.dialog();
    await desk.confirm("一并检修");
    await expect.poll(() => desk.tabCount("shelved")).toBe(2);
    await desk.tabTo("tab-shelved", "Shift+Tab");
    await desk.press("Enter");
    await desk.tabTo("alarm-grid");
    await expect.poll(() => desk.page.getByTestId("alarm-row").count()).toBe(2);
    for (let left = 1; left >= 0; left--) {
      await desk.press("Home", "s");
      await expect.poll(() => desk.tabCount("shelved")).toBe(left);
    }
    await desk.tabTo("tab-active", "Shift+Tab");
    await desk.press("Enter");
    await desk.tabTo("alarm-grid");
  });

  it("does not acknowledge what is urgent, nor reset the security law, without a word", async () => {
    await park.scenario("intrusion-zone-3", { seconds: 600 });
    await desk.row(INTRUSION).waitFor();
    await desk.walkTo(INTRUSION);
    await desk.press("s");
    await expect.poll(() => desk.text("toast")).toContain(t.blocked.securityLaw);
    expect(await desk.page.getByTestId("act-dialog").count()).toBe(0);
    await desk.press("a");
    await desk.dialog();
    await desk.press("Enter");
    expect(await desk.page.getByTestId("act-dialog").count()).toBe(1);
    await desk.confirm("保安已出发");
    await expect.poll(() => desk.words(desk.row(INTRUSION))).toContain(t.state.acknowledged);
    await park.endScenario("intrusion-zone-3");
    await expect.poll(() => desk.words(desk.row(INTRUSION))).toContain(t.state.latched);
    await desk.press("r");
    await desk.dialog();
    await desk.confirm("围栏已检查");
    await expect.poll(() => desk.text("alarm-state")).toBe(t.state.normal);
    expect(await journalOf("zone-3-intrusion", "reset")).toMatchObject({ comment: "围栏已检查", station: WORKPLACE });
  });

  it("searches, says how many a filter hides, keeps the filter by a name, and comes back with Esc", async () => {
    const total = await desk.page.getByTestId("alarm-row").count();
    await desk.press("/");
    await expect.poll(() => desk.focused()).toBe("alarm-search");
    await desk.page.keyboard.type("冷机");
    await expect.poll(() => desk.text("alarm-total")).toBe(`显示 1 / ${total} 条 · 筛选隐藏 ${total - 1} 条`);
    await desk.tabTo("filter-keep");
    await desk.press("Enter");
    await expect.poll(() => desk.focused()).toBe("filter-name");
    await desk.page.keyboard.type("冷站");
    await desk.press("Enter");
    await desk.page.getByTestId("saved-filters").waitFor();
    await desk.tabTo("clear-filters");
    await desk.press("Enter");
    await expect.poll(() => desk.text("alarm-total")).toContain("隐藏 0 条");
    await desk.tabTo("saved-filters", "Shift+Tab");
    await desk.press("ArrowDown");
    await expect.poll(() => desk.text("alarm-total")).toContain("显示 1 /");
    await desk.tabTo("alarm-search", "Shift+Tab");
    await desk.press("Control+A", "Delete", "Escape");
    await desk.inList();
    await expect.poll(() => desk.text("alarm-total")).toContain("隐藏 0 条");
  });

  it("silences this workplace, acknowledges nothing by that, and sounds again for a new alarm [AL-17]", async () => {
    await park.scenario("tamper-zone-5", { seconds: 2 });
    await desk.row("5 号防区").waitFor();
    await desk.page.getByTestId("silence").waitFor();
    await desk.inList();
    await desk.press("m");
    await expect.poll(() => desk.page.getByTestId("silence").count()).toBe(0);
    expect(await desk.text("silenced")).toMatch(/已静音 [1-9]/);
    await expect.poll(() => desk.words(desk.row("5 号防区"))).toContain(t.state.latchedUnacknowledged);
    await park.scenario("panic-button", { seconds: 2 });
    await desk.row("紧急按钮").waitFor();
    await desk.page.getByTestId("silence").waitFor();
    await desk.press("Alt+m");
    await expect.poll(() => desk.page.getByTestId("silence").count()).toBe(0);
  });

  it("tells its keys", async () => {
    await desk.press("?");
    await desk.page.getByTestId("keys-help").waitFor();
    expect(await desk.text("keys-help")).toContain(t.help.shelve);
    await desk.press("Escape");
    await desk.inList();
  });

  it("leads from every page to the most important alarm", async () => {
    await desk.tabTo("nav-devices", "Shift+Tab");
    await desk.press("Enter");
    await desk.page.getByTestId("device-row").first().waitFor();
    expect(await desk.text("alarm-bar")).toContain("紧急按钮");
    await desk.press("Alt+j");
    await expect.poll(() => desk.text("alarm-detail")).toContain("紧急按钮");
    expect(new URL(desk.page.url()).pathname).toBe("/alarms");
    await desk.inList();
  });

  it("asked no other origin and complained of nothing", () => {
    expect(watch.foreign).toEqual([]);
    expect(watch.complaints).toEqual([]);
  });
});
