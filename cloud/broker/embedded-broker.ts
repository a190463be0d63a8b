import type { EventEmitter } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import {
  Aedes,
  type AedesPublishPacket,
  type AuthenticateError,
  type Client,
  type PublishPacket,
  type Subscription,
} from "aedes";
import { type Clock, systemClock } from "#core/clock.ts";
import { gatewayClientId, hubTopic } from "#core/contracts/topics.ts";
import { HubError } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Broker, ForeignClient, GatewayMessageHandler } from "../ports.ts";
import { BirthCertificates } from "./birth-certificates.ts";
import { Doorway, type DoorwayLimits } from "./doorway.ts";
import { type ConnectionLimits, GuardedConnection } from "./guarded-connection.ts";
import { type StormListener, Takeovers } from "./takeovers.ts";
import { CERTIFICATES, mayPublish, mayRetain, maySubscribe, type PeerTopics } from "./topic-rules.ts";
import type { Violations } from "./violations.ts";

/** The broker cannot do its work. */
export class BrokerError extends HubError {}

/** What the embedded broker needs. */
export interface EmbeddedBrokerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The gateway a user name and password belong to, or undefined. */
  readonly authenticate: (username: string, password: string) => Promise<GatewayId | undefined>;
  /** The foreign client they belong to, asked when they are no gateway's; without it only gateways are let in. */
  readonly foreignClient?: (username: string, password: string) => Promise<ForeignClient | undefined>;
  readonly violations: Violations;
  readonly logger: Logger;
  /** The machine's own when absent. */
  readonly clock?: Clock;
  /** What one connection may send; CONNECTION_LIMITS when absent. */
  readonly limits?: ConnectionLimits;
  /** How many may stand before the sign-in; DOORWAY_LIMITS when absent. */
  readonly doorway?: DoorwayLimits;
  /** How long a connection may take to say CONNECT, all of it; 10 s when absent. */
  readonly connectTimeoutMs?: number;
}

interface Session {
  readonly peer: PeerTopics;
  /** Whom reports are about: `<site>/<gateway>` or the name of a reader. */
  readonly who: string;
  /** Whose messages are taken in; a reader has none. */
  readonly gateway: GatewayId | undefined;
  readonly number: number;
  readonly client: Client;
  readonly filters: Set<string>;
}

type Identity = Pick<Session, "peer" | "who" | "gateway"> & { readonly clientId: string };

// CONNACK return codes [MQTT 3.1.1 table 3.1]
const SERVER_UNAVAILABLE = 3;
const BAD_CREDENTIAL = 4;
const IDENTIFIER_REJECTED = 2;

const CONNECT_TIMEOUT_MS = 10_000;
/**
 * How often the library looks, by the wall clock, for brokers that share its store and have died, to publish the wills of their
 * clients: nearly never. Nobody shares it, and after a leap of the clock it would take itself for dead and all gateways with it.
 * Four times this must fit a timer, 2^31 ms.
 */
const BROKERS_HEARTBEAT_MS = 500_000_000;
/** Bytes a subscriber may leave unread. Beyond it is cut: nobody waits for one who does not read. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

function refusal(returnCode: 2 | 3 | 4, message: string): AuthenticateError {
  return Object.assign(new Error(message), { returnCode }) as AuthenticateError;
}

function gatewayIdentity(id: GatewayId): Identity {
  const [site = "", gateway = ""] = id.split("/");
  return { clientId: gatewayClientId(site, gateway), who: id, gateway: id, peer: { kind: "gateway", site, gateway } };
}

function foreignIdentity(client: ForeignClient): Identity {
  const { clientId, name } = client;
  if (client.kind === "reader")
    return { clientId, who: name, gateway: undefined, peer: { kind: "reader", name, mayCommand: client.mayCommand } };
  const [site = "", gateway = ""] = client.node.split("/");
  return { clientId, who: client.node, gateway: client.node, peer: { kind: "foreignNode", site, gateway } };
}

/**
 * aedes in this process. Ingest hangs in its publish hook and not in a subscription, because one subscriber that stops
 * reading holds up every subscription, and browsers never come here. A connection is bound to one identity: user name,
 * client id and topics belong together, sessions are clean.
 */
export class EmbeddedBroker implements Broker {
  readonly #aedes: Aedes;
  readonly #server: Server;
  readonly #options: EmbeddedBrokerOptions;
  readonly #sessions = new WeakMap<Client, Session>();
  /** By client id. */
  readonly #current = new Map<string, Session>();
  /** Whose password was right and whose connection is open. */
  readonly #signedIn = new Set<Session>();
  readonly #connections = new Set<GuardedConnection>();
  readonly #doorway: Doorway;
  readonly #takeovers: Takeovers<GatewayId>;
  readonly #certificates: BirthCertificates;
  /** How each connection leaves the door when it has signed in. */
  readonly #leaving = new WeakMap<GuardedConnection, () => void>();
  #handler: GatewayMessageHandler | undefined;
  #sessionCount = 0;
  /** Messages of our own that the library has not passed on yet. */
  #unsent = 0;
  #allSent: (() => void) | undefined;

  private constructor(aedes: Aedes, options: EmbeddedBrokerOptions) {
    this.#aedes = aedes;
    this.#options = options;
    this.#doorway = new Doorway(options.doorway);
    this.#takeovers = new Takeovers(options.clock ?? systemClock);
    this.#certificates = new BirthCertificates(
      (topic, payload) => this.publish(topic, payload, { qos: 0, retain: true }),
      (node) => options.violations.report("tooManyBirths", node, {}),
    );
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = 2000;
  }

  /** Starts to listen. @throws BROKER_LISTEN when the address is taken */
  static async start(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const aedes = await Aedes.createBroker({
      // No limit in common, for then one slow subscriber would stop all: each is bounded by MAX_UNREAD_BYTES instead.
      concurrency: 0,
      drainTimeout: 2000,
      connectTimeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      heartbeatInterval: BROKERS_HEARTBEAT_MS,
      // a gateway that is gone without a word is noticed after 1.5 times its keep-alive
      keepaliveLimit: 120,
      maxClientsIdLength: 129,
      maxTopicLevels: 8,
    });
    const broker = new EmbeddedBroker(aedes, options);
    broker.#hook();
    await broker.#listen();
    return broker;
  }

  /** The port it listens on. */
  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === "object" ? address.port : 0;
  }

  publish(topic: string, payload: Uint8Array | string, { qos, retain }: { qos: 0 | 1; retain: boolean }): void {
    const bytes = typeof payload === "string" ? Buffer.from(payload) : Buffer.from(payload);
    this.#unsent++;
    this.#aedes.publish({ cmd: "publish", topic, payload: bytes, qos, retain, dup: false }, (error) => {
      if (error) this.#options.logger.warn({ topic, err: error }, "publish failed");
      if (--this.#unsent === 0) this.#allSent?.();
    });
  }

  isReachable(gateway: GatewayId): boolean {
    const [site = "", name = ""] = gateway.split("/");
    return this.#current.get(gatewayClientId(site, name))?.filters.has(hubTopic(site, name, "commands")) === true;
  }

  attach(handler: GatewayMessageHandler): void {
    this.#handler = handler;
  }

  /** Tells when two devices with one gateway's identity evict each other, and when that is over. */
  onTakeoverStorm(listener: StormListener<GatewayId>): void {
    this.#takeovers.onStorm((gateway, storming) => {
      try {
        listener(gateway, storming);
      } catch (error) {
        // a fault of whoever is told must not refuse the sign-in that is under way
        this.#options.logger.error({ gateway, storming, err: error }, "following up on a takeover storm failed");
      }
    });
  }

  /** Ends the connection of a client whose credential was withdrawn. */
  evict(clientId: string): void {
    for (const { client } of this.#signedIn) if (client.id === clientId) client.close();
  }

  async close(): Promise<void> {
    this.#takeovers.close();
    // [Sparkplug tck-id-operational-behavior-host-application-termination] last words, that we are offline, are heard
    if (this.#unsent > 0) await new Promise<void>((resolve) => (this.#allSent = resolve));
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await new Promise<void>((resolve) => this.#aedes.close(() => resolve()));
    // The library closes its clients; a connection that never said CONNECT is none.
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const { violations, limits, clock = systemClock } = this.#options;
    const address = socket.remoteAddress ?? "unknown";
    const leave = this.#doorway.enter(address);
    if (leave === undefined) {
      violations.report("connectionFlood", address, {});
      socket.on("error", () => undefined); // a peer that is turned away may well reset
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    const connection = new GuardedConnection(socket, {
      clock,
      ...(limits === undefined ? {} : { limits }),
      tooLarge: () => violations.report("packetTooLarge", address, { address }),
      tooFast: () => violations.report("tooFast", address, { address }),
    });
    this.#leaving.set(connection, leave);
    this.#connections.add(connection);
    connection.once("close", () => {
      leave();
      this.#connections.delete(connection);
    });
    this.#aedes.handle(connection);
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) =>
        reject(new BrokerError("BROKER_LISTEN", `cannot listen on ${host}:${port} for MQTT`, { cause })),
      );
      this.#server.listen(port, host, resolve);
    });
    // without a listener a connection that cannot be accepted would end the process
    this.#server.on("error", (error) => this.#options.logger.error({ err: error }, "MQTT connection not accepted"));
  }

  #hook(): void {
    const aedes = this.#aedes;
    aedes.authenticate = (client, username, password, done) => {
      // The library hands the answer on synchronously: an exception of its own must not look like a refusal of ours.
      void this.#signIn(client, username ?? "", password?.toString("utf8") ?? "").then(
        () => done(null, true),
        (error: AuthenticateError) => done(error, false),
      );
    };
    aedes.authorizePublish = (client, packet, done) => this.#publishHook(client, packet, done);
    aedes.authorizeSubscribe = (client, subscription, done) =>
      done(null, this.#allowsSubscription(client, subscription) ? subscription : null);
    aedes.authorizeForward = (client, packet) => this.#forward(client, packet);
    aedes.on("subscribe", (subscriptions, client) => {
      for (const { topic } of subscriptions) this.#sessions.get(client)?.filters.add(topic);
    });
    aedes.on("unsubscribe", (topics, client) => {
      for (const topic of topics) this.#sessions.get(client)?.filters.delete(topic);
    });
    // the library's own inside, missing in its types; nobody listening would end the process
    const inside: EventEmitter = aedes;
    inside.on("error", (error: unknown) => this.#options.logger.error({ err: error }, "MQTT broker failed"));
    aedes.on("clientReady", (client) => this.#ready(client));
    aedes.on("clientDisconnect", (client) => this.#gone(client));
    for (const event of ["clientError", "connectionError"] as const)
      aedes.on(event, (client, error) =>
        this.#options.logger.debug({ client: client.id, message: error.message }, "MQTT connection failed"),
      );
  }

  async #signIn(client: Client, username: string, password: string): Promise<void> {
    const { violations, logger } = this.#options;
    // The name is the peer's own claim: cut, so that nobody writes novels into the log.
    const who = username.slice(0, 129) || "nobody";
    const identity = await this.#identify(username, password).catch((cause: unknown) => {
      logger.warn({ err: cause }, "credential could not be checked");
      throw refusal(SERVER_UNAVAILABLE, "try again later");
    });
    if (identity === undefined) {
      violations.report("badCredential", who, {});
      throw refusal(BAD_CREDENTIAL, "bad user name or password");
    }
    if (client.id !== identity.clientId) {
      violations.report("foreignClientId", identity.who, { clientId: client.id.slice(0, 129) });
      throw refusal(IDENTIFIER_REJECTED, "the client id must be the one of this user name");
    }
    if (!client.clean) {
      violations.report("persistentSession", identity.who, {});
      throw refusal(IDENTIFIER_REJECTED, "only clean sessions");
    }
    // Gone while the password was checked: the library drops it without a word, and it has taken nothing over.
    if (client.closed) return;
    if (this.#current.has(client.id)) this.#takeover(identity);
    if (client.conn instanceof GuardedConnection) {
      this.#leaving.get(client.conn)?.();
      client.conn.signedIn();
    }
    const session = { ...identity, client, number: ++this.#sessionCount, filters: new Set<string>() };
    this.#sessions.set(client, session);
    this.#signedIn.add(session);
    client.conn.once("close", () => this.#signedIn.delete(session));
  }

  async #identify(username: string, password: string): Promise<Identity | undefined> {
    const { authenticate, foreignClient } = this.#options;
    const gateway = await authenticate(username, password);
    if (gateway !== undefined) return gatewayIdentity(gateway);
    const client = await foreignClient?.(username, password);
    return client && foreignIdentity(client);
  }

  /** Harmless once, after a silent cut; two devices with one identity evict each other for ever. */
  #takeover({ who, gateway, clientId }: Identity): void {
    const { violations } = this.#options;
    violations.report("takeover", who, {});
    if (gateway !== undefined && this.#takeovers.note(gateway)) violations.report("takeoverStorm", who, { clientId });
  }

  #ready(client: Client): void {
    const session = this.#sessions.get(client);
    if (session === undefined) return;
    this.#current.set(client.id, session);
    this.#options.logger.info({ client: session.who, session: session.number }, "MQTT client connected");
  }

  #gone(client: Client): void {
    const session = this.#sessions.get(client);
    if (session === undefined) return;
    this.#sessions.delete(client);
    if (this.#current.get(client.id) === session) this.#current.delete(client.id);
    this.#options.logger.info({ client: session.who, session: session.number }, "MQTT client disconnected");
    if (session.gateway !== undefined) this.#handler?.disconnected(session.gateway, session.number);
  }

  #publishHook(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const session = client === null ? undefined : this.#sessions.get(client);
    if (session === undefined || this.#handler === undefined) {
      done(new BrokerError("BROKER_NOT_READY", "nobody takes messages in yet"));
      return;
    }
    const { peer, who, gateway, number } = session;
    const refused = this.#refused(session, packet);
    if (refused !== undefined) {
      // MQTT 3.1.1 has no refusal of a PUBLISH: the connection is closed. [MQTT-3.3.5-2]
      done(refused);
      return;
    }
    if (packet.retain && !mayRetain(peer, packet.topic)) {
      this.#options.violations.report("retainedPublish", who, { topic: packet.topic });
      packet.retain = false;
    }
    if (gateway === undefined) {
      done(null);
      return;
    }
    const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    const taken = this.#handler.message({ gateway, session: number, topic: packet.topic, payload });
    this.#certificates.note(packet.topic, payload);
    if (taken === undefined) done(null);
    else
      void taken.then(
        () => done(null),
        (error: Error) => done(error),
      );
  }

  #refused({ peer, who }: Session, { topic, qos }: PublishPacket): BrokerError | undefined {
    const { violations } = this.#options;
    const shown = topic.slice(0, 200);
    if (!mayPublish(peer, topic)) {
      violations.report("foreignPublish", who, { topic: shown });
      return new BrokerError("BROKER_TOPIC_FOREIGN", `${who} may not publish on ${shown}`);
    }
    // Neither Sparkplug nor our own lanes use QoS 2, whose handshake would keep state for each message.
    if (qos !== 2) return undefined;
    violations.report("exactlyOnce", who, { topic: shown });
    return new BrokerError("BROKER_QOS", `${who} publishes with QoS 2 on ${shown}: expected 0 or 1`);
  }

  /** What goes out to a subscriber; undefined keeps it back. */
  #forward({ conn, id }: Client, packet: AedesPublishPacket): AedesPublishPacket | null {
    if (conn.writableLength > MAX_UNREAD_BYTES) {
      const session = this.#current.get(id);
      this.#options.violations.report("slowSubscriber", session?.who ?? id, {});
      conn.destroy();
      return null;
    }
    // A birth that is taken back leaves the store of retained messages; who looks on needs no empty message.
    return packet.payload.length === 0 && packet.topic.startsWith(`${CERTIFICATES}/`) ? null : packet;
  }

  #allowsSubscription(client: Client, { topic }: Subscription): boolean {
    const session = this.#sessions.get(client);
    if (session === undefined) return false;
    if (maySubscribe(session.peer, topic)) return true;
    this.#options.violations.report("foreignSubscribe", session.who, { topic: topic.slice(0, 200) });
    return false;
  }
}
