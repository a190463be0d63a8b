import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Point } from "#core/model/point.ts";
import type { Sample } from "#core/model/sample.ts";
import { Outbox } from "#edge/outbox.ts";
import { Pipeline } from "#edge/pipeline.ts";
import type { DeviceBinding, ProtocolDriver } from "#protocols/driver.ts";
import { create } from "#protocols/modbus/driver.ts";
import type { ModbusAddress, ModbusDevice } from "#protocols/modbus/index.ts";
import type { BenchResult } from "./bench.ts";

const REGISTERS = 125;
const BLOCKS = 80;
const WARM_UP_MS = 1000;
const MEASURE_MS = 2000;
/** Each figure is the middle one of so many rounds: the machine may have other work. */
const ROUNDS = 3;
/** How often the gateway makes its outbox durable. */
const COMMIT_MS = 50;
/** Unit of the device that changes 3 in 100 registers between two reads, and of the one that changes all. */
const FEW = 1;
const ALL = 2;

interface Measured {
  readonly pointsPerS: number;
  /** CPU of the measuring thread, 1 = one core. */
  readonly cpuShare: number;
}

async function measured(points: () => number): Promise<Measured> {
  await systemDelay(WARM_UP_MS);
  const [startedAt, before, cpu] = [performance.now(), points(), process.threadCpuUsage()];
  await systemDelay(MEASURE_MS);
  const seconds = (performance.now() - startedAt) / 1000;
  const used = process.threadCpuUsage(cpu);
  return { pointsPerS: (points() - before) / seconds, cpuShare: (used.user + used.system) / 1e6 / seconds };
}

function systemDelay(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

/** The least that reads can cost: ready-made requests, one on its way, whose answers nobody looks at. */
async function bareLoop(port: number, unitId: number): Promise<Measured> {
  const requests = Array.from({ length: BLOCKS }, (_, block) => {
    const frame = Buffer.from([0, 0, 0, 0, 0, 6, unitId, 3, 0, 0, 0, REGISTERS]);
    frame.writeUInt16BE(block * REGISTERS, 8);
    return frame;
  });
  const answerLength = 9 + 2 * REGISTERS;
  let reads = 0;
  let received = 0;
  const next = (): void => {
    const request = requests[reads % BLOCKS];
    if (request !== undefined) socket.write(request);
  };
  const socket = connect({
    port,
    host: "127.0.0.1",
    noDelay: true,
    onread: {
      buffer: new Uint8Array(4096),
      callback(length) {
        received += length;
        if (received < answerLength) return true;
        received -= answerLength;
        reads++;
        next();
        return true;
      },
    },
  });
  await once(socket, "connect");
  next();
  const result = await measured(() => reads * REGISTERS);
  socket.destroy();
  return result;
}

function boundDevice(port: number, unitId: number): DeviceBinding<ModbusDevice, ModbusAddress> {
  const device = deviceId("bench/gw/meter");
  return {
    device,
    config: { host: "127.0.0.1", port, unitId },
    points: Array.from({ length: BLOCKS * REGISTERS }, (_, register) => ({
      point: pointId(`${device}/r-${register}`),
      address: { table: "holdingRegister", register, type: "uint16" },
      writable: false,
    })),
  };
}

function pointOf(id: string): Point {
  return {
    id,
    name: id,
    nameEn: id,
    kind: "number",
    space: "bench",
    tags: [],
    writable: false,
    revision: 1,
    address: {},
  };
}

interface Polled extends Measured {
  readonly p99Ms: number;
  /** Samples that reached the outbox, of all points read. */
  readonly changedShare: number;
}

/** Driver, pipeline and a durable outbox in one thread, as fast as they go. */
async function polled(port: number, unitId: number): Promise<Polled> {
  const folder = mkdtempSync(path.join(tmpdir(), "parkhub-bench-modbus-"));
  const outbox = new Outbox({ path: path.join(folder, "outbox.db"), clock: systemClock, logger: silentLogger });
  const binding = boundDevice(port, unitId);
  const ids = binding.points.map(({ point }) => point);
  outbox.numbers.register(ids);
  const stamps = new Set<string>(ids.filter((_, index) => index % REGISTERS === 0));
  const ages: number[] = [];
  let samples = 0;
  const onReport = (reported: readonly Sample[]): void => {
    samples += reported.length;
    outbox.appendSamples(reported);
    const [first] = reported;
    if (first !== undefined && stamps.has(first.point)) {
      const now = Math.floor((performance.timeOrigin + performance.now()) * 10);
      ages.push(((now - Number(first.value)) & 0xffff) / 10);
    }
  };
  const pipeline = new Pipeline(systemClock, { onChange: () => {}, onReport });
  pipeline.configure(ids.map(pointOf));
  const driver: ProtocolDriver<ModbusDevice, ModbusAddress> = create(
    { pollMs: 1 },
    {
      logger: silentLogger,
      clock: systemClock,
      folder,
      onSamples: (batch) => pipeline.ingest(batch),
      onEvent() {},
      async storeEvent() {},
      onConditions() {},
      onHistory() {},
      onCertificates() {},
      onDevice() {},
    },
  );
  const cancel = systemClock.every(COMMIT_MS, () => void outbox.commit());
  try {
    await driver.start(AbortSignal.timeout(1000));
    await driver.bind([binding]);
    const result = await measured(() => (driver.counters()["requests"] ?? 0) * REGISTERS);
    ages.sort((a, b) => a - b);
    const read = (driver.counters()["requests"] ?? 1) * REGISTERS;
    return { ...result, p99Ms: ages[Math.floor(ages.length * 0.99)] ?? 0, changedShare: samples / read };
  } finally {
    await driver.stop();
    cancel();
    outbox.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Round {
  readonly bareFew: Measured;
  readonly few: Polled;
  readonly bareAll: Measured;
  readonly all: Polled;
}

const shown = ({ pointsPerS, cpuShare }: Measured): string =>
  `${Math.round(pointsPerS / 1000)} k/s (${Math.round(cpuShare * 100)} % CPU)`;
const taskset = (...args: readonly string[]) => spawnSync("taskset", args, { encoding: "utf8" });

/**
 * Puts the device on another core than this thread, so that a core of the gateway is what is measured: on one core the kernel would
 * let them take turns, and every microsecond of the device would count against ours. Gives what undoes it for this thread;
 * undefined where it cannot be done.
 */
function apart(device: ChildProcess): (() => void) | undefined {
  const allowed = /: (\S+)\s*$/.exec(taskset("-pc", String(process.pid)).stdout ?? "")?.[1] ?? "";
  const [, ours, theirs] = /^(\d+)[-,](?:.*\D)?(\d+)$/.exec(allowed) ?? [];
  if (ours === undefined || theirs === undefined) return undefined;
  const placed = [taskset("-pc", ours, String(process.pid)), taskset("-apc", theirs, String(device.pid))];
  if (placed.some(({ status }) => status !== 0)) return undefined;
  return () => void taskset("-pc", allowed, String(process.pid));
}

/**
 * `npm run bench -- modbus`: points a second that one thread polls, judges and makes durable, beside a bare read loop on the same
 * kind of connection to the same device, which runs on another core. p99Ms: from the device's answer to its sample in the outbox.
 */
export async function modbus(say: (text: string) => void): Promise<BenchResult> {
  const server = fork(new URL("./modbus-server.ts", import.meta.url));
  let together: (() => void) | undefined;
  try {
    const [port] = (await once(server, "message")) as [number];
    together = apart(server);
    if (together === undefined) say("taskset or a second core is missing: the device shares the core that is measured");
    const rounds: Round[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      say(`round ${round} of ${ROUNDS}: ${BLOCKS * REGISTERS} registers in ${BLOCKS} reads`);
      const [bareFew, few] = [await bareLoop(port, FEW), await polled(port, FEW)];
      const [bareAll, all] = [await bareLoop(port, ALL), await polled(port, ALL)];
      rounds.push({ bareFew, few, bareAll, all });
      say(`${shown(few)} with few changing of ${shown(bareFew)}, ${shown(all)} with all changing of ${shown(bareAll)}`);
    }
    return resultOf(rounds, together !== undefined);
  } finally {
    together?.();
    server.kill();
  }
}

function resultOf(rounds: readonly Round[], isApart: boolean): BenchResult {
  const middle = (figure: (round: Round) => number): number =>
    rounds.map(figure).sort((a, b) => a - b)[rounds.length >> 1] ?? 0;
  const whole = (figure: (round: Round) => number): number => Math.round(middle(figure));
  const hundredths = (figure: (round: Round) => number): number => Math.round(middle(figure) * 100) / 100;
  const perCpu = ({ pointsPerS, cpuShare }: Measured): number => pointsPerS / cpuShare;
  return {
    figures: {
      pointsPerS: whole(({ few }) => few.pointsPerS),
      pointsPerSAllChanging: whole(({ all }) => all.pointsPerS),
      pointsPerCpuS: whole(({ few }) => perCpu(few)),
      pointsPerCpuSAllChanging: whole(({ all }) => perCpu(all)),
      cpuShare: hundredths(({ few }) => few.cpuShare),
      cpuShareAllChanging: hundredths(({ all }) => all.cpuShare),
      p99Ms: hundredths(({ few }) => few.p99Ms),
      p99MsAllChanging: hundredths(({ all }) => all.p99Ms),
      changedShare: hundredths(({ few }) => few.changedShare),
      deviceOnOtherCore: isApart ? 1 : 0,
    },
    limit: {
      pointsPerS: whole(({ bareFew }) => bareFew.pointsPerS),
      pointsPerSAllChanging: whole(({ bareAll }) => bareAll.pointsPerS),
      pointsPerCpuS: whole(({ bareFew }) => perCpu(bareFew)),
      cpuShare: hundredths(({ bareFew }) => bareFew.cpuShare),
    },
    ratio: {
      pointsPerS: hundredths(({ few, bareFew }) => few.pointsPerS / bareFew.pointsPerS),
      pointsPerSAllChanging: hundredths(({ all, bareAll }) => all.pointsPerS / bareAll.pointsPerS),
    },
  };
}
