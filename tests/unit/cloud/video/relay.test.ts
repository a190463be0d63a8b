import { beforeEach, describe, expect, it } from "vitest";
import type { GatewayVideoLine } from "#cloud/media-ports.ts";
import { VideoRelay } from "#cloud/video/relay.ts";
import type { VideoFormat } from "#core/contracts/video.ts";
import { gatewayId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { H264, JPEGS, picture, RecordedSocket } from "./video-sockets.ts";

const GW = gatewayId("park/gw-1");
const CAMERA = "park/gw-1/cam-1";
const OTHER = "park/gw-1/cam-2";

let clock: ManualClock;
let relay: VideoRelay;
let gateway: RecordedSocket;
let line: GatewayVideoLine;
beforeEach(() => {
  clock = new ManualClock(1_800_000_000_000);
  relay = new VideoRelay({ clock, logger: silentLogger, limits: { viewersOfCamera: 3, viewers: 4 } });
  gateway = new RecordedSocket();
  line = relay.connect(GW, gateway);
});

function watch(camera = CAMERA, quality: "main" | "sub" = "main") {
  const socket = new RecordedSocket();
  return { socket, leave: relay.watch(camera, quality, socket) };
}
const format = (stream: number, given: VideoFormat = H264) =>
  line.text(JSON.stringify({ t: "format", stream, format: given }));
const frame = (stream: number, at: number, more: Parameters<typeof picture>[2] = {}) =>
  line.binary(picture(stream, at, more));
const key = { key: true } as const;

describe("live video", () => {
  it("is pulled once for all who watch a camera, and goes to them without the gateway's stream number", () => {
    const [a, b] = [watch(), watch()];
    expect(gateway.asked).toEqual([{ t: "play", stream: 1, camera: CAMERA, quality: "main" }]);
    format(1);
    frame(1, 100, key);
    frame(1, 140);
    for (const { socket } of [a, b]) {
      expect(socket.told).toEqual([{ t: "format", format: H264 }]);
      expect(socket.pictures).toEqual(["key 100", "140"]);
      expect(socket.frames.map(({ stream }) => stream)).toEqual([0, 0]);
    }
    expect(relay.counters).toMatchObject({ gateways: 1, pulls: 1, viewers: 2, frames: 2, dropped: 0 });
  });

  it("of another camera or quality is pulled by itself", () => {
    watch();
    watch(CAMERA, "sub");
    watch(OTHER);
    expect(gateway.asked.map((one) => one.t === "play" && `${one.camera} ${one.quality} ${one.stream}`)).toEqual([
      `${CAMERA} main 1`,
      `${CAMERA} sub 2`,
      `${OTHER} main 3`,
    ]);
  });

  it("shows somebody who joins all since the last key frame at once", () => {
    watch();
    format(1);
    frame(1, 0, key);
    frame(1, 40);
    frame(1, 80, key);
    frame(1, 120);
    const { socket } = watch();
    expect(socket.told).toEqual([{ t: "format", format: H264 }]);
    expect(socket.pictures).toEqual(["key 80", "120"]);
    frame(1, 160);
    expect(socket.pictures).toEqual(["key 80", "120", "160"]);
  });

  it("with key frames far apart shows who joins the last one, and goes on at the next, which tells of the gap", () => {
    watch();
    format(1);
    frame(1, 0, { key: true, bytes: 100_000 });
    for (let at = 40; at <= 800; at += 40) frame(1, at, { bytes: 100_000 });
    const { socket } = watch();
    expect(socket.pictures).toEqual(["key 0"]);
    frame(1, 840, { bytes: 1000 });
    expect(socket.pictures).toEqual(["key 0"]);
    frame(1, 880, key);
    frame(1, 920);
    expect(socket.pictures).toEqual(["key 0", "gap key 880", "920"]);
  });

  it("begins with a key frame, also after a new format", () => {
    const { socket } = watch();
    format(1);
    frame(1, 0);
    frame(1, 40, key);
    const larger = { ...H264, width: 1920 };
    format(1, larger);
    frame(1, 80);
    frame(1, 120, key);
    expect(socket.pictures).toEqual(["key 40", "key 120"]);
    expect(socket.told).toEqual([
      { t: "format", format: H264 },
      { t: "format", format: larger },
    ]);
  });

  it("as single pictures needs no key frame", () => {
    const { socket } = watch();
    format(1, JPEGS);
    frame(1, 0, { kind: "jpeg" });
    frame(1, 1000, { kind: "jpeg" });
    const late = watch();
    expect(socket.pictures).toEqual(["0", "1000"]);
    expect(late.socket.pictures).toEqual(["1000"]);
  });

  it("stops five seconds after the last has gone, and not when somebody comes meanwhile", () => {
    const first = watch();
    format(1);
    frame(1, 0, key);
    first.leave();
    clock.advance(4900);
    const second = watch();
    expect(second.socket.pictures).toEqual(["key 0"]);
    clock.advance(10_000);
    expect(gateway.asked).toHaveLength(1);
    second.leave();
    second.leave();
    clock.advance(5000);
    expect(gateway.asked.at(-1)).toEqual({ t: "stop", stream: 1 });
    expect(relay.counters).toMatchObject({ pulls: 0, viewers: 0 });
    frame(1, 5000, key);
    expect([relay.counters.late, relay.counters.malformed, gateway.closed]).toEqual([1, 0, undefined]);
    watch();
    expect(gateway.asked.at(-1)).toEqual({ t: "play", stream: 2, camera: CAMERA, quality: "main" });
  });
});

describe("a viewer that is slow", () => {
  it("loses pictures up to a key frame, never waits for more than two megabytes, and holds nobody else back", () => {
    const [slow, quick] = [watch(), watch()];
    slow.socket.isSlow = true;
    format(1);
    frame(1, 0, { key: true, bytes: 500_000 });
    for (let at = 1; at <= 40; at++) frame(1, at, { bytes: 100_000 });
    expect(slow.socket.bufferedAmount).toBeLessThanOrEqual(2_000_000);
    expect(slow.socket.frames).toHaveLength(15);
    expect(quick.socket.frames).toHaveLength(41);
    frame(1, 50, { key: true, bytes: 500_000 });
    expect(slow.socket.frames).toHaveLength(15);
    slow.socket.drain();
    frame(1, 51);
    expect(slow.socket.frames).toHaveLength(15);
    frame(1, 60, key);
    frame(1, 61);
    expect(slow.socket.pictures.slice(15)).toEqual(["gap key 60", "61"]);
    expect(quick.socket.pictures.slice(-2)).toEqual(["key 60", "61"]);
    expect(relay.counters.dropped).toBe(28);
  });

  it("is closed when it has not caught up for fifteen seconds", () => {
    const slow = watch();
    format(1);
    frame(1, 0, key);
    slow.socket.bufferedAmount = 3_000_000;
    for (let at = 1; at <= 16; at++) {
      frame(1, at * 1000, key);
      clock.advance(1000);
    }
    expect(slow.socket.closed).toEqual({ code: 4008, reason: "too slow" });
    slow.leave();
    expect(relay.counters.viewers).toBe(0);
  });
});

describe("a pull", () => {
  const ended = (code: string) => ({ told: { t: "ended", code, message: expect.any(String) }, closed: 1000 });
  const endOf = (socket: RecordedSocket) => ({ told: socket.told.at(-1), closed: socket.closed?.code });

  it("whose gateway holds no line is told as ended at once", () => {
    const { socket, leave } = watch("park/gw-2/cam-9");
    expect(endOf(socket)).toEqual(ended("VIDEO_GATEWAY_OFFLINE"));
    leave();
    expect(relay.counters.viewers).toBe(0);
  });

  it("ends with the gateway's words, cut to a bearable length", () => {
    const { socket } = watch();
    line.text(JSON.stringify({ t: "ended", stream: 1, code: "RTSP_REFUSED", message: "x".repeat(10_000) }));
    expect(endOf(socket)).toEqual(ended("RTSP_REFUSED"));
    expect(socket.texts.at(-1)?.length).toBeLessThan(400);
    expect(relay.counters.pulls).toBe(0);
  });

  it("ends when the line is lost, and the next viewer starts anew on the next line", () => {
    const { socket } = watch();
    line.closed();
    line.closed();
    expect(endOf(socket)).toEqual(ended("VIDEO_LINK_LOST"));
    const again = new RecordedSocket();
    line = relay.connect(GW, again);
    watch();
    expect(again.asked).toEqual([{ t: "play", stream: 2, camera: CAMERA, quality: "main" }]);
  });

  it("ends when a newer line replaces the older, whose words count no more", () => {
    const { socket } = watch();
    const old = line;
    const newer = new RecordedSocket();
    relay.connect(GW, newer);
    expect(gateway.closed).toEqual({ code: 1000, reason: "replaced by a newer connection" });
    expect(endOf(socket)).toEqual(ended("VIDEO_LINK_LOST"));
    watch();
    old.binary(new Uint8Array(3));
    old.closed();
    expect(newer.asked).toHaveLength(1);
    expect(relay.counters).toMatchObject({ gateways: 1, pulls: 1, malformed: 0 });
  });

  it("ends when the gateway says nothing for twenty seconds, or falls silent for thirty", () => {
    const first = watch();
    clock.advance(20_000);
    expect(endOf(first.socket)).toEqual(ended("VIDEO_NO_ANSWER"));
    const second = watch();
    format(2);
    for (let at = 0; at < 5; at++) {
      frame(2, at, key);
      clock.advance(20_000);
    }
    expect(second.socket.closed).toBeUndefined();
    clock.advance(10_000);
    expect(endOf(second.socket)).toEqual(ended("VIDEO_SILENT"));
    expect(gateway.asked.filter(({ t }) => t === "stop").map(({ stream }) => stream)).toEqual([1, 2]);
    expect(clock.pending).toBe(0);
  });

  it("is refused to more viewers than are allowed for a camera or in all", () => {
    for (let i = 0; i < 3; i++) watch();
    expect(endOf(watch().socket)).toEqual(ended("VIDEO_TOO_MANY_VIEWERS"));
    const fourth = watch(OTHER);
    expect(endOf(watch(OTHER).socket)).toEqual(ended("VIDEO_TOO_MANY_VIEWERS"));
    expect(relay.counters).toMatchObject({ viewers: 4, refused: 2 });
    fourth.leave();
    expect(watch(OTHER).socket.told).toEqual([]);
  });

  it("ends for all when the service stops", () => {
    const { socket } = watch();
    relay.close();
    expect(endOf(socket)).toEqual(ended("VIDEO_CLOSED"));
    expect([gateway.closed?.code, clock.pending]).toEqual([1000, 0]);
  });
});

describe("a gateway that speaks wrongly", () => {
  const wrongs: readonly (readonly [string, () => void])[] = [
    ["a text that is no JSON", () => line.text("{")],
    ["a reply of no known kind", () => line.text(JSON.stringify({ t: "hello", stream: 1 }))],
    ["a format of no known mode", () => line.text(JSON.stringify({ t: "format", stream: 1, format: { mode: "x" } }))],
    ["an endless text", () => line.text(" ".repeat(100_000))],
    ["a picture shorter than its head", () => line.binary(new Uint8Array(16))],
    ["a picture of no known kind", () => line.binary(Uint8Array.from({ length: 30 }, () => 7))],
    ["a picture before the format", () => frame(1, 0, key)],
    [
      "a JPEG in a stream of H.264",
      () => {
        format(1);
        frame(1, 0, { kind: "jpeg" });
      },
    ],
  ];
  it.each(wrongs)("with %s is counted and closed, and its viewers are told", (_what, speak) => {
    const { socket } = watch();
    speak();
    expect(gateway.closed).toEqual({ code: 1008, reason: "malformed message" });
    expect(socket.told.at(-1)).toMatchObject({ t: "ended", code: "VIDEO_LINK_LOST" });
    expect(relay.counters).toMatchObject({ malformed: 1, gateways: 0, pulls: 0 });
    frame(1, 0, key);
    expect(relay.counters.malformed).toBe(1);
  });
});
