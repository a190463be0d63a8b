import { createHash } from "node:crypto";
import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { Aedes, type AedesPublishPacket } from "aedes";
import { systemClock } from "#core/clock.ts";
import { BATCH_METRIC, parseBatch } from "#core/contracts/batch.ts";
import { BOOT_METRIC } from "#core/contracts/boot.ts";
import type { EventBatch, Lane, LaneItem } from "#core/contracts/lanes.ts";
import { hubTopic } from "#core/contracts/topics.ts";
import { silentLogger } from "#core/logger.ts";
import type { Value } from "#core/model/sample.ts";
import { HostSession, rebirthRequest } from "#core/sparkplug/host-session.ts";
import { type Agent, type AgentOptions, startAgent } from "#edge/agent.ts";
import { CloudAcks } from "./cloud-acks.ts";
import { GATEWAY, SITE } from "./edge-field.ts";

export { EdgeField, echoBundle, equalsAlarm, GATEWAY, numberPoint, SITE } from "./edge-field.ts";

const NODE = `${SITE}/${GATEWAY}`;
const DRIVERS = ["echo", "unruly"].map((name) => new URL(`../fixtures/drivers/${name}.ts`, import.meta.url).href);

/** One sample of a telemetry batch as the cloud decoded it. */
export interface Received {
  readonly epoch: string;
  readonly offset: number;
  readonly point: string;
  readonly value: Value;
  readonly at: number;
  readonly historical: boolean;
  readonly reason?: string;
  readonly sourceTime?: number;
}

/** What a gateway talks to: a broker, the cloud's side of Sparkplug, of the lanes and of HTTP. It stores nothing and acks on request. */
export class EdgeCloud {
  /** Does it ack what arrives? */
  acking = true;
  /** Does it answer a birth with what it had before? */
  greeting = false;
  /** Called with each batch of telemetry as it comes. */
  onBatch: (samples: readonly Received[]) => void = () => undefined;
  readonly acks = new CloudAcks();
  /** Answer of every HTTP request instead of the right one. */
  httpStatus: number | undefined;
  readonly samples: Received[] = [];
  readonly items: LaneItem[] = [];
  readonly epochs: string[] = [];
  readonly sparkplug: string[] = [];
  /** Births as they came. */
  readonly payloads: { readonly topic: string; readonly payload: Uint8Array }[] = [];
  readonly health: Record<string, unknown>[] = [];
  readonly blobs = new Map<string, { readonly body: Buffer; readonly contentType: string | undefined }>();
  readonly connects: string[] = [];
  readonly births = new Map<string, Value>();
  readonly problems: string[] = [];
  /** How often the bundle was fetched. */
  fetches = 0;
  #bundle: { readonly path: string; readonly body: string } | undefined;
  #broker: Aedes | undefined;
  #tcp: Server | undefined;
  #http: HttpServer | undefined;
  #mqttPort = 0;
  #httpPort = 0;
  readonly #known = new Set<string>();
  #host = this.#newHost();

  #newHost(): HostSession {
    return new HostSession({ host: "test", clock: systemClock, reorderTimeoutMs: 0, onTimeout: () => undefined });
  }

  get broker(): string {
    return `mqtt://127.0.0.1:${this.#mqttPort}`;
  }
  get http(): string {
    return `http://127.0.0.1:${this.#httpPort}`;
  }

  /** Starts both servers; the broker takes the port it had before. */
  async start(): Promise<void> {
    await this.startBroker();
    const http = createHttpServer((request, response) => {
      this.#answer(request)
        .then((status) =>
          response.writeHead(typeof status === "number" ? status : 200).end(typeof status === "number" ? "" : status),
        )
        .catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
    this.#http = http;
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    this.#httpPort = (http.address() as AddressInfo).port;
  }

  async #answer(request: IncomingMessage): Promise<number | string> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const expected = `Basic ${Buffer.from(`${SITE}:${GATEWAY}:secret-password`).toString("base64")}`;
    if (request.headers.authorization !== expected) return 401;
    if (this.httpStatus !== undefined) return this.httpStatus;
    const url = decodeURIComponent(request.url ?? "");
    if (request.method === "GET" && url === this.#bundle?.path) {
      this.fetches++;
      return this.#bundle.body;
    }
    const [, sha256] = /^\/api\/v1\/gateways\/park\/gw\/blobs\/([0-9a-f]{64})$/.exec(url) ?? [];
    if (request.method !== "PUT" || sha256 === undefined) return 404;
    const body = Buffer.concat(chunks);
    if (createHash("sha256").update(body).digest("hex") !== sha256) return 400;
    this.blobs.set(sha256, { body, contentType: request.headers["content-type"] });
    return 204;
  }

  async startBroker(): Promise<void> {
    const broker = await Aedes.createBroker({ drainTimeout: 1_500 });
    broker.authenticate = (client, username, password, done) => {
      this.connects.push(client.id);
      done(null, username === `${SITE}:${GATEWAY}` && password?.toString() === "secret-password");
    };
    broker.on("publish", (packet, client) => {
      if (client !== null || packet.topic.includes("/NDEATH/")) this.#receive(packet);
    });
    const tcp = createServer((socket) => broker.handle(socket));
    await new Promise<void>((resolve) => tcp.listen(this.#mqttPort, "127.0.0.1", resolve));
    this.#mqttPort = (tcp.address() as AddressInfo).port;
    this.#broker = broker;
    this.#tcp = tcp;
    this.#host = this.#newHost();
    if (this.#notice !== undefined) await this.#publish("config", this.#notice, true);
  }

  async stopBroker(): Promise<void> {
    const tcp = this.#tcp;
    const closed = new Promise<void>((resolve) => (tcp === undefined ? resolve() : tcp.close(() => resolve())));
    await new Promise<void>((resolve) =>
      this.#broker === undefined ? resolve() : this.#broker.close(() => resolve()),
    );
    await closed;
    this.#broker = undefined;
  }

  async stop(): Promise<void> {
    await this.stopBroker();
    this.#host.close();
    this.#http?.closeAllConnections();
    await new Promise<void>((resolve) => (this.#http === undefined ? resolve() : this.#http.close(() => resolve())));
  }

  #receive({ topic, payload }: AedesPublishPacket): void {
    const bytes = Buffer.from(payload);
    if (topic === hubTopic(SITE, GATEWAY, "events")) this.#lane(JSON.parse(bytes.toString("utf8")) as EventBatch);
    if (!topic.startsWith("spBv1.0/")) return;
    const [, , type = "", , device] = topic.split("/");
    if (type.endsWith("BIRTH")) this.payloads.push({ topic, payload: bytes });
    this.sparkplug.push(device === undefined ? type : `${type} ${device}`);
    for (const output of this.#host.receive(topic, bytes, Date.now())) this.#sparkplug(output);
  }

  #sparkplug(output: ReturnType<HostSession["receive"]>[number]): void {
    switch (output.type) {
      case "nodeBorn":
        this.#greet(String(output.metrics.find(({ name }) => name === BOOT_METRIC)?.value));
        break;
      case "deviceBorn":
        for (const { name, value } of output.metrics)
          this.births.set(`${NODE}/${output.device}/${name}`, value as Value);
        break;
      case "data":
        if (output.device === undefined)
          this.health.push(Object.fromEntries(output.metrics.map(({ name, value }) => [name, value])));
        else this.#batch(output.device, output.metrics);
        break;
      case "rebirthNeeded":
      case "malformed":
        this.problems.push(JSON.stringify(output));
        break;
      default:
        break;
    }
  }

  #greet(boot: string): void {
    if (!this.greeting) return;
    for (const ack of this.acks.greet(boot))
      this.#publish("ack", ack).catch((error: unknown) => this.problems.push(String(error)));
  }

  #batch(
    device: string,
    metrics: Extract<ReturnType<HostSession["receive"]>[number], { type: "data" }>["metrics"],
  ): void {
    const [identity, ...values] = metrics;
    if (identity?.name !== BATCH_METRIC) {
      this.problems.push(`DDATA of ${device} without ${BATCH_METRIC}`);
      return;
    }
    const { epoch, first, last } = parseBatch(String(identity.value));
    if (last - first + 1 !== values.length) this.problems.push(`batch ${first}:${last} holds ${values.length} samples`);
    this.#seen(epoch);
    const samples = values.map(({ name, value, timestamp, isHistorical, properties }, at) => ({
      epoch,
      offset: first + at,
      point: `${NODE}/${device}/${name}`,
      value: value as Value,
      at: timestamp,
      historical: isHistorical,
      ...(properties?.["sourceTime"] === undefined ? {} : { sourceTime: Number(properties["sourceTime"].value) }),
      ...(properties?.["reason"] === undefined ? {} : { reason: String(properties["reason"].value) }),
    }));
    this.samples.push(...samples);
    this.onBatch(samples);
    this.#ack("telemetry", epoch, first, last);
  }

  #lane({ lane, epoch, items, firstOffset, lastOffset }: EventBatch): void {
    this.#seen(epoch);
    // as ingest does: what comes again under the same offset is the same item
    for (const item of items as LaneItem[]) {
      const key = `${lane} ${epoch} ${item.offset}`;
      if (!this.#known.has(key)) this.items.push(item);
      this.#known.add(key);
    }
    this.#ack(lane, epoch, firstOffset, lastOffset);
  }

  #seen(epoch: string): void {
    if (this.epochs.at(-1) !== epoch) this.epochs.push(epoch);
  }

  #ack(lane: Lane, epoch: string, first: number, last: number): void {
    const { upTo } = this.acks.store(lane, epoch, first, last);
    if (this.acking) this.ack(lane, epoch, upTo);
  }

  /** Acks all there is, in every lane and epoch. */
  ackAll(): void {
    for (const { lane, epoch, upTo } of this.acks.all()) this.ack(lane, epoch, upTo);
  }

  ack(lane: Lane, epoch: string, upTo: number): void {
    this.#publish("ack", { lane, epoch, upTo }).catch((error: unknown) => this.problems.push(String(error)));
  }

  #notice: unknown;

  #publish(kind: "ack" | "commands" | "config", value: unknown, retain = false): Promise<void> {
    const payload = Buffer.from(JSON.stringify(value));
    return this.#send(hubTopic(SITE, GATEWAY, kind), payload, retain);
  }

  #send(topic: string, payload: Buffer, retain = false): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#broker === undefined) return resolve();
      this.#broker.publish({ cmd: "publish", topic, payload, qos: 1, retain, dup: false }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  /** Announces a bundle by a retained notice. */
  async announce(bundle: unknown, version: number, body = JSON.stringify(bundle)): Promise<void> {
    const path = `/api/v1/gateways/${NODE}/bundles/${version}`;
    this.#bundle = { path, body };
    const sha256 = createHash("sha256").update(body).digest("hex");
    this.#notice = { version, sha256, url: path };
    await this.#publish("config", this.#notice, true);
  }

  /** Serves other bytes than those announced. */
  replaceBody(body: string): void {
    if (this.#bundle !== undefined) this.#bundle = { ...this.#bundle, body };
  }

  async command(command: object): Promise<void> {
    await this.#publish("commands", {
      requestedBy: "operator",
      fence: 1,
      createdAt: Date.now(),
      expiresAt: Date.now() + 10_000,
      ...command,
    });
  }

  /** Asks for new births as a host application does. */
  async askRebirth(): Promise<void> {
    const { topic, payload } = rebirthRequest(NODE, Date.now());
    await this.#send(topic, Buffer.from(payload));
  }

  async sparkplugCommand(topic: string, payload: Uint8Array): Promise<void> {
    await this.#send(topic, Buffer.from(payload));
  }

  /** Items of one kind, each once, as they came. */
  of<K extends LaneItem["kind"]>(kind: K): Extract<LaneItem, { kind: K }>[] {
    return this.items.filter((item): item is Extract<LaneItem, { kind: K }> => item.kind === kind);
  }

  /** Results of one command id. */
  results(
    id: string,
  ): { readonly status: string; readonly code?: string | undefined; readonly readBack?: Value | undefined }[] {
    return this.of("commandResult")
      .filter(({ result }) => result.id === id)
      .map(({ result }) => result);
  }
}

/** A gateway under test on a data folder, with the drivers of tests/fixtures/drivers. */
export function runGateway(cloud: EdgeCloud, data: string, more: Partial<AgentOptions> = {}): Promise<Agent> {
  return startAgent({
    bootstrap: { site: SITE, gateway: GATEWAY, data, broker: cloud.broker, cloud: cloud.http, credential: "given" },
    username: `${SITE}:${GATEWAY}`,
    password: "secret-password",
    references: { secret: () => undefined, simPort: () => undefined },
    logger: silentLogger,
    driverModules: DRIVERS,
    times: {
      link: { firstRetryMs: 50, longestRetryMs: 200 },
      supervisor: { firstRestartMs: 50, longestRestartMs: 200 },
    },
    onFatal: (error) => {
      throw error;
    },
    ...more,
  });
}
