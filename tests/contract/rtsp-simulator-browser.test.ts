import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { createCamera } from "#simulators/devices/camera.ts";
import { CameraFeed } from "#simulators/video/camera-feed.ts";
import { byteStream } from "#simulators/video/nal-unit.ts";
import { chromiumFile, startBrowser } from "#tests/e2e/browser.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { decode, ffmpegFile } from "#tests/unit/simulators/h264-film.ts";

/** What a page is asked to do: decodes access units and gives the SHA-256 of each picture's I420 planes. */
const DECODE = `async ({ codec, units }) => {
  const hashes = [];
  const problems = [];
  const copied = [];
  const decoder = new VideoDecoder({
    output: (frame) => copied.push((async () => {
      const bytes = new Uint8Array(frame.allocationSize());
      await frame.copyTo(bytes);
      if (frame.format !== "I420") problems.push(frame.format);
      frame.close();
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      hashes.push([frame.timestamp, [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")]);
    })()),
    error: (error) => problems.push(String(error)),
  });
  decoder.configure({ codec, optimizeForLatency: true });
  for (const [index, { key, data }] of units.entries()) {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    decoder.decode(new EncodedVideoChunk({ type: key ? "key" : "delta", timestamp: index, data: bytes }));
  }
  await decoder.flush();
  await Promise.all(copied);
  return { problems, hashes: hashes.sort((a, b) => a[0] - b[0]).map(([, hash]) => hash) };
}`;

describe.skipIf(chromiumFile === undefined || ffmpegFile === undefined)("a browser", () => {
  it("decodes the simulated cameras' video by WebCodecs as ffmpeg does, bit by bit", async () => {
    const clock = new ManualClock(Date.parse("2026-05-05T04:00:00Z"));
    const camera = createCamera({ id: "cam-1", name: "北围墙球机", nameEn: "North wall dome", ptz: true });
    camera.step(0, clock.now());
    camera.write("motion", true);
    const feed = new CameraFeed(camera, { clock, clockOffsetMs: () => 0, conditions: { small: false, noKeys: false } });
    const units: { readonly key: boolean; readonly data: Buffer }[] = [];
    const stop = feed.watch("main", (picture) =>
      units.push({ key: picture.key, data: Buffer.from(byteStream(picture.units)) }),
    );
    clock.advance(1600);
    camera.moveTo({ pan: 40 });
    camera.step(0.25, clock.now());
    clock.advance(1600);
    stop();
    const { pictures } = decode(Buffer.concat(units.map(({ data }) => data)));
    const size = 640 * 360 * 1.5;
    const expected = units.map((_, at) =>
      createHash("sha256")
        .update(pictures.subarray(at * size, (at + 1) * size))
        .digest("hex"),
    );
    // WebCodecs is there for pages of a secure origin only.
    const page = createServer((_, response) => response.end("<!doctype html>"));
    await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve));
    const browser = await startBrowser();
    try {
      const tab = await browser.newPage();
      await tab.goto(`http://127.0.0.1:${(page.address() as AddressInfo).port}/`);
      const given = {
        codec: "avc1.42c01e",
        units: units.map(({ key, data }) => ({ key, data: data.toString("base64") })),
      };
      const decoded: unknown = await tab.evaluate(`(${DECODE})(${JSON.stringify(given)})`);
      expect(decoded).toEqual({ problems: [], hashes: expected });
    } finally {
      await browser.close();
      await new Promise((resolve) => page.close(resolve));
    }
  }, 60_000);
});
