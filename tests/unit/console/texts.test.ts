import { afterEach, describe, expect, it } from "vitest";
import { en } from "#cloud/console/i18n/en.ts";
import { age, fullTime, grouped, shortTime, showTimesIn } from "#cloud/console/i18n/format.ts";
import { chooseLanguage } from "#cloud/console/i18n/language.ts";
import { unitText, valueText, valueWithUnit } from "#cloud/console/i18n/value-text.ts";
import { zhCN } from "#cloud/console/i18n/zh-cn.ts";

/** Every text by its path. */
function texts(value: object, path = ""): readonly (readonly [string, string])[] {
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === "object" ? texts(inner as object, `${path}${key}.`) : [[`${path}${key}`, String(inner)] as const],
  );
}
const blanks = (text: string): readonly string[] =>
  [...text.matchAll(/{{(\w+)}}/g)].map((match) => match[1] ?? "").sort();

describe("the texts", () => {
  it("fill in the same names in both languages", () => {
    const english = new Map(texts(en));
    const wrong = texts(zhCN).filter(([path, text]) => blanks(text).join() !== blanks(english.get(path) ?? "").join());
    expect(wrong).toEqual([]);
  });

  it("hold no Chinese in English, but for the name of the other language", () => {
    const wrong = texts(en).filter(([path, text]) => /\p{Script=Han}/u.test(text) && path !== "app.switchLanguage");
    expect(wrong).toEqual([]);
  });
});

describe("the language to begin with", () => {
  it("is the remembered one before the browser's", () => {
    expect(chooseLanguage("en", ["zh-CN"])).toBe("en");
    expect(chooseLanguage("fr", ["en-GB"])).toBe("en");
  });
  it("is the browser's first that we speak, else Chinese", () => {
    expect(chooseLanguage(null, ["fr", "en-US", "zh"])).toBe("en");
    expect(chooseLanguage(null, ["zh-TW"])).toBe("zh-CN");
    expect(chooseLanguage(null, ["fr"])).toBe("zh-CN");
  });
});

describe("times", () => {
  afterEach(() => showTimesIn("UTC"));

  it("are the site's, wherever the browser stands", () => {
    showTimesIn("Asia/Shanghai");
    expect(fullTime("2026-11-21T16:00:05.007Z")).toBe("2026-11-22 00:00:05.007");
  });

  it("leave the date out when it is today at the site", () => {
    showTimesIn("Asia/Shanghai");
    const now = Date.parse("2026-11-21T17:00:00Z");
    expect(shortTime("2026-11-21T16:30:00.000Z", now)).toBe("00:30:00");
    expect(shortTime("2026-11-21T15:30:00.000Z", now)).toBe("11-21 23:30:00");
  });

  it("are empty for no time", () => {
    expect([shortTime(undefined, 0), fullTime(null), fullTime("never")]).toEqual(["", "", ""]);
  });

  it("age in the largest unit that fits, and never into the future", () => {
    expect(age(-5000)).toEqual({ unit: "seconds", count: 0 });
    expect(age(59_999)).toEqual({ unit: "seconds", count: 59 });
    expect(age(3_600_000)).toEqual({ unit: "hours", count: 1 });
    expect(age(2 * 86_400_000)).toEqual({ unit: "days", count: 2 });
  });
});

describe("values", () => {
  const fan = { kind: "boolean", unit: null, states: [{ value: 1, name: "运行", nameEn: "running" }] } as const;
  it("have the point's decimals and the unit's symbol", () => {
    expect(valueWithUnit(16, { kind: "number", unit: "degC", precision: 1 }, "en")).toBe("16.0 °C");
    expect(valueWithUnit(0.123456, { kind: "number", unit: "pf" }, "en")).toBe("0.1235");
  });
  it("are named by their states, in the language shown", () => {
    expect(valueText(true, { ...fan, states: [...fan.states] }, "zh-CN")).toBe("运行");
    expect(valueText(false, { ...fan, states: [...fan.states] }, "en")).toBe("Off");
    expect(valueText(1, { kind: "enum", unit: null, states: [...fan.states] }, "en")).toBe("running");
  });
  it("are a dash when there is none, without a unit", () => {
    expect(valueWithUnit(null, { kind: "number", unit: "kW" }, "en")).toBe("–");
  });
  it("show a unit that the hub does not know as it is written", () => {
    expect(unitText({ kind: "number", unit: "furlong" })).toBe("furlong");
  });
  it("group large counts by three", () => {
    expect(grouped(1_234_567)).toBe("1\u202f234\u202f567");
  });
});
