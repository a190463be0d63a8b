import { Check } from "typebox/value";
import { Ack, type Lane } from "#core/contracts/lanes.ts";
import { gatewayClientId, type HubTopicKind, hubTopic } from "#core/contracts/topics.ts";
import { newEpoch } from "#core/ids.ts";
import { EdgeNodeSession, type MetricReading } from "#core/sparkplug/edge-node-session.ts";
import type { SparkplugMessage } from "#core/sparkplug/message.ts";
import { topicOf } from "#core/sparkplug/topic.ts";
import type { ItemLane } from "./outbox-lanes.ts";
import { NodeBirths } from "./uplink-births.ts";
import { DrainMeter } from "./uplink-drain.ts";
import { CloudGreeting } from "./uplink-greeting.ts";
import { ItemUplink } from "./uplink-items.ts";
import { BrokerLink } from "./uplink-link.ts";
import {
  bootReading,
  DeviceMetrics,
  type DevicePoints,
  deviceSlot,
  healthReadings,
  nodeMetrics,
} from "./uplink-metrics.ts";
import type { UplinkOptions } from "./uplink-options.ts";
import { TelemetryUplink } from "./uplink-telemetry.ts";

const SESSION = "session";
const BD_SEQ = "bdSeq";
/** A sign of life at least so often, ms; the cloud takes a gateway for offline after 15 s. */
const HEARTBEAT_MS = 4_000;
const CLOSE_GAPS_EVERY_MS = 60_000;
/**
 * The way to the cloud: Sparkplug births and data for state, our own lanes for what must not be lost. Everything it sends comes
 * out of the outbox and stays there until the cloud has acked it; what is under way is bounded.
 */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #session: EdgeNodeSession;
  readonly #metrics: DeviceMetrics;
  readonly #link: BrokerLink;
  readonly #items: Readonly<Record<ItemLane, ItemUplink>>;
  readonly #telemetry: TelemetryUplink;
  readonly #births: NodeBirths;
  readonly #drain: DrainMeter;
  /** Tells this run of the process from every other one, 16 hex digits. */
  readonly #nonce = newEpoch().slice(0, 16);
  readonly #cancels: (() => void)[] = [];
  readonly #greeting: CloudGreeting;
  #ready = false;
  #lastHeartbeatAt = 0;
  #counters = { refusedCommands: 0, malformed: 0, acks: 0 };

  constructor(options: UplinkOptions) {
    this.#options = options;
    const { site, gateway, password, outbox, clock, logger, address, random, times } = options;
    const last = Number(outbox.records(SESSION).get(BD_SEQ) ?? 255);
    this.#session = new EdgeNodeSession({ group: site, edgeNode: gateway, bdSeq: last, node: nodeMetrics(outbox) });
    this.#metrics = new DeviceMetrics(this.#session, outbox);
    this.#drain = new DrainMeter(clock);
    this.#greeting = new CloudGreeting(clock);
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
    const session = this.#session;
    const current = (alias: number): MetricReading | undefined => this.#current(alias);
    const publish = (message: SparkplugMessage): void => this.#link.publish(message);
    const items = { topic: this.#topic("events"), outbox, clock, publish };
    this.#items = {
      events: new ItemUplink({ ...items, lane: "events" }),
      ledger: new ItemUplink({ ...items, lane: "ledger" }),
    };
    const telemetry = new TelemetryUplink({ outbox, clock, logger, session, metrics: this.#metrics, current, publish });
    this.#telemetry = telemetry;
    this.#births = new NodeBirths({ session, outbox, telemetry, current, publish, onReborn: () => this.pump(), clock });
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
    const { events, ledger } = this.#items;
    const rewinds = events.window.rewinds + this.#telemetry.window.rewinds + ledger.window.rewinds;
    const { telemetryBatches, poisonRows } = this.#telemetry.counters;
    const batches = events.batches + ledger.batches + telemetryBatches;
    const { asked: rebirths } = this.#births;
    return { ...this.#counters, ...this.#link.counters, batches, rebirths, poisonRows, rewinds };
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
      if (this.#way(lane).window.rewindIfStalled(outbox.state(lane).acked))
        this.#options.logger.warn({ lane, acked: outbox.state(lane).acked }, "no ack, sending again");
    }
    if (this.#session.born && clock.monotonic() - this.#lastHeartbeatAt >= HEARTBEAT_MS) this.#heartbeat();
    this.pump();
  }

  /** The way of a lane. */
  #way(lane: Lane): ItemUplink | TelemetryUplink {
    return lane === "telemetry" ? this.#telemetry : this.#items[lane];
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
    if (this.#ready) this.#births.send();
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
    const { outbox } = this.#options;
    this.#ready = true;
    outbox.connected();
    this.#reset();
    outbox.closeGaps();
    this.#greeting.connected(() => this.pump());
    this.#births.connected();
    this.#heartbeat();
    this.pump();
    this.#options.onUp();
  }

  /** All that is unacked is to be sent again. What is there already is history: the births tell what holds now. */
  #reset(): void {
    const { outbox } = this.#options;
    for (const lane of ["events", "ledger"] as const) this.#items[lane].window.reset(outbox.state(lane).acked);
    const { acked, next } = outbox.state("telemetry");
    this.#telemetry.window.reset(acked, next);
  }

  #down(): void {
    this.#ready = false;
    this.#telemetry.noneBorn();
    this.#births.disconnected();
  }

  #current(alias: number): MetricReading | undefined {
    const { outbox, latest, clock, machine } = this.#options;
    const boot = { nonce: this.#nonce, epoch: outbox.epoch, ...(machine === undefined ? {} : { machine }) };
    return bootReading(outbox, alias, boot, clock.now()) ?? this.#metrics.current(alias, latest);
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
        this.#births.ask();
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
    const first = this.#greeting.answered(ack.lane);
    switch (outbox.acknowledge({ ...ack, hello: first && ack.hello === true })) {
      case "trimmed":
      case "known":
        this.#way(ack.lane).window.acked(ack.upTo);
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
    if (this.#greeting.over("events")) this.#items.events.pump();
    if (this.#session.born && this.#greeting.over("telemetry")) this.#telemetry.pump(this.#items.events.waits);
    if (this.#greeting.over("ledger")) this.#items.ledger.pump();
  }

  /** Says goodbye and disconnects. */
  async stop(): Promise<void> {
    for (const cancel of this.#cancels) cancel();
    this.#births.disconnected();
    const goodbye = this.#ready ? this.#session.nodeDeath(this.#options.clock.now()) : undefined;
    this.#ready = false;
    this.#greeting.stop();
    await this.#link.stop(goodbye);
  }
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString("utf8")) as unknown;
  } catch {
    return undefined; // counted as malformed by the caller
  }
}
