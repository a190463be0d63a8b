import { beforeEach, describe, expect, it } from "vitest";
import { JOURNAL_WORDS } from "#cloud/alarms/journal-csv.ts";
import { JournalSearch } from "#cloud/alarms/journal-search.ts";
import { enAlarms } from "#cloud/console/i18n/en-alarms.ts";
import { zhCNAlarms } from "#cloud/console/i18n/zh-cn-alarms.ts";
import type { JournalQuery } from "#cloud/journal-ports.ts";
import type { Alarm } from "#core/model/alarm.ts";
import { alarmOf, closedAlarm, happeningOf, JournalPark, START } from "./journal-park.ts";

/** Tower with two floors, and a perimeter. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  park: ["park", "tower", "floor-1", "floor-2", "perimeter"],
};
const TOWER = ["tower", "floor-1", "floor-2"];

const ALARMS: readonly Alarm[] = [
  alarmOf("fence"),
  closedAlarm("chiller", { area: "floor-1", message: "冷水机组跳闸", messageEn: "Chiller tripped", priority: "high" }),
  closedAlarm("filter", { area: "floor-2", message: "过滤网压差过高", messageEn: "Filter 100% clogged_up" }),
  closedAlarm("site", { area: undefined as never, category: "system", point: "park/gw-2/clock", source: "gw-2" }),
];

let search: JournalSearch;
let park: JournalPark;
const minute = (n: number): number => START + n * 60_000;

beforeEach(async () => {
  park = await JournalPark.open();
  search = new JournalSearch({
    db: park.db,
    below: (space) => new Set(space === "tower" ? TOWER : (BELOW[space] ?? [space])),
  });
  for (const [i, alarm] of ALARMS.entries()) park.journal.write(happeningOf(alarm, { at: minute(i) }));
  const [fence] = ALARMS;
  if (fence === undefined) throw new Error("no alarm");
  const acknowledged = { ...fence, acknowledged: true, acknowledgedBy: "li.wei", acknowledgedAt: minute(10) };
  const act = { actor: "li.wei", station: "Desk 2", comment: "Sent a Guard 看过现场" };
  park.journal.write(happeningOf(acknowledged, { transition: "acknowledged", at: minute(10), ...act }));
  // Told an hour late: it happened before all that is known.
  park.journal.write(happeningOf(closedAlarm("late"), { at: minute(-30), receivedAt: minute(60) }));
});

const found = (query: Partial<JournalQuery>): readonly string[] =>
  search
    .page({ visible: "all", limit: 100, ...query })
    .items.map(({ alarm, transition }) => (transition === "raised" ? alarm : `${alarm} ${transition}`));

describe("the search in the journal", () => {
  it("gives everything in the order in which it came to be known, the newest first", () => {
    expect(found({})).toEqual(["late", "fence acknowledged", "site", "filter", "chiller", "fence"]);
  });

  it.each<[string, Partial<JournalQuery>, readonly string[]]>([
    ["Chinese text", { q: "跳闸" }, ["chiller"]],
    ["English text whatever its case", { q: "CHILLER trip" }, ["chiller"]],
    ["a comment", { q: "看过" }, ["fence acknowledged"]],
    ["a workplace", { q: "desk 2" }, ["fence acknowledged"]],
    ["signs that SQL has a meaning for", { q: "100% clogged_" }, ["filter"]],
    ["a sign of SQL that is no joker here", { q: "%trip" }, []],
    ["an area with all that lies below it", { area: "tower" }, ["late", "filter", "chiller"]],
    ["a law", { law: "security" }, ["fence acknowledged", "fence"]],
    ["a category", { category: "system" }, ["site"]],
    ["a priority", { priority: "high" }, ["chiller"]],
    ["a point", { point: "park/gw-2/clock" }, ["site"]],
    ["who acted", { actor: "li.wei" }, ["fence acknowledged"]],
    ["what happened", { transition: "acknowledged" }, ["fence acknowledged"]],
    ["an alarm", { alarm: "fence" }, ["fence acknowledged", "fence"]],
    ["a time, by the clock of the source", { from: minute(-60), to: minute(2) }, ["chiller", "fence", "late"]],
    ["several at once", { area: "tower", from: minute(0), q: "过滤" }, ["filter"]],
  ])("finds by %s", (_what, query, expected) => {
    expect(found(query)).toEqual(expected);
  });

  it("shows only what lies in the spaces of who looks; what lies in none is the whole site's", () => {
    const visible = new Set(["floor-1", "perimeter"]);
    expect(found({ visible })).toEqual(["fence acknowledged", "chiller", "fence"]);
    expect(found({ visible, area: "tower" })).toEqual(["chiller"]);
    expect(found({ visible: new Set() })).toEqual([]);
  });

  it.each<[string, Partial<JournalQuery>]>([
    ["as it came to be known", {}],
    ["by time", { from: minute(-60) }],
  ])("gives page after page %s, each entry once, with the number of all", (_order, query) => {
    const whole = found(query);
    const pages: string[] = [];
    let cursor: string | undefined;
    do {
      const page = search.page({
        visible: "all",
        limit: 2,
        count: true,
        ...query,
        ...(cursor === undefined ? {} : { cursor }),
      });
      expect(page.total).toBe(6);
      pages.push(
        ...page.items.map(({ alarm, transition }) => (transition === "raised" ? alarm : `${alarm} ${transition}`)),
      );
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(pages).toEqual(whole);
    expect(pages).toHaveLength(6);
  });

  it("refuses a cursor of the other order, and a time that ends before it begins", () => {
    const { nextCursor: cursor = "" } = search.page({ visible: "all", limit: 1 });
    expect(() => search.page({ visible: "all", limit: 1, from: START, cursor })).toThrow(
      expect.objectContaining({ code: "CURSOR_INVALID" }),
    );
    expect(() => search.page({ visible: "all", limit: 1, from: minute(2), to: minute(1) })).toThrow(
      expect.objectContaining({ code: "TIME_RANGE_INVALID" }),
    );
  });
});

describe("the journal as a CSV file", () => {
  const textOf = async (query: Partial<JournalQuery>, language: "zh-CN" | "en"): Promise<string> =>
    (await Array.fromAsync(search.csv({ visible: "all", ...query }, language))).join("");

  it("begins with the mark of UTF-8, ends its lines with CR LF and speaks the language asked for", async () => {
    const [head, line, ...rest] = (await textOf({ alarm: "chiller" }, "zh-CN")).split("\r\n");
    expect(head?.startsWith("\u{feff}序号,源时间 (UTC),")).toBe(true);
    expect(line).toMatch(/^2,2026-11-21T08:01:00\.000Z,.*,产生,高,舒适,设施,冷水机组跳闸,floor-1,/);
    expect(rest).toEqual([""]);
    expect(await textOf({ alarm: "chiller" }, "en")).toContain("Raised,High,Comfort,Facility,Chiller tripped,floor-1,");
  });

  it("lets no comment become a formula", async () => {
    const alarm = alarmOf("trap");
    const comment = '=HYPERLINK("http://x","y")';
    park.journal.write(happeningOf(alarm, { transition: "commented", actor: "@mallory", comment, key: "1" }));
    expect(await textOf({ alarm: "trap" }, "en")).toContain(`,'@mallory,,"'=HYPERLINK(""http://x"",""y"")",trap,`);
  });

  it("says what the console says", () => {
    for (const [language, texts] of [
      ["zh-CN", zhCNAlarms],
      ["en", enAlarms],
    ] as const) {
      const { transition, priority, category, law, heads } = JOURNAL_WORDS[language];
      expect(texts).toMatchObject({ transition, priority, category, law });
      expect(Object.keys(texts.transition)).toHaveLength(Object.keys(transition).length);
      expect(heads).toHaveLength(JOURNAL_WORDS.en.heads.length);
    }
  });

  it("holds more than one page, each entry once", async () => {
    park.raise(1203);
    const lines = (await textOf({}, "en")).trimEnd().split("\r\n");
    expect(lines).toHaveLength(1 + 6 + 1203);
    expect(new Set(lines).size).toBe(lines.length);
  });
});
