import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { writeMp4 } from "#edge/video/mp4.ts";
import { Transcoder } from "#edge/video/transcoder.ts";
import { peer } from "#tests/peers.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";
import { Collector, cameraStreams, streamAt } from "../unit/edge/video/cameras.ts";
import { filmStrip } from "../unit/edge/video/film-strip.ts";
import { ScriptedCamera } from "../unit/edge/video/scripted-camera.ts";

const CAMERA = "demo/gw-1/camera-1";
const ffmpeg = peer("ffmpeg");
const folder = temporaryFolders();
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** Processes of this one whose command line names the transcoder. */
function transcoders(): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      const [, parent] = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("hevc");
    } catch {
      // no process, or one that has gone meanwhile
      return false;
    }
  });
}

async function transcoded(program: string) {
  const source = await ScriptedCamera.start(filmStrip("hevc-256x144.h265"), { rate: 25 });
  const { streams, counts } = cameraStreams(
    async (_device, _action, { quality }) =>
      quality === "main"
        ? streamAt(source.uri(), { codec: "H265", username: "admin", password: "S3cret" })
        : { status: "rejected", code: "ONVIF_NO_PROFILE", message: "none" },
    { transcoder: program, times: { silenceMs: 5_000, noKeyMs: 8_000 } },
  );
  open.push(source, streams);
  streams.configure([{ device: CAMERA }]);
  const stream = streams.get(CAMERA, "main");
  if (stream === undefined) throw new Error("the camera is configured");
  return { source, stream, counts };
}

describe("a camera with H.265 only", () => {
  it.skipIf(ffmpeg === undefined)(
    "is shown and recorded by way of ffmpeg, which ends with the last viewer",
    async () => {
      const { stream } = await transcoded(ffmpeg ?? "");
      const viewer = new Collector(false);
      const leave = stream.add(viewer, { replay: true });
      await expect.poll(() => viewer.pictures.length, { timeout: 15_000 }).toBeGreaterThan(60);
      expect(viewer.formats[0]).toMatchObject({
        mode: "transcoded",
        width: 256,
        height: 144,
        reason: "main stream: H265; sub stream: ONVIF_NO_PROFILE",
      });
      if (process.platform === "linux") {
        expect(transcoders()).toHaveLength(1);
        const [pid] = transcoders();
        expect(readFileSync(`/proc/${pid}/cmdline`, "latin1")).not.toMatch(/rtsp|S3cret/);
      }
      const { pictures } = viewer;
      expect(pictures[0]?.key).toBe(true);
      // its pictures keep the camera's own times
      for (const [index, { at }] of pictures.entries()) {
        const before = pictures[index - 1];
        if (before !== undefined) expect(Math.abs(at - before.at - 40)).toBeLessThan(15);
      }
      const { width = 0, height = 0, description = "" } = viewer.formats[0] ?? {};
      const file = join(folder(), "clip.mp4");
      writeFileSync(
        file,
        writeMp4({ pictures, width, height, description: Buffer.from(description, "base64"), startedAt: 0 }),
      );
      const told = spawnSync(ffmpeg ?? "", ["-v", "warning", "-xerror", "-i", file, "-f", "null", "-"], {
        encoding: "utf8",
      });
      expect(told.stderr).toBe("");
      leave();
      await expect.poll(transcoders).toEqual([]);
    },
  );

  it("is told as failed when the program is not there, and takes nothing else down", async () => {
    const { stream, source } = await transcoded(join(folder(), "no-such-program"));
    const viewer = new Collector();
    stream.add(viewer, { replay: true });
    await expect.poll(() => viewer.failures[0]?.code).toBe("VIDEO_TRANSCODER_FAILED");
    await expect.poll(() => viewer.failures.length).toBeGreaterThan(1);
    expect(source.connections).toBeLessThanOrEqual(1);
  });

  it("leaves pictures out when the program takes none, instead of keeping them all", async () => {
    const program = join(folder(), "stuck");
    writeFileSync(program, "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
    const counts: Record<string, number> = {};
    const transcoder = new Transcoder({
      program,
      clock: systemClock,
      count: (name) => {
        counts[name] = (counts[name] ?? 0) + 1;
      },
      onFormat: () => undefined,
      onPicture: () => undefined,
      onEnd: () => undefined,
    });
    open.push({ close: () => transcoder.stop() });
    const data = new Uint8Array(4 * 1024 * 1024);
    for (let at = 0; at < 50; at++)
      transcoder.push({ data, key: true, gap: false, at, timeBase: "arrival", parameterSets: [] });
    expect(counts["transcoderLate"]).toBeGreaterThan(30);
  });

  it("is told as failed when the program gives up", async () => {
    const { stream } = await transcoded("/bin/false");
    const viewer = new Collector();
    stream.add(viewer, { replay: true });
    await expect.poll(() => viewer.failures[0]?.message).toMatch(/the transcoder/);
  });
});
