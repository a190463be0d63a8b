import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { type Clock, systemClock } from "#core/clock.ts";
import { decodeVideoFrame, type VideoFrame } from "#core/contracts/video.ts";
import { deviceId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { BlobQueue } from "#edge/blobs.ts";
import { type ClipRecord, Video } from "#edge/video/video.ts";
import type { ActionRequest, ActionResult } from "#protocols/driver.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";
import { LogLines, streamAt } from "../unit/edge/video/cameras.ts";
import { filmStrip } from "../unit/edge/video/film-strip.ts";
import { ScriptedCamera } from "../unit/edge/video/scripted-camera.ts";

const CAMERA = deviceId("demo/gw-1/camera-1");
const PASSWORD = "S3cret-of-the-camera";
const folder = temporaryFolders();
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** The cloud, as far as video needs it: takes blobs, and the link for live video. */
class Cloud {
  readonly blobs = new Map<string, Buffer>();
  readonly frames: VideoFrame[] = [];
  link: WebSocket | undefined;
  readonly #http: Server;
  readonly #links: WebSocketServer;

  private constructor() {
    this.#http = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.blobs.set(request.url?.split("/").at(-1) ?? "", Buffer.concat(chunks));
        response.writeHead(204).end();
      });
    });
    this.#links = new WebSocketServer({ server: this.#http });
    this.#links.on("connection", (socket) => {
      this.link = socket;
      socket.on("message", (data: Buffer, binary) => {
        if (binary) this.frames.push(decodeVideoFrame(Uint8Array.from(data)));
      });
    });
  }

  static async start(): Promise<Cloud> {
    const cloud = new Cloud();
    cloud.#http.listen(0, "127.0.0.1");
    await once(cloud.#http, "listening");
    open.push(cloud);
    return cloud;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const client of this.#links.clients) client.terminate();
    this.#links.close();
    this.#http.closeAllConnections();
    this.#http.close();
  }
}

async function gateway(clock: Clock = systemClock) {
  const cloud = await Cloud.start();
  const source = await ScriptedCamera.start(filmStrip("baseline-320x180.h264"), { rate: 25 });
  open.push(source);
  const clips: ClipRecord[] = [];
  const asked: ActionRequest[] = [];
  const log = new LogLines();
  const blobs = new BlobQueue({
    directory: join(folder(), "blobs"),
    cloud: () => cloud.url,
    gateway: "demo/gw-1",
    authorization: "Basic abc",
    clock: systemClock,
    logger: silentLogger,
  });
  await blobs.start();
  open.push({ close: () => blobs.stop() });
  const act = async (request: ActionRequest): Promise<ActionResult> => {
    asked.push(request);
    return streamAt(source.uri(), { username: "admin", password: PASSWORD });
  };
  const video = new Video({
    gateway: "demo/gw-1",
    authorization: "Basic abc",
    cloud: () => cloud.url,
    act,
    blobs,
    onClip: (clip) => clips.push(clip),
    clock,
    logger: log.logger,
    settings: { retry: { firstMs: 60, longestMs: 200, hopelessMs: 400 } },
    times: { beatMs: 100 },
  });
  open.push({ close: () => video.stop() });
  return { cloud, source, video, clips, asked, log };
}

describe("the gateway's video", () => {
  it("runs no thread while the site has no cameras", async () => {
    const { video } = await gateway();
    video.configure([], new Map());
    video.start();
    expect(video.running).toBe(false);
    expect(await video.recordClip({ camera: CAMERA, beforeMs: 1, afterMs: 1 })).toMatchObject({
      status: "refused",
      code: "VIDEO_NOT_AVAILABLE",
    });
  });

  it("stores a clip with the alarm that it belongs to, brings it to the cloud, and keeps the password to itself", async () => {
    const { cloud, video, clips, asked, log } = await gateway();
    video.start();
    video.configure([CAMERA], new Map([[CAMERA, 2_000]]));
    await expect.poll(() => video.counters["pictures"] ?? 0).toBeGreaterThan(20);
    expect(asked[0]).toEqual({ device: CAMERA, action: "streamUri", params: { quality: "main" } });
    const request = { camera: CAMERA, beforeMs: 500, afterMs: 600, alarm: "a1", occurrence: 3, run: "r1" };
    const before = Date.now();
    expect(await video.recordClip(request)).toEqual({ status: "done" });
    await expect.poll(() => clips.length).toBe(1);
    const [clip] = clips;
    expect(clip).toMatchObject({
      kind: "clip",
      contentType: "video/mp4",
      camera: CAMERA,
      alarm: "a1",
      occurrence: 3,
      run: "r1",
      width: 320,
      height: 180,
      timeBase: "arrival",
    });
    expect(clip).not.toHaveProperty("missing");
    expect(Math.abs((clip?.triggerAt ?? 0) - before)).toBeLessThan(200);
    expect(clip?.startedAt ?? 0).toBeLessThanOrEqual((clip?.triggerAt ?? 0) - 450);
    const sha256 = clip?.sha256 ?? "";
    await expect.poll(() => cloud.blobs.get(sha256)?.length).toBe(clip?.bytes);
    expect(
      createHash("sha256")
        .update(cloud.blobs.get(sha256) ?? "")
        .digest("hex"),
    ).toBe(sha256);
    expect(JSON.stringify([log.lines, clips])).not.toContain(PASSWORD);
  });

  it("shows live video to the cloud", async () => {
    const { cloud, video } = await gateway();
    video.configure([CAMERA], new Map());
    video.start();
    await expect.poll(() => cloud.link?.readyState).toBe(1);
    cloud.link?.send(JSON.stringify({ t: "play", stream: 1, camera: CAMERA, quality: "sub" }));
    await expect.poll(() => cloud.frames.length).toBeGreaterThan(10);
    expect(cloud.frames[0]?.key).toBe(true);
  });

  it("starts a thread that hangs anew, and a recording that ran goes on with what follows", async () => {
    const clock = new ManualClock(Date.now());
    const { video, clips, log } = await gateway(clock);
    video.configure([CAMERA], new Map([[CAMERA, 15_000]]));
    video.start();
    await expect.poll(() => video.counters["pictures"] ?? 0).toBeGreaterThan(5);
    expect(await video.recordClip({ camera: CAMERA, beforeMs: 5_000, afterMs: 8_000 })).toEqual({ status: "done" });
    // silent for 6 s, as the gateway sees it
    clock.advance(6_000);
    expect(video.running).toBe(false);
    expect(video.counters).toMatchObject({ threadEnds: 1, pendingClips: 1 });
    expect(log.lines.some((line) => line.includes("VIDEO_HANGS"))).toBe(true);
    clock.advance(500);
    await expect.poll(() => clips.length).toBe(1);
    expect(clips[0]?.missing).toMatch(/^the first (9|1\d)\.\d s: no video was held/);
    expect(video.counters).toMatchObject({ clips: 1, clipsFailed: 0, pendingClips: 0 });
  });

  it("stores what is recorded as a shorter clip before it stops", async () => {
    const { video, clips, source } = await gateway();
    video.configure([CAMERA], new Map([[CAMERA, 15_000]]));
    video.start();
    await expect.poll(() => video.counters["pictures"] ?? 0).toBeGreaterThan(20);
    expect(await video.recordClip({ camera: CAMERA, beforeMs: 200, afterMs: 60_000 })).toEqual({ status: "done" });
    await video.stop();
    expect(clips).toHaveLength(1);
    expect(clips[0]?.missing).toMatch(/the gateway stopped$/);
    await expect.poll(() => source.connections).toBe(0);
    expect(video.counters).toMatchObject({ pendingClips: 0 });
  });

  it("ends its thread with the last camera and begins again with the next", async () => {
    const { video, source } = await gateway();
    video.start();
    video.configure([CAMERA], new Map([[CAMERA, 15_000]]));
    await expect.poll(() => video.counters["pictures"] ?? 0).toBeGreaterThan(3);
    video.configure([], new Map());
    await expect.poll(() => source.connections).toBe(0);
    expect(video.running).toBe(false);
    const plays = source.count("PLAY");
    video.configure([CAMERA], new Map([[CAMERA, 15_000]]));
    await expect.poll(() => source.count("PLAY")).toBe(plays + 1);
    expect(video.counters["threadEnds"]).toBe(0);
  });
});
