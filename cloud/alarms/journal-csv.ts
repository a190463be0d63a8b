import type { JournalRecord } from "#core/contracts/journal.ts";
import { csvLine } from "#core/csv.ts";
import type { AlarmCategory, AlarmPriority, AlarmTransition, Law } from "#core/model/alarm.ts";

/** Languages of an export. */
export type ExportLanguage = "zh-CN" | "en";

/** Heads of the columns and names of what is in them. */
export interface Words {
  readonly heads: readonly string[];
  readonly transition: Readonly<Record<AlarmTransition, string>>;
  readonly law: Readonly<Record<Law, string>>;
  readonly category: Readonly<Record<AlarmCategory, string>>;
  readonly priority: Readonly<Record<AlarmPriority, string>>;
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
    transition: {
      raised: "产生",
      cleared: "条件消失",
      acknowledged: "确认",
      reset: "复位",
      shelved: "搁置",
      unshelved: "取消搁置",
      suppressed: "抑制",
      unsuppressed: "取消抑制",
      outOfService: "停用",
      returnedToService: "恢复服务",
      stale: "来源失联",
      fresh: "来源恢复",
      reAlarmed: "再次报警",
      assigned: "已指派",
      escalated: "已升级",
      commented: "备注",
    },
    law: { facility: "设施", security: "安防" },
    category: {
      comfort: "舒适",
      energy: "能源",
      equipment: "设备",
      communication: "通信",
      access: "门禁",
      intrusion: "入侵",
      panic: "紧急求助",
      tamper: "防拆",
      fire: "火灾",
      system: "系统",
    },
    priority: { urgent: "紧急", high: "高", medium: "中", low: "低" },
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
    transition: {
      raised: "Raised",
      cleared: "Condition gone",
      acknowledged: "Acknowledged",
      reset: "Reset",
      shelved: "Shelved",
      unshelved: "Unshelved",
      suppressed: "Suppressed",
      unsuppressed: "Unsuppressed",
      outOfService: "Out of service",
      returnedToService: "Returned to service",
      stale: "Source silent",
      fresh: "Source back",
      reAlarmed: "Alarmed again",
      assigned: "Assigned",
      escalated: "Escalated",
      commented: "Comment",
    },
    law: { facility: "Facility", security: "Security" },
    category: {
      comfort: "Comfort",
      energy: "Energy",
      equipment: "Equipment",
      communication: "Communication",
      access: "Access",
      intrusion: "Intrusion",
      panic: "Panic",
      tamper: "Tamper",
      fire: "Fire",
      system: "System",
    },
    priority: { urgent: "Urgent", high: "High", medium: "Medium", low: "Low" },
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
