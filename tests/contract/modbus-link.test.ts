import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import type { Request } from "#protocols/modbus/codec/pdu.ts";
import type { ModbusCounters } from "#protocols/modbus/connection.ts";
import { ModbusLink } from "#protocols/modbus/link.ts";
import {
  type Arrival,
  honest,
  type MisbehavingServer,
  misbehavingServer,
} from "../fixtures/modbus/misbehaving-server.ts";

const read = (address: number): Request => ({ kind: "read", table: "holdingRegister", address, quantity: 1 });

describe("a Modbus link", () => {
  let server: MisbehavingServer;
  let link: ModbusLink;
  let counters: ModbusCounters;
  let ups = 0;

  const linkTo = (port: number): ModbusLink =>
    new ModbusLink(
      { host: "127.0.0.1", port, timeoutMs: 100, reconnectMinMs: 20, reconnectMaxMs: 50 },
      systemClock,
      silentLogger,
      counters,
      () => ups++,
    );
  const poll = (address: number) => link.run("poll", (send) => send(5, read(address)));

  beforeEach(async () => {
    ups = 0;
    counters = { requests: 0, timeouts: 0, late: 0, malformed: 0, exceptions: 0, reconnects: 0 };
    server = await misbehavingServer();
    link = linkTo(server.port);
  });
  afterEach(async () => {
    link.close();
    await server.close();
  });

  it("has one request in flight and sends writes before polls", async () => {
    const order: number[] = [];
    const held: Arrival[] = [];
    server.onRequest = (arrival) => {
      order.push(arrival.address);
      held.push(arrival);
      if (held.length > 1) arrival.socket.write(honest(arrival));
    };
    const done = [poll(1), poll(2), link.run("write", (send) => send(5, read(3)))];
    await expect.poll(() => order).toEqual([1]);
    for (const arrival of held) arrival.socket.write(honest(arrival));
    await Promise.all(done);
    expect(order).toEqual([1, 3, 2]);
  });

  it("closes the connection after a time-out, so that a late answer has no stream to arrive on", async () => {
    let first: Arrival | undefined;
    server.onRequest = (arrival) => {
      first = arrival;
    };
    expect(await poll(777)).toMatchObject({ kind: "failed", reason: "timeout" });
    await expect.poll(() => first?.socket.closed).toBe(true);
    server.onRequest = (arrival) => arrival.socket.write(honest(arrival));
    expect(await poll(42)).toEqual({ kind: "data", data: Uint8Array.of(0, 42) });
    expect(server.connections()).toBe(2);
    expect(counters).toMatchObject({ requests: 2, timeouts: 1, reconnects: 1 });
  });

  it("settles an open request as soon as the connection drops", async () => {
    server.onRequest = (arrival) => arrival.socket.destroy();
    expect(await poll(1)).toMatchObject({ kind: "failed", reason: "closed" });
    expect(counters.timeouts).toBe(0);
  });

  it("does not begin what has waited too long", async () => {
    server.onRequest = () => {};
    const stuck = poll(1);
    const late = link.run("write", (send) => send(5, read(2)), { waitMs: 10 });
    expect(await stuck).toMatchObject({ reason: "timeout" });
    expect(await late).toBeUndefined();
    expect(counters.requests).toBe(1);
  });

  it("fails at once while the end point cannot be reached, tries again by itself and tells when it is back", async () => {
    const port = server.port;
    await server.close();
    expect(await poll(1)).toMatchObject({ reason: "unreachable", message: expect.stringMatching(/ECONNREFUSED/) });
    expect(await poll(1)).toMatchObject({ reason: "unreachable" });
    expect(counters.requests).toBe(0);
    server = await misbehavingServer(port);
    await expect.poll(() => ups).toBe(1);
    expect(await poll(42)).toMatchObject({ kind: "data" });
  });

  it("fails what comes after it was closed", async () => {
    link.close();
    expect(await poll(1)).toMatchObject({ reason: "unreachable" });
    expect(server.connections()).toBe(0);
  });
});
