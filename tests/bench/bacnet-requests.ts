import { createSocket } from "node:dgram";
import process from "node:process";
import { systemClock } from "#core/clock.ts";
import { pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { Abilities } from "#protocols/bacnet/client/abilities.ts";
import { targetOf } from "#protocols/bacnet/client/map.ts";
import { type BoundPoint, PointBoard } from "#protocols/bacnet/client/point-board.ts";
import { type Ask, PropertyReader } from "#protocols/bacnet/client/polling.ts";
import { CONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { encodeFrame } from "#protocols/bacnet/codec/frame.ts";
import { encodeReadPropertyMultiple } from "#protocols/bacnet/codec/services/property.ts";
import { Counters } from "#protocols/bacnet/counters.ts";
import { openStation } from "#protocols/bacnet/station/station.ts";

/** Points of one request: with Present_Value and Status_Flags the answer just fits one APDU. */
export const POINTS = 55;
const INVOKE_ID = 8;
const RECEIVE_BUFFER_BYTES = 1 << 20;
const LIMITS = { maxApdu: 1476, takesSegments: true };

/** What one loop did. */
export interface Loop {
  readonly requestsPerS: number;
  /** CPU of the measuring thread, 1 = one core. */
  readonly cpuShare: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers without a good value for each point; must be 0. */
  readonly bad: number;
}

function points(): readonly BoundPoint[] {
  return Array.from({ length: POINTS }, (_, instance) => ({
    point: pointId(`bench/gw/device/p-${instance}`),
    target: targetOf({ objectType: "analog-input", instance }),
    writable: false,
  }));
}

async function measured(durationMs: number, counted: () => number, latencies: number[]): Promise<Omit<Loop, "bad">> {
  latencies.length = 0;
  const [startedAt, before, cpu] = [performance.now(), counted(), process.threadCpuUsage()];
  await new Promise<void>((resolve) => void setTimeout(resolve, durationMs));
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.threadCpuUsage(cpu);
  const sorted = Float64Array.from(latencies).sort();
  return {
    requestsPerS: (counted() - before) / seconds,
    cpuShare: (user + system) / 1e6 / seconds,
    p50Ms: sorted[sorted.length >> 1] ?? 0,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
  };
}

/**
 * The least that requests can cost in Node: ready-made bytes with another invoke id, one on its way to each device, answers that
 * nobody looks at.
 */
export async function pingPong(ports: readonly number[], warmUpMs: number, durationMs: number): Promise<Loop> {
  const socket = createSocket({ type: "udp4", lookup: (address, _options, found) => found(null, address, 4) });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  const board = new PointBoard(points(), abilities(), () => {});
  const specifications = board.specifications(board.points, false).map(({ object, properties }) => ({
    object,
    properties: properties.slice(0, 2),
  }));
  const apdu = {
    type: "confirmedRequest",
    invokeId: 0,
    service: CONFIRMED.readPropertyMultiple,
    segmentedResponseAccepted: true,
    maxSegments: 7,
    maxApdu: 1476,
    body: encodeReadPropertyMultiple(specifications),
  } as const;
  const request = Buffer.from(encodeFrame(apdu));
  let answers = 0;
  const sentAt = new Map(ports.map((port) => [port, 0]));
  const latencies: number[] = [];
  const send = (port: number): void => {
    request[INVOKE_ID] = answers & 255;
    sentAt.set(port, performance.now());
    socket.send(request, port, "127.0.0.1");
  };
  socket.on("message", (_, { port }) => {
    answers += 1;
    latencies.push(performance.now() - (sentAt.get(port) ?? 0));
    send(port);
  });
  for (const port of ports) send(port);
  await measured(warmUpMs, () => answers, latencies);
  const result = await measured(durationMs, () => answers, latencies);
  socket.removeAllListeners("message");
  socket.close();
  return { ...result, bad: 0 };
}

function abilities(): Abilities {
  return new Abilities({ vendorId: 260, maxApdu: 1476 }, undefined, { clock: systemClock, save: () => {} });
}

/** The client's way: what is to be read is put together, asked by the station, decoded and becomes a reading of each point. */
export async function clientLoop(ports: readonly number[], warmUpMs: number, durationMs: number): Promise<Loop> {
  const counters = new Counters();
  const station = await openStation(
    { interfaces: [{ host: "127.0.0.1", port: 0 }] },
    {
      logger: silentLogger,
      counters,
      handlers: { announced: () => {}, asked: () => ({ kind: "reject", reason: 9 }) },
    },
  );
  // one for each device, as each session has its own
  const endings = ports.map(() => new AbortController());
  const latencies: number[] = [];
  let answers = 0;
  let good = 0;
  const loops = ports.map(async (port, device) => {
    const signal = endings[device]?.signal ?? AbortSignal.abort();
    const known = abilities();
    const board = new PointBoard(points(), known, (_, { quality }) => {
      if (quality === "good") good += 1;
    });
    const peer = { host: "127.0.0.1", port };
    const ask: Ask = (service, body) => station.request({ peer, service, body, signal, limits: LIMITS });
    const reader = new PropertyReader(ask, known, counters);
    while (!signal.aborted) {
      const { moment } = board;
      const at = performance.now();
      const results = await reader.read(board.specifications(board.points, false));
      if (results === undefined) continue;
      board.take(board.points, results, moment);
      latencies.push(performance.now() - at);
      answers += 1;
    }
  });
  await measured(warmUpMs, () => answers, latencies);
  const goodBefore = good - answers * POINTS;
  const result = await measured(durationMs, () => answers, latencies);
  const bad = good - answers * POINTS - goodBefore;
  for (const ending of endings) ending.abort();
  await Promise.all(loops);
  await station.close();
  return { ...result, bad };
}
