import { createServer, type Server } from "node:net";
import { Aedes, type AuthenticateError, type Client, type PublishPacket, type Subscription } from "aedes";
import { gatewayClientId, hubTopic } from "#core/contracts/topics.ts";
import { HubError } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Broker, GatewayMessageHandler } from "../ports.ts";
import { GuardedConnection } from "./guarded-connection.ts";
import { type GatewayTopics, mayPublish, maySubscribe } from "./topic-rules.ts";
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
  readonly violations: Violations;
  readonly logger: Logger;
}

interface Session extends GatewayTopics {
  readonly id: GatewayId;
  readonly number: number;
  readonly client: Client;
  readonly filters: Set<string>;
}

// CONNACK return codes [MQTT 3.1.1 table 3.1]
const SERVER_UNAVAILABLE = 3;
const BAD_CREDENTIAL = 4;
const IDENTIFIER_REJECTED = 2;

function refusal(returnCode: 2 | 3 | 4, message: string): AuthenticateError {
  return Object.assign(new Error(message), { returnCode }) as AuthenticateError;
}

/**
 * aedes in this process. Ingest hangs in its publish hook and not in a subscription, because one subscriber that stops
 * reading holds up every subscription, and browsers never come here. A connection is bound to one gateway: user name and
 * client id are `<site>:<gateway>`, sessions are clean, topics are its own.
 */
export class EmbeddedBroker implements Broker {
  readonly #aedes: Aedes;
  readonly #server: Server;
  readonly #options: EmbeddedBrokerOptions;
  readonly #sessions = new WeakMap<Client, Session>();
  readonly #current = new Map<GatewayId, Session>();
  readonly #connections = new Set<GuardedConnection>();
  #handler: GatewayMessageHandler | undefined;
  #sessionCount = 0;

  private constructor(aedes: Aedes, options: EmbeddedBrokerOptions) {
    this.#aedes = aedes;
    this.#options = options;
    this.#server = createServer((socket) => {
      socket.setNoDelay(true);
      const connection = new GuardedConnection(socket, (address) =>
        options.violations.report("packetTooLarge", address, { address }),
      );
      this.#connections.add(connection);
      connection.once("close", () => this.#connections.delete(connection));
      aedes.handle(connection);
    });
    this.#server.maxConnections = 2000;
  }

  /** Starts to listen. @throws BROKER_LISTEN when the address is taken */
  static async start(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const aedes = await Aedes.createBroker({
      concurrency: 1000,
      drainTimeout: 2000,
      connectTimeout: 10_000,
      heartbeatInterval: 30_000,
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
    this.#aedes.publish({ cmd: "publish", topic, payload: bytes, qos, retain, dup: false }, (error) => {
      if (error) this.#options.logger.warn({ topic, err: error }, "publish failed");
    });
  }

  isReachable(gateway: GatewayId): boolean {
    const session = this.#current.get(gateway);
    return session?.filters.has(hubTopic(session.site, session.gateway, "commands")) === true;
  }

  attach(handler: GatewayMessageHandler): void {
    this.#handler = handler;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await new Promise<void>((resolve) => this.#aedes.close(() => resolve()));
    // The library closes its clients; a connection that never said CONNECT is none.
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) =>
        reject(new BrokerError("BROKER_LISTEN", `cannot listen on ${host}:${port} for MQTT`, { cause })),
      );
      this.#server.listen(port, host, resolve);
    });
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
    aedes.on("subscribe", (subscriptions, client) => {
      for (const { topic } of subscriptions) this.#sessions.get(client)?.filters.add(topic);
    });
    aedes.on("unsubscribe", (topics, client) => {
      for (const topic of topics) this.#sessions.get(client)?.filters.delete(topic);
    });
    aedes.on("clientReady", (client) => this.#ready(client));
    aedes.on("clientDisconnect", (client) => this.#gone(client));
    for (const event of ["clientError", "connectionError"] as const)
      aedes.on(event, (client, error) =>
        this.#options.logger.debug({ client: client.id, message: error.message }, "MQTT connection failed"),
      );
  }

  async #signIn(client: Client, username: string, password: string): Promise<void> {
    const { violations, authenticate, logger } = this.#options;
    // The name is the peer's own claim: cut, so that nobody writes novels into the log.
    const who = username.slice(0, 129) || "nobody";
    let id: GatewayId | undefined;
    try {
      id = await authenticate(username, password);
    } catch (cause) {
      logger.warn({ err: cause }, "credential could not be checked");
      throw refusal(SERVER_UNAVAILABLE, "try again later");
    }
    if (id === undefined) {
      violations.report("badCredential", who, {});
      throw refusal(BAD_CREDENTIAL, "bad user name or password");
    }
    const [site = "", gateway = ""] = id.split("/");
    if (client.id !== gatewayClientId(site, gateway)) {
      violations.report("foreignClientId", id, { clientId: client.id.slice(0, 129) });
      throw refusal(IDENTIFIER_REJECTED, "the client id must be the user name");
    }
    if (!client.clean) {
      violations.report("persistentSession", id, {});
      throw refusal(IDENTIFIER_REJECTED, "only clean sessions");
    }
    if (client.conn instanceof GuardedConnection) client.conn.signedIn();
    // Harmless once, after a silent cut; two gateways with one identity evict each other for ever.
    if (this.#current.has(id)) violations.report("takeover", id, {});
    this.#sessions.set(client, { id, site, gateway, client, number: ++this.#sessionCount, filters: new Set() });
  }

  #ready(client: Client): void {
    const session = this.#sessions.get(client);
    if (session === undefined) return;
    const { id } = session;
    this.#current.set(id, session);
    this.#options.logger.info({ gateway: id, session: session.number }, "gateway connected");
  }

  #gone(client: Client): void {
    const session = this.#sessions.get(client);
    if (session === undefined) return;
    this.#sessions.delete(client);
    if (this.#current.get(session.id) === session) this.#current.delete(session.id);
    this.#options.logger.info({ gateway: session.id, session: session.number }, "gateway disconnected");
    this.#handler?.disconnected(session.id, session.number);
  }

  #publishHook(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const session = client === null ? undefined : this.#sessions.get(client);
    if (session === undefined || this.#handler === undefined) {
      done(new BrokerError("BROKER_NOT_READY", "nobody takes messages in yet"));
      return;
    }
    if (!mayPublish(session, packet.topic)) {
      this.#options.violations.report("foreignPublish", session.id, { topic: packet.topic.slice(0, 200) });
      // MQTT 3.1.1 has no refusal of a PUBLISH: the connection is closed. [MQTT-3.3.5-2]
      done(new BrokerError("BROKER_TOPIC_FOREIGN", `${session.id} may not publish on ${packet.topic.slice(0, 200)}`));
      return;
    }
    if (packet.retain) {
      this.#options.violations.report("retainedPublish", session.id, { topic: packet.topic });
      packet.retain = false;
    }
    const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    const taken = this.#handler.message({ gateway: session.id, session: session.number, topic: packet.topic, payload });
    if (taken === undefined) done(null);
    else
      void taken.then(
        () => done(null),
        (error: Error) => done(error),
      );
  }

  #allowsSubscription(client: Client, { topic }: Subscription): boolean {
    const session = this.#sessions.get(client);
    if (session === undefined) return false;
    if (maySubscribe(session, topic)) return true;
    this.#options.violations.report("foreignSubscribe", session.id, { topic: topic.slice(0, 200) });
    return false;
  }
}
