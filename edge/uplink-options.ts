import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { Outbox } from "./outbox.ts";
import type { LinkTimes } from "./uplink-link.ts";
import type { Health } from "./uplink-metrics.ts";

/** What the way to the cloud is made with. */
export interface UplinkOptions {
  readonly site: string;
  readonly gateway: string;
  readonly password: string;
  readonly address: () => string;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: () => number;
  readonly times?: Partial<LinkTimes>;
  /** What births tell of a point: its last sample, or what was kept of it over a restart. */
  readonly latest: (point: string) => Sample | undefined;
  /** What tells this machine from others, as `Parkhub/boot` has it. */
  readonly machine?: string;
  readonly health: () => Health;
  readonly onCommand: (payload: Uint8Array) => void;
  readonly onConfig: (payload: Uint8Array) => void;
  /** The outbox turned out to be a restored copy and has a new epoch. */
  readonly onNewEpoch: () => void;
  /** Connected again, with the births sent. */
  readonly onUp: () => void;
}
