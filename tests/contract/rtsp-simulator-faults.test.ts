import { afterEach, describe, expect, it } from "vitest";
import {
  type RtspClient,
  sequenceOf,
  unitsIn,
  unitType,
  type VideoField,
  videoField,
} from "./rtsp-simulator-client.ts";

let field: VideoField;
afterEach(() => field.close());

/** Lets a picture be taken and waits until the client has it whole. */
async function nextPicture(client: RtspClient): Promise<void> {
  const before = client.on(0).length;
  field.pictures(1);
  await expect
    .poll(() => client.on(0).length > before && ((client.on(0).at(-1)?.readUInt8(1) ?? 0) & 0x80) !== 0)
    .toBe(true);
}

/** Asks something that is answered for sure: when the answer is there, all that was sent before is too. */
async function settled(client: RtspClient): Promise<void> {
  expect((await client.send("OPTIONS", "*")).status).toBe(200);
}

const typesOf = (client: RtspClient, from = 0): number[] =>
  unitsIn(client.on(0).slice(from)).map(({ unit }) => unitType(unit));

describe("a fault of a camera's video", () => {
  it("is known by name and within the ranges of its options only", async () => {
    field = await videoField();
    const { faults } = field.server;
    expect(faults.kinds).toContain("video-loss");
    expect(() => faults.set("loss")).toThrow(expect.objectContaining({ code: "SIM_FAULT_UNKNOWN" }));
    for (const options of [{ percent: 101 }, { percent: "5" }, { share: 5 }, { percent: 0.5 }]) {
      expect(() => faults.set("video-packet-loss", options)).toThrow(
        expect.objectContaining({ code: "SIM_FAULT_OPTION_INVALID" }),
      );
    }
    expect(faults.active).toEqual([]);
    faults.set("video-loss");
    faults.set("video-packet-loss", { percent: 7 });
    expect(faults.active).toEqual(["video-loss", "video-packet-loss"]);
    faults.clear("video-loss");
    expect(faults.active).toEqual(["video-packet-loss"]);
    faults.clear();
    expect(faults.active).toEqual([]);
  });

  it("loses the picture and keeps the session, and comes back with a key picture", async () => {
    field = await videoField();
    const { client } = await field.play("sub");
    await nextPicture(client);
    field.server.faults.set("video-loss");
    const before = client.on(0).length;
    field.pictures(80);
    await settled(client);
    expect(client.on(0)).toHaveLength(before);
    expect(client.on(1).length).toBeGreaterThan(1);
    field.server.faults.clear("video-loss");
    field.pictures(25);
    await expect.poll(() => client.on(0).length).toBeGreaterThan(before);
    expect(typesOf(client, before)[0]).toBe(7);
  });

  it("forgets the connections of the moment without a word and serves new ones", async () => {
    field = await videoField();
    const { client } = await field.play("sub");
    await nextPicture(client);
    const received = client.received;
    field.server.faults.set("video-half-open");
    client.write("OPTIONS", "*");
    const fresh = await field.play("sub");
    await nextPicture(fresh.client);
    field.clock.advance(120_000);
    await settled(await field.connect());
    expect([client.received, client.closed]).toEqual([received, false]);
    expect(field.server.sessions).toBe(0);
  });

  it("answers a byte at a time, and the rest at once when it is over", async () => {
    field = await videoField();
    const client = await field.connect();
    field.server.faults.set("video-slow-bytes", { everyMs: 1000 });
    client.write("OPTIONS", "*");
    await expect.poll(() => field.server.requests.get("OPTIONS")).toBe(1);
    field.clock.advance(5000);
    await expect.poll(() => client.received).toBe(5);
    field.server.faults.clear();
    field.clock.advance(1000);
    expect((await client.answer()).status).toBe(200);
    await settled(client);
  });

  it("puts noise between the frames", async () => {
    field = await videoField();
    const { client } = await field.play("sub");
    await nextPicture(client);
    field.server.faults.set("video-garbage", { bytes: 1000, everyPictures: 1 });
    const before = client.received;
    field.pictures(1);
    await expect.poll(() => client.received - before).toBeGreaterThan(1000);
  });

  it("leaves packets out and counts on", async () => {
    field = await videoField();
    const { client } = await field.play();
    field.server.faults.set("video-packet-loss", { percent: 30 });
    field.pictures(100);
    await settled(client);
    const numbers = client.on(0).map(sequenceOf);
    const gaps = numbers.slice(1).map((number, at) => (number - (numbers[at] ?? 0)) & 0xffff);
    expect(gaps.every((gap) => gap > 0 && gap < 100)).toBe(true);
    const lost = gaps.reduce((sum, gap) => sum + gap - 1, 0) / (numbers.length + 1);
    expect(lost).toBeGreaterThan(0.2);
  });

  it("lets packets change places and loses none", async () => {
    field = await videoField();
    const { client } = await field.play();
    field.server.faults.set("video-reorder", { percent: 50 });
    field.pictures(60);
    await settled(client);
    const numbers = client.on(0).map(sequenceOf);
    const start = Math.min(...numbers.slice(0, 3));
    const offsets = numbers.map((number) => (number - start) & 0xffff);
    expect([...offsets].sort((a, b) => a - b)).toEqual(offsets.map((_, at) => at));
    expect(offsets).not.toEqual([...offsets].sort((a, b) => a - b));
  });

  it("changes the size of the picture in the middle of the stream, and tells it to who asks then", async () => {
    field = await videoField();
    const { client } = await field.play();
    await nextPicture(client);
    const [former] = unitsIn(client.on(0));
    field.server.faults.set("video-resolution-change");
    const before = client.on(0).length;
    await nextPicture(client);
    const units = unitsIn(client.on(0).slice(before));
    expect(units.map(({ unit }) => unitType(unit))).toEqual([7, 8, 5]);
    expect(units[0]?.unit.equals(former?.unit ?? Buffer.alloc(0))).toBe(false);
    const other = await field.connect();
    const { body } = await other.ask("DESCRIBE", field.server.url("main"));
    expect(body).toContain(units[0]?.unit.toString("base64"));
  });

  it("tells the main stream to be H.265 and sends none, while the other is H.264", async () => {
    field = await videoField();
    field.server.faults.set("video-h265");
    const main = await field.play("main");
    const sub = await field.play("sub");
    const described = await main.client.ask("DESCRIBE", field.server.url("main"));
    expect(described.body).toContain("a=rtpmap:96 H265/90000");
    expect((await main.client.ask("DESCRIBE", field.server.url("sub"))).body).toContain("a=rtpmap:96 H264/90000");
    await nextPicture(sub.client);
    await settled(main.client);
    expect(main.client.on(0)).toEqual([]);
  });

  it("takes no password", async () => {
    field = await videoField();
    field.server.faults.set("video-wrong-password");
    const client = await field.connect();
    expect((await client.ask("DESCRIBE", field.server.url("main"))).status).toBe(401);
    field.server.faults.clear("video-wrong-password");
    expect((await client.ask("DESCRIBE", field.server.url("main"))).status).toBe(200);
  });

  it("ends sessions before their time", async () => {
    field = await videoField();
    field.server.faults.set("video-session-cut", { afterMs: 2000 });
    const { client } = await field.play("sub");
    field.pictures(40);
    await expect.poll(() => client.closed).toBe(true);
  });

  it("lets sessions live that nobody asks for", async () => {
    field = await videoField({ sessionTimeoutSeconds: 5 });
    field.server.faults.set("video-session-kept");
    const { client } = await field.play("sub");
    field.clock.advance(70_000);
    await settled(client);
    expect(field.server.sessions).toBe(1);
    expect(client.on(1).at(-1)?.readUInt8(1)).toBe(200);
  });

  it("sends no key picture, also to whoever comes later", async () => {
    field = await videoField();
    const { client } = await field.play("sub");
    await nextPicture(client);
    field.server.faults.set("video-no-key-frames");
    const late = await field.play("sub");
    field.pictures(300);
    for (const one of [client, late.client]) await settled(one);
    expect(typesOf(client).filter((type) => type === 5)).toHaveLength(1);
    expect(new Set(typesOf(late.client))).toEqual(new Set([1]));
  });

  it("sends a NAL unit of a size that nobody should keep", async () => {
    field = await videoField();
    field.server.faults.set("video-huge-nal", { bytes: 3_000_000 });
    const { client } = await field.play("sub");
    await nextPicture(client);
    const units = unitsIn(client.on(0)).map(({ unit }) => unit);
    expect(units.slice(0, 4).map(unitType)).toEqual([7, 8, 5, 12]);
    expect(units[3]?.length).toBe(3_000_000);
  });
});

describe("a camera's video", () => {
  it("says nothing while its cable is cut, and goes on with a key picture", async () => {
    field = await videoField();
    const { client } = await field.play("sub");
    await nextPicture(client);
    const received = client.received;
    const before = client.on(0).length;
    field.server.silence();
    client.write("OPTIONS", "*");
    const late = await field.connect();
    late.write("OPTIONS", "*");
    field.pictures(5);
    await expect.poll(() => field.server.requests.get("OPTIONS")).toBe(2);
    field.server.restore();
    await settled(client);
    expect(client.on(0)).toHaveLength(before);
    expect([client.waiting, late.received]).toEqual([0, 0]);
    expect(client.received - received).toBeLessThan(300);
    field.pictures(25);
    await expect.poll(() => client.on(0).length).toBeGreaterThan(before);
    expect(typesOf(client, before)[0]).toBe(7);
  });

  it("loses connections and sessions in a power cycle and comes back at the same address", async () => {
    field = await videoField();
    const { client, session } = await field.play("sub");
    const { port } = field.server.address;
    const { challenge } = client;
    const up = field.server.reboot(3000);
    await expect.poll(() => client.closed).toBe(true);
    expect(field.server.watched).toBe(false);
    await expect.poll(() => field.clock.pending).toBe(1);
    await expect(field.connect()).rejects.toThrow("ECONNREFUSED");
    field.clock.advance(3000);
    await up;
    expect(field.server.address.port).toBe(port);
    const fresh = await field.connect();
    fresh.challenge = challenge;
    // What it handed out before means nothing to it.
    expect((await fresh.ask("DESCRIBE", field.server.url("sub"))).status).toBe(401);
    fresh.challenge = "";
    expect((await fresh.ask("PLAY", field.server.url("sub"), { Session: session })).status).toBe(454);
  });

  it("stays closed when it is closed during a power cycle", async () => {
    field = await videoField();
    const up = field.server.reboot(3000);
    await expect.poll(() => field.clock.pending).toBe(1);
    await field.server.close();
    field.clock.advance(3000);
    await up;
    await expect(field.connect()).rejects.toThrow("ECONNREFUSED");
  });

  it("says which port it could not have", async () => {
    field = await videoField();
    await expect(videoField({ port: field.server.address.port })).rejects.toMatchObject({
      code: "SIM_VIDEO_LISTEN_FAILED",
    });
  });
});
