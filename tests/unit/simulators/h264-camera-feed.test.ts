import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCamera, type SimulatedCamera } from "#simulators/devices/camera.ts";
import {
  Canvas,
  type PictureScene,
  paintFigure,
  paintLabels,
  paintScenery,
} from "#simulators/devices/camera-picture.ts";
import { CameraFeed, type FeedPicture, type Quality } from "#simulators/video/camera-feed.ts";
import { CameraRenderer } from "#simulators/video/camera-renderer.ts";
import { byteStream } from "#simulators/video/nal-unit.ts";
import { timeInPicture } from "#tests/camera-clock.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { decode, ffmpegFile } from "./h264-film.ts";

const NOON = Date.parse("2026-05-05T04:00:00Z");
const PICTURE_MS = 80;

let clock: ManualClock;
let camera: SimulatedCamera;
let conditions: { small: boolean; noKeys: boolean };
let feed: CameraFeed;
let leave: (() => void)[];

beforeEach(() => {
  clock = new ManualClock(NOON);
  camera = createCamera({
    id: "cam-1",
    name: "北围墙球机",
    nameEn: "North wall dome",
    ptz: true,
    presets: [{ token: "zone-1", name: "1 号防区", pan: -135, tilt: -15, zoom: 4 }],
  });
  camera.step(0, clock.now());
  clock.every(250, () => camera.step(0.25, clock.now()));
  conditions = { small: false, noKeys: false };
  feed = new CameraFeed(camera, { clock, clockOffsetMs: () => 7000, conditions });
  leave = [];
});
afterEach(() => {
  for (const one of leave) one();
});

function watch(quality: Quality): FeedPicture[] {
  const seen: FeedPicture[] = [];
  leave.push(feed.watch(quality, (picture) => seen.push(picture)));
  return seen;
}

const bitsOf = (pictures: readonly FeedPicture[]): number =>
  pictures.reduce((sum, { units }) => sum + units.reduce((bytes, unit) => bytes + unit.length, 0) * 8, 0);
const streamOf = (pictures: readonly FeedPicture[]): Uint8Array => byteStream(pictures.flatMap(({ units }) => units));

/** The scene painted at once, without any memory of a former one. */
function paintedAnew(scene: PictureScene): Uint32Array {
  const canvas = new Canvas();
  paintScenery(canvas, scene);
  paintFigure(canvas, scene);
  paintLabels(canvas, scene);
  return canvas.pixels;
}

describe("the live picture of a simulated camera", () => {
  it("is made only while somebody watches", () => {
    expect(feed.watched).toBe(false);
    const before = clock.pending;
    const seen = watch("main");
    clock.advance(10 * PICTURE_MS);
    expect(seen).toHaveLength(11);
    leave.pop()?.();
    clock.advance(10 * PICTURE_MS);
    expect(seen).toHaveLength(11);
    expect(feed.watched).toBe(false);
    expect(clock.pending).toBe(before);
  });

  it("begins with a key picture at once, and has one every two seconds", () => {
    const seen = watch("main");
    clock.advance(0);
    expect(seen.map(({ key }) => key)).toEqual([true]);
    clock.advance(4000);
    expect(seen.flatMap(({ key, at }) => (key ? [at] : []))).toEqual([0, 2000, 4000]);
  });

  it("has a key picture soon for whoever comes later, the same for all", () => {
    const first = watch("main");
    clock.advance(400);
    const second = watch("main");
    clock.advance(PICTURE_MS);
    expect(second.map(({ key }) => key)).toEqual([true]);
    expect(first.at(-1)).toBe(second[0]);
  });

  it("paints what changed so that nothing of the former picture is left", () => {
    const renderer = new CameraRenderer();
    const look = (): void => {
      const scene = camera.scene(clock.now());
      renderer.render(scene);
      expect(Buffer.from(renderer.pixels.buffer).equals(Buffer.from(paintedAnew(scene).buffer))).toBe(true);
      clock.advance(330);
    };
    for (let i = 0; i < 3; i++) look();
    camera.write("motion", true);
    for (let i = 0; i < 8; i++) look();
    camera.goToPreset("zone-1");
    for (let i = 0; i < 8; i++) look();
    camera.write("light", true);
    look();
    camera.write("tamper", true);
    look();
    camera.write("tamper", false);
    camera.write("motion", false);
    for (let i = 0; i < 3; i++) look();
  });

  it("keeps within 300 and 150 kbit/s while somebody walks, and within 1.5 and 0.5 Mbit/s while the head turns", () => {
    const main = watch("main");
    const sub = watch("sub");
    camera.write("motion", true);
    clock.advance(10_000);
    expect(bitsOf(main.splice(0)) / 10).toBeLessThan(300_000);
    expect(bitsOf(sub.splice(0)) / 10).toBeLessThan(150_000);
    for (let i = 0; i < 5; i++) {
      camera.moveTo({ pan: i % 2 === 0 ? 150 : -150, tilt: -5 * i });
      clock.advance(2000);
    }
    expect(bitsOf(main) / 10).toBeLessThan(1_500_000);
    expect(bitsOf(sub) / 10).toBeLessThan(500_000);
  });

  it("turns the head between the steps of its motors", () => {
    camera.moveTo({ pan: 90 });
    const angles = [0, 80, 160].map((ms) => camera.scene(clock.now() + ms).pan);
    expect(angles[0]).toBe(0);
    expect(angles[1]).toBeCloseTo(9.6);
    expect(angles[2]).toBeCloseTo(19.2);
    // A park that stands still does not turn for ever.
    expect(camera.scene(clock.now() + 60_000).pan).toBeCloseTo(60);
  });

  it("tells of parameter sets before anybody watches that are those of the pictures", () => {
    const { sequence, picture } = feed.parameters("sub");
    const seen = watch("sub");
    clock.advance(0);
    expect(seen[0]?.units.slice(0, 2)).toEqual([sequence, picture]);
  });

  it("goes on with other parameter sets and a key picture when its size changes", () => {
    const seen = watch("main");
    clock.advance(400);
    conditions.small = true;
    clock.advance(PICTURE_MS);
    expect(seen.at(-1)?.key).toBe(true);
    expect(seen.at(-1)?.units[0]).not.toEqual(seen[0]?.units[0]);
    expect(seen.at(-1)?.units[0]).toEqual(feed.parameters("main").sequence);
  });

  it("has no further key picture while it is so told", () => {
    const seen = watch("main");
    clock.advance(PICTURE_MS);
    conditions.noKeys = true;
    clock.advance(30_000);
    expect(seen.filter(({ key }) => key)).toHaveLength(1);
    conditions.noKeys = false;
    clock.advance(PICTURE_MS);
    expect(seen.at(-1)?.key).toBe(true);
  });

  it.skipIf(ffmpegFile === undefined)("shows the time of the camera's clock with tenths, in both sizes", () => {
    const main = watch("main");
    const sub = watch("sub");
    camera.write("motion", true);
    clock.advance(26 * PICTURE_MS);
    for (const [seen, width, height] of [
      [main, 640, 360],
      [sub, 320, 180],
    ] as const) {
      const { pictures, complaints } = decode(streamOf(seen));
      expect(complaints).toBe("");
      const size = width * height * 1.5;
      const times = seen.map((_, at) => timeInPicture(pictures.subarray(at * size), width));
      // The site's local time is eight hours ahead of UTC.
      const expected = seen.map(({ shownAt }) => new Date(shownAt + 8 * 3_600_000).toISOString());
      expect(times).toEqual(expected.map((iso) => iso.slice(0, 21).replace("T", " ")));
      expect(times[0]).toBe("2026-05-05 12:00:07.0");
    }
  });
});
