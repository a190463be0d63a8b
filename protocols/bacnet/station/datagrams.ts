import { createSocket, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { CommunicationError, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Endpoint } from "../codec/link.ts";

/** One attachment to an IP network. */
export interface Interface {
  /** IPv4 address to bind; 0.0.0.0 for all. */
  readonly host: string;
  /** UDP port; 0 takes a free one. */
  readonly port: number;
  /** Where broadcasts go; without it none are sent here. */
  readonly broadcast?: Endpoint;
  /** Other programs on this machine may use the same port as well. */
  readonly shared?: boolean;
}

/** Takes what comes in at a port. */
export interface DatagramListener {
  received(datagram: Uint8Array, from: Endpoint): void;
  /** A datagram could not be sent. */
  notSent(error: Error, to: Endpoint): void;
}

/** A port that datagrams come and go through. */
export interface DatagramPort {
  /** As bound, with the real port. */
  readonly local: Endpoint;
  /** Addresses under which others see what goes out here. */
  readonly addresses: readonly string[];
  /** Is that host in the IP subnet of this interface? */
  reaches(host: string): boolean;
  send(datagram: Uint8Array, to: Endpoint): void;
  close(): Promise<void>;
}

/** Opens a port. A simulator's faults wrap `openUdpPort`. @throws BACNET_BIND_FAILED */
export type OpenPort = (at: Interface, listener: DatagramListener, logger: Logger) => Promise<DatagramPort>;

const ANY = "0.0.0.0";
// answers of many devices come at once after a start
const RECEIVE_BUFFER_BYTES = 1 << 20;

/** Opens a UDP port, and a second socket for broadcasts where the first is bound to one address. @throws BACNET_BIND_FAILED */
export const openUdpPort: OpenPort = async (at, listener, logger) => {
  const socket = await bound(at.host, at.port, at.shared ?? false);
  const port = socket.address().port;
  listen(socket, listener, logger);
  if (at.broadcast !== undefined) socket.setBroadcast(true);
  widen(socket, logger);
  const sockets = [socket];
  const outgoing = new Outgoing(socket, listener);
  const forBroadcasts = await broadcastSocket(at, port, logger);
  if (forBroadcasts !== undefined) {
    listen(forBroadcasts, listener, logger);
    sockets.push(forBroadcasts);
  }
  const ipv4 = Object.values(networkInterfaces()).flatMap(
    (all) => all?.filter(({ family }) => family === "IPv4") ?? [],
  );
  const own = at.host === ANY ? ipv4 : ipv4.filter(({ address }) => address === at.host);
  const addresses = at.host === ANY ? own.map(({ address }) => address) : [at.host];
  return {
    local: { host: at.host, port },
    addresses,
    reaches: (host) => own.some(({ address, netmask }) => sameSubnet(host, address, netmask)),
    send: (datagram, to) => outgoing.send(datagram, to),
    async close() {
      outgoing.close();
      await Promise.all(sockets.map((one) => new Promise<void>((resolve) => one.close(() => resolve()))));
    },
  };
};

/**
 * Sends what one turn of the event loop has to send together at its end. Each datagram that wakes a peer on the way costs several
 * times one that finds it awake: with twenty devices a request takes a quarter less work so.
 */
class Outgoing {
  readonly #socket: Socket;
  readonly #listener: DatagramListener;
  #waiting: { readonly datagram: Uint8Array; readonly to: Endpoint }[] = [];
  #closed = false;

  constructor(socket: Socket, listener: DatagramListener) {
    this.#socket = socket;
    this.#listener = listener;
  }

  send(datagram: Uint8Array, to: Endpoint): void {
    if (this.#closed) return;
    this.#waiting.push({ datagram, to });
    if (this.#waiting.length === 1) setImmediate(() => this.#flush());
  }

  /** Sends what waits; nothing is sent afterwards. */
  close(): void {
    this.#flush();
    this.#closed = true;
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { datagram, to } of waiting) this.#sendOne(datagram, to);
  }

  #sendOne(datagram: Uint8Array, to: Endpoint): void {
    try {
      this.#socket.send(datagram, to.port, to.host, (error) => {
        if (error !== null) this.#listener.notSent(error, to);
      });
    } catch (error) {
      // a port that cannot be, as a forwarded message may name one
      this.#listener.notSent(error instanceof Error ? error : new Error(errorMessage(error)), to);
    }
  }
}

async function bound(host: string, port: number, shared: boolean): Promise<Socket> {
  const socket = createSocket({
    type: "udp4",
    reuseAddr: shared,
    // addresses are numeric here; the system's resolver would cost a turn of the loop for each datagram
    lookup: (address, _options, found) => found(null, address, 4),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", (cause) => {
      socket.close();
      reject(new CommunicationError("BACNET_BIND_FAILED", `cannot bind UDP ${host}:${port}`, { cause }));
    });
    socket.bind(port, host, resolve);
  });
  socket.removeAllListeners("error");
  return socket;
}

// a socket bound to one address hears no broadcasts; one bound to the broadcast address hears nothing else
async function broadcastSocket(
  { host, broadcast }: Interface,
  port: number,
  logger: Logger,
): Promise<Socket | undefined> {
  if (host === ANY || broadcast === undefined || broadcast.host === host) return undefined;
  try {
    return await bound(broadcast.host, port, true);
  } catch (error) {
    logger.warn(
      { host, broadcast: broadcast.host, error: errorMessage(error) },
      "BACnet broadcasts are not heard here",
    );
    return undefined;
  }
}

function listen(socket: Socket, listener: DatagramListener, logger: Logger): void {
  socket.on("message", ({ buffer, byteOffset, length }, { address, port }) => {
    // a Buffer's slice is a view, a Uint8Array's a copy: whoever keeps a part must get what he expects
    listener.received(new Uint8Array(buffer, byteOffset, length), { host: address, port });
  });
  socket.on("error", (error) => logger.warn({ error: errorMessage(error) }, "BACnet socket error"));
}

// some systems refuse more than they allow instead of granting less
function widen(socket: Socket, logger: Logger): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch (error) {
    logger.info({ error: errorMessage(error) }, "UDP receive buffer stays at the system's size");
  }
}

function sameSubnet(a: string, b: string, mask: string): boolean {
  const [left, right, bits] = [a, b, mask].map((text) => text.split(".").map(Number));
  return bits?.every((byte, i) => ((left?.[i] ?? 0) & byte) === ((right?.[i] ?? 0) & byte)) ?? false;
}
