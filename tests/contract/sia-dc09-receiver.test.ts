import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createConnection } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Clock } from "#core/clock.ts";
import { pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import { encrypt } from "#protocols/sia-dc09/codec/cipher.ts";
import { FrameReader, formatFrame } from "#protocols/sia-dc09/codec/frame.ts";
import { formatTimestamp } from "#protocols/sia-dc09/codec/timestamp.ts";
import type { SiaConfig } from "#protocols/sia-dc09/config.ts";
import { SiaDriver } from "#protocols/sia-dc09/driver.ts";
import { Memory } from "#protocols/sia-dc09/memory.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";
import { KEY_128, KEY_256, panelBinding, temporaryFolder } from "./sia-dc09-field.ts";

const START = Date.UTC(2026, 10, 21, 10, 0, 0);
const ZONE = { "zone-1": { signal: "zoneAlarm", zone: "1" }, armed: { signal: "armed" } } as const;
const never = new AbortController().signal;

let clock: ManualClock;
let recording: Recording;
let driver: SiaDriver;
let folder: ReturnType<typeof temporaryFolder>;
let storing: (event: DeviceEvent) => Promise<void>;
const stoppable: SiaDriver[] = [];

async function start(config: Partial<SiaConfig> = {}, its: Clock = clock): Promise<SiaDriver> {
  recording = recordDriver({ clock: its, folder: folder.path, storeEvent: (event) => storing(event) });
  const made = new SiaDriver({ port: 0, ...config }, recording.deps);
  stoppable.push(made);
  await made.start(never);
  await made.bind([
    panelBinding("plain", { account: "1234" }, ZONE),
    panelBinding("sealed", { account: "ABCD", key: KEY_256, supervisionS: 30, graceS: 5 }, ZONE),
  ]);
  return made;
}

beforeEach(async () => {
  clock = new ManualClock(START);
  folder = temporaryFolder();
  storing = async () => undefined;
  driver = await start();
});
afterEach(async () => {
  await Promise.all(stoppable.splice(0).map((each) => each.stop()));
  folder.remove();
});

/** Sends bytes on a connection of its own and gives the bodies that come back until the other side is silent or closes. */
async function call(bytes: Uint8Array, answers = 1, port = driver.port): Promise<readonly string[]> {
  const socket = createConnection({ host: "127.0.0.1", port });
  const reader = new FrameReader();
  const bodies: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on("data", (data) => {
    for (const found of reader.push(data)) if (typeof found !== "string") bodies.push(found.body);
    if (bodies.length >= answers) resolve();
  });
  socket.on("error", () => resolve());
  socket.on("close", () => resolve());
  await once(socket, "connect");
  socket.write(bytes);
  // where no answer is wanted, the next frame of a known account shows that this one was passed over
  if (answers === 0) {
    socket.write(frame('"NULL"9999L0#1234[]'));
    await once(socket, "data");
  } else await promise;
  socket.destroy();
  return bodies;
}
const frame = (body: string): Uint8Array => formatFrame(body);
const plain = (sequence: string, data: string, stamp = ""): Uint8Array =>
  frame(`"SIA-DCS"${sequence}L0#1234[#1234|${data}]${stamp}`);
const sealed = (sequence: string, data: string, stamp = formatTimestamp(clock.now()), key = KEY_256): Uint8Array =>
  frame(`"*SIA-DCS"${sequence}L0#ABCD[${encrypt(`#ABCD|${data}]${stamp}`, Buffer.from(key, "hex"))}`);
const panelEvents = () => recording.events.filter(({ kind }) => kind === "panelEvent");

it("acknowledges an event only after it is stored [SIA-01]", async () => {
  const stored = Promise.withResolvers<void>();
  storing = () => stored.promise;
  const answer = call(plain("0001", "NBA1"));
  await expect.poll(panelEvents).toHaveLength(1);
  expect(driver.counters()["acknowledged"]).toBe(0);
  stored.resolve();
  expect(await answer).toEqual(['"ACK"0001L0#1234[]']);
});

it("does not acknowledge what the disk refuses, and takes the repeat once it can", async () => {
  storing = async () => {
    throw new Error("disk full");
  };
  expect(await call(plain("0001", "NBA1"), 0)).toEqual(['"ACK"9999L0#1234[]']);
  storing = async () => undefined;
  expect(await call(plain("0001", "NBA1"))).toEqual(['"ACK"0001L0#1234[]']);
  const ids = new Set(panelEvents().map(({ id }) => id));
  expect(ids.size).toBe(1);
});

it("acknowledges a repeat again without a second event, also after a restart [SIA-02]", async () => {
  await call(plain("0001", "NBA1"));
  expect(await call(plain("0001", "NBA1"))).toEqual(['"ACK"0001L0#1234[]']);
  expect(panelEvents()).toHaveLength(1);
  await driver.stop();
  driver = await start();
  expect(await call(plain("0001", "NBA1"))).toEqual(['"ACK"0001L0#1234[]']);
  expect(panelEvents()).toHaveLength(0);
  clock.advance(3_601_000);
  await call(plain("0001", "NBA1"));
  expect(panelEvents()).toHaveLength(1);
});

it("answers a wrong time with NAK and its own, in clear, and takes the frame at the right time [SIA-03]", async () => {
  for (const offMs of [-41_000, 21_000]) {
    const stamp = formatTimestamp(clock.now() + offMs);
    expect(await call(plain("0001", "NBA1", stamp))).toEqual(['"NAK"0000R0L0A0[]_10:00:00,11-21-2026']);
    expect(await call(sealed("0001", "NBA1", stamp))).toEqual(['"NAK"0000R0L0A0[]_10:00:00,11-21-2026']);
  }
  expect(panelEvents()).toEqual([]);
  const [answer] = await call(sealed("0001", "NBA1"));
  expect(answer).toMatch(/^"\*ACK"0001L0#ABCD\[/);
  expect(panelEvents()).toHaveLength(1);
});

it("wants a time in every encrypted frame", async () => {
  expect(await call(sealed("0001", "NBA1", ""))).toEqual([expect.stringMatching(/^"NAK"/)]);
});

it("gives an unknown account no answer, tells it once a minute and names it in a discovery [SIA-04]", async () => {
  for (let round = 0; round < 3; round++)
    expect(await call(frame('"SIA-DCS"0001L0#9999[#9999|NBA1]'), 0)).toEqual(['"ACK"9999L0#1234[]']);
  expect(recording.events.filter(({ kind }) => kind === "unknownAccount")).toMatchObject([
    { device: "park/gw-1/gateway", data: { account: "9999", from: "127.0.0.1" } },
  ]);
  const found = await driver.act({
    device: panelBinding("x", { account: "1234" }, {}).device,
    action: "discover",
    params: {},
  });
  expect(found.status === "done" && JSON.parse(Buffer.from(found.blob?.bytes ?? []).toString())).toMatchObject({
    devices: [{ identity: "9999" }],
  });
});

it("refuses plain frames of an account that has a key, and frames of another key [SIA-05]", async () => {
  expect(await call(frame('"SIA-DCS"0001L0#ABCD[#ABCD|NBA1]'), 0)).toEqual(['"ACK"9999L0#1234[]']);
  expect(await call(sealed("0002", "NBA1", undefined, KEY_128), 0)).toEqual(['"ACK"9999L0#1234[]']);
  expect(panelEvents()).toEqual([]);
  expect(driver.counters()["notAuthentic"]).toBe(2);
  expect(recording.events).toMatchObject([{ kind: "notAuthentic", data: { reason: "notEncrypted" } }]);
});

it("takes several frames of one segment in order, and one that comes byte by byte [SIA-06]", async () => {
  const three = Buffer.concat([plain("0001", "NBA1"), plain("0002", "NBR1"), plain("0003", "NRP0")]);
  expect(await call(three, 3)).toEqual(['"ACK"0001L0#1234[]', '"ACK"0002L0#1234[]', '"ACK"0003L0#1234[]']);
  expect(panelEvents().map(({ data }) => data?.["code"])).toEqual(["BA", "BR", "RP"]);
  expect(recording.latest(pointId("park/gw-1/plain/zone-1"))).toMatchObject({ value: false, quality: "good" });
  const values = recording.samples.filter(({ point }) => point === "park/gw-1/plain/zone-1").map(({ value }) => value);
  expect(values).toContain(true);
});

it("answers over UDP as over TCP", async () => {
  const socket = createSocket("udp4");
  socket.send(plain("0001", "NBA1"), driver.port, "127.0.0.1");
  const [bytes] = (await once(socket, "message")) as [Uint8Array];
  socket.close();
  expect(new FrameReader().push(bytes)).toMatchObject([{ body: '"ACK"0001L0#1234[]' }]);
});

it("is not answered where the CRC or the length is wrong: the panel repeats", async () => {
  const wrong = Buffer.from(plain("0001", "NBA1"));
  wrong[1] = wrong[1] === 0x30 ? 0x31 : 0x30;
  expect(await call(wrong, 0)).toEqual(['"ACK"9999L0#1234[]']);
  expect(driver.counters()["crcErrors"]).toBe(1);
});

it("says DUH to what it understands as a frame but can make nothing of", async () => {
  expect(await call(plain("0001", "what?"))).toEqual(['"DUH"0001L0#1234[]']);
  expect(await call(frame('"SIA-PUL"0002L0#1234[#1234|x]'))).toEqual(['"DUH"0002L0#1234[]']);
});

it("keeps a code it does not know as an event of its own", async () => {
  expect(await call(plain("0001", "NQX7"))).toEqual(['"ACK"0001L0#1234[]']);
  expect(panelEvents()).toMatchObject([{ data: { code: "QX", class: "other", zone: "7" } }]);
});

it("makes a condition of an alarm in a zone that no point of the site shows", async () => {
  await call(plain("0001", "NFA9"));
  expect(recording.conditions).toMatchObject([
    { complete: false, conditions: [{ condition: "zoneAlarm.9", active: true, category: "fire" }] },
  ]);
  await call(plain("0002", "NBA1"));
  expect(recording.conditions).toHaveLength(1);
});

it("makes another alarm of a second report of a panel that tells no restores, and none of a repeat", async () => {
  const values = (): readonly unknown[] =>
    recording.samples.filter(({ point }) => point === pointId("park/gw-1/plain/zone-1")).map(({ value }) => value);
  await call(plain("0001", "NBA1"));
  const before = values().length;
  await call(plain("0002", "NBA1"));
  expect(values().slice(before)).toEqual([false, true]);
  storing = () => Promise.reject(new Error("full"));
  await call(plain("0003", "NBA1"), 0);
  storing = async () => undefined;
  await call(plain("0003", "NBA1"));
  expect(values().slice(before)).toEqual([false, true, false, true, true]);
  await call(frame('"ADM-CID"0004L0#1234[#1234|6130 01 001]'));
  expect(values().slice(before + 5)).toEqual([true]);
  await call(plain("0005", "NHA8"));
  await call(plain("0006", "NHA8"));
  expect(recording.conditions.flatMap(({ conditions }) => conditions.map(({ active }) => active))).toEqual([
    true,
    false,
    true,
  ]);
});

it("serves the first of two devices of one account and says of the other that it is configured wrongly", async () => {
  await driver.bind(["first", "second"].map((slot) => panelBinding(slot, { account: "1234" }, ZONE)));
  await call(plain("0001", "NBA1"));
  expect(recording.latest(pointId("park/gw-1/first/zone-1"))).toMatchObject({ value: true, quality: "good" });
  expect(recording.states.find(({ device }) => device === "park/gw-1/second")).toMatchObject({
    online: false,
    reason: "configError",
  });
  expect(recording.latest(pointId("park/gw-1/second/zone-1"))).toMatchObject({ quality: "bad", reason: "configError" });
});

it("closes a connection on which nobody who is known speaks, and keeps the others", async () => {
  const quick = await start({ frameTimeoutMs: 100 });
  const known = createConnection({ host: "127.0.0.1", port: quick.port });
  known.write(frame('"NULL"0001L0#1234[]'));
  await once(known, "data");
  const idle = createConnection({ host: "127.0.0.1", port: quick.port });
  idle.resume();
  await once(idle, "close");
  expect(known.destroyed || known.readableEnded).toBe(false);
  known.destroy();
});

it("tells the loss of supervision once and its return once [SIA-08]", async () => {
  await call(sealed("0001", "NRP0"));
  const device = "park/gw-1/sealed";
  const told = () => recording.states.filter((state) => state.device === device).map(({ online }) => online);
  expect(told()).toEqual([true]);
  clock.advance(34_000);
  expect(told()).toEqual([true]);
  clock.advance(2_000);
  clock.advance(60_000);
  expect(told()).toEqual([true, false]);
  expect(recording.latest(pointId(`${device}/zone-1`))).toMatchObject({ quality: "bad", reason: "commLost" });
  await call(frame(`"*NULL"0002L0#ABCD[${encrypt(`]${formatTimestamp(clock.now())}`, Buffer.from(KEY_256, "hex"))}`));
  expect(told()).toEqual([true, false, true]);
  expect(recording.latest(pointId(`${device}/zone-1`))).toMatchObject({ value: false, quality: "good" });
});

it("knows the states of its panels after a restart, because a panel tells changes only", async () => {
  await call(plain("0001", "NBA1"));
  await call(plain("0002", "Nri1/CL5"));
  await driver.stop();
  driver = await start();
  expect(recording.latest(pointId("park/gw-1/plain/zone-1"))).toMatchObject({ value: true, quality: "good" });
  expect(recording.latest(pointId("park/gw-1/plain/armed"))).toMatchObject({ value: true });
});

it("keeps only so many states of zones that no point shows, and still every one that a point does", async () => {
  for (let round = 0; round < 12; round++) {
    const zones = Array.from({ length: 450 }, (_, at) => `BA${(0x1000 + round * 450 + at).toString(16)}`);
    await call(plain(String(round + 1).padStart(4, "0"), `N${zones.join("/").toUpperCase()}`));
  }
  await call(plain("0013", "NBA1"));
  expect(recording.latest(pointId("park/gw-1/plain/zone-1"))).toMatchObject({ value: true });
  await driver.stop();
  const memory = new Memory(folder.path, silentLogger);
  const states = memory.states("1234");
  memory.close();
  expect(states.get("zoneAlarm.1")).toBe(true);
  expect(states.size).toBeLessThan(4_100);
});

it("does not lose a panel that is not supervised because the gateway was restarted", async () => {
  await call(plain("0001", "NBA1"));
  await driver.stop();
  driver = await start();
  clock.advance(3_600_000);
  const told = recording.states.filter(({ device }) => device === "park/gw-1/plain").map(({ online }) => online);
  expect(told).toEqual([true]);
  expect(recording.latest(pointId("park/gw-1/plain/zone-1"))).toMatchObject({ value: true, quality: "good" });
});

it("keeps a connection on which frames come all the time, wherever its segments are cut", async () => {
  const socket = createConnection({ host: "127.0.0.1", port: driver.port });
  const rounds = 6;
  const stream = Buffer.concat(
    Array.from({ length: rounds + 1 }, (_, at) => plain(String(at + 1).padStart(4, "0"), "NRP0")),
  );
  const length = stream.length / (rounds + 1);
  for (let round = 0; round < rounds; round++) {
    // each segment holds the end of one frame and the beginning of the next
    socket.write(stream.subarray(round === 0 ? 0 : round * length + 4, (round + 1) * length + 4));
    await expect.poll(() => panelEvents().length).toBe(round + 1);
    clock.advance(4_000);
  }
  expect(await call(plain("0009", "NRP0"))).toHaveLength(1);
  expect(socket.destroyed || socket.readableEnded).toBe(false);
  socket.destroy();
});

it("closes a connection that holds a frame back, and one that only sends what must be refused", async () => {
  const slow = createConnection({ host: "127.0.0.1", port: driver.port });
  const closed = once(slow, "close");
  slow.write("\nF4D2");
  await expect.poll(() => driver.counters()["connections"]).toBe(1);
  await expect
    .poll(() => {
      clock.advance(10_000);
      return slow.destroyed || slow.readableEnded;
    })
    .toBe(true);
  await closed;
  const stranger = createConnection({ host: "127.0.0.1", port: driver.port });
  stranger.on("error", () => stranger.destroy());
  for (let round = 0; round < 20; round++) stranger.write(frame(`"NULL"${String(round).padStart(4, "0")}L0#9999[]`));
  await once(stranger, "close");
  expect(driver.counters()["unknownAccounts"]).toBe(20);
});

it("serves ten thousand accounts [SIA-07]", async () => {
  const accounts = Array.from({ length: 10_000 }, (_, at) => (0x10000 + at).toString(16).toUpperCase());
  await driver.bind(accounts.map((account) => panelBinding(`panel-${account}`, { account, supervisionS: 60 }, ZONE)));
  const chosen = accounts.filter((_, at) => at % 25 === 0);
  const burst = Buffer.concat(
    chosen.map((account, at) =>
      frame(`"SIA-DCS"${String((at % 9999) + 1).padStart(4, "0")}L0#${account}[#${account}|NBA1]`),
    ),
  );
  const answers = await call(burst, chosen.length);
  expect(answers).toHaveLength(400);
  expect(new Set(panelEvents().map(({ device }) => device)).size).toBe(400);
}, 60_000);

it("ends a panic alarm by itself, because nobody tells the end of a pressed button", async () => {
  await driver.bind([
    panelBinding("plain", { account: "1234" }, { ...ZONE, panic: { signal: "panic" } }),
    panelBinding("mute", { account: "5678", restores: false }, ZONE),
  ]);
  await call(plain("0001", "NPA0"));
  const panic = pointId("park/gw-1/plain/panic");
  expect(recording.latest(panic)?.value).toBe(true);
  clock.advance(6_000);
  expect(recording.latest(panic)).toMatchObject({ value: false, quality: "good" });
  await call(frame('"SIA-DCS"0002L0#5678[#5678|NBA1]'));
  await call(frame('"SIA-DCS"0003L0#5678[#5678|NBA9]'));
  const zone = pointId("park/gw-1/mute/zone-1");
  expect(recording.latest(zone)?.value).toBe(true);
  clock.advance(6_000);
  expect(recording.latest(zone)?.value).toBe(false);
  const told = recording.conditions.flatMap(({ conditions }) =>
    conditions.map(({ condition, active }) => [condition, active]),
  );
  expect(told).toEqual([
    ["zoneAlarm.9", true],
    ["zoneAlarm.9", false],
  ]);
});

it("keeps a zone alarm of a panel that tells restores until it does", async () => {
  await call(plain("0001", "NBA1"));
  clock.advance(60_000);
  expect(recording.latest(pointId("park/gw-1/plain/zone-1"))?.value).toBe(true);
});

it("invents neither a restore nor a second alarm when the gateway dies between the storing and the remembering", async () => {
  storing = () => new Promise(() => undefined);
  const cut = createConnection({ host: "127.0.0.1", port: driver.port });
  cut.on("error", () => cut.destroy());
  cut.write(plain("0001", "NBA1"));
  await expect.poll(panelEvents).toHaveLength(1);
  await driver.stop();
  storing = async () => undefined;
  driver = await start();
  const zone = pointId("park/gw-1/plain/zone-1");
  expect(recording.latest(zone)).toMatchObject({ value: true, quality: "good" });
  await call(plain("0001", "NBA1"));
  expect(recording.samples.filter(({ point, value }) => point === zone && value === false)).toEqual([]);
  // the panel's repeat is stored under the id that it had: the cloud keeps it once
  expect(panelEvents()).toHaveLength(1);
});
