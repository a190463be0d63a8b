import { ALARM_WORDS } from "../alarm/words.ts";
import type { AlarmCategory, AlarmPriority } from "../model/alarm.ts";
import type { Value } from "../model/sample.ts";
import { eventWords, operationWords } from "./event-words.ts";
import type { FromZone, Rule, RuleGroup, RuleStep, RuleTest, RuleTrigger } from "./rule.ts";

/** Language of a sentence, as in the site's `languages`. */
export type SentenceLanguage = "zh-CN" | "en";
/** Names of the site's things by id; undefined shows the id itself. `kind` where the rule says what the id is of: ids of different kinds may be equal. */
export type NameOf = (
  id: string,
  kind?: "door" | "space",
) => { readonly name: string; readonly nameEn: string } | undefined;

type AlarmFilter = Exclude<RuleTrigger, { type: "deviceEvent" } | { type: "point" }>;
type Given = RuleStep["params"][string];

interface Phrases {
  readonly category: Record<AlarmCategory, string>;
  readonly priority: Record<AlarmPriority, string>;
  readonly zoneKind: Record<NonNullable<AlarmFilter["zoneKind"]>, string>;
  readonly transition: Record<AlarmFilter["type"], string>;
  readonly match: Record<RuleGroup["match"], string>;
  readonly fromZone: Record<FromZone["from"], string>;
  readonly on: string;
  readonly off: string;
  readonly nothing: string;
  readonly and: string;
  readonly together: string;
  readonly next: string;
  alarm(what: readonly string[], where: readonly string[], transition: string): string;
  zone(name: string): string;
  partition(name: string): string;
  definition(name: string): string;
  event(kind: string, device: string | undefined): string;
  point(text: string): string;
  time(from: string, to: string): string;
  group(match: string, tests: string): string;
  write(point: string, value: string, leaseS: number | undefined): string;
  preset(camera: string, preset: string): string;
  token(preset: string): string;
  picture(camera: string): string;
  clip(camera: string, beforeS: number | undefined, afterS: number | undefined): string;
  door(name: string, operation: string): string;
  escape(space: string): string;
  notify(text: string, popup: boolean): string;
  other(action: string): string;
  whole(when: string, conditions: readonly string[], steps: string): string;
  cooldown(seconds: number): string;
}

const ZH: Phrases = {
  category: ALARM_WORDS["zh-CN"].category,
  priority: { urgent: "紧急", high: "高", medium: "中", low: "低" },
  zoneKind: { perimeter: "周界防区", interior: "室内防区", panic: "紧急按钮防区", fire: "火灾探测区" },
  transition: { alarmRaised: "产生", alarmCleared: "恢复", alarmAcknowledged: "被确认", alarmReset: "被复位" },
  match: { all: "同时满足", any: "满足任一", none: "均不满足" },
  fromZone: { "zone.camera": "防区的摄像机", "zone.preset": "防区的预置位", "zone.light": "防区的照明" },
  on: "开",
  off: "关",
  nothing: "释放",
  and: "、",
  together: "，同时",
  next: "；然后",
  alarm: (what, where, transition) =>
    `${where.length > 0 ? `${where.join("、")}的` : ""}${what.join("、")}报警${transition}`,
  zone: (name) => `防区“${name}”`,
  partition: (name) => `分区“${name}”`,
  definition: (name) => `“${name}”`,
  event: (kind, device) => `${device ?? "任一设备"}发出事件“${kind}”`,
  point: (text) => `${text} 开始成立`,
  time: (from, to) => `时间在 ${from} 至 ${to} 之间`,
  group: (match, tests) => `${match}（${tests}）`,
  write: (point, value, leaseS) => `将${point}设为${value}${leaseS === undefined ? "" : `，${leaseS} 秒后自动释放`}`,
  preset: (camera, preset) => `将${camera}转到${preset}`,
  token: (preset) => `预置位 ${preset}`,
  picture: (camera) => `用${camera}抓拍`,
  clip: (camera, beforeS, afterS) =>
    `保存${camera}${beforeS === undefined ? "" : `前 ${beforeS} 秒`}${afterS === undefined ? "" : `后 ${afterS} 秒`}的录像`,
  door: (name, operation) => `将门“${name}”${operation}`,
  escape: (space) => `释放“${space}”的全部疏散通道门`,
  notify: (text, popup) => `${popup ? "在控制台弹窗提示" : "通知控制台"}“${text}”`,
  other: (action) => `执行 ${action}`,
  whole: (when, conditions, steps) =>
    `当${when}时，${conditions.length > 0 ? `如果${conditions.join("，并且")}，` : ""}则${steps}`,
  cooldown: (seconds) => `（同一来源 ${seconds} 秒内不重复）`,
};

const EN: Phrases = {
  category: {
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
  priority: { urgent: "urgent", high: "high-priority", medium: "medium-priority", low: "low-priority" },
  zoneKind: { perimeter: "a perimeter zone", interior: "an interior zone", panic: "a panic zone", fire: "a fire zone" },
  transition: {
    alarmRaised: "is raised",
    alarmCleared: "clears",
    alarmAcknowledged: "is acknowledged",
    alarmReset: "is reset",
  },
  match: { all: "all hold", any: "any holds", none: "none holds" },
  fromZone: {
    "zone.camera": "the zone's camera",
    "zone.preset": "the zone's preset",
    "zone.light": "the zone's light",
  },
  on: "on",
  off: "off",
  nothing: "released",
  and: ", ",
  together: " and at the same time ",
  next: "; then ",
  alarm: (what, where, transition) =>
    `an alarm${what.length > 0 ? ` (${what.join(", ")})` : ""} ${transition}${where.length > 0 ? ` in ${where.join(" of ")}` : ""}`,
  zone: (name) => `zone "${name}"`,
  partition: (name) => `partition "${name}"`,
  definition: (name) => `"${name}"`,
  event: (kind, device) => `${device ?? "any device"} sends the event "${kind}"`,
  point: (text) => `${text} begins to hold`,
  time: (from, to) => `the time is between ${from} and ${to}`,
  group: (match, tests) => `${match} (${tests})`,
  write: (point, value, leaseS) => `set ${point} to ${value}${leaseS === undefined ? "" : ` for ${leaseS} s`}`,
  preset: (camera, preset) => `turn ${camera} to ${preset}`,
  token: (preset) => `preset ${preset}`,
  picture: (camera) => `take a picture with ${camera}`,
  clip: (camera, beforeS, afterS) => {
    const spans = [
      ...(beforeS === undefined ? [] : [`${beforeS} s before`]),
      ...(afterS === undefined ? [] : [`${afterS} s after`]),
    ];
    return `keep the video of ${camera}${spans.length > 0 ? ` (${spans.join(" and ")})` : ""}`;
  },
  door: (name, operation) => `${operation} (door "${name}")`,
  escape: (space) => `release all escape doors of ${space}`,
  notify: (text, popup) => `${popup ? "pop up on the console" : "tell the console"} "${text}"`,
  other: (action) => `do ${action}`,
  whole: (when, conditions, steps) =>
    `When ${when}${conditions.length > 0 ? `, if ${conditions.join(", and if ")}` : ""}, ${steps}`,
  cooldown: (seconds) => ` (not again for the same source within ${seconds} s)`,
};

/** A rule as one sentence, so that who reads it need not know the language of rules. */
export function sentence(rule: Rule, language: SentenceLanguage, nameOf: NameOf = () => undefined): string {
  const phrases = language === "en" ? EN : ZH;
  const name: Name = (id, kind) => {
    const names = nameOf(id, kind);
    return (language === "en" ? names?.nameEn : names?.name) ?? id;
  };
  const speaker = new Speaker(phrases, name, language);
  const conditions = (rule.if ?? []).map((group) => speaker.group(group));
  const end = rule.cooldownMs === undefined ? "" : phrases.cooldown(rule.cooldownMs / 1000);
  const whole = phrases.whole(speaker.trigger(rule.when), conditions, speaker.steps(rule.then));
  return `${whole}${end}${language === "en" ? "." : "。"}`;
}

type Name = (id: string, kind?: "door" | "space") => string;

class Speaker {
  readonly #phrases: Phrases;
  readonly #name: Name;
  readonly #language: SentenceLanguage;

  constructor(phrases: Phrases, name: Name, language: SentenceLanguage) {
    this.#phrases = phrases;
    this.#name = name;
    this.#language = language;
  }

  trigger(when: RuleTrigger): string {
    switch (when.type) {
      case "point":
        return this.#phrases.point(this.#comparison(when));
      case "deviceEvent":
        return this.#phrases.event(
          eventWords(when.kind, this.#language),
          when.device === undefined ? undefined : this.#name(when.device),
        );
      case "alarmRaised":
      case "alarmCleared":
      case "alarmAcknowledged":
      case "alarmReset":
        return this.#alarm(when);
      default:
        return when satisfies never;
    }
  }

  group({ match, tests }: RuleGroup): string {
    return this.#phrases.group(
      this.#phrases.match[match],
      tests.map((test) => this.#test(test)).join(this.#phrases.and),
    );
  }

  steps(steps: readonly RuleStep[]): string {
    const groups = new Map<number, string[]>();
    for (const step of steps) groups.set(step.group ?? 0, [...(groups.get(step.group ?? 0) ?? []), this.#step(step)]);
    return [...groups]
      .sort(([a], [b]) => a - b)
      .map(([, texts]) => texts.join(this.#phrases.together))
      .join(this.#phrases.next);
  }

  #alarm(when: AlarmFilter): string {
    const { category, priority, zoneKind, transition, zone, partition, definition } = this.#phrases;
    const what = [
      ...(when.priority === undefined ? [] : [priority[when.priority]]),
      ...(when.category === undefined ? [] : [category[when.category]]),
      ...(when.definition === undefined ? [] : [definition(this.#name(when.definition))]),
    ];
    const where = [
      ...(when.zone === undefined ? [] : [zone(this.#name(when.zone))]),
      ...(when.zoneKind === undefined ? [] : [zoneKind[when.zoneKind]]),
      ...(when.partition === undefined ? [] : [partition(this.#name(when.partition))]),
    ];
    return this.#phrases.alarm(what, where, transition[when.type]);
  }

  #test(test: RuleTest): string {
    return test.type === "time" ? this.#phrases.time(test.from, test.to) : this.#comparison(test);
  }

  #comparison({ point, operator, value }: { point: string; operator: string; value: Value }): string {
    return `${this.#name(point)} ${operator} ${this.#value(value)}`;
  }

  #step({ action, params }: RuleStep): string {
    const camera = this.#given(params["camera"]);
    switch (action) {
      case "writePoint": {
        const leaseMs = params["leaseMs"];
        const leaseS = typeof leaseMs === "number" ? leaseMs / 1000 : undefined;
        return this.#phrases.write(this.#given(params["point"]), this.#given(params["value"]), leaseS);
      }
      case "ptzPreset":
        return this.#phrases.preset(camera, this.#preset(params["preset"]));
      case "snapshot":
        return this.#phrases.picture(camera);
      case "recordClip":
        return this.#phrases.clip(camera, seconds(params["beforeS"]), seconds(params["afterS"]));
      case "controlDoor":
        return this.#phrases.door(
          this.#named(params["door"], "door"),
          operationWords(String(params["operation"]), this.#language),
        );
      case "releaseEscapeDoors":
        return this.#phrases.escape(this.#named(params["space"], "space"));
      case "notifyConsole": {
        const text = this.#language === "en" ? params["textEn"] : params["text"];
        return this.#phrases.notify(this.#given(text), params["popup"] === true);
      }
      default:
        return this.#phrases.other(action);
    }
  }

  #preset(given: Given | undefined): string {
    return typeof given === "string" ? this.#phrases.token(given) : this.#given(given);
  }

  #named(given: Given | undefined, kind: "door" | "space"): string {
    return typeof given === "string" ? this.#name(given, kind) : this.#given(given);
  }

  #given(given: Given | undefined): string {
    if (typeof given === "object" && given !== null) return this.#phrases.fromZone[given.from];
    if (typeof given === "string") return this.#name(given);
    return this.#value(given ?? null);
  }

  #value(value: Value): string {
    if (value === null) return this.#phrases.nothing;
    if (typeof value === "boolean") return value ? this.#phrases.on : this.#phrases.off;
    return String(value);
  }
}

function seconds(given: Given | undefined): number | undefined {
  return typeof given === "number" ? given : undefined;
}
