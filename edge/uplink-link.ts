import mqtt, { type MqttClient } from "mqtt";
import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { SparkplugMessage } from "#core/sparkplug/message.ts";
import { Backoff } from "./backoff.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** [Sparkplug 5.4] a short keepalive lets the broker send our will soon after a silent cut. */
const KEEPALIVE_S = 5;
/**
 * The client gives up 1.5 keepalives after the last answer but asks only once, after one: an answer that takes longer than the
 * half, 2.5 s, would be the end of a connection that is slow and not dead. Asked so often, answers may take 5.5 s.
 */
const PING_MS = 2_000;
/** A connection that held so long was a good one: the next loss starts the back-off anew. */
const STEADY_MS = 15_000;

export interface LinkOptions {
  /** mqtt://host:port or mqtts://host:port, asked for at every attempt. @throws when it cannot be told now */
  readonly address: () => string;
  /** Client id and user name. */
  readonly username: string;
  readonly password: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: () => number;
  readonly times?: Partial<LinkTimes>;
  /** Gives the will of the coming connection; `known`: a broker may have read the one before, else no CONNECT was sent. */
  readonly will: (known: boolean) => SparkplugMessage;
  /** What to subscribe to, QoS 1. */
  readonly subscriptions: readonly string[];
  /** Connected and subscribed. */
  readonly onUp: () => void;
  readonly onDown: () => void;
  readonly onMessage: (topic: string, payload: Uint8Array) => void;
}

/** Times between attempts, ms. */
export interface LinkTimes {
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
}

/**
 * One MQTT connection at a time, made anew with jittered exponential back-off. A new client for each attempt: its will carries
 * the next bdSeq, and nothing a former connection still held can follow later. A connection that ends soon after it was made,
 * as when two gateways share one identity and evict each other, counts as a failure and so slows down.
 */
export class BrokerLink {
  readonly #options: LinkOptions;
  readonly #backoff: Backoff;
  #client: MqttClient | undefined;
  #up = false;
  #upAt = 0;
  /** That of a former run may be known. */
  #willKnown = true;
  #stopped = true;
  #cancelRetry: (() => void) | undefined;
  #cancelPings: (() => void) | undefined;
  #lastCause: string | undefined;
  #counters = { connects: 0, connectFailures: 0, losses: 0, shortLived: 0 };

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#backoff = new Backoff({
      firstMs: options.times?.firstRetryMs ?? 300,
      // an outage must not end with a long wait: a thousand gateways that come back within this are 200 a second
      longestMs: options.times?.longestRetryMs ?? 5000,
      random: options.random ?? Math.random,
    });
  }

  /** Connected and subscribed? */
  get up(): boolean {
    return this.#up;
  }
  /** Monotonic counters since the start. */
  get counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }

  /** Begins to connect, and keeps at it. */
  start(): void {
    this.#stopped = false;
    this.#connect();
  }

  #connect(): void {
    if (this.#stopped) return;
    const { address, username, password, will, logger } = this.#options;
    let url: string;
    try {
      url = address();
    } catch (error) {
      this.#down(errorMessage(error));
      return;
    }
    const { topic, payload, qos, retain } = will(this.#willKnown);
    this.#willKnown = false;
    const client = mqtt.connect(url, {
      protocolVersion: 4,
      clientId: username,
      username,
      password,
      clean: true, // [Sparkplug tck-id-principles-persistence-clean-session-311]
      keepalive: KEEPALIVE_S,
      reconnectPeriod: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      queueQoSZero: false,
      resubscribe: false,
      writeCache: false, // a buffer for each of 65,536 numbers, 7 MB
      will: { topic, payload: Buffer.from(payload), qos, retain },
    });
    this.#client = client;
    client.stream.once(url.startsWith("mqtts:") ? "secureConnect" : "connect", () => {
      this.#willKnown = true;
    });
    let cause = "connection lost";
    client.on("error", (error) => {
      cause = errorMessage(error) || errorCodeOf(error);
    });
    client.on("message", (topicName, bytes) => {
      if (this.#client === client) this.#options.onMessage(topicName, bytes);
    });
    client.on("connect", () =>
      this.#subscribe(client, (why) => {
        cause = why;
      }),
    );
    client.on("close", () => {
      if (this.#client !== client) return;
      // a refused CONNECT must not leave a half-open socket behind
      client.end(true);
      this.#down(cause);
    });
    logger.debug({ url }, "connecting to the broker");
  }

  #subscribe(client: MqttClient, failed: (cause: string) => void): void {
    const { subscriptions, logger } = this.#options;
    // A broker that takes the connection and never the subscriptions answers pings for ever.
    const cancel = this.#options.clock.after(CONNECT_TIMEOUT_MS, () => {
      failed(`no SUBACK within ${CONNECT_TIMEOUT_MS / 1_000} s`);
      client.end(true);
    });
    client.once("close", cancel);
    client.subscribe([...subscriptions], { qos: 1 }, (error, _granted, answer) => {
      cancel();
      if (this.#client !== client || this.#stopped) return;
      const refused = subscriptions.filter((_topic, at) => Number(answer?.granted[at] ?? 0) > 2);
      if (error !== null || refused.length > 0) {
        // only an answer refuses: a connection that ends before there is one has a cause of its own
        if (answer !== undefined) {
          logger.error({ refused, cause: error?.message }, "the broker refused a subscription");
          failed("the broker refused a subscription");
        }
        client.end(true);
        return;
      }
      this.#up = true;
      this.#upAt = this.#options.clock.monotonic();
      this.#lastCause = undefined;
      this.#counters.connects++;
      this.#cancelPings = this.#options.clock.every(PING_MS, () => client.sendPing());
      this.#options.logger.info({}, "connected to the broker");
      this.#options.onUp();
    });
  }

  #down(cause: string): void {
    this.#cancelPings?.();
    this.#client = undefined;
    const wasUp = this.#up;
    this.#up = false;
    if (wasUp) this.#lost();
    else this.#counters.connectFailures++;
    if (this.#stopped) return;
    const delayMs = Math.round(this.#backoff.next());
    if (wasUp || this.#lastCause !== cause)
      this.#options.logger.warn({ cause, delayMs }, "no connection to the broker, trying again");
    this.#lastCause = cause;
    this.#cancelRetry = this.#options.clock.after(delayMs, () => this.#connect());
  }

  #lost(): void {
    this.#counters.losses++;
    if (this.#options.clock.monotonic() - this.#upAt >= STEADY_MS) this.#backoff.reset();
    else this.#counters.shortLived++;
    this.#options.onDown();
  }

  /** Publishes when up; drops it otherwise, because the outbox is the only queue. */
  publish({ topic, payload, qos, retain }: SparkplugMessage): void {
    if (!this.#up) return;
    // a failure to send is the end of the connection, which is told by "close"
    this.#client?.publish(topic, Buffer.from(payload), { qos, retain }, () => {});
  }

  /** Publishes last words, disconnects cleanly and stays down. */
  async stop(lastWords?: SparkplugMessage): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry?.();
    this.#cancelPings?.();
    const client = this.#client;
    if (client === undefined) return;
    if (lastWords !== undefined) this.publish(lastWords);
    const wasUp = this.#up;
    this.#client = undefined;
    this.#up = false;
    if (wasUp) this.#options.onDown();
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(2_000, () => client.end(true, {}, () => resolve()));
    client.end(!wasUp, {}, () => resolve());
    await promise;
    cancel();
  }
}

function errorCodeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
