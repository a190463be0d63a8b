import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import type { Sample } from "#core/model/sample.ts";
import { Random } from "#simulators/devices/physics.ts";
import { boundDevice, observing, QUICK } from "../fixtures/modbus/field.ts";
import {
  type Arrival,
  frame,
  honestRtu,
  type MisbehavingServer,
  misbehavingServer,
} from "../fixtures/modbus/misbehaving-server.ts";

const LONG = process.env["PARKHUB_TEST_LONG"] === "1";
const TCP_READS = LONG ? 1_000_000 : 10_000;
const RTU_READS = LONG ? 100_000 : 2_000;
/** The same seed gives the same dice; the order in which they fall is the machine's. */
const SEED = Number(process.env["PARKHUB_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const TEST_MS = LONG ? 1_800_000 : 120_000;

/** Shares of the answers that come after the time-out, out of turn, or never. */
const LATE = 0.003;
const REORDERED = 0.05;
const DROPPED = 0.002;
const TIMEOUT_MS = 50;
const BLOCKS = 40;
const BLOCK_STEP = 16;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/**
 * A device whose every value tells which register was asked for and how often before: the high word is the register, the low word
 * counts the requests for it. What is older than a value already told came late.
 */
class DicedDevice {
  readonly server: MisbehavingServer;
  readonly #random: Random;
  readonly #framing: "tcp" | "rtu";
  readonly #asked = new Map<number, number>();
  readonly #held: (() => void)[] = [];
  readonly #queue: { readonly delayMs: number; readonly send: () => void }[] = [];

  constructor(server: MisbehavingServer, framing: "tcp" | "rtu", seed: number) {
    this.server = server;
    this.#framing = framing;
    this.#random = new Random(seed);
    server.onRequest = (arrival) => this.#answer(arrival);
  }

  #answer(arrival: Arrival): void {
    const count = (this.#asked.get(arrival.address) ?? 0) + 1;
    this.#asked.set(arrival.address, count);
    const send = (): void => {
      if (!arrival.socket.destroyed) arrival.socket.write(this.#bytes(arrival, count));
    };
    const dice = this.#random.next();
    if (dice < DROPPED) return;
    if (dice < DROPPED + LATE) this.#later(TIMEOUT_MS * (1.2 + 4 * this.#random.next()), send);
    else if (dice < DROPPED + LATE + REORDERED && this.#framing === "tcp") this.#held.push(send);
    else {
      this.#later(0, send);
      for (const held of this.#held.splice(0)) this.#later(this.#random.next() * 3, held);
    }
  }

  #later(delayMs: number, send: () => void): void {
    if (this.#framing === "rtu") {
      this.#queue.push({ delayMs, send });
      if (this.#queue.length === 1) this.#inOrder();
    } else if (delayMs === 0) send();
    else systemClock.after(delayMs, send);
  }

  /** A unit of an RTU line answers in order, whatever it takes. */
  #inOrder(): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const { delayMs, send } = next;
      if (delayMs > 0) {
        systemClock.after(delayMs, () => {
          send();
          this.#queue.shift();
          this.#inOrder();
        });
        return;
      }
      send();
      this.#queue.shift();
    }
  }

  #bytes(arrival: Arrival, count: number): Buffer {
    const data = Buffer.alloc(arrival.quantity * 2);
    for (let index = 0; index < arrival.quantity; index++) {
      const register = arrival.address + index;
      // even registers hold the place, odd ones the count
      data.writeUInt16BE(register % 2 === 0 ? register : count & 0xffff, index * 2);
    }
    const pdu = [arrival.pdu[0] ?? 0, data.length, ...data];
    return this.#framing === "tcp" ? frame({ ...arrival, pdu }) : honestRtu(arrival, Uint8Array.from(pdu));
  }
}

/** Looks at each good sample as it comes, so that a million of them need no memory. */
class Judge {
  good = 0;
  readonly wrong: string[] = [];
  readonly #last = new Map<string, number>();

  look({ point, value, quality }: Sample): void {
    if (quality !== "good") return;
    this.good++;
    const [place, count] = [Math.floor(Number(value) / 0x1_0000), Number(value) % 0x1_0000];
    const register = Number(point.slice(point.lastIndexOf("-") + 1));
    const before = this.#last.get(point);
    const newer = before === undefined || ((count - before) & 0xffff) < 0x8000;
    this.#last.set(point, count);
    if (place !== register) this.wrong.push(`${point} was given the value of register ${place}`);
    if (!newer || count === before) this.wrong.push(`${point} was given reading ${count} after ${before}`);
  }
}

async function reads(framing: "tcp" | "rtu", total: number, maxInFlight: number): Promise<Judge> {
  process.stderr.write(`Modbus answers, ${framing}, ${maxInFlight} in flight: PARKHUB_TEST_SEED=${SEED}\n`);
  const judge = new Judge();
  const transport = framing === "tcp" ? "tcp" : "rtuOverTcp";
  const devices = await Promise.all(
    [1, 2, 3, 4].map(async (n) => {
      const server = await misbehavingServer(0, framing);
      cleanups.push(() => server.close());
      new DicedDevice(server, framing, SEED + n);
      const points = Object.fromEntries(
        Array.from({ length: BLOCKS }, (_, block) => [
          `r-${block * BLOCK_STEP}`,
          { table: "holdingRegister", register: block * BLOCK_STEP, type: "uint32" } as const,
        ]),
      );
      return boundDevice(`meter-${n}`, { transport, port: server.port, unitId: n, silenceMs: 1 }, points);
    }),
  );
  const config = { ...QUICK, timeoutMs: TIMEOUT_MS, maxInFlight, retries: 3, reconnectMaxMs: 50 };
  const { driver, told } = await observing(devices, config);
  cleanups.push(() => driver.stop());
  const read = (): number => {
    for (const sample of told.samples.splice(0)) judge.look(sample);
    return driver.counters()["requests"] ?? 0;
  };
  await expect.poll(read, { timeout: TEST_MS, interval: 20 }).toBeGreaterThanOrEqual(total);
  const { timeouts = 0, late = 0 } = driver.counters();
  expect(timeouts).toBeGreaterThan(0);
  if (framing === "tcp") expect(late).toBeGreaterThan(0);
  return judge;
}

describe("[catalogue 18] answers that come late, out of turn or never", { timeout: TEST_MS }, () => {
  it.each([1, 8])(`give no wrong value in ${TCP_READS / 2} reads over TCP with %d in flight`, async (maxInFlight) => {
    const judge = await reads("tcp", TCP_READS / 2, maxInFlight);
    expect(judge.wrong).toEqual([]);
    expect(judge.good).toBeGreaterThan(TCP_READS / 4);
  });

  it(`give no wrong value in ${RTU_READS} reads of RTU lines`, async () => {
    const judge = await reads("rtu", RTU_READS, 1);
    expect(judge.wrong).toEqual([]);
    expect(judge.good).toBeGreaterThan(RTU_READS / 4);
  });
});
