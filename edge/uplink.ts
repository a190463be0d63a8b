import { Check } from "typebox/value";
import type { Clock } from "#core/clock.ts";
import { Ack, type EventBatch, type Lane, type LaneItem } from "#core/contracts/lanes.ts";
import { gatewayClientId, type HubTopicKind, hubTopic } from "#core/contracts/topics.ts";
import { newEpoch } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { EdgeNodeSession, type MetricReading } from "#core/sparkplug/edge-node-session.ts";
import { topicOf } from "#core/sparkplug/topic.ts";
import type { Outbox } from "./outbox.ts";
import type { ItemLane } from "./outbox-lanes.ts";
import { DrainMeter } from "./uplink-drain.ts";
import { LaneWindow } from "./uplink-lane.ts";
import { BrokerLink, type LinkTimes } from "./uplink-link.ts";
import {
  bootReading,
  DeviceMetrics,
  type DevicePoints,
  deviceSlot,
  type Health,
  healthReadings,
  nodeMetrics,
} from "./uplink-metrics.ts";
import { TelemetryUplink } from "./uplink-telemetry.ts";

const SESSION = "session";
const BD_SEQ = "bdSeq";
/** A sign of life at least so often, ms; the cloud takes a gateway for offline after 15 s. */
const HEARTBEAT_MS = 4_000;
/** Births are made at most so often, ms, however often a host asks. */
const REBIRTH_EVERY_MS = 2_000;
const CLOSE_GAPS_EVERY_MS = 60_000;
/** So long the lanes wait for what the cloud says at a birth, ms; one that is slow, or of an earlier version, does not say it. */
const GREETED_WITHIN_MS = 1_000;
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

/**
 * The way to the cloud: Sparkplug births and data for state, our own lanes for what must not be lost. Everything it sends comes
 * out of the outbox and stays there until the cloud has acked it; what is under way is bounded.
 */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #session: EdgeNodeSession;
  readonly #metrics: DeviceMetrics;
  readonly #link: BrokerLink;
  readonly #windows: Readonly<Record<ItemLane, LaneWindow>>;
  readonly #telemetry: TelemetryUplink;
  readonly #drain: DrainMeter;
  /** Tells this run of the process from every other one, 16 hex digits. */
  readonly #nonce = newEpoch().slice(0, 16);
  readonly #cancels: (() => void)[] = [];
  /** Lanes that the cloud has answered on this connection. */
  readonly #answered = new Set<Lane>();
  /** From here on, monotonic, nobody waits for the cloud's greeting any more. */
  #greetedBy = 0;
  #ready = false;
  #lastBirthsAt = -Infinity;
  #lastHeartbeatAt = 0;
  #cancelRebirth: (() => void) | undefined;
  #counters = { batches: 0, rebirths: 0, refusedCommands: 0, malformed: 0, acks: 0 };

  constructor(options: UplinkOptions) {
    this.#options = options;
    const { site, gateway, password, outbox, clock, logger, address, random, times } = options;
    const last = Number(outbox.records(SESSION).get(BD_SEQ) ?? 255);
    this.#session = new EdgeNodeSession({ group: site, edgeNode: gateway, bdSeq: last, node: nodeMetrics(outbox) });
    this.#metrics = new DeviceMetrics(this.#session, outbox);
    this.#windows = { events: new LaneWindow(clock), ledger: new LaneWindow(clock) };
    this.#drain = new DrainMeter(clock);
    this.#link = new BrokerLink({
      address,
      username: gatewayClientId(site, gateway),
      password,
      clock,
      logger,
      ...(random === undefined ? {} : { random }),
      ...(times === undefined ? {} : { times }),
      will: (known) => this.#will(known),
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
    this.#telemetry = new TelemetryUplink({
      outbox,
      clock,
      logger,
      session: this.#session,
      metrics: this.#metrics,
      current: (alias) => this.#current(alias),
      publish: (message) => this.#link.publish(message),
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
    const { events, ledger } = this.#windows;
    const rewinds = events.rewinds + this.#telemetry.window.rewinds + ledger.rewinds;
    const { telemetryBatches, poisonRows } = this.#telemetry.counters;
    const batches = this.#counters.batches + telemetryBatches;
    return { ...this.#counters, ...this.#link.counters, batches, poisonRows, rewinds };
  }
  /**
   * How fast the backlog of telemetry drains: samples acked a second, and seconds until what waited before the connection is
   * acked: 0 when nothing does, -1 when it cannot be said.
   */
  drain(): { readonly perS: number; readonly drainedInS: number } {
    const { acked, next } = this.#options.outbox.state("telemetry");
    const remaining = this.#ready ? this.#telemetry.window.remaining : next - 1 - acked;
    return this.#drain.look(acked, remaining);
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
      const window = lane === "telemetry" ? this.#telemetry.window : this.#windows[lane];
      if (window.rewindIfStalled(outbox.state(lane).acked))
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
      for (const device of this.#telemetry.born)
        if (!wanted.has(device)) this.#link.publish(this.#session.deviceDeath(deviceSlot(device), now));
    this.#telemetry.keep(wanted);
    this.#metrics.configure(devices);
    if (this.#ready) this.#births();
  }

  /** A device came or fell silent: it is born or dies in Sparkplug's sense once its samples up to here are sent. */
  deviceState(device: string, online: boolean): void {
    this.#telemetry.deviceState(device, online);
  }

  #will(known: boolean): ReturnType<EdgeNodeSession["will"]> {
    const { outbox, clock } = this.#options;
    // [Sparkplug tck-id-topics-nbirth-bdseq-increment] one more with each CONNECT that is sent, not with each attempt
    if (!known) return this.#session.will(clock.now());
    const bdSeq = this.#session.advanceBdSeq();
    // on the disk before the CONNECT, so that no number is used twice in a row over a crash
    outbox.put(SESSION, BD_SEQ, bdSeq);
    outbox.commit();
    return this.#session.will(clock.now());
  }

  #up(): void {
    const { outbox, clock } = this.#options;
    this.#ready = true;
    outbox.connected();
    this.#answered.clear();
    this.#reset();
    outbox.closeGaps();
    this.#lastBirthsAt = clock.monotonic();
    this.#greetedBy = this.#lastBirthsAt + GREETED_WITHIN_MS;
    clock.after(GREETED_WITHIN_MS, () => this.pump());
    this.#births();
    this.#heartbeat();
    this.pump();
    this.#options.onUp();
  }

  /** All that is unacked is to be sent again. What is there already is history: the births tell what holds now. */
  #reset(): void {
    const { outbox } = this.#options;
    for (const lane of ["events", "ledger"] as const) this.#windows[lane].reset(outbox.state(lane).acked);
    const { acked, next } = outbox.state("telemetry");
    this.#telemetry.window.reset(acked, next);
  }

  #down(): void {
    this.#ready = false;
    this.#telemetry.noneBorn();
    this.#cancelRebirth?.();
    this.#cancelRebirth = undefined;
  }

  #births(): void {
    this.#telemetry.noneBorn();
    const births = this.#session.births(this.#options.clock.now(), (alias) => this.#current(alias));
    for (const message of births) this.#link.publish(message);
    this.#telemetry.allBorn();
  }

  #current(alias: number): MetricReading | undefined {
    const { outbox, latest, clock, machine } = this.#options;
    const boot = { nonce: this.#nonce, epoch: outbox.epoch, ...(machine === undefined ? {} : { machine }) };
    return bootReading(outbox, alias, boot, clock.now()) ?? this.#metrics.current(alias, latest);
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
      const { acked, next } = this.#options.outbox.state("telemetry");
      // whoever asks may have heard nothing of what is under way
      this.#telemetry.window.reborn(acked, next);
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
    // a later greeting answers a birth in the middle of the connection, and knows what was sent on it
    const first = !this.#answered.has(ack.lane);
    this.#answered.add(ack.lane);
    switch (outbox.acknowledge({ ...ack, hello: first && ack.hello === true })) {
      case "trimmed":
      case "known":
        (ack.lane === "telemetry" ? this.#telemetry.window : this.#windows[ack.lane]).acked(ack.upTo);
        this.pump();
        break;
      case "restored":
        this.#reset();
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
    if (this.#begun("events")) this.#pumpItems("events");
    if (this.#session.born && this.#begun("telemetry")) this.#telemetry.pump(this.#eventsWait);
    if (this.#begun("ledger")) this.#pumpItems("ledger");
  }

  /**
   * Is it known on this connection what the cloud had of a lane? It makes the outbox write down what is published from then on: of
   * a batch sent before, a process that is killed now and starts again would not know that it was its own.
   */
  #begun(lane: Lane): boolean {
    return this.#answered.has(lane) || this.#options.clock.monotonic() >= this.#greetedBy;
  }

  get #eventsWait(): boolean {
    return this.#windows.events.cursor < this.#options.outbox.state("events").next - 1;
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
      const payload = Buffer.from(JSON.stringify(batch));
      this.#link.publish({ topic: this.#topic("events"), payload, qos: 1, retain: false });
      outbox.markSent(lane, last.offset);
      window.sent(last.offset, payload.length);
      this.#counters.batches++;
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
