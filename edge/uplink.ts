import { Check } from "typebox/value";
import type { Clock } from "#core/clock.ts";
import { formatBatch } from "#core/contracts/batch.ts";
import { Ack, type EventBatch, type Lane, type LaneItem } from "#core/contracts/lanes.ts";
import { gatewayClientId, type HubTopicKind, hubTopic } from "#core/contracts/topics.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { EdgeNodeSession } from "#core/sparkplug/edge-node-session.ts";
import { topicOf } from "#core/sparkplug/topic.ts";
import type { Outbox } from "./outbox.ts";
import type { ItemLane, TelemetryRow } from "./outbox-lanes.ts";
import { LaneWindow } from "./uplink-lane.ts";
import { BrokerLink, type LinkTimes } from "./uplink-link.ts";
import {
  DeviceMetrics,
  type DevicePoints,
  deviceSlot,
  type Health,
  healthReadings,
  nodeMetrics,
} from "./uplink-metrics.ts";

const SESSION = "session";
const BD_SEQ = "bdSeq";
/** A sign of life at least so often, ms; the cloud takes a gateway for offline after 15 s. */
const HEARTBEAT_MS = 4_000;
/** Births are made at most so often, ms, however often a host asks. */
const REBIRTH_EVERY_MS = 2_000;
const CLOSE_GAPS_EVERY_MS = 60_000;
const MAX_BATCH_ITEMS = 100;
/** Well below the broker's 1 MiB a packet, whatever the characters. */
const MAX_BATCH_CHARS = 96 * 1024;

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
  readonly latest: (point: string) => Sample | undefined;
  readonly health: () => Health;
  readonly onCommand: (payload: Uint8Array) => void;
  readonly onConfig: (payload: Uint8Array) => void;
  /** The outbox turned out to be a restored copy and has a new epoch. */
  readonly onNewEpoch: () => void;
  /** Connected again, with the births sent. */
  readonly onUp: () => void;
}

/**
 * The way to the cloud: Sparkplug births and data for state, our own lanes for what must not be lost. Everything it sends comes
 * out of the outbox and stays there until the cloud has acked it; what is under way is bounded.
 */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #session: EdgeNodeSession;
  readonly #metrics: DeviceMetrics;
  readonly #link: BrokerLink;
  readonly #windows: Readonly<Record<Lane, LaneWindow>>;
  readonly #born = new Set<string>();
  readonly #offline = new Set<string>();
  readonly #cancels: (() => void)[] = [];
  #ready = false;
  /** Telemetry below this offset was there before the connection: it is history, the births carry what holds now. */
  #liveFrom = 1;
  #lastBirthsAt = -Infinity;
  #lastHeartbeatAt = 0;
  #cancelRebirth: (() => void) | undefined;
  #counters = { batches: 0, rebirths: 0, refusedCommands: 0, malformed: 0, acks: 0, poisonRows: 0 };

  constructor(options: UplinkOptions) {
    this.#options = options;
    const { site, gateway, password, outbox, clock, logger, address, random, times } = options;
    const last = Number(outbox.records(SESSION).get(BD_SEQ) ?? 255);
    this.#session = new EdgeNodeSession({ group: site, edgeNode: gateway, bdSeq: last, node: nodeMetrics(outbox) });
    this.#metrics = new DeviceMetrics(this.#session, outbox);
    this.#windows = { events: new LaneWindow(clock), telemetry: new LaneWindow(clock), ledger: new LaneWindow(clock) };
    this.#link = new BrokerLink({
      address,
      username: gatewayClientId(site, gateway),
      password,
      clock,
      logger,
      ...(random === undefined ? {} : { random }),
      ...(times === undefined ? {} : { times }),
      will: () => this.#will(),
      subscriptions: [
        topicOf({ type: "NCMD", group: site, edgeNode: gateway }),
        `spBv1.0/${site}/DCMD/${gateway}/#`,
        this.#topic("ack"),
        this.#topic("commands"),
        this.#topic("config"),
      ],
      onUp: () => this.#up(),
      onDown: () => this.#down(),
      onMessage: (topic, payload) => this.#message(topic, payload),
    });
    outbox.onCommitted(() => this.pump());
  }

  #topic(kind: HubTopicKind): string {
    return hubTopic(this.#options.site, this.#options.gateway, kind);
  }

  /** Connected, subscribed and born? */
  get connected(): boolean {
    return this.#ready;
  }
  /** Monotonic counters since the start. */
  get counters(): Readonly<Record<string, number>> {
    const { events, telemetry, ledger } = this.#windows;
    const rewinds = events.rewinds + telemetry.rewinds + ledger.rewinds;
    return { ...this.#counters, ...this.#link.counters, rewinds };
  }

  /** Begins to connect. */
  start(): void {
    const { clock, outbox } = this.#options;
    this.#cancels.push(clock.every(1_000, () => this.#tick()));
    this.#cancels.push(clock.every(CLOSE_GAPS_EVERY_MS, () => this.#ready && outbox.closeGaps()));
    this.#link.start();
  }

  #tick(): void {
    if (!this.#ready) return;
    const { outbox, clock } = this.#options;
    for (const lane of ["events", "telemetry", "ledger"] as const) {
      if (this.#windows[lane].rewindIfStalled(outbox.state(lane).acked))
        this.#options.logger.warn({ lane, acked: outbox.state(lane).acked }, "no ack, sending again");
    }
    if (this.#session.born && clock.monotonic() - this.#lastHeartbeatAt >= HEARTBEAT_MS) this.#heartbeat();
    this.pump();
  }

  #heartbeat(): void {
    const { outbox, clock, health } = this.#options;
    const now = clock.now();
    this.#link.publish(this.#session.nodeData(healthReadings(outbox, health(), now), now));
    this.#lastHeartbeatAt = clock.monotonic();
  }

  /** Takes over other devices and points; births follow when connected. */
  configure(devices: readonly DevicePoints[]): void {
    const wanted = new Set(devices.map(({ device }) => device));
    const now = this.#options.clock.now();
    if (this.#ready && this.#session.born)
      for (const device of this.#born)
        if (!wanted.has(device)) this.#link.publish(this.#session.deviceDeath(deviceSlot(device), now));
    for (const device of this.#offline) if (!wanted.has(device)) this.#offline.delete(device);
    this.#metrics.configure(devices);
    if (this.#ready) this.#births();
  }

  /** A device came or fell silent: it is born or dies in Sparkplug's sense once its samples up to here are sent. */
  deviceState(device: string, online: boolean): void {
    if (online) this.#offline.delete(device);
    else this.#offline.add(device);
  }

  #will(): ReturnType<EdgeNodeSession["will"]> {
    const { outbox, clock } = this.#options;
    const bdSeq = this.#session.advanceBdSeq();
    // on the disk before the CONNECT, so that no number is used twice in a row over a crash
    outbox.put(SESSION, BD_SEQ, bdSeq);
    outbox.commit();
    return this.#session.will(clock.now());
  }

  #up(): void {
    const { outbox, clock } = this.#options;
    this.#ready = true;
    for (const lane of ["events", "telemetry", "ledger"] as const) this.#windows[lane].reset(outbox.state(lane).acked);
    this.#liveFrom = outbox.state("telemetry").next;
    outbox.closeGaps();
    this.#lastBirthsAt = clock.monotonic();
    this.#births();
    this.#heartbeat();
    this.pump();
    this.#options.onUp();
  }

  #down(): void {
    this.#ready = false;
    this.#born.clear();
    this.#cancelRebirth?.();
    this.#cancelRebirth = undefined;
  }

  #births(): void {
    const { latest, clock } = this.#options;
    this.#born.clear();
    const current = (alias: number) => this.#metrics.current(alias, latest);
    for (const message of this.#session.births(clock.now(), current)) this.#link.publish(message);
    for (const device of this.#metrics.devices()) this.#born.add(device);
  }

  #rebirth(): void {
    this.#counters.rebirths++;
    if (this.#cancelRebirth !== undefined) return;
    const { clock } = this.#options;
    const wait = this.#lastBirthsAt + REBIRTH_EVERY_MS - clock.monotonic();
    this.#cancelRebirth = clock.after(Math.max(0, wait), () => {
      this.#cancelRebirth = undefined;
      if (!this.#ready) return;
      this.#lastBirthsAt = clock.monotonic();
      this.#births();
      this.pump();
    });
  }

  #message(topic: string, payload: Uint8Array): void {
    if (topic === this.#topic("commands")) this.#options.onCommand(payload);
    else if (topic === this.#topic("config")) this.#options.onConfig(payload);
    else if (topic === this.#topic("ack")) this.#ack(payload);
    else this.#sparkplugCommand(topic, payload);
  }

  #sparkplugCommand(topic: string, payload: Uint8Array): void {
    const command = this.#session.receive(topic, payload);
    switch (command?.type) {
      case "rebirth":
        this.#rebirth();
        break;
      case "refused":
        this.#counters.refusedCommands++;
        this.#options.logger.warn(
          { metrics: command.metrics },
          "Sparkplug command refused: commands have their own topic",
        );
        break;
      case "malformed":
        this.#counters.malformed++;
        break;
      case undefined:
        break;
      default:
        command satisfies never;
    }
  }

  #ack(payload: Uint8Array): void {
    const ack = parseJson(payload);
    if (!Check(Ack, ack)) {
      this.#counters.malformed++;
      return;
    }
    const { outbox } = this.#options;
    this.#counters.acks++;
    switch (outbox.acknowledge(ack)) {
      case "trimmed":
      case "known":
        this.#windows[ack.lane].acked(ack.upTo);
        this.pump();
        break;
      case "restored":
        for (const lane of ["events", "telemetry", "ledger"] as const)
          this.#windows[lane].reset(outbox.state(lane).acked);
        this.#options.onNewEpoch();
        this.pump();
        break;
      default:
        break;
    }
  }

  /** Sends what there is room for: events first, then telemetry, the ledger last. */
  pump(): void {
    if (!this.#ready) return;
    this.#pumpItems("events");
    if (this.#session.born) this.#pumpTelemetry();
    this.#pumpItems("ledger");
  }

  #pumpItems(lane: ItemLane): void {
    const { outbox } = this.#options;
    const window = this.#windows[lane];
    while (window.room && window.cursor < outbox.state(lane).next - 1) {
      const items = cut(outbox.itemsAfter(lane, window.cursor, MAX_BATCH_ITEMS));
      const [first] = items;
      const last = items.at(-1);
      if (first === undefined || last === undefined) return;
      const batch: EventBatch = {
        v: 1,
        lane,
        epoch: outbox.epoch,
        firstOffset: first.offset,
        lastOffset: last.offset,
        items,
      };
      this.#link.publish({
        topic: this.#topic("events"),
        payload: Buffer.from(JSON.stringify(batch)),
        qos: 1,
        retain: false,
      });
      outbox.markSent(lane, last.offset);
      window.sent(last.offset);
      this.#counters.batches++;
    }
  }

  #pumpTelemetry(): void {
    const { outbox } = this.#options;
    const window = this.#windows.telemetry;
    while (window.room) {
      const rows = outbox.telemetryAfter(window.cursor, 8);
      if (rows.length === 0) {
        // samples that explain a death or a return go first
        if (outbox.pendingSamples === 0) this.#settleDevices();
        return;
      }
      for (const row of rows) {
        if (!window.room) return;
        this.#sendRow(row);
        outbox.markSent("telemetry", row.last);
        window.sent(row.last);
      }
    }
  }

  #sendRow(row: TelemetryRow): void {
    const { outbox, clock, latest, logger } = this.#options;
    const now = clock.now();
    const device = deviceSlot(row.device);
    const changed = this.#metrics.declareFor(row);
    if (changed || !this.#born.has(row.device)) {
      this.#link.publish(this.#session.deviceBirth(device, now, (alias) => this.#metrics.current(alias, latest)));
      this.#born.add(row.device);
    }
    const readings = this.#metrics.readings(row, row.first < this.#liveFrom);
    const batch = formatBatch({ epoch: outbox.epoch, first: row.first, last: row.last });
    try {
      this.#link.publish(this.#session.deviceData(device, readings, now, { batch }));
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
      this.#link.publish(this.#session.deviceData(device, nulls, now, { batch }));
    }
    this.#counters.batches++;
  }

  /** When nothing waits: silent devices die, those that are back are born. */
  #settleDevices(): void {
    const { clock, latest } = this.#options;
    const now = clock.now();
    for (const device of this.#metrics.devices()) {
      const slot = deviceSlot(device);
      const offline = this.#offline.has(device);
      if (offline && this.#born.delete(device)) this.#link.publish(this.#session.deviceDeath(slot, now));
      else if (!offline && !this.#born.has(device)) {
        this.#link.publish(this.#session.deviceBirth(slot, now, (alias) => this.#metrics.current(alias, latest)));
        this.#born.add(device);
      }
    }
  }

  /** Says goodbye and disconnects. */
  async stop(): Promise<void> {
    for (const cancel of this.#cancels) cancel();
    this.#cancelRebirth?.();
    const goodbye = this.#ready ? this.#session.nodeDeath(this.#options.clock.now()) : undefined;
    this.#ready = false;
    await this.#link.stop(goodbye);
  }
}

/** As many leading items as fit one packet; at least one. */
function cut(items: readonly LaneItem[]): LaneItem[] {
  let chars = 0;
  const fitting = items.findIndex((item, at) => {
    chars += JSON.stringify(item).length;
    return at > 0 && chars > MAX_BATCH_CHARS;
  });
  return fitting < 0 ? [...items] : items.slice(0, fitting);
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString("utf8")) as unknown;
  } catch {
    return undefined; // counted as malformed by the caller
  }
}
