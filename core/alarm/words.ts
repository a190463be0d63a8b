import type { AlarmCategory, AlarmPriority, AlarmTransition, Law } from "../model/alarm.ts";

/** What an alarm's own terms are called in files for people: those of the console. */
export interface AlarmWords {
  readonly transition: Readonly<Record<AlarmTransition, string>>;
  readonly law: Readonly<Record<Law, string>>;
  readonly category: Readonly<Record<AlarmCategory, string>>;
  readonly priority: Readonly<Record<AlarmPriority, string>>;
}

/** In the languages of the hub. */
export const ALARM_WORDS: Readonly<Record<"zh-CN" | "en", AlarmWords>> = {
  "zh-CN": {
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
  },
  en: {
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
  },
};
