import { afterEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import type { CameraStreams } from "#edge/video/camera-streams.ts";
import type { ActionResult } from "#protocols/driver.ts";
import { createCamera } from "#simulators/devices/camera.ts";
import { serveVideo, type VideoServer } from "#simulators/servers/rtsp.ts";
import { Collector, cameraStreams, streamAt } from "../unit/edge/video/cameras.ts";
import { filmStrip } from "../unit/edge/video/film-strip.ts";
import { response, ScriptedCamera } from "../unit/edge/video/scripted-camera.ts";

const CAMERA = "demo/gw-1/camera-1";
const FILM = filmStrip("baseline-320x180.h264");
const OTHER_FILM = filmStrip("b-pictures-256x144.h264");
const HEVC = filmStrip("hevc-256x144.h265");

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function camera(film = FILM, changes: Parameters<typeof ScriptedCamera.start>[1] = {}): Promise<ScriptedCamera> {
  const started = await ScriptedCamera.start(film, changes);
  open.push(started);
  return started;
}

function pulled(answers: (quality: string) => ActionResult, changes: Parameters<typeof cameraStreams>[1] = {}) {
  const made = cameraStreams(async (_device, action, { quality = "" }) => {
    if (action === "streamUri") return answers(quality);
    return { status: "done", blob: { contentType: "image/jpeg", bytes: Buffer.from("ffd8ffd9", "hex") } };
  }, changes);
  open.push(made.streams);
  made.streams.configure([{ device: CAMERA }]);
  return made;
}

function streamOf(streams: CameraStreams, quality: "main" | "sub" = "main") {
  const stream = streams.get(CAMERA, quality);
  if (stream === undefined) throw new Error("the camera is configured");
  return stream;
}

describe("a camera's stream", () => {
  it("is pulled once for all who look, from a key picture on for each, and let go with the last of them", async () => {
    const source = await camera();
    const { streams } = pulled(() => streamAt(source.uri()));
    const stream = streamOf(streams);
    const first = new Collector();
    const leaveFirst = stream.add(first, { replay: true });
    await expect.poll(() => first.pictures.length).toBeGreaterThan(30);
    const second = new Collector();
    const leaveSecond = stream.add(second, { replay: true });
    expect(second.formats).toEqual(first.formats);
    expect(second.pictures[0]?.key).toBe(true);
    await expect.poll(() => second.pictures.length).toBeGreaterThan(30);
    expect(first.formats).toHaveLength(1);
    expect(first.formats[0]).toMatchObject({
      mode: "h264",
      quality: "main",
      codec: "avc1.42C00C",
      width: 320,
      height: 180,
    });
    expect(source.count("PLAY")).toBe(1);
    leaveFirst();
    expect(source.count("TEARDOWN")).toBe(0);
    leaveSecond();
    await expect.poll(() => source.count("TEARDOWN")).toBe(1);
    await expect.poll(() => source.connections).toBe(0);
  });

  it("keeps its session alive, by OPTIONS where the camera knows nothing else", async () => {
    const source = await camera(FILM, { session: "1;timeout=4" });
    const { streams } = pulled(() => streamAt(source.uri()));
    const stream = streamOf(streams);
    stream.add(new Collector(), { replay: true });
    await expect.poll(() => source.count("GET_PARAMETER")).toBe(1);
    expect(source.requests.at(-1)?.headers.get("session")).toBe("1");
    source.script.answer = ({ method, cseq }) =>
      method === "GET_PARAMETER" ? response(501, { CSeq: cseq }) : undefined;
    await expect.poll(() => source.count("GET_PARAMETER")).toBe(2);
    const before = source.count("OPTIONS");
    await expect.poll(() => source.count("OPTIONS")).toBe(before + 1);
    expect(source.count("PLAY")).toBe(1);
  });

  it("comes back after the camera's reboot, with the gap told, and the fault is logged once", async () => {
    const source = await camera();
    const { streams, log } = pulled(() => streamAt(source.uri()));
    const viewer = new Collector();
    streamOf(streams).add(viewer, { replay: true });
    await expect.poll(() => viewer.pictures.length).toBeGreaterThan(5);
    await source.close();
    await expect.poll(() => viewer.failures.length).toBeGreaterThan(2);
    const seen = viewer.pictures.length;
    await source.listen();
    await expect.poll(() => viewer.pictures.length).toBeGreaterThan(seen);
    expect(viewer.pictures[seen]?.key).toBe(true);
    expect(viewer.formats).toHaveLength(2);
    const told = log.lines.filter((line) => line.includes("no video"));
    expect(told.length).toBeLessThanOrEqual(2);
    expect(new Set(told).size).toBe(told.length);
    expect(log.lines.some((line) => line.startsWith("info video plays again"))).toBe(true);
  });

  it("that falls silent is pulled anew", async () => {
    const source = await camera();
    const { streams } = pulled(() => streamAt(source.uri()));
    const viewer = new Collector();
    streamOf(streams).add(viewer, { replay: true });
    await expect.poll(() => viewer.pictures.length).toBeGreaterThan(5);
    source.script.packets = () => [];
    await expect.poll(() => viewer.failures[0]?.code).toBe("RTSP_SILENT");
    delete source.script.packets;
    const seen = viewer.pictures.length;
    await expect.poll(() => viewer.pictures.length).toBeGreaterThan(seen);
  });

  it("whose key pictures are withheld is pulled anew too", async () => {
    const source = await camera();
    const { streams } = pulled(() => streamAt(source.uri()), { times: { silenceMs: 700, noKeyMs: 900 } });
    const viewer = new Collector();
    // one packet is lost; then there is no key picture any more
    source.script.packets = (packets, index) => (index === 10 || (index > 10 && index % 25 === 0) ? [] : packets);
    streamOf(streams).add(viewer, { replay: true });
    await expect.poll(() => viewer.failures[0]?.code).toBe("RTSP_NO_KEY_PICTURE");
    expect(viewer.pictures).toHaveLength(10);
  });

  it("changes its format in the middle with a key picture", async () => {
    const source = await camera();
    const { streams } = pulled(() => streamAt(source.uri()));
    const viewer = new Collector();
    streamOf(streams).add(viewer, { replay: true });
    await expect.poll(() => viewer.pictures.length).toBeGreaterThan(10);
    source.script.film = OTHER_FILM;
    await expect.poll(() => viewer.formats.length).toBe(2);
    expect(viewer.formats[1]).toMatchObject({ width: 256, height: 144 });
    expect(viewer.pictures.find(({ format }) => format.width === 256)?.key).toBe(true);
    expect(source.count("PLAY")).toBe(1);
  });

  it("tells a wrong password as such, tries it seldom, and tells nobody the password", async () => {
    const source = await camera(FILM, {
      answer: ({ cseq }) =>
        response(401, { CSeq: cseq, "WWW-Authenticate": 'Digest realm="r", nonce="1", qop="auth"' }),
    });
    const { streams, log } = pulled(() => streamAt(source.uri(), { username: "admin", password: "S3cret!" }));
    const viewer = new Collector();
    streamOf(streams).add(viewer, { replay: true });
    await expect.poll(() => viewer.failures.length).toBe(1);
    expect(viewer.failures[0]).toMatchObject({ code: "RTSP_UNAUTHORIZED", retriable: false });
    expect(source.requests).toHaveLength(2);
    expect(JSON.stringify([viewer.failures, log.lines])).not.toContain("S3cret");
  });

  it("with a wrong password is not tried for each who looks again: each is told why at once", async () => {
    const source = await camera(FILM, {
      answer: ({ cseq }) => response(401, { CSeq: cseq, "WWW-Authenticate": 'Digest realm="r", nonce="n"' }),
    });
    const { streams } = pulled(() => streamAt(source.uri(), { username: "admin", password: "S3cret" }));
    const stream = streamOf(streams);
    const impatient = new Collector();
    const leave = stream.add(impatient, { replay: true });
    await expect.poll(() => impatient.failures.length).toBe(1);
    leave();
    const asked = source.requests.length;
    for (let again = 0; again < 20; again++) {
      const viewer = new Collector();
      const leaveAgain = stream.add(viewer, { replay: true });
      expect(viewer.failures).toMatchObject([{ code: "RTSP_UNAUTHORIZED", retriable: false }]);
      leaveAgain();
    }
    expect(source.requests).toHaveLength(asked);
    stream.add(new Collector(), { replay: true });
    await expect.poll(() => source.requests.length).toBeGreaterThan(asked);
  });

  it("whose camera demands Basic is refused off this machine only", async () => {
    const source = await camera(FILM, {
      answer: ({ cseq, headers }) =>
        headers.get("authorization") === `Basic ${Buffer.from("admin:pw").toString("base64")}`
          ? undefined
          : response(401, { CSeq: cseq, "WWW-Authenticate": 'Basic realm="r"' }),
    });
    const { streams } = pulled(() => streamAt(source.uri(), { username: "admin", password: "pw" }));
    const viewer = new Collector();
    streamOf(streams).add(viewer, { replay: true });
    await expect.poll(() => viewer.pictures.length).toBeGreaterThan(3);
  });

  it("in H.265 gives way to the other one in H.264, and says why", async () => {
    const source = await camera(FILM, {});
    const { streams } = pulled((quality) =>
      streamAt(source.uri(quality), { codec: quality === "main" ? "H265" : "H264" }),
    );
    const viewer = new Collector();
    streamOf(streams).add(viewer, { replay: true });
    await expect.poll(() => viewer.pictures.length).toBeGreaterThan(3);
    expect(viewer.formats[0]).toMatchObject({ mode: "h264", quality: "sub", reason: "main stream: H265" });
  });

  it("in nothing that a browser shows gives way to snapshots, which are no clip", async () => {
    const source = await camera(HEVC);
    const { streams } = pulled((quality) =>
      quality === "main"
        ? streamAt(source.uri())
        : { status: "rejected", code: "ONVIF_NO_PROFILE", message: "no such stream" },
    );
    const recorder = new Collector(false);
    const stream = streamOf(streams);
    stream.add(recorder, { replay: false });
    await expect.poll(() => recorder.failures[0]?.code).toBe("VIDEO_NO_H264");
    const viewer = new Collector();
    const leave = stream.add(viewer, { replay: true });
    await expect.poll(() => viewer.pictures.length).toBe(2);
    expect(viewer.formats[0]).toMatchObject({ mode: "snapshots" });
    expect(viewer.formats[0]?.reason).toMatch(/main stream: .*H265; sub stream: ONVIF_NO_PROFILE/);
    expect(viewer.pictures[0]).toMatchObject({ kind: "jpeg", key: true });
    leave();
    const seen = recorder.pictures.length;
    await expect.poll(() => recorder.failures.length).toBe(2);
    expect(recorder.pictures.length).toBe(seen);
  });

  it("ends for all who look when its camera is no longer configured", async () => {
    const source = await camera();
    const { streams } = pulled(() => streamAt(source.uri()));
    const viewer = new Collector();
    streamOf(streams).add(viewer, { replay: true });
    await expect.poll(() => viewer.pictures.length).toBeGreaterThan(3);
    streams.configure([]);
    expect(viewer.failures.at(-1)).toMatchObject({ code: "VIDEO_CAMERA_UNKNOWN", retriable: false });
    await expect.poll(() => source.connections).toBe(0);
    expect(streams.get(CAMERA, "main")).toBeUndefined();
  });
});

describe("a ring", () => {
  it("is kept all the time, from a key picture on and within its bytes", async () => {
    const source = await camera(FILM, { rate: 250, ticks: 3_600 });
    const { streams } = pulled(() => streamAt(source.uri()), {
      limits: { ringBytes: 60_000, allRingsBytes: 60_000, groupBytes: 60_000 },
    });
    streams.configure([{ device: CAMERA, ringMs: 2_000 }]);
    const stream = streamOf(streams);
    await expect.poll(() => source.sent).toBeGreaterThan(300);
    const { ring } = stream;
    expect(ring.heldMs).toBeGreaterThan(1_900);
    expect(ring.bytes).toBeLessThanOrEqual(60_000);
    expect(ring.since(0)[0]?.key).toBe(true);
    streams.configure([{ device: CAMERA }]);
    await expect.poll(() => source.connections).toBe(0);
    expect(ring.bytes).toBe(0);
  });
});

describe("the simulated camera's stream", () => {
  async function simulated(): Promise<VideoServer> {
    const device = createCamera({ id: "camera-1", name: "一号", nameEn: "One", ptz: true });
    const server = await serveVideo(device, { username: "admin", password: "pw", nonceLifeMs: 300 }, silentLogger);
    open.push(server);
    return server;
  }

  it("plays by Digest, with the camera's own time, and outlives nonces that run out", async () => {
    const server = await simulated();
    const { streams } = pulled(() => streamAt(server.url("sub"), { username: "admin", password: "pw" }));
    const viewer = new Collector();
    streamOf(streams, "sub").add(viewer, { replay: true });
    await expect.poll(() => viewer.pictures.at(-1)?.timeBase, { timeout: 15_000 }).toBe("rtcp");
    expect(viewer.formats[0]).toMatchObject({ mode: "h264", width: 320, height: 180 });
    expect(viewer.failures).toEqual([]);
  });

  it.each([
    ["video-loss", "RTSP_SILENT"],
    ["video-half-open", "RTSP_SILENT"],
    ["video-garbage", "RTSP_MALFORMED"],
    ["video-session-cut", undefined],
  ] as const)("comes back by itself after %s", async (fault, code) => {
    const server = await simulated();
    const { streams } = pulled(() => streamAt(server.url("sub"), { username: "admin", password: "pw" }));
    const viewer = new Collector();
    streamOf(streams, "sub").add(viewer, { replay: true });
    await expect.poll(() => viewer.pictures.length).toBeGreaterThan(3);
    server.faults.set(fault, fault === "video-session-cut" ? { afterMs: 0 } : {});
    await expect.poll(() => viewer.failures.length).toBeGreaterThan(0);
    if (code !== undefined) expect(viewer.failures[0]?.code).toBe(code);
    server.faults.clear();
    const seen = viewer.pictures.length;
    await expect.poll(() => viewer.pictures.length).toBeGreaterThan(seen + 3);
  });

  it("shows only whole pictures under packet loss and reordering", async () => {
    const server = await simulated();
    const { streams, counts } = pulled(() => streamAt(server.url("main"), { username: "admin", password: "pw" }));
    server.faults.set("video-packet-loss", { percent: 2 });
    server.faults.set("video-reorder", { percent: 1 });
    const viewer = new Collector();
    streamOf(streams).add(viewer, { replay: true });
    await expect.poll(() => counts["gaps"] ?? 0).toBeGreaterThan(1);
    await expect.poll(() => viewer.pictures.filter(({ gap }) => gap).length, { timeout: 15_000 }).toBeGreaterThan(0);
    for (const { gap, key } of viewer.pictures) if (gap) expect(key).toBe(true);
  });
});
