import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import type { ClipFilm } from "#edge/video/clip-film.ts";
import { type ClipLimits, type ClipOutcome, Clips } from "#edge/video/clips.ts";
import { peer } from "#tests/peers.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";
import { cameraStreams, streamAt } from "../unit/edge/video/cameras.ts";
import { filmStrip } from "../unit/edge/video/film-strip.ts";
import { ScriptedCamera } from "../unit/edge/video/scripted-camera.ts";

const CAMERA = "demo/gw-1/camera-1";
const FILM = filmStrip("baseline-320x180.h264");
const OTHER_FILM = filmStrip("b-pictures-256x144.h264");
const ffprobe = peer("ffprobe");
const ffmpeg = peer("ffmpeg");
const folder = temporaryFolders();

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

interface Scene {
  readonly source: ScriptedCamera;
  readonly clips: Clips;
  readonly outcomes: ClipOutcome[];
  /** Asks for a clip of the camera now. */
  ask(id: number, beforeMs: number, afterMs: number): ReturnType<Clips["record"]>;
  /** The film of an order, once it is there. */
  film(id: number): Promise<ClipFilm>;
  heldMs(): number;
}

async function scene(ringMs: number | undefined, limits: Partial<ClipLimits> = {}): Promise<Scene> {
  const source = await ScriptedCamera.start(FILM, { rate: 25 });
  const { streams } = cameraStreams(async () => streamAt(source.uri()));
  open.push(source, streams);
  const outcomes: ClipOutcome[] = [];
  const onOutcome = (outcome: ClipOutcome): void => void outcomes.push(outcome);
  const clips = new Clips({ streams, clock: systemClock, logger: silentLogger, onOutcome, limits });
  streams.configure([{ device: CAMERA, ...(ringMs === undefined ? {} : { ringMs }) }]);
  return {
    source,
    clips,
    outcomes,
    ask: (id, beforeMs, afterMs) =>
      clips.record({ id, camera: CAMERA, beforeMs, afterMs, triggerAt: systemClock.now(), agoMs: 0 }),
    film: async (id) => {
      await expect.poll(() => outcomes.some((outcome) => outcome.id === id)).toBe(true);
      const outcome = outcomes.find((one) => one.id === id);
      if (outcome === undefined || !("film" in outcome)) throw new Error(`no film: ${JSON.stringify(outcome)}`);
      return outcome.film;
    },
    heldMs: () => streams.get(CAMERA, "main")?.ring.heldMs ?? 0,
  };
}

/** Whatever an independent decoder complains of. */
function complaints(film: ClipFilm): string {
  if (ffmpeg === undefined) return "";
  const file = join(folder(), "clip.mp4");
  writeFileSync(file, film.bytes);
  return spawnSync(ffmpeg, ["-v", "warning", "-xerror", "-i", file, "-f", "null", "-"], { encoding: "utf8" }).stderr;
}

describe("a clip around an alarm", () => {
  it.skipIf(ffprobe === undefined)(
    "begins with the key picture before the wanted time and ends when it is told",
    async () => {
      const { ask, film, heldMs } = await scene(3_000);
      await expect.poll(heldMs).toBeGreaterThan(2_500);
      const asked = systemClock.now();
      expect(await ask(1, 1_500, 1_000)).toEqual({ status: "done" });
      const clip = await film(1);
      expect(clip.missing).toBeUndefined();
      expect(clip).toMatchObject({ width: 320, height: 180, timeBase: "arrival" });
      expect(asked - clip.startedAt).toBeGreaterThanOrEqual(1_450);
      expect(asked - clip.startedAt).toBeLessThan(2_700);
      expect(Math.abs(clip.endedAt - asked - 1_000)).toBeLessThan(150);
      const file = join(folder(), "clip.mp4");
      writeFileSync(file, clip.bytes);
      const told = spawnSync(
        ffprobe ?? "",
        [
          "-v",
          "error",
          "-count_frames",
          "-show_entries",
          "stream=nb_read_frames:format=duration:packet=flags",
          "-of",
          "json",
          file,
        ],
        { encoding: "utf8" },
      );
      expect(told.stderr).toBe("");
      const { streams, format, packets } = JSON.parse(told.stdout) as {
        streams: { nb_read_frames: string }[];
        format: { duration: string };
        packets: { flags: string }[];
      };
      expect(Number(streams[0]?.nb_read_frames)).toBe(clip.frames);
      expect(Math.abs(Number(format.duration) * 1_000 - (clip.endedAt - clip.startedAt) - 40)).toBeLessThan(30);
      expect(packets[0]?.flags).toMatch(/^K/);
      expect(complaints(clip)).toBe("");
    },
  );

  it("is one for each alarm, also when the second comes while the first is recorded", async () => {
    const { ask, film, heldMs, source } = await scene(3_000);
    await expect.poll(heldMs).toBeGreaterThan(1_500);
    const first = ask(1, 1_000, 900);
    await expect.poll(() => source.sent).toBeGreaterThan(50);
    const second = ask(2, 1_000, 900);
    expect([await first, await second]).toEqual([{ status: "done" }, { status: "done" }]);
    const [one, two] = [await film(1), await film(2)];
    expect(two.endedAt).toBeGreaterThan(one.endedAt);
    expect(two.startedAt).toBeLessThan(one.endedAt);
    expect(source.count("PLAY")).toBe(1);
    expect([complaints(one), complaints(two)]).toEqual(["", ""]);
  });

  it("of a camera without a ring begins with what comes, and says what is missing", async () => {
    const { ask, film, source } = await scene(undefined);
    expect(await ask(1, 2_000, 800)).toEqual({ status: "done" });
    const clip = await film(1);
    expect(clip.missing).toMatch(/^the first [12]\.\d s: no video was held$/);
    await expect.poll(() => source.connections).toBe(0);
    expect(complaints(clip)).toBe("");
  });

  it("tells the pause when the camera was away in between", async () => {
    const { ask, film, heldMs, source } = await scene(3_000);
    await expect.poll(heldMs).toBeGreaterThan(1_000);
    await ask(1, 800, 4_500);
    await source.close();
    const down = systemClock.monotonic();
    await expect.poll(() => systemClock.monotonic() - down).toBeGreaterThan(2_500);
    await source.listen();
    const clip = await film(1);
    expect(clip.missing).toMatch(/^(2|3)\.\d s from \d\.\d s on: (RTSP_CLOSED|ECONNREFUSED|ECONNRESET)$/);
    expect(complaints(clip)).toBe("");
  });

  it("of a camera that is away is told as failed at first, and holds what came all the same", async () => {
    const { ask, film, source } = await scene(undefined, { firstPictureMs: 400 });
    await source.close();
    const answer = await ask(1, 1_000, 3_000);
    expect(answer).toMatchObject({ status: "failed", code: "ECONNREFUSED" });
    await source.listen();
    expect((await film(1)).missing).toMatch(/^the first [1-4]\.\d s: no video was held/);
  });

  it("without any picture is told as none", async () => {
    const { ask, outcomes, source } = await scene(undefined, { firstPictureMs: 100 });
    await source.close();
    await ask(1, 0, 500);
    await expect.poll(() => outcomes[0]).toMatchObject({ id: 1, code: "ECONNREFUSED" });
  });

  it("keeps the picture format of the alarm when it changes, and says so", async () => {
    const { ask, film, heldMs, source } = await scene(3_000);
    await expect.poll(heldMs).toBeGreaterThan(1_200);
    await ask(1, 1_000, 1_500);
    source.script.film = OTHER_FILM;
    const clip = await film(1);
    expect(clip).toMatchObject({ width: 320, height: 180 });
    expect(clip.missing).toMatch(/^the last \d\.\d s: the picture format changed$/);
    expect(complaints(clip)).toBe("");
  });

  it("ends at its bytes, and says so", async () => {
    const { ask, film, heldMs } = await scene(3_000, { clipBytes: 12_000 });
    await expect.poll(heldMs).toBeGreaterThan(1_200);
    await ask(1, 1_000, 60_000);
    const clip = await film(1);
    expect(clip.bytes.length).toBeLessThan(14_000);
    expect(clip.missing).toMatch(/the last \d+\.\d s: a clip holds at most 12000 bytes$/);
  });

  it("is finished as it is when the gateway stops", async () => {
    const { ask, clips, film, heldMs } = await scene(3_000);
    await expect.poll(heldMs).toBeGreaterThan(1_200);
    await ask(1, 1_000, 60_000);
    clips.stop();
    const clip = await film(1);
    expect(clip.missing).toMatch(/^the last (60\.0|59\.\d) s: the gateway stopped$/);
    expect(clips.running).toBe(0);
    expect(complaints(clip)).toBe("");
  });

  it("is refused of an unknown camera, and beyond so many at once", async () => {
    const { ask, clips } = await scene(1_000, { atOnce: 1 });
    const order = { id: 9, camera: "demo/gw-1/nobody", beforeMs: 0, afterMs: 1, triggerAt: 0, agoMs: 0 };
    expect(await clips.record(order)).toMatchObject({ status: "refused", code: "VIDEO_CAMERA_UNKNOWN" });
    await ask(1, 0, 60_000);
    expect(await ask(2, 0, 1_000)).toMatchObject({ status: "refused", code: "VIDEO_BUSY" });
    clips.stop();
  });
});
