import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import type { Bundle } from "#core/contracts/bundle.ts";
import { Program } from "#tests/program.ts";
import { EdgeCloud, echoBundle, numberPoint } from "../integration/edge-cloud.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";

const LONG = process.env["PARKHUB_TEST_LONG"] === "1";
/** How long the gateway is stopped, ms: longer than a driver thread may be silent. */
const STOPPED_MS = LONG ? 20_000 : 8_000;
const address = { table: "holdingRegister", register: 0, type: "uint16" };
const POINTS = ["panel", "meter"].map((name) => numberPoint(name, "level", { writable: false, address }));

/** A Modbus device whose registers count the answers. */
class Device {
  readonly sockets = new Set<Socket>();
  answers = 0;
  readonly #server: Server = createServer((socket) => {
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.on("data", (request) => this.#answer(socket, request));
  });

  #answer(socket: Socket, request: Buffer): void {
    for (let at = 0; at + 12 <= request.length; at += 12) {
      const quantity = request.readUInt16BE(at + 10);
      const frame = Buffer.alloc(9 + 2 * quantity);
      request.copy(frame, 0, at, at + 4);
      frame.writeUInt16BE(3 + 2 * quantity, 4);
      frame[6] = request[at + 6] ?? 0;
      frame[7] = request[at + 7] ?? 0;
      frame[8] = 2 * quantity;
      frame.writeUInt16BE(++this.answers & 0xffff, 9);
      socket.write(frame);
    }
  }

  async start(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }
  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

describe("[catalogue 2] a gateway that is suspended and wakes up", () => {
  const folder = temporaryFolders();
  let cloud: EdgeCloud;
  /** One keeps its connection while the gateway sleeps, the other does not. */
  let keeping: Device;
  let breaking: Device;
  let gateway: Program;

  beforeEach(async () => {
    cloud = new EdgeCloud();
    keeping = new Device();
    breaking = new Device();
    await cloud.start();
    const ports = [await keeping.start(), await breaking.start()];
    const bundle = echoBundle(1, "", POINTS);
    await cloud.announce(
      {
        ...bundle,
        channels: [{ id: "field", protocol: "modbus", config: {} }],
        devices: bundle.devices.map((one, at) => ({
          ...one,
          protocol: "modbus",
          config: { host: "127.0.0.1", port: ports[at], pollMs: 200 },
        })),
      } as Bundle,
      1,
    );
    const args = [join(folder(), "data"), cloud.broker, cloud.http];
    gateway = Program.start(["tests/faults/suspended-gateway.ts", ...args]);
  });
  afterEach(async () => {
    gateway.signal("SIGCONT");
    gateway.signal("SIGTERM");
    await gateway.ended;
    await keeping.stop();
    await breaking.stop();
    await cloud.stop();
  });

  /** Samples since a place in what came, of each device. */
  function heard(from: number): number[] {
    return POINTS.map(({ id }) => cloud.samples.slice(from).filter(({ point }) => point === id).length);
  }
  async function sleep(): Promise<void> {
    expect(
      await gateway.until("its configuration to be applied", () => cloud.of("configApplied").at(0)?.errors),
    ).toEqual([]);
    await gateway.until("values of both devices", () => Math.min(...heard(0)) > 2 || undefined);
    gateway.signal("SIGSTOP");
    await new Promise((resolve) => void systemClock.after(STOPPED_MS, () => resolve(undefined)));
  }

  it("raises no alarm of devices that are found again at once", { timeout: STOPPED_MS + 150_000 }, async () => {
    await sleep();
    for (const socket of breaking.sockets) socket.destroy();
    const before = cloud.samples.length;
    gateway.signal("SIGCONT");
    await expect.poll(() => Math.min(...heard(before)), { timeout: 20_000 }).toBeGreaterThan(20);
    expect(cloud.samples.filter(({ reason }) => reason !== undefined)).toEqual([]);
    expect(cloud.of("alarm").map(({ alarm }) => alarm.definition)).toEqual([]);
    expect(cloud.sparkplug).not.toContain("DDEATH panel");
    const record = cloud.of("deviceEvent").find(({ event }) => event.kind === "suspended");
    expect(record?.event.data?.["ms"]).toBeGreaterThan(STOPPED_MS - 3_000);
  });

  it.runIf(LONG)("still tells the loss of a device that stays away", { timeout: STOPPED_MS + 200_000 }, async () => {
    await sleep();
    await breaking.stop();
    gateway.signal("SIGCONT");
    await expect
      .poll(() => cloud.samples.filter(({ reason }) => reason === "commLost").length, { timeout: 40_000 })
      .toBeGreaterThan(0);
    await expect.poll(() => cloud.of("alarm").length).toBeGreaterThan(0);
    await breaking.start();
  });
});
