import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { systemClock } from "#core/clock.ts";
import { decodeVideoFrame, type VideoFrame, type VideoReply, type VideoRequest } from "#core/contracts/video.ts";
import { silentLogger } from "#core/logger.ts";
import { VideoUplink, type VideoUplinkOptions } from "#edge/video/uplink.ts";
import { cameraStreams, streamAt } from "../unit/edge/video/cameras.ts";
import { type FilmStrip, filmStrip } from "../unit/edge/video/film-strip.ts";
import { ScriptedCamera } from "../unit/edge/video/scripted-camera.ts";

const CAMERA = "demo/gw-1/camera-1";
const FILM = filmStrip("baseline-320x180.h264");

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** The cloud's end of the link. */
class CloudEnd {
  readonly replies: VideoReply[] = [];
  readonly frames: VideoFrame[] = [];
  readonly requests: IncomingMessage[] = [];
  socket: WebSocket | undefined;
  readonly #http = createServer((_request, response) => response.writeHead(404).end());
  readonly #server = new WebSocketServer({ server: this.#http });

  static async start(): Promise<CloudEnd> {
    const cloud = new CloudEnd();
    cloud.#server.on("connection", (socket, request) => {
      cloud.socket = socket;
      cloud.requests.push(request);
      socket.on("message", (data: Buffer, binary) => {
        if (binary) cloud.frames.push(decodeVideoFrame(Uint8Array.from(data)));
        else cloud.replies.push(JSON.parse(data.toString("utf8")) as VideoReply);
      });
    });
    cloud.#http.listen(0, "127.0.0.1");
    await once(cloud.#http, "listening");
    open.push(cloud);
    return cloud;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  say(request: VideoRequest | string): void {
    this.socket?.send(typeof request === "string" ? request : JSON.stringify(request));
  }

  async close(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
    this.#http.closeAllConnections();
    this.#http.close();
  }
}

async function linked(film: FilmStrip = FILM, changes: Partial<VideoUplinkOptions> = {}) {
  const cloud = await CloudEnd.start();
  const source = await ScriptedCamera.start(film);
  const { streams, counts } = cameraStreams(async () => streamAt(source.uri()));
  open.push(source, streams);
  streams.configure([{ device: CAMERA }]);
  const uplink = new VideoUplink({
    cloud: async () => cloud.url,
    gateway: "demo/gw-1",
    authorization: "Basic abc",
    streams,
    clock: systemClock,
    logger: silentLogger,
    random: () => 0.5,
    count: (name, by = 1) => {
      counts[name] = (counts[name] ?? 0) + by;
    },
    times: { firstRetryMs: 50, longestRetryMs: 100, handshakeMs: 1_000, pingMs: 300 },
    ...changes,
  });
  open.push({ close: () => uplink.stop() });
  uplink.start();
  await expect.poll(() => uplink.up).toBe(true);
  return { cloud, source, uplink, counts };
}

const play: VideoRequest = { t: "play", stream: 7, camera: CAMERA, quality: "main" };

describe("the way of live video to the cloud", () => {
  it("is opened by the gateway, with its credential", async () => {
    const { cloud } = await linked();
    expect(cloud.requests[0]?.url).toBe("/api/v1/gateways/demo%2Fgw-1/video");
    expect(cloud.requests[0]?.headers.authorization).toBe("Basic abc");
  });

  it("carries the format, then pictures from a key picture on with the gateway's time, until it is told to stop", async () => {
    const { cloud, source } = await linked();
    cloud.say(play);
    await expect.poll(() => cloud.frames.length).toBeGreaterThan(60);
    expect(cloud.replies).toHaveLength(1);
    expect(cloud.replies[0]).toMatchObject({ t: "format", stream: 7, format: { mode: "h264", codec: "avc1.42C00C" } });
    expect(cloud.frames[0]).toMatchObject({ stream: 7, key: true, gap: false, kind: "h264" });
    const times = cloud.frames.map(({ capturedAt }) => capturedAt);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(Math.abs((times[0] ?? 0) - Date.now())).toBeLessThan(5_000);
    cloud.say({ t: "stop", stream: 7 });
    await expect.poll(() => source.connections).toBe(0);
  });

  it("carries many streams over one pull of the camera, each from a key picture on", async () => {
    const { cloud, source, uplink } = await linked();
    cloud.say(play);
    await expect.poll(() => cloud.frames.length).toBeGreaterThan(10);
    cloud.say({ ...play, stream: 8 });
    await expect.poll(() => cloud.frames.filter(({ stream }) => stream === 8).length).toBeGreaterThan(10);
    expect(cloud.frames.find(({ stream }) => stream === 8)?.key).toBe(true);
    expect(source.count("PLAY")).toBe(1);
    expect(uplink.pulls).toBe(2);
  });

  it("ends a stream that cannot be, with the reason, and takes requests that it does not know for nothing", async () => {
    const { cloud, counts, uplink } = await linked();
    cloud.say("{");
    cloud.say('{"t":"rewind","stream":1}');
    cloud.say({ ...play, camera: "demo/gw-1/nobody" });
    await expect.poll(() => cloud.replies.length).toBe(1);
    expect(cloud.replies[0]).toMatchObject({ t: "ended", stream: 7, code: "VIDEO_CAMERA_UNKNOWN" });
    expect(counts["unknownRequests"]).toBe(2);
    expect(uplink.up).toBe(true);
  });

  it("tells that a camera is away, and plays when it is asked again later", async () => {
    const { cloud, source } = await linked();
    await source.close();
    cloud.say(play);
    await expect
      .poll(() => cloud.replies.at(-1), { timeout: 15_000 })
      .toMatchObject({ t: "ended", code: "ECONNREFUSED" });
    await source.listen();
    cloud.say({ ...play, stream: 8 });
    await expect.poll(() => cloud.frames.length).toBeGreaterThan(3);
  });

  it("leaves pictures out up to the next key picture while the way is full, and says so", async () => {
    const ballast = Buffer.concat([Buffer.from([6]), Buffer.alloc(150_000, 0x55)]);
    const film = { ...FILM, pictures: FILM.pictures.map(({ nals, key }) => ({ key, nals: [ballast, ...nals] })) };
    const { cloud, counts } = await linked(film, {
      pressure: { stopAt: 400_000, goOnAt: 50_000 },
      times: { pingMs: 60_000 },
    });
    cloud.say(play);
    await expect.poll(() => cloud.frames.length).toBeGreaterThan(5);
    cloud.socket?.pause();
    await expect.poll(() => counts["droppedPictures"] ?? 0, { timeout: 15_000 }).toBeGreaterThan(40);
    cloud.socket?.resume();
    await expect.poll(() => cloud.frames.filter(({ gap }) => gap).length).toBeGreaterThan(0);
    for (const { gap, key } of cloud.frames) if (gap) expect(key).toBe(true);
    // between a gap and the next nothing is left out
    const first = cloud.frames.findIndex(({ gap }) => gap);
    await expect.poll(() => cloud.frames.length).toBeGreaterThan(first + 5);
    const after = cloud.frames.slice(first, first + 5).map(({ capturedAt }) => capturedAt);
    for (const [index, at] of after.entries()) if (index > 0) expect(at - (after[index - 1] ?? 0)).toBeLessThan(60);
  });

  it("is opened again when it breaks or dies without a word, and forgets what was pulled", async () => {
    const { cloud, source, uplink } = await linked();
    cloud.say(play);
    await expect.poll(() => cloud.frames.length).toBeGreaterThan(3);
    cloud.socket?.terminate();
    await expect.poll(() => cloud.requests.length).toBe(2);
    await expect.poll(() => source.connections).toBe(0);
    await expect.poll(() => uplink.up).toBe(true);
    // a cut cable: nothing is answered any more, no ping either
    cloud.socket?.pause();
    await expect.poll(() => cloud.requests.length).toBe(3);
  });

  it("does not follow a redirection to another place", async () => {
    const elsewhere = await CloudEnd.start();
    const http = createServer().on("upgrade", (_request, socket) => {
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${elsewhere.url}\r\nConnection: close\r\n\r\n`);
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    open.push({ close: async () => void http.close() });
    const { streams, counts } = cameraStreams(async () => streamAt(""));
    const uplink = new VideoUplink({
      cloud: async () => `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
      gateway: "demo/gw-1",
      authorization: "Basic abc",
      streams,
      clock: systemClock,
      logger: silentLogger,
      random: () => 0.5,
      count: (name, by = 1) => {
        counts[name] = (counts[name] ?? 0) + by;
      },
      times: { firstRetryMs: 30, longestRetryMs: 30 },
    });
    open.push({ close: () => uplink.stop() });
    uplink.start();
    await expect.poll(() => counts["linkLosses"] ?? 0).toBeGreaterThan(2);
    expect(elsewhere.requests).toEqual([]);
  });
});
