import type { ReferenceSources } from "#config/references.ts";
import type { Bootstrap } from "#config/schema/bootstrap.ts";
import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { OutboxLimits } from "./outbox-limits.ts";
import type { ChannelStatus, SupervisorTimes } from "./supervisor.ts";
import type { LinkTimes } from "./uplink-link.ts";
import type { Health } from "./uplink-metrics.ts";

/** What a gateway is started with. */
export interface AgentOptions {
  readonly bootstrap: Bootstrap;
  readonly username: string;
  readonly password: string;
  readonly references: ReferenceSources;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** URLs of modules with drivers beside those of the registry. */
  readonly driverModules?: readonly string[];
  readonly times?: { readonly supervisor?: Partial<SupervisorTimes>; readonly link?: Partial<LinkTimes> };
  readonly limits?: Partial<OutboxLimits>;
  /** What tells this machine from others, 16 hex digits; asked of the system when absent. */
  readonly machine?: string;
  /** Program that makes H.264 of cameras that have only H.265; absent: their pictures come one by one. */
  readonly ffmpeg?: string;
  /** The gateway cannot go on, as when its outbox file is found broken: end the process and start it again. */
  readonly onFatal: (error: unknown) => void;
}

/** What the gateway says of itself; all counters grow from 0 since the start. */
export interface AgentStatus {
  readonly connected: boolean;
  readonly configVersion: number | undefined;
  readonly channels: readonly ChannelStatus[];
  readonly openAlarms: number;
  readonly health: Health;
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A running gateway. */
export interface Agent {
  status(): AgentStatus;
  /** The last sample of a point, undefined before the first. */
  latest(point: string): Sample | undefined;
  /** Ends everything in order; what is queued is committed first. */
  stop(): Promise<void>;
}
