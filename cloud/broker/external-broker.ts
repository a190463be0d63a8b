import { randomBytes } from "node:crypto";
import mqtt, { type IPublishPacket, type MqttClient } from "mqtt";
import type { Clock } from "#core/clock.ts";
import { hubTopic, parseHubTopic } from "#core/contracts/topics.ts";
import { errorMessage } from "#core/errors.ts";
import { type GatewayId, ID_PART } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import { rebirthRequest } from "#core/sparkplug/host-session.ts";
import { parseState, stateMessage } from "#core/sparkplug/host-state.ts";
import { NAMESPACE, parseTopic, topicOf } from "#core/sparkplug/topic.ts";
import type { Broker, GatewayMessageHandler } from "../ports.ts";
import { type BrokerAddress, brokerAddress } from "./broker-address.ts";
import { GatewayQueues, type QueueLimits } from "./gateway-queues.ts";
import { MAX_PACKET } from "./packet-meter.ts";
import type { Violations } from "./violations.ts";

/** How the cloud meets an external broker. */
export interface ExternalBrokerOptions {
  /** `mqtt(s)://user:password@host:port`. Certificates are checked against the system's authorities and NODE_EXTRA_CA_CERTS. */
  readonly url: string;
  readonly site: string;
  /** Sparkplug host id of this cloud. */
  readonly host: string;
  /** Gateways and foreign edge nodes whose messages are taken in. Whoever the broker lets publish besides is not heard. */
  readonly knows: (gateway: GatewayId) => boolean;
  readonly violations: Violations;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: () => number;
  readonly retry?: Partial<RetryTimes>;
  /** Seconds; a broker that hangs is noticed after one and a half of it. 10 when absent. */
  readonly keepaliveS?: number;
  readonly queueLimits?: QueueLimits;
}

/** Times between attempts, ms: doubled from the first to the longest, each shortened by chance to a half at most. */
export interface RetryTimes {
  readonly firstMs: number;
  readonly longestMs: number;
}

const RETRY: RetryTimes = { firstMs: 300, longestMs: 5_000 };
const CONNECT_TIMEOUT_MS = 5_000;
const KEEPALIVE_S = 10;
/** A connection that held so long was a good one: the next loss starts the back-off anew. */
const STEADY_MS = 15_000;
/** A gateway speaks at least every 5 s; one that was not heard for so long is not there. */
const HEARD_WITHIN_MS = 15_000;
/** Bytes to the broker beyond which nothing more is sent until it reads again. */
const MAX_UNSENT_BYTES = 8 * 1024 * 1024;
const CLOSE_TIMEOUT_MS = 2_000;
const SENT_TYPES = ["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"] as const;

interface Connection {
  readonly client: MqttClient;
  /** Unix ms, of the will: [Sparkplug tck-id-host-topic-phid-birth-payload-timestamp] the birth says the same. */
  readonly stateAt: number;
  readonly steadyAt: number;
}

/**
 * Any MQTT 3.1.1 broker by URL. It proves nothing to us: what counts is our own acknowledgement, so sessions are clean,
 * duplicates are harmless and what gets lost on the way is sent again. Who publishes on a gateway's topics is the gateway:
 * the broker's access rules bind topics to user names and client ids (config/deploy/mosquitto). Unlike the embedded broker
 * it cannot tell who is connected or takes over whom; a gateway counts as reachable while it is heard.
 */
export class ExternalBroker implements Broker {
  readonly #options: ExternalBrokerOptions;
  readonly #address: BrokerAddress;
  readonly #retry: RetryTimes;
  readonly #queues: GatewayQueues;
  readonly #stateTopic: string;
  /** Last message of each retained topic: told again at each connection, for the broker may have lost it, or us. */
  readonly #retained = new Map<string, Buffer>();
  /** By gateway: its stream at present, and when it was heard, monotonic. */
  readonly #heard = new Map<GatewayId, { session: number; at: number }>();
  /** Heard on a former connection: they may have told their births to nobody. */
  readonly #missed = new Set<GatewayId>();
  #handler: GatewayMessageHandler | undefined;
  #connection: Connection | undefined;
  /** Connected and subscribed. */
  #up = false;
  #sayOnline = false;
  #sessionCount = 0;
  #failures = 0;
  #cause = "not tried yet";
  #told: string | undefined;
  #closed = false;
  #cancelRetry: (() => void) | undefined;

  /** Connects when somebody takes messages in. @throws BROKER_URL */
  constructor(options: ExternalBrokerOptions) {
    this.#options = options;
    this.#address = brokerAddress(options.url);
    this.#retry = { ...RETRY, ...options.retry };
    this.#stateTopic = topicOf({ type: "STATE", host: options.host });
    const { queueLimits: limits, logger } = options;
    this.#queues = new GatewayQueues({
      handle: (message) => this.#handler?.message(message),
      logger,
      ...(limits === undefined ? {} : { limits }),
    });
  }

  /** Is it connected and subscribed? `detail` says where, and why not. */
  get status(): { readonly ready: boolean; readonly detail: string } {
    const { url } = this.#address;
    return this.#up ? { ready: true, detail: url } : { ready: false, detail: `${url}: ${this.#cause}` };
  }

  /** Messages of gateways that had no room while the store was slow. */
  get dropped(): number {
    return this.#queues.dropped;
  }

  attach(handler: GatewayMessageHandler): void {
    const first = this.#handler === undefined;
    this.#handler = handler;
    if (first) this.#connect();
  }

  publish(topic: string, payload: Uint8Array | string, { qos, retain }: { qos: 0 | 1; retain: boolean }): void {
    const bytes = Buffer.from(payload);
    if (topic === this.#stateTopic) {
      this.#sayOnline = parseState(bytes)?.online === true;
      if (this.#sayOnline) this.#sayState();
      else this.#send(topic, bytes, qos, retain);
      return;
    }
    if (retain) this.#retained.set(topic, bytes);
    this.#send(topic, bytes, qos, retain);
  }

  /** Heard on this connection within the presence lease. That it listens on its command topic as well is its own promise: it subscribes before it speaks. */
  isReachable(gateway: GatewayId): boolean {
    const heard = this.#heard.get(gateway);
    return this.#up && heard !== undefined && this.#options.clock.monotonic() - heard.at < HEARD_WITHIN_MS;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    const client = this.#connection?.client;
    if (client === undefined) return;
    const wasUp = this.#up;
    this.#down("closed");
    const { promise, resolve } = Promise.withResolvers<void>();
    // a broker that hangs would never confirm the last message
    const cancel = this.#options.clock.after(CLOSE_TIMEOUT_MS, () => client.end(true, {}, () => resolve()));
    client.end(!wasUp, {}, () => resolve());
    await promise;
    cancel();
  }

  #connect(): void {
    const { clock, host, logger, keepaliveS = KEEPALIVE_S } = this.#options;
    const { url, username, password } = this.#address;
    const stateAt = clock.now();
    const { topic, payload, qos, retain } = stateMessage(host, { online: false, timestamp: stateAt });
    // A new client for each attempt: its will carries the time of this CONNECT, and nothing unsent follows from before.
    const client = mqtt.connect(url, {
      protocolVersion: 4,
      // two clouds on one broker must not evict each other
      clientId: `parkhub-${this.#options.site}-${randomBytes(4).toString("hex")}`,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      clean: true, // [Sparkplug tck-id-principles-persistence-clean-session-311]
      keepalive: keepaliveS,
      reconnectPeriod: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      queueQoSZero: false,
      resubscribe: false,
      writeCache: false,
      will: { topic, payload: Buffer.from(payload), qos, retain },
    });
    this.#connection = { client, stateAt, steadyAt: clock.monotonic() + STEADY_MS };
    let cause = "connection lost";
    client.on("error", (error) => {
      cause = errorMessage(error) || "no answer";
    });
    client.on("message", (name, bytes, packet) => {
      if (this.#connection?.client === client) this.#message(name, bytes, packet);
    });
    client.on("connect", () => this.#subscribe(client, (why) => (cause = why)));
    client.on("close", () => {
      if (this.#connection?.client !== client) return;
      client.end(true); // a refused CONNECT must not leave a half-open socket behind
      this.#down(cause);
      this.#again();
    });
    logger.debug({ url }, "connecting to the broker");
  }

  #subscribe(client: MqttClient, failed: (cause: string) => void): void {
    const { site, clock, logger } = this.#options;
    const filters = [
      ...SENT_TYPES.map((type) => `${NAMESPACE}/${site}/${type}/${type.startsWith("N") ? "+" : "+/+"}`),
      hubTopic(site, "+", "events"),
      this.#stateTopic,
    ];
    // A broker that takes the connection and never the subscriptions answers pings for ever.
    const cancel = clock.after(CONNECT_TIMEOUT_MS, () => {
      failed(`no SUBACK within ${CONNECT_TIMEOUT_MS / 1000} s`);
      client.end(true);
    });
    client.once("close", cancel);
    client.subscribe(filters, { qos: 1 }, (error, _granted, answer) => {
      cancel();
      if (this.#connection?.client !== client || this.#closed) return;
      const refused = filters.filter((_filter, at) => Number(answer?.granted[at] ?? 0) > 2);
      if (error !== null || refused.length > 0) {
        // Only an answer refuses: a connection that ends before there is one has a cause of its own.
        if (answer !== undefined) {
          logger.error({ refused, cause: error?.message }, "the broker refused a subscription");
          failed("the broker refused a subscription");
        }
        client.end(true);
        return;
      }
      this.#up = true;
      this.#told = undefined;
      logger.info({ broker: this.#address.url }, "connected to the broker");
      // [Sparkplug tck-id-message-flow-phid-sparkplug-state-publish] online only once subscribed
      if (this.#sayOnline) this.#sayState();
      for (const [topic, bytes] of this.#retained) this.#send(topic, bytes, 1, true);
      this.#askForBirths();
    });
  }

  /**
   * Who came back before us was born unheard, and sends nothing more while all that it may send without an answer is under way.
   * Who comes later is born then and never hears this.
   */
  #askForBirths(): void {
    for (const gateway of this.#missed) {
      const { topic, payload, qos, retain } = rebirthRequest(gateway, this.#options.clock.now());
      this.#send(topic, Buffer.from(payload), qos, retain);
    }
    this.#missed.clear();
  }

  /** Says online with the time of the will, or with a later one that was said for us. */
  #sayState(notBefore = 0): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const timestamp = Math.max(connection.stateAt, notBefore);
    const { topic, payload, qos, retain } = stateMessage(this.#options.host, { online: true, timestamp });
    this.#send(topic, Buffer.from(payload), qos, retain);
  }

  #send(topic: string, bytes: Buffer, qos: 0 | 1, retain: boolean): void {
    const client = this.#connection?.client;
    // What is not retained is of no use later: acknowledgements are cumulative, commands expire, births are asked for again.
    if (!this.#up || client === undefined) return;
    if (client.stream.writableLength > MAX_UNSENT_BYTES) {
      this.#queueFull(topic);
      return;
    }
    client.publish(topic, bytes, { qos, retain }, (error) => {
      if (error && this.#up) this.#options.logger.warn({ topic, cause: error.message }, "publish failed");
    });
  }

  #queueFull(topic: string): void {
    if (this.#told !== "unread") this.#options.logger.warn({ topic }, "the broker does not read: messages dropped");
    this.#told = "unread";
  }

  #down(cause: string): void {
    const wasUp = this.#up;
    const steady = wasUp && this.#options.clock.monotonic() >= (this.#connection?.steadyAt ?? 0);
    this.#up = false;
    this.#connection = undefined;
    this.#cause = cause;
    this.#failures = steady ? 0 : this.#failures + 1;
    const heard = [...this.#heard];
    this.#heard.clear();
    for (const [gateway, { session }] of heard) {
      this.#missed.add(gateway);
      this.#handler?.disconnected(gateway, session);
    }
    if (this.#closed) return;
    if (wasUp || this.#told !== cause)
      this.#options.logger.warn({ broker: this.#address.url, cause }, "no connection to the broker, trying again");
    this.#told = cause;
  }

  #again(): void {
    if (this.#closed) return;
    const { clock, random = Math.random } = this.#options;
    const { firstMs, longestMs } = this.#retry;
    const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(this.#failures, 16));
    this.#cancelRetry = clock.after(ceiling * (0.5 + random() / 2), () => this.#connect());
  }

  #message(topic: string, payload: Buffer, { retain }: IPublishPacket): void {
    if (topic === this.#stateTopic) {
      this.#ownState(payload);
      return;
    }
    const gateway = this.#gatewayOf(topic);
    if (gateway === undefined) return;
    const { violations, clock } = this.#options;
    // [Sparkplug tck-id-payloads-nbirth-retain] what a broker has kept is of a past we know nothing of
    if (retain) violations.report("retainedPublish", gateway, { topic });
    else if (payload.length > MAX_PACKET) violations.report("packetTooLarge", gateway, { topic });
    else {
      const isBirth = topic.startsWith(`${NAMESPACE}/${this.#options.site}/NBIRTH/`);
      const known = isBirth ? undefined : this.#heard.get(gateway);
      // Its connections to the broker are hidden from us; each begins with a birth.
      const session = known?.session ?? ++this.#sessionCount;
      this.#heard.set(gateway, { session, at: clock.monotonic() });
      const lane = topic.startsWith(NAMESPACE) ? "sparkplug" : "events";
      this.#queues.offer(`${gateway} ${lane}`, { gateway, session, topic, payload });
    }
  }

  /** Somebody said offline for us: a will of a connection of ours that came late, or another cloud that has stopped. */
  #ownState(payload: Uint8Array): void {
    const state = parseState(payload);
    // [Sparkplug tck-id-message-flow-hid-sparkplug-state-message-delivered]
    if (state?.online === false && this.#sayOnline && this.#up) this.#sayState(state.timestamp);
  }

  #gatewayOf(topic: string): GatewayId | undefined {
    const { site, knows, violations } = this.#options;
    const hub = parseHubTopic(topic);
    const sparkplug = hub === undefined ? parseTopic(topic) : undefined;
    const name = hub?.gateway ?? (sparkplug !== undefined && "edgeNode" in sparkplug ? sparkplug.edgeNode : undefined);
    if (name === undefined) return undefined;
    const gateway = `${site}/${name}` as GatewayId;
    if (ID_PART.test(name) && knows(gateway)) return gateway;
    violations.report("unknownNode", gateway.slice(0, 200), { topic: topic.slice(0, 200) });
    return undefined;
  }
}
