import type {
  DeliveryStatus,
  DeliveryView,
  NotifyKind,
  NotifyLanguage,
  NotifyObjects,
  NotifyTestResult,
  NotifyVersion,
  OnCallView,
} from "#core/contracts/notify.ts";
import type { ChannelSecrets } from "#core/contracts/notify-channel.ts";
import type { AlarmCategory } from "#core/model/alarm.ts";
import type { Actor, PageRequest, PageResult } from "./ports.ts";

/** A position, contact, rota, channel or rule with its id and version. */
export interface Kept<K extends NotifyKind> {
  readonly id: string;
  readonly version: number;
  readonly document: NotifyObjects[K];
}

/** A change as somebody asks for it. */
export interface Change<K extends NotifyKind> {
  readonly kind: K;
  readonly id: string;
  /** Version that was looked at; 0: there is none yet. */
  readonly version: number;
  readonly document: NotifyObjects[K];
  readonly secrets?: ChannelSecrets;
  readonly why?: string;
}

/** What is asked of the ledger. Times are Unix ms, `to` exclusive. */
export interface DeliveryQuery extends PageRequest {
  readonly status?: DeliveryStatus;
  readonly channel?: string;
  readonly recipient?: string;
  readonly alarm?: string;
  readonly from?: number;
  readonly to?: number;
  readonly language?: NotifyLanguage;
}

/** What a maintenance permit held back, told when it ends. */
export interface PermitDigestTold {
  readonly permit: string;
  /** Unix ms. */
  readonly at: number;
  readonly text: string;
  readonly textEn: string;
  /** What the permit was for; none: all. */
  readonly areas: readonly string[];
  readonly categories: readonly AlarmCategory[];
}

/** Who is told of alarms, as the API asks it. Implemented by cloud/notify. */
export interface NotifyService {
  list<K extends NotifyKind>(kind: K): readonly Kept<K>[];
  /** Names of the secrets that a channel has; never the secrets. */
  secretsSet(channel: string): readonly string[];
  /** @throws NOTIFY_VERSION_STALE, NOTIFY_REFERENCE_UNKNOWN, NOTIFY_INVALID, NOTIFY_TOO_MANY */
  put<K extends NotifyKind>(change: Change<K>, actor: Actor): Kept<K>;
  /** False when there is none. @throws NOTIFY_VERSION_STALE, NOTIFY_IN_USE */
  remove(kind: NotifyKind, id: string, version: number, actor: Actor, why?: string): boolean;
  /** Newest first. @throws CURSOR_INVALID */
  versions(query: PageRequest & { kind?: NotifyKind; id?: string }): PageResult<NotifyVersion>;
  /** Who is on call at each position at a moment, Unix ms. */
  onCall(at: number): readonly OnCallView[];
  /** Newest first. @throws CURSOR_INVALID */
  deliveries(query: DeliveryQuery): PageResult<DeliveryView>;
  /** Sends a test message at once. @throws NOTIFY_UNKNOWN, NOTIFY_UNREACHABLE */
  test(channel: string, contact: string | undefined, actor: Actor): Promise<NotifyTestResult>;
}
