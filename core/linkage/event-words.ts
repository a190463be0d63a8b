import type { SentenceLanguage } from "./sentence.ts";

/** Kinds of device events as people say them, Chinese and English. A kind that is not here is shown as it is. */
const EVENT_WORDS: Readonly<Record<string, readonly [zh: string, en: string]>> = {
  motion: ["移动侦测", "motion"],
  tamper: ["防拆", "tamper"],
  lineCrossed: ["越线", "line crossed"],
  fieldIntrusion: ["区域入侵", "field intrusion"],
  loitering: ["徘徊", "loitering"],
  objectDetected: ["目标识别", "object detected"],
  digitalInput: ["开关量输入", "digital input"],
  relay: ["继电器", "relay"],
  videoLoss: ["视频丢失", "video loss"],
  hardwareFailure: ["硬件故障", "hardware failure"],
  restarted: ["设备重启", "restarted"],
  eventsMayBeMissing: ["可能漏报事件", "events may be missing"],
  alarmNotification: ["设备报警通知", "alarm notification"],
  eventNotification: ["设备事件通知", "event notification"],
  alarmAcknowledged: ["设备报警已确认", "alarm acknowledged at the device"],
  historyHealed: ["历史数据已补齐", "history filled up"],
  accessGranted: ["准许通行", "access granted"],
  accessDenied: ["拒绝通行", "access denied"],
  accessTaken: ["已通行", "passed"],
  accessNotTaken: ["未通行", "did not pass"],
  duress: ["胁迫", "duress"],
  doorForced: ["强行开门", "door forced"],
  doorHeldOpen: ["门开超时", "door held open"],
  doorTamper: ["门锁防拆", "door tamper"],
  doorFault: ["门故障", "door fault"],
  panelEvent: ["主机事件", "panel event"],
};

/** A kind of device event in words. */
export function eventWords(kind: string, language: SentenceLanguage): string {
  const words = Object.hasOwn(EVENT_WORDS, kind) ? EVENT_WORDS[kind] : undefined;
  return words?.[language === "en" ? 1 : 0] ?? kind;
}

/** What is asked of a door, as people say it: `unlock the door`, with the door's name put in. */
const OPERATION_WORDS: Readonly<Record<string, readonly [zh: string, en: string]>> = {
  access: ["让人通过", "let somebody through"],
  lock: ["锁闭", "lock"],
  unlock: ["解锁", "unlock"],
  block: ["封锁", "block"],
  lockDown: ["紧急锁闭", "lock down"],
  lockDownRelease: ["解除紧急锁闭", "release from lock-down"],
  lockOpen: ["常开", "hold open"],
  lockOpenRelease: ["解除常开", "release from held open"],
  doubleLock: ["双重锁闭", "double-lock"],
};

/** An operation of a door in words. */
export function operationWords(operation: string, language: SentenceLanguage): string {
  const words = Object.hasOwn(OPERATION_WORDS, operation) ? OPERATION_WORDS[operation] : undefined;
  return words?.[language === "en" ? 1 : 0] ?? operation;
}
