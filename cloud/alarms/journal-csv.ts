import { ALARM_WORDS, type AlarmWords } from "#core/alarm/words.ts";
import type { JournalRecord } from "#core/contracts/journal.ts";
import { csvLine } from "#core/csv.ts";

/** Languages of an export. */
export type ExportLanguage = "zh-CN" | "en";

/** Heads of the columns and names of what is in them. */
export interface Words extends AlarmWords {
  readonly heads: readonly string[];
  readonly more: string;
}

/** Words of the file, those of the console. */
export const JOURNAL_WORDS: Readonly<Record<ExportLanguage, Words>> = {
  "zh-CN": {
    heads: [
      "序号",
      "源时间 (UTC)",
      "接收时间 (UTC)",
      "时钟偏差 (ms)",
      "事件",
      "优先级",
      "类别",
      "规则",
      "报警",
      "区域",
      "防区",
      "来源",
      "报警定义",
      "操作人",
      "值班台",
      "说明",
      "报警编号",
      "次数",
      "哈希",
    ],
    ...ALARM_WORDS["zh-CN"],
    more: "已达到一次导出的上限，请缩小时间范围后再导出其余记录",
  },
  en: {
    heads: [
      "No.",
      "Source time (UTC)",
      "Received (UTC)",
      "Clock offset (ms)",
      "Event",
      "Priority",
      "Category",
      "Law",
      "Alarm",
      "Area",
      "Zone",
      "Source",
      "Definition",
      "Who",
      "Station",
      "Why",
      "Alarm id",
      "Occurrence",
      "Hash",
    ],
    ...ALARM_WORDS.en,
    more: "This is as much as one file may hold: choose a shorter time for the rest",
  },
};

/** The first line of the file. */
export function journalHead(language: ExportLanguage): string {
  return csvLine(JOURNAL_WORDS[language].heads);
}

/** The line of an entry. */
export function journalLine(entry: JournalRecord, language: ExportLanguage): string {
  const words = JOURNAL_WORDS[language];
  return csvLine([
    Number(entry.id),
    entry.at,
    entry.receivedAt,
    entry.clockOffsetMs,
    words.transition[entry.transition],
    words.priority[entry.priority],
    words.category[entry.category],
    words.law[entry.law],
    language === "en" ? entry.messageEn : entry.message,
    entry.area,
    entry.zone,
    entry.source,
    entry.definition,
    entry.actor,
    entry.station,
    entry.comment,
    entry.alarm,
    entry.occurrence,
    entry.hash,
  ]);
}

/** The last line of a file that could not hold everything. */
export function moreLine(language: ExportLanguage): string {
  return csvLine([JOURNAL_WORDS[language].more]);
}
