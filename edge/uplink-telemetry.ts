import type { Clock } from "#core/clock.ts";
import { formatBatch } from "#core/contracts/batch.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { CurrentReading, EdgeNodeSession } from "#core/sparkplug/edge-node-session.ts";
import type { SparkplugMessage } from "#core/sparkplug/message.ts";
import type { Outbox } from "./outbox.ts";
import type { TelemetryRow } from "./outbox-lanes.ts";
import { type Part, TelemetryWindow } from "./uplink-drain.ts";
import { type DeviceMetrics, deviceSlot } from "./uplink-metrics.ts";

/** Rows read from the file in one go. */
const READ_ROWS = 8;

export interface TelemetryUplinkOptions {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly session: EdgeNodeSession;
  readonly metrics: DeviceMetrics;
  readonly current: CurrentReading;
  readonly publish: (message: SparkplugMessage) => void;
}

/**
 * The telemetry lane on its way: rows of the outbox as data messages of their devices. What was there before the births drains at
 * a bounded share and marked historical, beside what is live. It also knows which devices are born, because a device's samples
 * explain its death and its return and so go first.
 */
export class TelemetryUplink {
  readonly window: TelemetryWindow;
  readonly #options: TelemetryUplinkOptions;
  readonly #born = new Set<string>();
  readonly #offline = new Set<string>();
  #counters = { telemetryBatches: 0, poisonRows: 0 };

  constructor(options: TelemetryUplinkOptions) {
    this.#options = options;
    this.window = new TelemetryWindow(options.clock);
  }

  /** Monotonic counters since the start. */
  get counters(): Readonly<Record<"telemetryBatches" | "poisonRows", number>> {
    return this.#counters;
  }

  /** Devices that are born on this connection. */
  get born(): ReadonlySet<string> {
    return this.#born;
  }

  /** The births of all devices were sent. */
  allBorn(): void {
    for (const device of this.#options.metrics.devices()) this.#born.add(device);
  }

  /** No device is born any more. */
  noneBorn(): void {
    this.#born.clear();
  }

  /** Forgets the reachability of devices that are gone. */
  keep(devices: ReadonlySet<string>): void {
    for (const device of this.#offline) if (!devices.has(device)) this.#offline.delete(device);
  }

  /** A device came or fell silent: it is born or dies in Sparkplug's sense once its samples up to here are sent. */
  deviceState(device: string, online: boolean): void {
    if (online) this.#offline.delete(device);
    else this.#offline.add(device);
  }

  /** Sends what there is room for: what is live first, then the backlog. */
  pump(besideEvents: boolean): void {
    this.#pumpPart("live", besideEvents);
    this.#pumpPart("backlog", besideEvents);
  }

  #pumpPart(part: Part, besideEvents: boolean): void {
    const { outbox } = this.#options;
    const { window } = this;
    while (window.room(part, besideEvents)) {
      const read = outbox.telemetryAfter(window.cursor(part), READ_ROWS);
      const rows = part === "live" ? read : read.filter(({ first }) => first < window.liveFrom);
      if (rows.length === 0) {
        window.exhausted(part);
        // samples that explain a death or a return go first
        if (part === "live" && outbox.pendingSamples === 0) this.#settleDevices();
        return;
      }
      for (const row of rows) {
        if (!window.room(part, besideEvents)) return;
        this.#send(row, part);
      }
    }
  }

  #send(row: TelemetryRow, part: Part): void {
    const { outbox, clock, session, metrics, current, publish, logger } = this.#options;
    const now = clock.now();
    const device = deviceSlot(row.device);
    const changed = metrics.declareFor(row);
    if (changed || !this.#born.has(row.device)) {
      publish(session.deviceBirth(device, now, current));
      this.#born.add(row.device);
    }
    const readings = metrics.readings(row, part === "backlog");
    const batch = formatBatch({ epoch: outbox.epoch, first: row.first, last: row.last });
    try {
      publish(session.deviceData(device, readings, now, { batch }));
    } catch (error) {
      // a value that cannot be written to the wire must not block the lane for ever: its place is kept, as bad
      this.#counters.poisonRows++;
      logger.error({ first: row.first, last: row.last, cause: errorMessage(error) }, "telemetry row cannot be sent");
      const nulls = readings.map((reading) => ({
        ...reading,
        value: null,
        quality: "bad" as const,
        reason: "configError",
      }));
      publish(session.deviceData(device, nulls, now, { batch }));
    }
    outbox.markSent("telemetry", row.last);
    this.window.sent(part, row.last, row.bytes);
    this.#counters.telemetryBatches++;
  }

  /** When nothing live waits: silent devices die, those that are back are born. */
  #settleDevices(): void {
    const { clock, session, metrics, current, publish } = this.#options;
    const now = clock.now();
    for (const device of metrics.devices()) {
      const slot = deviceSlot(device);
      const offline = this.#offline.has(device);
      if (offline && this.#born.delete(device)) publish(session.deviceDeath(slot, now));
      else if (!offline && !this.#born.has(device)) {
        publish(session.deviceBirth(slot, now, current));
        this.#born.add(device);
      }
    }
  }
}
