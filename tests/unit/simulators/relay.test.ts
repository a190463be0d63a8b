import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { openRelay, type Relay } from "#simulators/relay.ts";

let broker: Server;
let relay: Relay;
const clients: Socket[] = [];

beforeEach(async () => {
  broker = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes: Uint8Array) => socket.write(bytes));
  });
  broker.listen(0, "127.0.0.1");
  await once(broker, "listening");
  const bound = broker.address();
  const port = bound !== null && typeof bound !== "string" ? bound.port : 0;
  relay = await openRelay({ target: { host: "127.0.0.1", port } }, silentLogger);
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await relay.close();
  broker.close();
});

/** A client of the relay that keeps what it hears. */
class Client {
  readonly socket: Socket;
  heard = "";
  code: string | undefined;
  closed = false;

  constructor() {
    this.socket = connect({ host: "127.0.0.1", port: relay.port });
    clients.push(this.socket);
    this.socket.on("data", (bytes: Uint8Array) => {
      this.heard += Buffer.from(bytes).toString();
    });
    this.socket.on("error", (error: NodeJS.ErrnoException) => {
      this.code = error.code;
    });
    this.socket.on("close", () => {
      this.closed = true;
    });
  }
}

describe("relay", () => {
  it("forwards bytes both ways and counts them", async () => {
    const client = new Client();
    client.socket.write("birth");
    await expect.poll(() => client.heard).toBe("birth");
    expect(relay.counters()).toMatchObject({ accepted: 1, open: 1, bytesUp: 5, bytesDown: 5 });
  });

  it("resets connections, also new ones, while it is cut", async () => {
    const client = new Client();
    client.socket.write("birth");
    await expect.poll(() => client.heard).toBe("birth");
    relay.cut("reset");
    await expect.poll(() => client.code).toBe("ECONNRESET");
    const late = new Client();
    await expect.poll(() => late.closed).toBe(true);
    relay.restore();
    const next = new Client();
    next.socket.write("again");
    await expect.poll(() => next.heard).toBe("again");
    expect(relay.counters()).toMatchObject({ cuts: 1, open: 1 });
  });

  it("lets connections hang half-open in a silent cut and delivers what was sent when it ends", async () => {
    const client = new Client();
    client.socket.write("one ");
    await expect.poll(() => client.heard).toBe("one ");
    relay.cut("silent");
    client.socket.write("two ");
    const late = new Client();
    late.socket.write("three");
    await expect.poll(() => relay.counters().accepted).toBe(2);
    expect([client.heard, client.closed, late.heard, late.closed]).toEqual(["one ", false, "", false]);
    relay.restore();
    await expect.poll(() => client.heard).toBe("one two ");
    await expect.poll(() => late.heard).toBe("three");
  });

  it("ends a connection whose broker is gone", async () => {
    const closed = once(broker, "close");
    broker.close();
    await closed;
    const client = new Client();
    await expect.poll(() => client.closed).toBe(true);
    expect(relay.counters().open).toBe(0);
  });
});
