import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { errorCode } from "#core/errors.ts";
import { silentLogger } from "#core/logger.ts";
import { CONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { decodeFrame } from "#protocols/bacnet/codec/frame.ts";
import { encodeReadProperty } from "#protocols/bacnet/codec/services/property.ts";
import { StationCounters } from "#protocols/bacnet/station/counters.ts";
import { openStation } from "#protocols/bacnet/station/station.ts";
import { loopbackSocket } from "../contract/bacnet-fixture.ts";
import { closing, drive, never, POLL, SETPOINT, serve, settled, tapped } from "../contract/bacnet-harness.ts";

const DATAGRAMS = process.env["PARKHUB_TEST_LONG"] === "1" ? 1_000_000 : 10_000;
const SEED = Number(process.env["PARKHUB_FUZZ_SEED"] ?? 20_261_121);
/** Sent between two questions whose answers show that all before them was taken. */
const BURST = 50;
/** Every so many datagrams a mangled request that has to end somehow. */
const QUESTION = 10;
const FIXTURES = path.resolve(import.meta.dirname, "../fixtures/bacnet");

/** Numbers in [0, 1), the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Frames of every service, as recorded. */
function goldenFrames(): readonly Uint8Array[] {
  const files = readdirSync(FIXTURES, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith("frame.hex"),
  );
  return files
    .map((file) => Uint8Array.from(Buffer.from(readFileSync(path.join(FIXTURES, file), "utf8").trim(), "hex")))
    .filter((frame) => frame[0] === 0x81);
}

/** Changes, cuts or lengthens a frame at a few places; mostly with the length right, so that it gets through to the services. */
function mutated(frame: Uint8Array, random: () => number): Uint8Array {
  const below = (limit: number): number => Math.floor(random() * limit);
  let bytes = [...frame];
  for (let i = below(4); i >= 0; i--) {
    const at = below(bytes.length);
    const what = random();
    if (what < 0.6) bytes[at] = below(256);
    else if (what < 0.75) bytes.splice(at, below(8));
    else if (what < 0.9) bytes.splice(at, 0, ...Array.from({ length: below(8) }, () => below(256)));
    else bytes = bytes.slice(0, Math.max(1, at));
  }
  if (random() < 0.9) [bytes[0], bytes[2], bytes[3]] = [0x81, bytes.length >> 8, bytes.length & 255];
  return Uint8Array.from(bytes.slice(0, 1500));
}

/** What rightly makes a device silent or restarts it. */
function isOrderToBeSilent(datagram: Uint8Array): boolean {
  try {
    const frame = decodeFrame(datagram);
    if (frame.kind !== "apdu" || frame.apdu.type !== "confirmedRequest") return false;
    const { deviceCommunicationControl, reinitializeDevice } = CONFIRMED;
    return frame.apdu.service === deviceCommunicationControl || frame.apdu.service === reinitializeDevice;
  } catch (error) {
    if (errorCode(error) !== "BACNET_MALFORMED") throw error;
    return false;
  }
}

/** A confirmed request of one of these frames with bytes of its service part changed; undefined where there is none to be made. */
function question(
  frames: readonly Uint8Array[],
  random: () => number,
): { service: number; body: Uint8Array } | undefined {
  const golden = frames[Math.floor(random() * frames.length)] ?? new Uint8Array();
  if (isOrderToBeSilent(golden)) return undefined;
  try {
    const frame = decodeFrame(golden);
    if (frame.kind !== "apdu" || frame.apdu.type !== "confirmedRequest" || frame.apdu.segment !== undefined)
      return undefined;
    const body = frame.apdu.body.slice(0, random() < 0.2 ? Math.floor(random() * frame.apdu.body.length) : undefined);
    if (body.length > 0) body[Math.floor(random() * body.length)] = Math.floor(random() * 256);
    return { service: frame.apdu.service, body };
  } catch (error) {
    if (errorCode(error) !== "BACNET_MALFORMED") throw error;
    return undefined;
  }
}

/** Bytes of heap in use after a collection. */
function heap(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}

it(`${DATAGRAMS} mutated datagrams (seed ${SEED}) end neither client nor server, leave no request open and no memory behind`, {
  timeout: 1_800_000,
}, async () => {
  process.stderr.write(`seed of the BACnet fuzz: ${SEED}\n`);
  const random = seeded(SEED);
  const server = await serve();
  const tap = await tapped(server);
  const [driver, recording] = await drive(tap.port);
  await settled(recording);
  const counters = new StationCounters();
  const probe = await openStation(
    { interfaces: [{ host: "127.0.0.1", port: 0 }], apduTimeoutMs: 1000 },
    { logger: silentLogger, counters, handlers: { announced: () => {}, asked: () => ({ kind: "reject", reason: 9 }) } },
  );
  closing.push(() => probe.close());
  const attacker = await loopbackSocket();
  closing.push(attacker.close);
  const seeds = [...goldenFrames(), ...tap.seen.slice(0, 100).map(({ payload }) => Uint8Array.from(payload))];
  const device = { host: "127.0.0.1", port: server.address.port };
  const body = encodeReadProperty({ object: { type: 8, instance: 1001 }, property: 77 });
  const warm = DATAGRAMS / 10;
  const open = new Set<Promise<unknown>>();
  const ends = new Map<string, number>();
  let before = 0;
  for (let sent = 0; sent < DATAGRAMS; sent++) {
    if (sent === warm) before = heap();
    const datagram = mutated(seeds[Math.floor(random() * seeds.length)] ?? new Uint8Array(8), random);
    if (isOrderToBeSilent(datagram)) continue;
    // as the device to the client, as a stranger to the device and to a third station
    if (sent % 2 === 0) await tap.inject(datagram);
    else attacker.socket.send(datagram, device.port, device.host);
    attacker.socket.send(datagram, probe.endpoints[0]?.port ?? 0, device.host);
    const asked = sent % QUESTION === 0 ? question(seeds, random) : undefined;
    if (asked !== undefined) {
      const end = probe.request({ peer: device, ...asked, signal: never }).then(({ kind }) => {
        ends.set(kind, (ends.get(kind) ?? 0) + 1);
        open.delete(end);
      });
      open.add(end);
    }
    if (sent % BURST !== 0) continue;
    const outcome = await probe.request({ peer: device, service: CONFIRMED.readProperty, body, signal: never });
    expect(outcome.kind).toBe("ack");
    tap.seen.length = 0;
    recording.samples.length = 0;
  }
  await Promise.all(open);
  const known = ["ack", "error", "reject", "abort"].reduce((sum, kind) => sum + (ends.get(kind) ?? 0), 0);
  // answered, each of them: nothing but what the attacker spoils may run out
  expect(known).toBeGreaterThan(DATAGRAMS / QUESTION / 10);
  expect(ends.get("cancelled") ?? 0).toBe(0);
  expect(heap() - before).toBeLessThan(24 * 1024 * 1024);
  expect(driver.counters()).toMatchObject({ handlerErrors: 0 });
  expect(counters.get("handlerErrors")).toBe(0);
  expect(Number(driver.counters()["malformed"])).toBeGreaterThan(DATAGRAMS / 100);
  // the client is in touch with its device, or soon again
  const write = { point: SETPOINT, value: 21.5, priority: 1 };
  await expect.poll(async () => (await driver.write(write, never)).status, POLL).toBe("done");
});
