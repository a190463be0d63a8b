import { communicationDefinition } from "#core/alarm/track.ts";
import type { AlarmCategory, AlarmPriority } from "#core/model/alarm.ts";

/** Something that goes wrong with the hub itself or with what only the cloud sees. */
export interface SystemSource {
  readonly category: Extract<AlarmCategory, "communication" | "system">;
  readonly priority: AlarmPriority;
  /** It must be wrong so long before it is an alarm, ms. */
  readonly delayMs: number;
  /** What is said of a subject; `name` in the language of the text. */
  readonly message: (name: string) => string;
  readonly messageEn: (name: string) => string;
}

const SECOND_MS = 1000;

/** The alarms that the cloud mints itself, by kind: all under the facility law, each one subject once. [ISA-18.2 AL-16] */
export const SYSTEM_SOURCES = {
  gateway: {
    category: "communication",
    priority: "high",
    delayMs: 5 * SECOND_MS,
    message: (name) => `${name} 离线`,
    messageEn: (name) => `${name}: gateway offline`,
  },
  clone: {
    category: "communication",
    priority: "high",
    delayMs: 0,
    message: (name) => `${name} 有两台网关使用同一身份`,
    messageEn: (name) => `${name}: two gateways with one identity`,
  },
  gatewayClock: {
    category: "system",
    priority: "medium",
    delayMs: 60 * SECOND_MS,
    message: (name) => `${name} 时钟与平台不一致`,
    messageEn: (name) => `${name}: its clock differs from the hub's`,
  },
  telemetryStore: {
    category: "system",
    priority: "high",
    delayMs: 30 * SECOND_MS,
    message: () => "历史数据存储不可用，数据暂存于网关",
    messageEn: () => "The store of history does not take data: it waits at the gateways",
  },
  records: {
    category: "system",
    priority: "urgent",
    delayMs: 5 * SECOND_MS,
    message: () => "记录数据库没有应答",
    messageEn: () => "The record database did not answer",
  },
  broker: {
    category: "system",
    priority: "urgent",
    delayMs: 15 * SECOND_MS,
    message: () => "消息代理不可用，网关无法上报",
    messageEn: () => "The message broker is away: gateways cannot report",
  },
  jobs: {
    category: "system",
    priority: "high",
    delayMs: 60 * SECOND_MS,
    message: () => "后台任务队列不可用",
    messageEn: () => "The queue of background jobs is away",
  },
  jobsDead: {
    category: "system",
    priority: "medium",
    delayMs: 0,
    message: () => "有后台任务多次失败，需要处理",
    messageEn: () => "Background jobs have failed for the last time",
  },
  jobsBacklog: {
    category: "system",
    priority: "medium",
    delayMs: 300 * SECOND_MS,
    message: () => "后台任务积压",
    messageEn: () => "Background jobs pile up",
  },
  certificate: {
    category: "system",
    priority: "medium",
    delayMs: 0,
    message: (name) => `证书即将到期：${name}`,
    messageEn: (name) => `A certificate expires soon: ${name}`,
  },
  quarantine: {
    category: "system",
    priority: "medium",
    delayMs: 0,
    message: (name) => `${name} 上报的内容无法入库，已隔离`,
    messageEn: (name) => `${name}: what it sent could not be stored and was put into quarantine`,
  },
} as const satisfies Record<string, SystemSource>;

/** Kind of an alarm that the cloud mints. */
export type SystemKind = keyof typeof SYSTEM_SOURCES;

/** Kinds whose subject is a gateway. */
const OF_GATEWAYS: readonly SystemKind[] = ["gateway", "clone", "gatewayClock", "quarantine"];

/** Definition of the alarm of a kind about one subject. */
export function systemDefinition(kind: SystemKind, subject: string): string {
  return `${kind}:${subject}`;
}

/** Kind and subject of a definition of the cloud; undefined for any other one. */
export function systemParts(definition: string): { readonly kind: SystemKind; readonly subject: string } | undefined {
  const cut = definition.indexOf(":");
  const kind = definition.slice(0, Math.max(0, cut));
  return Object.hasOwn(SYSTEM_SOURCES, kind)
    ? { kind: kind as SystemKind, subject: definition.slice(cut + 1) }
    : undefined;
}

/** Definition of the alarm about a lost gateway. */
export function gatewayLost(gateway: string): string {
  return systemDefinition("gateway", gateway);
}

/** Definition of a gateway's alarm about a lost device. */
export function deviceLost(device: string): string {
  return communicationDefinition(device);
}

/** The gateway that a definition of the cloud is about; undefined for any other definition. */
export function watchedGateway(definition: string): string | undefined {
  const parts = systemParts(definition);
  return parts !== undefined && OF_GATEWAYS.includes(parts.kind) ? parts.subject : undefined;
}
