import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TestLine, testLine } from "../fixtures/modbus/line.ts";
import {
  type Arrival,
  frame,
  honest,
  type MisbehavingServer,
  misbehavingServer,
} from "../fixtures/modbus/misbehaving-server.ts";

const value = (register: number) => ({ kind: "data", data: Uint8Array.of(register >> 8, register & 0xff) });

describe("a Modbus TCP line", () => {
  let server: MisbehavingServer;
  let test: TestLine;

  const lineTo = (port: number, more: Parameters<typeof testLine>[1] = {}): TestLine =>
    testLine({ transport: "tcp", host: "127.0.0.1", port }, more);

  beforeEach(async () => {
    server = await misbehavingServer();
    test = lineTo(server.port);
  });
  afterEach(async () => {
    test.line.close();
    await server.close();
  });

  it("has one request in flight, writes go first, then alarm polls, normal and slow ones", async () => {
    const order: number[] = [];
    const held: Arrival[] = [];
    server.onRequest = (arrival) => {
      order.push(arrival.address);
      held.push(arrival);
      if (held.length > 1) arrival.socket.write(honest(arrival));
    };
    const first = test.poll(1);
    await expect.poll(() => order).toEqual([1]);
    const done = [first, test.poll(2, "slow"), test.poll(3), test.poll(4, "alarm"), test.task(5)];
    for (const arrival of held) arrival.socket.write(honest(arrival));
    await Promise.all(done);
    expect(order).toEqual([1, 5, 4, 3, 2]);
  });

  it("keeps as many requests in flight as it is told, whatever the order of the answers", async () => {
    test.line.close();
    test = lineTo(server.port, { maxInFlight: 4 });
    const held: Arrival[] = [];
    server.onRequest = (arrival) => {
      held.push(arrival);
      if (held.length < 4) return;
      for (const late of held.splice(0).toReversed()) late.socket.write(honest(late));
    };
    const registers = Array.from({ length: 12 }, (_, index) => 100 + index);
    expect(await Promise.all(registers.map((register) => test.poll(register)))).toEqual(registers.map(value));
    expect(test.counters).toMatchObject({ requests: 12, timeouts: 0, late: 0 });
  });

  it("begins a write only when nothing else is on its way", async () => {
    test.line.close();
    test = lineTo(server.port, { maxInFlight: 4 });
    const order: number[] = [];
    const held: Arrival[] = [];
    server.onRequest = (arrival) => {
      order.push(arrival.address);
      held.push(arrival);
    };
    const polls = [test.poll(1), test.poll(2)];
    await expect.poll(() => order).toEqual([1, 2]);
    const task = test.task(3);
    const later = test.poll(4);
    for (const arrival of held.splice(0)) arrival.socket.write(honest(arrival));
    await Promise.all(polls);
    await expect.poll(() => order).toEqual([1, 2, 3]);
    server.onRequest = (arrival) => {
      order.push(arrival.address);
      arrival.socket.write(honest(arrival));
    };
    for (const arrival of held) arrival.socket.write(honest(arrival));
    await Promise.all([task, later]);
    expect(order).toEqual([1, 2, 3, 4]);
  });

  it("knows the late answer of a request that timed out for what it is, also 65536 requests later", async () => {
    test.line.close();
    test = lineTo(server.port, { timeoutMs: 1500 });
    let owed: Arrival | undefined;
    server.onRequest = (arrival) => {
      owed = arrival;
    };
    expect(await test.poll(777)).toMatchObject({ kind: "failed", reason: "timeout" });
    const late = owed ?? expect.unreachable();
    const ids = new Set<number>();
    server.onRequest = (arrival) => {
      ids.add(arrival.transactionId);
      arrival.socket.write(honest(arrival));
    };
    for (let round = 0; round < 66; round++) {
      const reads = Array.from({ length: 1000 }, (_, index) => test.poll(index));
      for (const [index, outcome] of (await Promise.all(reads)).entries()) {
        if (outcome.kind !== "data") return expect.unreachable(`read ${index} of round ${round}: ${outcome.kind}`);
      }
    }
    expect(ids.size).toBe(65_535);
    expect(ids.has(late.transactionId)).toBe(false);
    server.onRequest = (arrival) => {
      late.socket.write(honest(late));
      arrival.socket.write(honest(arrival));
    };
    expect(await test.poll(42)).toEqual(value(42));
    expect(test.counters).toMatchObject({ timeouts: 1, late: 1, reconnects: 0 });
    expect(server.connections()).toBe(1);
  });

  it("gives up a connection on which nothing is answered, and knows a late answer there no more", async () => {
    const unanswered: Arrival[] = [];
    server.onRequest = (arrival) => unanswered.push(arrival);
    for (const register of [1, 2, 3]) {
      expect(await test.poll(register)).toMatchObject({ kind: "failed", reason: "timeout" });
    }
    await expect.poll(() => unanswered[0]?.socket.closed).toBe(true);
    server.onRequest = (arrival) => arrival.socket.write(honest(arrival));
    expect(await test.poll(42)).toEqual(value(42));
    expect(test.counters).toMatchObject({ requests: 4, timeouts: 3, reconnects: 1 });
  });

  it("gives up a connection on which a frame was begun and not ended", async () => {
    server.onRequest = (arrival) => arrival.socket.write(honest(arrival).subarray(0, 8));
    expect(await test.poll(1)).toMatchObject({ kind: "failed", reason: "timeout" });
    server.onRequest = (arrival) => arrival.socket.write(honest(arrival));
    expect(await test.poll(42)).toEqual(value(42));
    expect(server.connections()).toBe(2);
  });

  it("fails what is open on a connection as soon as an answer breaks its framing or contradicts its request", async () => {
    const lies: readonly ((arrival: Arrival) => Buffer)[] = [
      (arrival) => frame({ ...arrival, pdu: [3, 2, 0, 1] }, { protocol: 1 }),
      (arrival) => frame({ ...arrival, unitId: 6, pdu: [3, 2, 0, 1] }),
      (arrival) => frame({ ...arrival, pdu: [3, 4, 0, 1, 0, 2] }),
    ];
    for (const lie of lies) {
      server.onRequest = (arrival) => arrival.socket.write(lie(arrival));
      expect(await test.poll(1)).toMatchObject({ kind: "failed", reason: "malformed" });
    }
    expect(test.counters).toMatchObject({ malformed: 3, timeouts: 0 });
  });

  it("settles an open request as soon as the connection drops", async () => {
    server.onRequest = (arrival) => arrival.socket.destroy();
    expect(await test.poll(1)).toMatchObject({ kind: "failed", reason: "closed" });
    expect(test.counters.timeouts).toBe(0);
  });

  it("does not begin what has waited too long", async () => {
    let arrived = 0;
    server.onRequest = () => arrived++;
    const stuck = test.poll(1);
    await expect.poll(() => arrived).toBe(1);
    const late = test.task(2, 10);
    expect(await stuck).toMatchObject({ reason: "timeout" });
    expect(await late).toBeUndefined();
    expect(test.counters.requests).toBe(1);
  });

  it("fails at once while the end point cannot be reached, tries again by itself and tells when it is back", async () => {
    const { port } = server;
    await server.close();
    expect(await test.poll(1)).toMatchObject({ reason: "unreachable", message: expect.stringMatching(/ECONNREFUSED/) });
    expect(await test.task(1)).toMatchObject({ reason: "unreachable" });
    expect(test.counters.requests).toBe(0);
    server = await misbehavingServer(port);
    await expect.poll(() => test.ups()).toBe(1);
    expect(await test.poll(42)).toEqual(value(42));
  });

  it("sends nothing after it was closed", async () => {
    test.line.close();
    expect(await test.task(1)).toBeUndefined();
    expect(server.connections()).toBe(0);
  });
});
