import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { BrokerDoor, inbox, PASSWORD } from "#tests/fixtures/cloud/broker-door.ts";
import { connectBytes, publishBytes, subscribeBytes } from "#tests/fixtures/cloud/mqtt-bytes.ts";

const LONG = process.env["PARKHUB_TEST_LONG"] === "1";
let door: BrokerDoor;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await door.close();
});

/** A connection without any protocol. */
function raw(): Socket {
  const socket = connect(door.broker.port, "127.0.0.1");
  socket.on("error", () => undefined); // being turned away is what is expected
  sockets.push(socket);
  return socket;
}
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once("close", () => resolve());
  });

const connectPacket = (username: string): Buffer => connectBytes(username, PASSWORD);

describe("[catalogue 13] connections that never sign in", () => {
  it("are turned away beyond so many of one address, and a gateway that was there goes on", async () => {
    door = await BrokerDoor.open({ doorway: { perAddress: 20, total: 50 }, connectTimeoutMs: 60_000 });
    const one = await door.enter("park:gw-1");
    const flood = Array.from({ length: 200 }, raw);
    await expect.poll(() => flood.filter((socket) => socket.closed).length).toBe(180);
    expect(door.violations.counts.get("connectionFlood")).toBe(180);
    await one.publishAsync("parkhub/v1/park/gw-1/events", "{}", { qos: 1 });
    for (const socket of flood) socket.destroy();
    // who has left makes room again
    await expect.poll(async () => typeof (await door.knock("park:gw-2"))).toBe("object");
  });

  it("do not count any more once they have signed in", async () => {
    door = await BrokerDoor.open({ doorway: { perAddress: 1, total: 1 } });
    await door.enter("park:gw-1");
    await door.enter("park:gw-2");
    await door.enter("scada");
    expect(door.violations.counts.size).toBe(0);
  });

  it("that say their CONNECT byte by byte are cut when their time is over, and hold no place then", async () => {
    door = await BrokerDoor.open({ doorway: { perAddress: 4, total: 4 }, connectTimeoutMs: 400 });
    const bytes = connectPacket("park:gw-1");
    const slow = Array.from({ length: 4 }, raw);
    const dripping = slow.map((socket) => {
      let at = 0;
      const drip = setInterval(() => at < 20 && socket.write(bytes.subarray(at, ++at)), 50);
      return closed(socket).finally(() => clearInterval(drip));
    });
    await Promise.all(dripping);
    expect((await door.enter("park:gw-1")).connected).toBe(true);
  });

  it("get nothing done by what follows their CONNECT before it was checked", async () => {
    let check: (() => void) | undefined;
    door = await BrokerDoor.open({
      authenticate: () =>
        new Promise((resolve) => {
          check = () => resolve(undefined);
        }),
      foreignClient: () => Promise.resolve(undefined),
    });
    const socket = raw();
    const many = Array.from({ length: 5_000 }, () => publishBytes("parkhub/v1/park/gw-1/events", "{}"));
    socket.write(Buffer.concat([connectPacket("park:gw-1"), ...many]));
    await expect.poll(() => check).toBeDefined();
    check?.();
    await closed(socket);
    expect(door.taken).toEqual([]);
  });
});

describe("[catalogue 12] bytes that are no MQTT", () => {
  it("end their own connection and nothing else, however they are broken", { timeout: 120_000 }, async () => {
    door = await BrokerDoor.open({ connectTimeoutMs: 500 });
    const one = await door.enter("park:gw-1");
    const seed = Number(process.env["PARKHUB_TEST_SEED"] ?? 4711);
    process.stderr.write(`broker fuzz seed ${seed}\n`);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const parts = [connectPacket("park:gw-2"), publishBytes("spBv1.0/park/NBIRTH/gw-2", "x"), Buffer.from([0xc0, 0])];
    for (let nr = 0; nr < (LONG ? 10_000 : 300); nr++) {
      const bytes = Buffer.concat(
        Array.from({ length: 1 + random(4) }, () => parts[random(parts.length)] ?? Buffer.alloc(0)),
      );
      for (let hits = random(8); hits >= 0; hits--) bytes[random(bytes.length)] = random(256);
      const socket = raw();
      socket.end(bytes);
      socket.resume();
      if (nr % 50 === 0) await closed(socket);
    }
    await Promise.all(sockets.map(closed));
    await one.publishAsync("parkhub/v1/park/gw-1/events", "{}", { qos: 1 });
    expect(one.connected).toBe(true);
    expect(door.taken.filter(({ gateway }) => gateway === "park/gw-1")).toHaveLength(1);
  });
});

describe("[catalogue 11] a subscriber that stops reading", () => {
  it("is cut, and meanwhile neither what gateways send nor what others read waits for it", {
    timeout: 60_000,
  }, async () => {
    door = await BrokerDoor.open();
    const [one, mes] = [await door.enter("park:gw-1"), await door.enter("mes")];
    const read = inbox(mes);
    await mes.subscribeAsync("spBv1.0/park/DDATA/#");
    const deaf = raw();
    deaf.pause();
    deaf.write(Buffer.concat([connectBytes("mes-2", PASSWORD), subscribeBytes("spBv1.0/park/#")]));
    const payload = "x".repeat(64 * 1024);
    for (let nr = 0; nr < 400; nr++) await one.publishAsync("spBv1.0/park/DDATA/gw-1/ahu", payload, { qos: 1 });
    await expect.poll(() => read.length).toBe(400);
    expect(door.taken).toHaveLength(400);
    await expect.poll(() => door.violations.counts.get("slowSubscriber")).toBe(1);
  });
});

describe("a client that sends whatever fits the wire", () => {
  it("is slowed down to what it may, loses nothing, and another one's messages do not wait", {
    timeout: 60_000,
  }, async () => {
    door = await BrokerDoor.open({
      limits: { bytes: { perSecond: 50_000_000, burst: 1_000_000 }, packets: { perSecond: 2_000, burst: 200 } },
    });
    const mad = raw();
    const left = closed(mad);
    const flood = Array.from({ length: 1_500 }, (_, nr) => publishBytes("spBv1.0/park/NDATA/gw-1", `${nr}`));
    mad.write(Buffer.concat([connectPacket("park:gw-1"), ...flood]));
    const two = await door.enter("park:gw-2");
    await two.publishAsync("parkhub/v1/park/gw-2/events", "{}", { qos: 1 });
    const before = door.taken.filter(({ gateway }) => gateway === "park/gw-1").length;
    expect(before).toBeLessThan(1_500);
    const texts = () =>
      door.taken.flatMap(({ gateway, payload }) => (gateway === "park/gw-1" ? [Buffer.from(payload).toString()] : []));
    await expect.poll(() => texts().length).toBe(1_500);
    expect(texts()).toEqual(flood.map((_, nr) => `${nr}`));
    expect(door.violations.counts.get("tooFast")).toBeGreaterThan(0);
    mad.destroy();
    await left;
  });
});
