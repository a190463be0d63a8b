import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newEpoch } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Command } from "#core/model/command.ts";
import { openRelay } from "#simulators/relay.ts";
import { mosquittoProgram } from "#tests/servers/mosquitto.ts";
import type { TestServer } from "#tests/servers/server.ts";
import { type DataPath, ExternalBench } from "./external-cloud.ts";
import { eventBatch, eventItem, GATEWAY, passwordOf, TEMPERATURE, WireGateway } from "./ingest-park.ts";

const KILLS = process.env["PARKHUB_TEST_LONG"] === "1" ? 20 : 2;
const WINDOW = 8;
const BATCH = 50;

/** A gateway with an outbox of endless content: offers both lanes from what is acknowledged on, a window ahead at most. */
class Offering {
  readonly epoch = newEpoch();
  readonly acked = { telemetry: 0, events: 0 };
  readonly #port: number;
  readonly #password: string;
  #sent = { telemetry: 0, events: 0 };
  #highest = { telemetry: 0, events: 0 };
  #seen = { telemetry: 0, events: 0 };
  #idleSince = 0;
  #wire: WireGateway | undefined;
  #connecting = false;
  #stopping = false;

  constructor(port: number, password: string) {
    this.#port = port;
    this.#password = password;
  }

  /** One step of it: connects where it has to, takes acknowledgements in, sends what fits, sends again what stays without answer. */
  step(): void {
    const wire = this.#wire;
    if (wire === undefined || !wire.client.connected) {
      if (!this.#connecting) void this.#connect();
      return;
    }
    for (const lane of ["telemetry", "events"] as const) {
      this.acked[lane] = Math.max(this.acked[lane], wire.ackedUpTo(lane, this.epoch));
      const limit = this.#stopping ? this.#highest[lane] : this.acked[lane] + WINDOW * BATCH;
      while (this.#sent[lane] + BATCH <= limit) this.#send(wire, lane);
    }
    this.#rewindIfStalled();
  }

  /** Sends nothing new any more. True when everything that was ever sent is acknowledged. */
  finish(): boolean {
    this.#stopping = true;
    this.step();
    return this.acked.telemetry === this.#highest.telemetry && this.acked.events === this.#highest.events;
  }

  async close(): Promise<void> {
    await this.#wire?.client.endAsync(true);
  }

  async #connect(): Promise<void> {
    this.#connecting = true;
    try {
      await this.#wire?.client.endAsync(true);
      const wire = await WireGateway.connect(this.#port, this.#password);
      wire.client.on("error", () => undefined); // its broker is about to be killed
      wire.client.on("message", (topic) => topic.includes("/NCMD/") && wire.births());
      wire.births();
      this.#sent = { ...this.acked };
      this.#wire = wire;
    } catch {
      // not there yet: the next step tries again
    } finally {
      this.#connecting = false;
    }
  }

  #send(wire: WireGateway, lane: "telemetry" | "events"): void {
    const first = this.#sent[lane] + 1;
    const last = this.#sent[lane] + BATCH;
    if (lane === "telemetry") wire.batch(this.epoch, first, last);
    else {
      const items = Array.from({ length: BATCH }, (_, i) => eventItem(first + i));
      wire.events(eventBatch(this.epoch, items));
    }
    this.#sent[lane] = last;
    this.#highest[lane] = Math.max(this.#highest[lane], last);
  }

  /** What was lost with a broker is offered again, as a gateway does after a time without acknowledgement. */
  #rewindIfStalled(): void {
    const now = performance.now();
    const { telemetry, events } = this.acked;
    const moved = telemetry > this.#seen.telemetry && events > this.#seen.events;
    if (moved || this.#idleSince === 0) {
      this.#seen = { ...this.acked };
      this.#idleSince = now;
    } else if (now - this.#idleSince > 1_000) {
      this.#sent = { ...this.acked };
      this.#idleSince = now;
    }
  }
}

let bench: ExternalBench;
let server: TestServer;
let cloud: DataPath;
let offering: Offering;

const wholeNumbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** Everything that was sent is acknowledged, and is there, once, with its value. */
async function expectAccountToBeExact(): Promise<void> {
  await expect.poll(() => offering.finish(), { interval: 5, timeout: 20_000 }).toBe(true);
  const { epoch, acked } = offering;
  const values = (await cloud.stored(TEMPERATURE)).map((value) => Math.round(Number(value) * 10));
  expect(values.length).toBe(acked.telemetry);
  expect(values).toEqual(wholeNumbers(values.length));
  expect(await cloud.store.ranges(GATEWAY)).toEqual([{ epoch, from: 1, to: values.length }]);
  expect(cloud.ingest.gaps.of(GATEWAY)).toEqual([]);
  expect(cloud.items.length).toBe(acked.events);
  expect(cloud.items.map(({ offset }) => offset)).toEqual(wholeNumbers(cloud.items.length));
}

async function acknowledgedUpTo(telemetry: number, events: number): Promise<void> {
  await expect
    .poll(
      () => {
        offering.step();
        return offering.acked.telemetry >= telemetry && offering.acked.events >= events;
      },
      { interval: 5, timeout: 20_000 },
    )
    .toBe(true);
}

describe.skipIf(mosquittoProgram() === undefined)("the data path over mosquitto", () => {
  beforeEach(async () => {
    bench = new ExternalBench();
    server = await bench.mosquitto();
    cloud = await bench.cloud(server);
    offering = new Offering(server.port, passwordOf(bench.folder));
  });
  afterEach(async () => {
    await offering.close();
    await bench.clear();
  });

  it("stores and acknowledges both lanes, brings commands, and knows who is there", async () => {
    await acknowledgedUpTo(2_000, 500);
    await expectAccountToBeExact();
    expect(cloud.online).toEqual(["park/gw-1 online"]);
    expect(cloud.broker.isReachable(GATEWAY)).toBe(true);
  });

  it("brings a command to the gateway that was heard", async () => {
    const gateway = await WireGateway.connect(server.port, passwordOf(bench.folder));
    gateway.births();
    const command = { id: "c-1" } as Command;
    await expect.poll(() => cloud.link.sendCommand(GATEWAY, command)).toBe(true);
    await expect.poll(() => gateway.received.map(({ text }) => text)).toContain(JSON.stringify(command));
    await gateway.client.endAsync(true);
  });

  it("loses nothing and doubles nothing when mosquitto is killed under load again and again", {
    timeout: 30_000 + KILLS * 20_000,
  }, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const { telemetry, events } = offering.acked;
      await acknowledgedUpTo(telemetry + 1_000, events + 300);
      offering.step();
      await server.kill();
      await server.start();
    }
    const { telemetry, events } = offering.acked;
    await acknowledgedUpTo(telemetry + 1_000, events + 300);
    await expectAccountToBeExact();
  });

  it("loses nothing when the gateway's way to the broker is cut again and again", { timeout: 60_000 }, async () => {
    const relay = await openRelay({ target: { host: "127.0.0.1", port: server.port } }, silentLogger);
    offering = new Offering(relay.port, passwordOf(bench.folder));
    for (let cut = 0; cut < 5; cut++) {
      const { telemetry, events } = offering.acked;
      await acknowledgedUpTo(telemetry + 500, events + 100);
      relay.cut("reset");
      offering.step();
      relay.restore();
    }
    await acknowledgedUpTo(offering.acked.telemetry + 500, offering.acked.events + 100);
    await expectAccountToBeExact();
    await offering.close();
    await relay.close();
  });

  it("goes on with events while the store does not answer, and stores all of it once when it does", async () => {
    await acknowledgedUpTo(500, 100);
    cloud.store.shut();
    const { telemetry, events } = offering.acked;
    await acknowledgedUpTo(telemetry, events + 1_000);
    expect(cloud.store.waiting).toBeGreaterThan(0);
    expect(offering.acked.telemetry).toBeLessThanOrEqual(telemetry + WINDOW * BATCH);
    cloud.store.open();
    await acknowledgedUpTo(offering.acked.telemetry + 2_000, offering.acked.events);
    await expectAccountToBeExact();
  });

  it("goes on where it was after a restart of the cloud", async () => {
    await acknowledgedUpTo(1_000, 100);
    const before = [...cloud.items];
    await cloud.close();
    cloud = await bench.cloud(server);
    await acknowledgedUpTo(offering.acked.telemetry + 1_000, offering.acked.events + 100);
    cloud.items.unshift(...before);
    await expectAccountToBeExact();
  });
});
