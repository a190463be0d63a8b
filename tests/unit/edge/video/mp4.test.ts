import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type AccessUnit, Depacketizer } from "#edge/video/depacketizer.ts";
import { type H264Format, H264Payload } from "#edge/video/h264-payload.ts";
import { writeMp4 } from "#edge/video/mp4.ts";
import { readRtp } from "#edge/video/rtp.ts";
import { peer } from "#tests/peers.ts";
import { temporaryFolders } from "../temp-folder.ts";
import { filmStrip, type RtpState, rtpPackets } from "./film-strip.ts";

const ffprobe = peer("ffprobe");
const ffmpeg = peer("ffmpeg");
const folder = temporaryFolders();
const FIXTURES = join(import.meta.dirname, "../../../fixtures/video");
/** Which place each coded picture of the fixture has when it is shown, by ffprobe's coded_picture_number. */
const SHOWN: readonly number[] = [
  0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11, 15, 13, 14, 18, 16, 17, 21, 19, 20, 24, 22, 23, 25, 28, 26, 27, 31, 29, 30,
  34, 32, 33, 37, 35, 36, 40, 38, 39, 43, 41, 42, 46, 44, 45, 49, 47, 48,
];
const STARTED_AT = Date.UTC(2026, 2, 1, 12, 30, 15);

function film(name: string): { units: readonly AccessUnit[]; format: H264Format } {
  const units: AccessUnit[] = [];
  const formats: H264Format[] = [];
  const depacketizer = new Depacketizer(
    new H264Payload([], (told) => formats.push(told)),
    (unit) => units.push(unit),
    () => undefined,
  );
  const state: RtpState = { sequence: 0, timestamp: 0, ssrc: 1 };
  for (const { nals } of filmStrip(name).pictures) {
    state.timestamp += 3_600;
    for (const bytes of rtpPackets("H264", nals, state)) {
      const packet = readRtp(bytes);
      if (packet !== undefined) depacketizer.push(packet);
    }
  }
  const [format] = formats;
  if (format === undefined) throw new Error("the film has a format");
  return { units, format };
}

/** Types of the boxes at the top, with where they begin. */
function boxes(file: Uint8Array): readonly string[] {
  const bytes = Buffer.from(file);
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at))
    found.push(bytes.toString("latin1", at + 4, at + 8));
  return found;
}

interface Probed {
  readonly packets: readonly { readonly pts_time: string; readonly flags: string }[];
  readonly frames: readonly { readonly pict_type: string }[];
  readonly streams: readonly { readonly codec_name: string; readonly width: number; readonly height: number }[];
  readonly format: { readonly duration: string; readonly tags: { readonly creation_time: string } };
}

function probe(file: string): Probed {
  if (ffprobe === undefined) throw new Error("no ffprobe");
  const asked = ["-v", "error", "-show_packets", "-show_frames", "-show_streams", "-show_format", "-of", "json", file];
  const { stdout, stderr } = spawnSync(ffprobe, asked, { encoding: "utf8" });
  expect(stderr).toBe("");
  const told = JSON.parse(stdout) as { packets_and_frames: { type: string }[] };
  const of = (type: string) => told.packets_and_frames.filter((one) => one.type === type);
  return { ...told, packets: of("packet"), frames: of("frame") } as unknown as Probed;
}

/** Decodes every picture; anything the decoder complains of is given back. */
function decode(file: string): string {
  if (ffmpeg === undefined) throw new Error("no ffmpeg");
  return spawnSync(ffmpeg, ["-v", "warning", "-xerror", "-i", file, "-f", "null", "-"], { encoding: "utf8" }).stderr;
}

describe("a film as MP4", () => {
  it("has its index before its pictures, so that it plays while it loads", () => {
    const { units, format } = film("baseline-320x180.h264");
    const pictures = units.map(({ data, key }, index) => ({ data, key, at: index * 40 }));
    expect(boxes(writeMp4({ ...format, pictures, startedAt: STARTED_AT }))).toEqual(["ftyp", "moov", "mdat"]);
  });

  it.skipIf(ffprobe === undefined || ffmpeg === undefined)(
    "keeps every picture at its own time, and decodes without a fault",
    () => {
      const { units, format } = film("baseline-320x180.h264");
      // uneven, as cameras are, with a pause of 3 s
      const at = (index: number): number => index * 40 + (index % 3) * 5.5 + (index >= 50 ? 3_000 : 0);
      const pictures = units.map(({ data, key }, index) => ({ data, key, at: 1e6 + at(index) }));
      const file = join(folder(), "clip.mp4");
      writeFileSync(file, writeMp4({ ...format, pictures, startedAt: STARTED_AT }));
      const { packets, frames, streams, format: told } = probe(file);
      expect(streams[0]).toMatchObject({ codec_name: "h264", width: 320, height: 180 });
      expect(told.tags.creation_time).toBe("2026-03-01T12:30:15.000000Z");
      expect(packets).toHaveLength(100);
      expect(frames).toHaveLength(100);
      expect(packets[0]?.flags).toMatch(/^K/);
      expect(packets.filter(({ flags }) => flags.startsWith("K"))).toHaveLength(4);
      for (const [index, packet] of packets.entries())
        expect(Number(packet.pts_time) * 1_000).toBeCloseTo(at(index), 1);
      expect(Number(told.duration)).toBeCloseTo((at(99) + at(99) - at(98)) / 1_000, 2);
      expect(decode(file)).toBe("");
    },
  );

  it.skipIf(ffprobe === undefined || ffmpeg === undefined)("shows B pictures in their order", () => {
    const { units, format } = film("b-pictures-256x144.h264");
    const pictures = units.map(({ data, key }, index) => ({ data, key, at: (SHOWN[index] ?? 0) * 40 }));
    const file = join(folder(), "clip.mp4");
    writeFileSync(file, writeMp4({ ...format, pictures, startedAt: STARTED_AT }));
    const { packets, frames } = probe(file);
    expect(packets.map(({ pts_time }) => Math.round(Number(pts_time) * 25))).toEqual(SHOWN);
    expect(frames.some(({ pict_type }) => pict_type === "B")).toBe(true);
    expect(decode(file)).toBe("");
    expect(pictureSums(file)).toHaveLength(50);
    expect(pictureSums(file)).toEqual(pictureSums(join(FIXTURES, "b-pictures-256x144.h264")));
  });
});

/** A sum of every decoded picture, in the order of showing. */
function pictureSums(file: string): readonly string[] {
  if (ffmpeg === undefined) throw new Error("no ffmpeg");
  const asked = ["-v", "error", "-i", file, "-fps_mode", "passthrough", "-f", "framemd5", "-"];
  const { stdout } = spawnSync(ffmpeg, asked, { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => (line.startsWith("0,") ? [line.slice(line.lastIndexOf(",") + 1)] : []));
}
