import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { systemClock } from "#core/clock.ts";

/** How a network is bad. TCP hides a lost segment from its users, but for the time until it is sent again. */
export interface NetworkQuality {
  /** One way, ms. */
  readonly delayMs: number;
  /** Share of the pieces that are lost and sent again, 0 to 1. */
  readonly loss: number;
  /** How long it takes until one that was lost is sent again, ms; what comes behind it waits. [RFC 6298 2.4: 1 s at least] */
  readonly resendMs: number;
}

/** A way to a server on loopback that is long and loses much. Keeps the order of bytes, as TCP does. */
export class BadNetwork {
  /** Pieces that were lost and sent again. */
  lost = 0;
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(port: number, server: Server, sockets: Set<Socket>) {
    this.port = port;
    this.#server = server;
    this.#sockets = sockets;
  }

  static async before(target: number, { delayMs, loss, resendMs }: NetworkQuality): Promise<BadNetwork> {
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect(target, "127.0.0.1");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(from);
        let free = 0;
        from.on("data", (bytes) => {
          const isLost = Math.random() < loss;
          if (isLost) network.lost++;
          // never before what was sent earlier
          free = Math.max(free, performance.now() + delayMs + (isLost ? resendMs : 0));
          systemClock.after(free - performance.now(), () => to.write(bytes));
        });
        from.on("error", () => to.destroy());
        from.on("close", () => {
          sockets.delete(from);
          to.destroy();
        });
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const network = new BadNetwork(address.port, server, sockets);
    return network;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
