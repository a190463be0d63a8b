import type { Logger } from "#core/logger.ts";
import type { GatewayMessage } from "../ports.ts";

/** What may wait in memory, of one gateway and of all. */
export interface QueueLimits {
  readonly gatewayMessages: number;
  readonly bytes: number;
}
const LIMITS: QueueLimits = { gatewayMessages: 2_000, bytes: 64 * 1024 * 1024 };

/** What GatewayQueues works with. */
export interface GatewayQueuesOptions {
  readonly handle: (message: GatewayMessage) => Promise<void> | undefined;
  readonly logger: Logger;
  readonly limits?: QueueLimits;
}

interface Chain {
  readonly waiting: GatewayMessage[];
  /** Messages were dropped since it began to wait. */
  dropping: boolean;
}

/**
 * Keeps the messages of each gateway in order while its handler is busy, where all gateways share one connection: reading
 * cannot stop for one of them. What no longer fits is dropped, as the broker itself would do: it was not acknowledged and
 * comes again. Chains are per gateway and lane (`keyOf`), so that events never wait for a slow telemetry store.
 */
export class GatewayQueues {
  readonly #options: GatewayQueuesOptions;
  readonly #limits: QueueLimits;
  /** Only chains whose handler is busy. */
  readonly #busy = new Map<string, Chain>();
  #bytes = 0;
  #dropped = 0;

  constructor(options: GatewayQueuesOptions) {
    this.#options = options;
    this.#limits = options.limits ?? LIMITS;
  }

  /** Messages that were dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Hands a message on, at once or after those of its chain before it. */
  offer(key: string, message: GatewayMessage): void {
    const chain = this.#busy.get(key);
    if (chain === undefined) {
      const taken = this.#handle(message);
      if (taken !== undefined) void this.#run(key, taken);
      return;
    }
    const size = message.payload.length;
    if (chain.waiting.length >= this.#limits.gatewayMessages || this.#bytes + size > this.#limits.bytes) {
      this.#dropped++;
      if (!chain.dropping)
        this.#options.logger.warn({ gateway: message.gateway }, "messages dropped: the gateway will send them again");
      chain.dropping = true;
      return;
    }
    this.#bytes += size;
    chain.waiting.push(message);
  }

  async #run(key: string, first: Promise<void>): Promise<void> {
    const chain: Chain = { waiting: [], dropping: false };
    this.#busy.set(key, chain);
    await first;
    for (let at = 0; at < chain.waiting.length; at++) {
      const message = chain.waiting[at];
      if (message === undefined) break;
      this.#bytes -= message.payload.length;
      const taken = this.#handle(message);
      if (taken === undefined) continue;
      // what is done with is let go before the next wait
      chain.waiting.splice(0, at + 1);
      at = -1;
      await taken;
    }
    this.#busy.delete(key);
  }

  /** Never rejects: a message that could not be taken in was not acknowledged. */
  #handle(message: GatewayMessage): Promise<void> | undefined {
    const { handle, logger } = this.#options;
    return handle(message)?.catch((error: unknown) =>
      logger.warn({ gateway: message.gateway, topic: message.topic, err: error }, "message not taken in"),
    );
  }
}
