import type { NotifyLanguage } from "#core/contracts/notify.ts";
import type { Alarm } from "#core/model/alarm.ts";
import { offsetMs } from "../wall-clock.ts";

/** Alarms that a message names; of the others it says how many. */
export const MOST_NAMED = 20;

/** What of an alarm is kept to tell of it. Times are Unix ms. */
export interface ToldAlarm
  extends Pick<
    Alarm,
    "id" | "occurrence" | "law" | "category" | "priority" | "message" | "messageEn" | "source" | "raisedAt"
  > {
  readonly area?: string;
  /** When it happened. */
  readonly at: number;
}

/** What a message tells: at most MOST_NAMED alarms out of `total`. */
export interface Message {
  /** NotifyOn, or `test`. */
  readonly transition: string;
  readonly step: number;
  readonly total: number;
  readonly alarms: readonly (ToldAlarm & { readonly place?: string; readonly placeEn?: string })[];
}

/** A message in one language. */
export interface Text {
  /** One line. */
  readonly title: string;
  readonly text: string;
}

const WORDS = {
  "zh-CN": {
    raised: "报警",
    reAlarmed: "再次报警",
    escalated: "报警升级",
    cleared: "报警恢复",
    acknowledged: "报警已确认",
    permitDigest: "检修汇总",
    test: "测试消息",
    still: "仍未确认",
    many: (what: string, count: number) => `${what}：共 ${count} 条`,
    more: (count: number) => `……另有 ${count} 条，请查看报警台`,
    test1: "这是 Parkhub 的测试消息，无须处理。",
    place: "位置",
    time: "时间",
    priorities: { urgent: "紧急", high: "高", medium: "中", low: "低" },
    categories: {
      comfort: "舒适",
      energy: "能源",
      equipment: "设备",
      communication: "通信",
      access: "门禁",
      intrusion: "入侵",
      panic: "紧急求助",
      tamper: "防拆",
      fire: "火警",
      system: "系统",
    },
    colon: "：",
    comma: "，",
  },
  en: {
    raised: "Alarm",
    reAlarmed: "Alarm again",
    escalated: "Alarm escalated",
    cleared: "Alarm cleared",
    acknowledged: "Alarm acknowledged",
    permitDigest: "Maintenance digest",
    test: "Test message",
    still: "still not acknowledged",
    many: (what: string, count: number) => `${what}: ${count} in all`,
    more: (count: number) => `... and ${count} more, see the alarm console`,
    test1: "This is a test message of Parkhub. Nothing needs to be done.",
    place: "Place",
    time: "Time",
    priorities: { urgent: "urgent", high: "high", medium: "medium", low: "low" },
    categories: {
      comfort: "comfort",
      energy: "energy",
      equipment: "equipment",
      communication: "communication",
      access: "access",
      intrusion: "intrusion",
      panic: "panic",
      tamper: "tamper",
      fire: "fire",
      system: "system",
    },
    colon: ": ",
    comma: ", ",
  },
} as const;

type Words = (typeof WORDS)[NotifyLanguage];
type Named = Message["alarms"][number];

/** Local time of the site to the second, with what it is ahead of UTC: wall time alone is ambiguous when clocks are set back. */
export function wallText(at: number, timeZone: string): string {
  const offset = offsetMs(at, timeZone);
  const wall = new Date(at + offset).toISOString().slice(0, 19).replace("T", " ");
  const minutes = Math.abs(Math.round(offset / 60_000));
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${wall} ${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** A text without control characters, in one line. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").trim();
}

function whatOf({ transition, step }: Message, words: Words): string {
  const kind = (transition.split("@")[0] ?? "") as keyof Words;
  const what = words[kind];
  return `${typeof what === "string" ? what : transition}${step > 0 ? ` (${words.still})` : ""}`;
}

function lineOf(alarm: Named, language: NotifyLanguage, words: Words): string {
  const tags = [words.priorities[alarm.priority], words.categories[alarm.category]].join(words.comma);
  return oneLine(`[${tags}] ${language === "en" ? alarm.messageEn : alarm.message}`);
}

function factsOf(alarm: Named, language: NotifyLanguage, words: Words, timeZone: string): string[] {
  const place = language === "en" ? alarm.placeEn : alarm.place;
  return [
    ...(place === undefined ? [] : [`${words.place}${words.colon}${oneLine(place)}`]),
    `${words.time}${words.colon}${wallText(alarm.at, timeZone)}`,
  ];
}

/** A message in the language of who reads it. */
export function render(message: Message, language: NotifyLanguage, timeZone: string): Text {
  const words = WORDS[language];
  const [first] = message.alarms;
  const what = whatOf(message, words);
  if (first === undefined) return { title: `Parkhub ${what}`, text: words.test1 };
  if (message.total === 1) {
    const line = lineOf(first, language, words);
    return {
      title: `${what}${words.colon}${line}`,
      text: [line, ...factsOf(first, language, words, timeZone)].join("\n"),
    };
  }
  const lines = message.alarms.map((alarm) =>
    [lineOf(alarm, language, words), ...factsOf(alarm, language, words, timeZone)].join(" · "),
  );
  const more = message.total - lines.length;
  return {
    title: `${words.many(what, message.total)}${words.colon}${lineOf(first, language, words)}`,
    text: [...lines, ...(more > 0 ? [words.more(more)] : [])].join("\n"),
  };
}

/** The beginning of a text that takes no more than so many bytes of UTF-8. */
export function cutBytes(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  // A character that was cut through decodes as U+FFFD.
  return `${whole
    .subarray(0, Math.max(0, bytes - 3))
    .toString("utf8")
    .replace(/\uFFFD+$/, "")}…`;
}
