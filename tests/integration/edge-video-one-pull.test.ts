import { afterEach, describe, expect, it } from "vitest";
import type { CameraStreams } from "#edge/video/camera-streams.ts";
import type { ActionResult } from "#protocols/driver.ts";
import { Collector, cameraStreams, streamAt } from "../unit/edge/video/cameras.ts";
import { filmStrip } from "../unit/edge/video/film-strip.ts";
import { ScriptedCamera } from "../unit/edge/video/scripted-camera.ts";

const CAMERA = "demo/gw-1/camera-1";
const FILM = filmStrip("baseline-320x180.h264");
const POLL = { timeout: 15_000 } as const;
/** Less than a gateway waits for the end of a session. */
const SLOW_END_MS = 20;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** A camera that answers, and a gateway that pulls it. */
async function pulled(answers: (camera: ScriptedCamera, quality: string) => ActionResult, ringMs?: number) {
  const camera = await ScriptedCamera.start(FILM, {});
  open.push(camera);
  const { streams } = cameraStreams(async (_device, _action, { quality = "" }) => answers(camera, quality));
  open.push(streams);
  streams.configure([{ device: CAMERA, ...(ringMs === undefined ? {} : { ringMs }) }]);
  return { camera, streams };
}

function watch(streams: CameraStreams, quality: "main" | "sub") {
  const stream = streams.get(CAMERA, quality);
  if (stream === undefined) throw new Error("the camera is configured");
  const viewer = new Collector();
  return { stream, viewer, leave: stream.add(viewer, { replay: true }) };
}

/** A camera with one stream only: whatever is asked for, it is that one. */
const single = (camera: ScriptedCamera): ActionResult => streamAt(camera.uri());

describe("a camera whose qualities are one and the same stream", () => {
  it("is pulled once for who watches it small and who watches it large", async () => {
    const { camera, streams } = await pulled(single);
    const large = watch(streams, "main");
    await expect.poll(() => large.viewer.pictures.length, POLL).toBeGreaterThan(10);
    const small = watch(streams, "sub");
    await expect.poll(() => small.viewer.pictures.length, POLL).toBeGreaterThan(10);
    expect(small.viewer.pictures[0]?.key).toBe(true);
    expect(small.viewer.formats[0]).toMatchObject({ mode: "h264", width: 320, height: 180 });
    expect(camera.count("PLAY")).toBe(1);
    // who pulled it first goes: the other one goes on seeing it
    const seen = small.viewer.pictures.length;
    large.leave();
    await expect.poll(() => small.viewer.pictures.length, POLL).toBeGreaterThan(seen + 10);
    expect(small.viewer.failures).toEqual([]);
    expect([camera.count("PLAY"), camera.count("TEARDOWN")]).toEqual([1, 0]);
    small.leave();
    await expect.poll(() => camera.count("TEARDOWN"), POLL).toBe(1);
    await expect.poll(() => camera.connections, POLL).toBe(0);
  });

  it("is pulled once while it is ringed and watched, and its ring can be read to the end", async () => {
    const { camera, streams } = await pulled(single, 2_000);
    const ringed = streams.get(CAMERA, "main");
    await expect.poll(() => ringed?.ring.heldMs ?? 0, POLL).toBeGreaterThan(500);
    const small = watch(streams, "sub");
    await expect.poll(() => small.viewer.pictures.length, POLL).toBeGreaterThan(20);
    // a buffer that was taken back has no bytes any more
    expect(small.viewer.pictures.filter(({ data }) => data.length === 0)).toEqual([]);
    small.leave();
    await expect.poll(() => ringed?.ring.heldMs ?? 0, POLL).toBeGreaterThan(1_500);
    const held = ringed?.ring.since(Number.NEGATIVE_INFINITY) ?? [];
    expect(held.length).toBeGreaterThan(10);
    expect(held.filter(({ data }) => data.length === 0)).toEqual([]);
    expect(camera.count("PLAY")).toBe(1);
  });

  it("is pulled once where the large one is H.265 and gives way to the small one, and says why", async () => {
    const { camera, streams } = await pulled((source, quality) =>
      streamAt(source.uri(quality), { codec: quality === "main" ? "H265" : "H264" }),
    );
    const small = watch(streams, "sub");
    await expect.poll(() => small.viewer.pictures.length, POLL).toBeGreaterThan(3);
    const large = watch(streams, "main");
    await expect.poll(() => large.viewer.pictures.length, POLL).toBeGreaterThan(3);
    expect(large.viewer.formats[0]).toMatchObject({ mode: "h264", quality: "sub", reason: "main stream: H265" });
    expect(small.viewer.formats[0]?.reason).toBeUndefined();
    expect(camera.count("PLAY")).toBe(1);
  });

  it("comes back to all who watch after the camera was away, still by one pull", async () => {
    const { camera, streams } = await pulled(single);
    const large = watch(streams, "main");
    const small = watch(streams, "sub");
    await expect
      .poll(() => Math.min(large.viewer.pictures.length, small.viewer.pictures.length), POLL)
      .toBeGreaterThan(3);
    camera.drop();
    const seen = [large.viewer.pictures.length, small.viewer.pictures.length];
    await expect.poll(() => large.viewer.pictures.length, POLL).toBeGreaterThan((seen[0] ?? 0) + 5);
    await expect.poll(() => small.viewer.pictures.length, POLL).toBeGreaterThan((seen[1] ?? 0) + 5);
    await expect.poll(() => camera.connections, POLL).toBe(1);
    expect(camera.count("PLAY")).toBe(2);
  });

  it("is asked for the next session when the one before has ended, and not while it ends", async () => {
    const { camera, streams } = await pulled(single);
    let most = 0;
    camera.script.answer = ({ method }, socket) => {
      most = Math.max(most, camera.connections);
      if (method !== "TEARDOWN") return undefined;
      // this camera takes its time to end a session
      const end = socket.end.bind(socket);
      socket.end = () => socket;
      setTimeout(() => end(), SLOW_END_MS);
      return "";
    };
    const large = watch(streams, "main");
    await expect.poll(() => large.viewer.pictures.length, POLL).toBeGreaterThan(3);
    large.leave();
    const small = watch(streams, "sub");
    await expect.poll(() => small.viewer.pictures.length, POLL).toBeGreaterThan(3);
    expect([camera.count("PLAY"), camera.count("TEARDOWN"), most]).toEqual([2, 1, 1]);
    expect(small.viewer.failures).toEqual([]);
  });

  it("is two pulls where its streams are two", async () => {
    const { camera, streams } = await pulled((source, quality) => streamAt(source.uri(quality)));
    const large = watch(streams, "main");
    const small = watch(streams, "sub");
    await expect
      .poll(() => Math.min(large.viewer.pictures.length, small.viewer.pictures.length), POLL)
      .toBeGreaterThan(3);
    expect(camera.count("PLAY")).toBe(2);
  });
});
