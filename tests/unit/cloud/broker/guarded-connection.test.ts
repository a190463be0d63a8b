import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ConnectionLimits, GuardedConnection } from "#cloud/broker/guarded-connection.ts";
import { mqttPacket } from "#tests/fixtures/cloud/mqtt-bytes.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const zeros = (first: number, length: number): Buffer => mqttPacket(first, Buffer.alloc(length));

const LIMITS: ConnectionLimits = {
  bytes: { perSecond: 1_000_000, burst: 100_000 },
  packets: { perSecond: 100, burst: 50 },
};
const CONNECT = zeros(0x10, 100);
const PUBLISH = zeros(0x30, 8); // 10 bytes

let clock: ManualClock;
let server: Server;
let client: Socket;
let connection: GuardedConnection;
let read: Buffer;
let told: string[];

beforeEach(async () => {
  clock = new ManualClock(1_790_000_000_000);
  told = [];
  read = Buffer.alloc(0);
  const accepted = new Promise<Socket>((resolve) => {
    server = createServer(resolve).listen(0, "127.0.0.1");
  });
  await once(server, "listening");
  const address = server.address();
  client = connect(typeof address === "object" && address !== null ? address.port : 0, "127.0.0.1");
  client.on("error", () => undefined); // the reset is what some expect
  connection = new GuardedConnection(await accepted, {
    clock,
    limits: LIMITS,
    tooLarge: () => told.push("tooLarge"),
    tooFast: () => told.push("tooFast"),
  });
  connection.on("data", (chunk: Buffer) => {
    read = Buffer.concat([read, chunk]);
  });
});
afterEach(async () => {
  connection.destroy();
  client.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

function publishes(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => PUBLISH));
}

describe("a connection before sign-in", () => {
  it("passes its CONNECT alone, in however many pieces, and the rest only after sign-in", async () => {
    client.write(CONNECT.subarray(0, 40));
    await expect.poll(() => read.length).toBe(40);
    client.write(Buffer.concat([CONNECT.subarray(40), publishes(20)]));
    await expect.poll(() => read.length).toBe(CONNECT.length);
    clock.advance(60_000);
    expect(read.length).toBe(CONNECT.length);
    connection.signedIn();
    await expect.poll(() => read.length).toBe(CONNECT.length + 200);
    expect(told).toEqual([]);
  });

  it("is closed when it announces more than 8 KiB", async () => {
    const closed = once(client, "close");
    client.write(Buffer.from([0x10, 0x81, 0x40])); // 8193
    await closed;
    expect(told).toEqual(["tooLarge"]);
  });
});

describe("a connection after sign-in", () => {
  beforeEach(async () => {
    client.write(CONNECT);
    await expect.poll(() => read.length).toBe(CONNECT.length);
    connection.signedIn();
  });

  it("passes no more packets than it may, also when many come in one chunk, and the others by and by, none lost", async () => {
    const from = read.length;
    client.write(publishes(500));
    // the CONNECT was the first of the burst
    await expect.poll(() => (read.length - from) / PUBLISH.length).toBe(49);
    expect(told).toEqual(["tooFast"]);
    clock.advance(1000);
    const passed = (): number => (read.length - from) / PUBLISH.length;
    await expect.poll(passed).toBe(149);
    clock.advance(10_000);
    await expect.poll(passed).toBe(500);
    expect(read.subarray(from).equals(publishes(500))).toBe(true);
  });

  it("passes no more bytes than it may", async () => {
    const large = zeros(0x30, 400_000);
    client.write(large);
    await expect.poll(() => read.length).toBe(100_000);
    clock.advance(100);
    await expect.poll(() => read.length).toBe(200_000);
    await expect
      .poll(() => {
        clock.advance(100);
        return read.length;
      })
      .toBe(CONNECT.length + large.length);
  });

  it("holds a peer up that goes on sending, instead of its bytes", async () => {
    let written = 0;
    const flood = publishes(5000);
    while (client.write(flood) && written < 200) written++;
    await expect.poll(() => told.length).toBeGreaterThan(0);
    expect(written).toBeLessThan(200);
    expect(connection.readableLength).toBe(0);
  });

  it("hands on what was held when the peer has ended meanwhile", async () => {
    const from = read.length;
    const ended = once(connection, "end");
    client.end(publishes(60));
    await expect.poll(() => (read.length - from) / PUBLISH.length).toBe(49);
    clock.advance(1000);
    await ended;
    expect((read.length - from) / PUBLISH.length).toBe(60);
  });

  it("keeps no timer once it is closed", async () => {
    client.write(publishes(500));
    await expect.poll(() => clock.pending).toBe(1);
    connection.destroy();
    await expect.poll(() => clock.pending).toBe(0);
  });
});
