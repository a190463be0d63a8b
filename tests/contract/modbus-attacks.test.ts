import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import type { ProtocolDriver } from "#protocols/driver.ts";
import { boundDevice, observing, QUICK } from "../fixtures/modbus/field.ts";
import {
  type Arrival,
  frame,
  honest,
  type MisbehavingServer,
  misbehavingServer,
} from "../fixtures/modbus/misbehaving-server.ts";
import type { Recording } from "./driver-contract.ts";

/** Every register of the device holds its own address, so that a good sample tells by itself whether it is true. */
const REGISTERS = [42, 777];
const point = (register: number) => pointId(`s/g/meter/r-${register}`);
const LIE = [0xde, 0xad];

const wrong = (arrival: Arrival, pdu: readonly number[], change: Partial<Arrival> = {}): Buffer =>
  frame({ transactionId: change.transactionId ?? arrival.transactionId, unitId: change.unitId ?? arrival.unitId, pdu });
const lying = (arrival: Arrival, change: Partial<Arrival> = {}): Buffer => wrong(arrival, [3, 2, ...LIE], change);

/** `behave` answers a request; the counter must move, and where the device does not answer truly its points must go bad. */
interface Attack {
  readonly name: string;
  readonly counter: string;
  readonly staysGood?: true;
  readonly behave: (arrival: Arrival) => void;
}

/** Answers each request of one connection only when the next connection asks: late answers on dead and living streams. */
function lateAnswers(): (arrival: Arrival) => void {
  let owed: Arrival | undefined;
  return (arrival) => {
    if (owed !== undefined) {
      owed.socket.write(lying(owed));
      arrival.socket.write(lying(owed));
    }
    owed = arrival;
  };
}

const attacks: readonly Attack[] = [
  { name: "answers that come after the time-out", counter: "late", behave: lateAnswers() },
  {
    name: "the answer to the transaction before",
    counter: "late",
    behave: (arrival) => arrival.socket.write(lying(arrival, { transactionId: arrival.transactionId - 1 })),
  },
  {
    name: "the answer to a transaction 256 before",
    counter: "late",
    behave: (arrival) => arrival.socket.write(lying(arrival, { transactionId: arrival.transactionId - 256 })),
  },
  {
    name: "unasked answers before each true one",
    counter: "late",
    staysGood: true,
    behave(arrival) {
      for (const back of [1, 2, 3]) {
        arrival.socket.write(lying(arrival, { transactionId: arrival.transactionId - back }));
      }
      arrival.socket.write(honest(arrival));
    },
  },
  {
    name: "another unit's answer",
    counter: "malformed",
    behave: (arrival) => arrival.socket.write(lying(arrival, { unitId: arrival.unitId + 1 })),
  },
  {
    name: "another unit's exception",
    counter: "malformed",
    behave: (arrival) => arrival.socket.write(wrong(arrival, [0x83, 4], { unitId: arrival.unitId + 1 })),
  },
  {
    name: "another function's answer",
    counter: "malformed",
    behave: (arrival) => arrival.socket.write(wrong(arrival, [4, 2, ...LIE])),
  },
  {
    name: "a register too many",
    counter: "malformed",
    behave: (arrival) => arrival.socket.write(wrong(arrival, [3, 4, ...LIE, ...LIE])),
  },
  {
    name: "a byte count that is not the data's",
    counter: "malformed",
    behave: (arrival) => arrival.socket.write(wrong(arrival, [3, 4, ...LIE])),
  },
  {
    name: "an answer without data",
    counter: "malformed",
    behave: (arrival) => arrival.socket.write(wrong(arrival, [3])),
  },
  {
    name: "an exception with data behind it",
    counter: "malformed",
    behave: (arrival) => arrival.socket.write(wrong(arrival, [0x83, 2, ...LIE])),
  },
  {
    name: "another protocol's id",
    counter: "malformed",
    behave: (arrival) => arrival.socket.write(frame({ ...arrival, pdu: [3, 2, ...LIE] }, { protocol: 1 })),
  },
  {
    name: "a length field of 0",
    counter: "malformed",
    behave: (arrival) => arrival.socket.write(frame({ ...arrival, pdu: [3, 2, ...LIE] }, { length: 0 })),
  },
  {
    name: "a length field of 65000",
    counter: "malformed",
    behave: (arrival) => arrival.socket.write(frame({ ...arrival, pdu: [3, 2, ...LIE] }, { length: 65_000 })),
  },
  {
    name: "bytes that are no frame",
    counter: "malformed",
    behave: (arrival) => arrival.socket.write(Buffer.alloc(64, 0x5a)),
  },
  {
    name: "an answer cut short",
    counter: "timeouts",
    behave: (arrival) => arrival.socket.write(lying(arrival).subarray(0, 9)),
  },
  {
    name: "an answer cut short and then the connection dropped",
    counter: "reconnects",
    behave: (arrival) => arrival.socket.end(lying(arrival).subarray(0, 9)),
  },
  { name: "a dropped connection", counter: "reconnects", behave: (arrival) => void arrival.socket.destroy() },
  { name: "silence", counter: "timeouts", behave: () => {} },
];

describe("a Modbus device that misbehaves", () => {
  let server: MisbehavingServer;
  let driver: ProtocolDriver | undefined;

  beforeEach(async () => {
    server = await misbehavingServer();
  });
  afterEach(async () => {
    await driver?.stop();
    await server.close();
  });

  async function observed(): Promise<{ driver: ProtocolDriver; told: Recording }> {
    const points = Object.fromEntries(
      REGISTERS.map((register) => [`r-${register}`, { table: "holdingRegister", register, type: "uint16" } as const]),
    );
    const all = await observing([boundDevice("meter", { port: server.port, unitId: 5 }, points)]);
    driver = all.driver;
    await allGoodSince(all.told, 0);
    return all;
  }
  async function allGoodSince(told: Recording, from: number): Promise<void> {
    for (const register of REGISTERS) {
      const good = () => told.samples.slice(from).some((s) => s.point === point(register) && s.quality === "good");
      await expect.poll(good).toBe(true);
    }
  }
  const untrue = (told: Recording) =>
    told.samples.filter((s) => s.quality === "good" && s.value !== Number(s.point.split("r-")[1]));

  it.each(attacks)("by $name never passes as a value", async ({ counter, staysGood, behave }) => {
    const { driver: running, told } = await observed();
    const before = running.counters()[counter] ?? 0;
    const from = told.samples.length;
    server.onRequest = behave;
    await expect.poll(() => running.counters()[counter]).toBeGreaterThanOrEqual(before + 4);
    if (staysGood) {
      expect(told.samples.slice(from).filter((sample) => sample.quality !== "good")).toEqual([]);
    } else {
      for (const register of REGISTERS) {
        await expect.poll(() => told.latest(point(register))).toMatchObject({ quality: "bad", reason: "commLost" });
      }
      expect(told.states.at(-1)).toMatchObject({ online: false, reason: expect.stringMatching(/holdingRegister/) });
    }
    server.onRequest = (arrival) => arrival.socket.write(honest(arrival));
    await allGoodSince(told, told.samples.length);
    expect(untrue(told)).toEqual([]);
  });

  it("by exception 4 or 6 is reachable, and the points are bad as faulty", async () => {
    const { driver: running, told } = await observed();
    for (const code of [4, 6]) {
      server.onRequest = (arrival) => arrival.socket.write(wrong(arrival, [0x83, code]));
      const latest = () => REGISTERS.map((register) => told.latest(point(register))?.reason);
      await expect.poll(latest).toEqual(["deviceFault", "deviceFault"]);
      server.onRequest = (arrival) => arrival.socket.write(honest(arrival));
      await allGoodSince(told, told.samples.length);
    }
    expect(told.reachability(boundDevice("meter", {}, {}).device)).toEqual([true]);
    expect(running.counters()["exceptions"]).toBeGreaterThanOrEqual(4);
  });

  it("by answering byte by byte is only slow", async () => {
    const { told } = await observed();
    server.onRequest = ({ socket, ...arrival }) => {
      for (const byte of honest({ socket, ...arrival })) socket.write(Uint8Array.of(byte));
    };
    await allGoodSince(told, told.samples.length);
    expect(untrue(told)).toEqual([]);
  });

  it("by silence about one block keeps the rest of its points", async () => {
    const { told } = await observed();
    server.onRequest = (arrival) => {
      if (arrival.address !== 777) arrival.socket.write(honest(arrival));
    };
    await expect.poll(() => told.latest(point(777))).toMatchObject({ quality: "bad", reason: "commLost" });
    await expect.poll(() => told.latest(point(42))?.quality).toBe("good");
    server.onRequest = (arrival) => arrival.socket.write(honest(arrival));
    await allGoodSince(told, told.samples.length);
    expect(told.reachability(boundDevice("meter", {}, {}).device)).toEqual([true]);
  });

  it.each<[string, (arrival: Arrival) => Buffer | undefined, string, string]>([
    ["echoes another value", (a) => wrong(a, [6, 0, 42, ...LIE]), "failed", "MODBUS_ANSWER_INVALID"],
    ["echoes another address", (a) => wrong(a, [6, 0, 9, 0, 7]), "failed", "MODBUS_ANSWER_INVALID"],
    ["refuses it with exception 4", (a) => wrong(a, [0x86, 4]), "failed", "MODBUS_EXCEPTION"],
    ["does not answer it", () => undefined, "timeout", "MODBUS_TIMEOUT"],
    ["echoes it and keeps its old value", (a) => wrong(a, [6, 0, 42, 0, 7]), "failed", "MODBUS_NOT_CONFIRMED"],
  ])("is never told to have taken a write when it %s", async (_, answer, status, code) => {
    const { driver: running } = await observed();
    let writes = 0;
    server.onRequest = (arrival) => {
      const write = arrival.pdu[0] === 6;
      if (write) writes++;
      const bytes = write ? answer(arrival) : honest(arrival);
      if (bytes !== undefined) arrival.socket.write(bytes);
    };
    const result = await running.write(
      { point: point(42), value: 7, priority: 8 },
      AbortSignal.timeout(QUICK.timeoutMs * 20),
    );
    expect(result).toMatchObject({ status, code });
    expect(writes, "a write is never sent twice").toBe(1);
  });
});
