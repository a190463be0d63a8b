import { cpuUsage, memoryUsage } from "node:process";
import type { Clock } from "#core/clock.ts";
import type { Outbox } from "./outbox.ts";
import type { Health } from "./uplink-metrics.ts";

export interface HealthOptions {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly drain: () => { readonly perS: number; readonly drainedInS: number };
  readonly driversDown: () => number;
}

/** What the gateway says of itself: its backlog and how it drains, its process, its drivers. */
export class HealthMeter {
  readonly #options: HealthOptions;
  #cpu = { at: 0, usedUs: 0, share: 0 };

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** How things are now. */
  read(): Health {
    const { outbox, drain, driversDown } = this.#options;
    const { perS, drainedInS } = drain();
    return {
      "Health/backlogTelemetry": outbox.state("telemetry").count,
      "Health/backlogEvents": outbox.state("events").count,
      "Health/backlogBytes": outbox.bytes,
      "Health/oldestUnackedAt": this.#oldest(),
      "Health/drainPerS": Math.round(perS * 10) / 10,
      "Health/drainedInS": drainedInS,
      "Health/cpuShare": this.#cpuShare(),
      "Health/rssBytes": memoryUsage.rss(),
      "Health/driversDown": driversDown(),
    };
  }

  #oldest(): number {
    const { outbox } = this.#options;
    const [row] = outbox.telemetryAfter(outbox.state("telemetry").acked, 1);
    const [item] = outbox.itemsAfter("events", outbox.state("events").acked, 1);
    const times = [row?.samples[0]?.observedAt, item?.at].filter((at) => at !== undefined);
    return times.length === 0 ? 0 : Math.min(...times);
  }

  #cpuShare(): number {
    const now = this.#options.clock.monotonic();
    const { user, system } = cpuUsage();
    const elapsedMs = now - this.#cpu.at;
    if (elapsedMs >= 1_000) {
      const share = (user + system - this.#cpu.usedUs) / 1_000 / elapsedMs;
      this.#cpu = { at: now, usedUs: user + system, share };
    }
    return this.#cpu.share;
  }
}
