import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { createCamera } from "#simulators/devices/camera.ts";
import { serveVideo, type VideoServer } from "#simulators/servers/rtsp.ts";
import { timeInPicture } from "#tests/camera-clock.ts";
import { peer } from "#tests/peers.ts";

const ffmpeg = peer("ffmpeg");
const ffprobe = peer("ffprobe");
const run = promisify(execFile);

let server: VideoServer;
let folder: string;
let stopSteps: () => void;

async function serve(digest: "current" | "legacy"): Promise<void> {
  const camera = createCamera({ id: "cam-3", name: "南围墙球机", nameEn: "South wall dome", ptz: true });
  camera.step(0, systemClock.now());
  camera.write("motion", true);
  stopSteps = systemClock.every(250, () => camera.step(0.25, systemClock.now()));
  server = await serveVideo(camera, { username: "hub", password: "s3cret", digest }, silentLogger);
}

const address = (quality: "main" | "sub"): string => server.url(quality).replace("rtsp://", "rtsp://hub:s3cret@");

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "parkhub-rtsp-"));
});
afterEach(async () => {
  stopSteps();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(ffmpeg === undefined || ffprobe === undefined)("an independent RTSP client", () => {
  it.each([
    ["current", "main", 640, 360, 30],
    ["legacy", "sub", 320, 180, 20],
  ] as const)(
    "signs in by the %s digest and sees what the %s stream is",
    async (digest, quality, width, height, level) => {
      await serve(digest);
      const entries = "stream=codec_name,profile,width,height,level,pix_fmt,color_space,color_range,has_b_frames";
      const args = [
        "-v",
        "warning",
        "-rtsp_transport",
        "tcp",
        "-show_entries",
        entries,
        "-of",
        "json",
        address(quality),
      ];
      const { stdout, stderr } = await run(ffprobe ?? "", args);
      expect(stderr).toBe("");
      expect((JSON.parse(stdout) as { readonly streams: unknown }).streams).toEqual([
        {
          codec_name: "h264",
          profile: "Constrained Baseline",
          width,
          height,
          level,
          pix_fmt: "yuv420p",
          color_space: "bt709",
          color_range: "tv",
          has_b_frames: 0,
        },
      ]);
    },
  );

  it.each(["tcp", "udp"])(
    "decodes every picture of two and a half seconds by %s, with the time running in it",
    async (transport) => {
      await serve("current");
      const raw = path.join(folder, "pictures.yuv");
      const from = systemClock.now();
      // The decoder's own log is asked for; nothing but errors may be in it.
      const { stderr } = await run(ffmpeg ?? "", [
        ...["-v", "error", "-rtsp_transport", transport, "-i", address("main"), "-frames:v", "32"],
        ...["-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-f", "rawvideo", raw],
      ]);
      const until = systemClock.now();
      expect(stderr).toBe("");
      const pictures = readFileSync(raw);
      const size = 640 * 360 * 1.5;
      expect(pictures.length).toBe(32 * size);
      const times = Array.from({ length: 32 }, (_, at) => timeInPicture(pictures.subarray(at * size), 640)).map(
        (text) => Date.parse(`${text.replace(" ", "T")}00Z`) - 8 * 3_600_000,
      );
      const steps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
      expect(steps.every((step) => step >= 0)).toBe(true);
      expect(times.every((time) => time >= from - 100 && time <= until)).toBe(true);
      expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(2300);
    },
  );
});
