import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import { Check } from "typebox/value";
import { EmbeddedBroker } from "#cloud/broker/embedded-broker.ts";
import { type ViolationKind, Violations } from "#cloud/broker/violations.ts";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { GatewayCredentials } from "#cloud/gateways/credentials.ts";
import { CloudGatewayService } from "#cloud/gateways/service.ts";
import { EmbeddedTelemetryStore } from "#cloud/history/embedded-store.ts";
import { MqttGatewayLink } from "#cloud/ingest/gateway-link.ts";
import { GatewayRows } from "#cloud/ingest/gateway-rows.ts";
import { Ingest } from "#cloud/ingest/ingest.ts";
import { Presence } from "#cloud/ingest/presence.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import type { AuditLog, IngestSinks, LiveChange, SiteCatalog } from "#cloud/ports.ts";
import type { IngestFinding, IngestWatch, PointDirectory, TelemetryStore } from "#cloud/telemetry-ports.ts";
import { systemClock } from "#core/clock.ts";
import { Ack, type LaneItem } from "#core/contracts/lanes.ts";
import { gatewayClientId, hubTopic } from "#core/contracts/topics.ts";
import { InvalidInputError } from "#core/errors.ts";
import { type GatewayId, gatewayId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { sampleAt } from "#core/model/sample-columns.ts";
import { EdgeNodeSession, type MetricReading } from "#core/sparkplug/edge-node-session.ts";
import type { SparkplugMessage } from "#core/sparkplug/message.ts";
import { DataType } from "#core/sparkplug/payload.ts";

export const SITE = "park";
export const GATEWAY = gatewayId("park/gw-1");
export const TEMPERATURE = "park/gw-1/ahu-1/temperature";

/** What the domains were told, in order. */
export interface Told {
  readonly births: Sample[];
  readonly live: Sample[];
  readonly past: Sample[];
  readonly items: LaneItem[];
  readonly online: { online: boolean; reason?: string | undefined }[];
  readonly dead: string[];
  readonly findings: IngestFinding[];
}

/** The cloud's data path as app.ts puts it together, on a folder that outlives it. */
export interface Cloud {
  readonly port: number;
  readonly db: Db;
  readonly store: EmbeddedTelemetryStore;
  readonly broker: EmbeddedBroker;
  readonly ingest: Ingest;
  readonly link: MqttGatewayLink;
  readonly presence: Presence;
  readonly told: Told;
  readonly audited: string[];
  readonly violations: ReadonlyMap<ViolationKind, number>;
  close(): Promise<void>;
}

/** A device event with this kind is refused by the domains: it can never be stored. */
export const NEVER_STORABLE = "neverStorable";

function sinksInto(told: Told, points: PointDirectory): IngestSinks {
  return {
    onBirth: (_gateway, samples) => told.births.push(...samples),
    onSamples(columns, from, to) {
      for (let row = from; row < to; row++) {
        const { historical = false, ...sample } = sampleAt(columns, row, points.pointOf(columns.point[row] ?? 0));
        (historical ? told.past : told.live).push(sample);
      }
    },
    onItem(_gateway, item) {
      if (item.kind === "deviceEvent" && item.event.kind === NEVER_STORABLE)
        throw new InvalidInputError("EVENT_REFUSED", "this one can never be stored");
      return () => told.items.push(item);
    },
    onGatewayOnline: (_gateway, online, _at, reason) => told.online.push({ online, reason }),
    onDeviceDead: (device) => told.dead.push(device),
  };
}

/** `records`: file or URL of the record database. `wayTo`: what lies between ingest and the store. */
export async function openCloud(
  folder: string,
  port = 0,
  onItem?: (db: Db) => IngestSinks["onItem"],
  records = join(folder, "parkhub.db"),
  wayTo: (store: TelemetryStore) => TelemetryStore = (store) => store,
): Promise<Cloud> {
  const clock = systemClock;
  const logger = silentLogger;
  const points = new PointNumbers();
  const db = await openDatabase(records, logger);
  const store = await EmbeddedTelemetryStore.open({ file: join(folder, "telemetry.db"), points }, logger);
  const credentials = new GatewayCredentials({ db, folder: join(folder, "gateways"), clock, logger });
  await credentials.ensure([GATEWAY]);
  const audited: string[] = [];
  const audit: Pick<AuditLog, "append"> = { append: ({ actor, action }) => audited.push(`${actor} ${action}`) };
  const violations = new Violations({ audit: audit as AuditLog, clock, logger });
  const broker = await EmbeddedBroker.start({
    host: "127.0.0.1",
    port,
    authenticate: (username, password) => credentials.verify(username, password),
    violations,
    logger,
  });
  const presence = new Presence({ clock, rows: new GatewayRows(db), logger });
  const link = new MqttGatewayLink(broker, presence);
  const told: Told = { births: [], live: [], past: [], items: [], online: [], dead: [], findings: [] };
  const watch: IngestWatch = { found: (_gateway, finding) => told.findings.push(finding) };
  const sinks = { ...sinksInto(told, points), ...(onItem === undefined ? {} : { onItem: onItem(db) }) };
  const ingest = new Ingest({
    db,
    store: wayTo(store),
    points,
    watch,
    broker,
    presence,
    link,
    sinks,
    clock,
    logger,
    host: "hub",
  });
  ingest.start([GATEWAY]);
  const close = async (): Promise<void> => {
    await ingest.close();
    await broker.close();
    presence.close();
    await store.close();
    await db.close();
  };
  return {
    port: broker.port,
    db,
    store,
    broker,
    ingest,
    link,
    presence,
    told,
    audited,
    violations: violations.counts,
    close,
  };
}

/** The password the cloud has written for the gateway. */
export function passwordOf(folder: string): string {
  const { password } = JSON.parse(readFileSync(join(folder, "gateways", "gw-1", "credential.json"), "utf8")) as {
    password: string;
  };
  return password;
}

const ALIAS = { temperature: 1, fan: 2, mode: 3, batch: 10, nodeBatch: 11, health: 12 } as const;

/** A gateway as seen from the wire: a real MQTT client and the Sparkplug session of an edge node, without an outbox. */
export class WireGateway {
  readonly client: MqttClient;
  readonly session: EdgeNodeSession;
  readonly acks: Ack[] = [];
  readonly received: { topic: string; text: string }[] = [];

  private constructor(client: MqttClient, session: EdgeNodeSession) {
    this.client = client;
    this.session = session;
    client.on("message", (topic, payload) => {
      const text = payload.toString();
      this.received.push({ topic, text });
      if (!topic.endsWith("/ack")) return;
      const ack: unknown = JSON.parse(text);
      if (Check(Ack, ack)) this.acks.push(ack);
    });
  }

  static async connect(port: number, password: string): Promise<WireGateway> {
    const session = new EdgeNodeSession({
      group: SITE,
      edgeNode: "gw-1",
      bdSeq: 1,
      node: {
        metrics: [{ name: "Health/backlogTelemetry", alias: ALIAS.health, datatype: DataType.Double }],
        batchAlias: ALIAS.nodeBatch,
      },
    });
    session.defineDevice("ahu-1", {
      batchAlias: ALIAS.batch,
      metrics: [
        { name: "temperature", alias: ALIAS.temperature, datatype: DataType.Double },
        { name: "fan", alias: ALIAS.fan, datatype: DataType.Boolean },
        { name: "mode", alias: ALIAS.mode, datatype: DataType.String },
      ],
    });
    const will = session.will(Date.now());
    const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
      protocolVersion: 4,
      clientId: gatewayClientId(SITE, "gw-1"),
      username: gatewayClientId(SITE, "gw-1"),
      password,
      clean: true,
      reconnectPeriod: 0,
      will: { ...will, payload: Buffer.from(will.payload) },
    });
    const gateway = new WireGateway(client, session);
    await new Promise<void>((resolve, reject) => {
      client.once("connect", () => resolve());
      client.once("error", reject);
      client.once("close", () => reject(new Error("closed before CONNACK")));
    });
    await client.subscribeAsync(["ack", "commands", "config"].map((kind) => hubTopic(SITE, "gw-1", kind as "ack")));
    await client.subscribeAsync(`spBv1.0/${SITE}/NCMD/gw-1`);
    return gateway;
  }

  send({ topic, payload, qos, retain }: SparkplugMessage): void {
    this.client.publish(topic, Buffer.from(payload), { qos, retain });
  }

  births(temperature = 20): void {
    const at = Date.now();
    for (const message of this.session.births(at, (alias) =>
      alias === ALIAS.temperature ? { alias, value: temperature, timestamp: at } : undefined,
    ))
      this.send(message);
  }

  heartbeat(backlog: number): void {
    const at = Date.now();
    this.send(this.session.nodeData([{ alias: ALIAS.health, value: backlog, timestamp: at }], at));
  }

  /** One telemetry batch: value of offset o is o / 10. */
  batch(epoch: string, first: number, last: number, options: { historical?: boolean; t0?: number } = {}): void {
    const { historical = false, t0 = 1_790_000_000_000 } = options;
    const readings: MetricReading[] = [];
    for (let o = first; o <= last; o++)
      readings.push({ alias: ALIAS.temperature, value: o / 10, timestamp: t0 + o * 1000, isHistorical: historical });
    this.readings(readings, `${epoch}:${first}:${last}`);
  }

  readings(readings: readonly MetricReading[], batch: string): void {
    this.send(this.session.deviceData("ahu-1", readings, Date.now(), { batch }));
  }

  /** Publishes on the events topic, whatever it is. */
  events(body: unknown): void {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    this.client.publish(hubTopic(SITE, "gw-1", "events"), text, { qos: 1 });
  }

  /** Highest acknowledged offset of a lane. */
  ackedUpTo(lane: Ack["lane"], epoch: string): number {
    return Math.max(-1, ...this.acks.filter((ack) => ack.lane === lane && ack.epoch === epoch).map((ack) => ack.upTo));
  }

  /** Ends like a cut cable. */
  async drop(): Promise<void> {
    this.client.stream.destroy();
    await this.client.endAsync(true);
  }
}

/** A device event at an offset. */
export function eventItem(offset: number, kind = "motion"): LaneItem {
  const event = { id: `event-${offset}`, device: "park/gw-1/cam-1", kind, observedAt: 1_790_000_000_000 + offset };
  return { offset, at: 1_790_000_000_000, kind: "deviceEvent", event };
}

/** An event batch of these items. */
export function eventBatch(epoch: string, items: readonly { readonly offset: number }[], lane = "events"): unknown {
  return { v: 1, lane, epoch, firstOffset: items[0]?.offset, lastOffset: items.at(-1)?.offset, items };
}

/** A folder for one test, and all that has to be closed after it. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), "parkhub-ingest-"));
  #closers: (() => Promise<void>)[] = [];

  async cloud(port = 0, wayTo?: (store: TelemetryStore) => TelemetryStore): Promise<Cloud> {
    const cloud = await openCloud(this.folder, port, undefined, undefined, wayTo);
    this.#closers.push(cloud.close);
    return cloud;
  }

  async restart(cloud: Cloud): Promise<Cloud> {
    await cloud.close();
    this.#closers = this.#closers.filter((close) => close !== cloud.close);
    return this.cloud();
  }

  async gateway(cloud: Cloud): Promise<WireGateway> {
    const gateway = await WireGateway.connect(cloud.port, passwordOf(this.folder));
    this.#closers.push(() => gateway.client.endAsync(true));
    return gateway;
  }

  async clear(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The GatewayService over a cloud, with a catalog of one gateway. */
export function serviceFor(of: Cloud, changes: LiveChange[] = []): CloudGatewayService {
  const catalog = {
    gateways: () => [{ id: GATEWAY, name: "网关", nameEn: "Gateway" }],
    bundle: () => undefined,
    version: 3,
  };
  return new CloudGatewayService({
    catalog: catalog as Partial<SiteCatalog> as SiteCatalog,
    knowledge: of.ingest,
    presence: of.presence,
    store: of.store,
    credentials: { verify: () => Promise.resolve(undefined) },
    bus: { publish: (change) => changes.push(change), subscribe: () => () => undefined, onGap: () => () => undefined },
  });
}

/** Values stored for the temperature point, in order. */
export async function storedValues(cloud: Cloud): Promise<unknown[]> {
  const query = { point: TEMPERATURE as Sample["point"], from: 0, to: 2 ** 50, limit: 1_000_000 };
  return (await cloud.store.read(query)).map((row) => row.value);
}

export type { GatewayId };
