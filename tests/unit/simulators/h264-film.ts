import { spawnSync } from "node:child_process";
import { type CodedPicture, type CodingOptions, H264Encoder } from "#simulators/video/h264-encoder.ts";
import { byteStream } from "#simulators/video/nal-unit.ts";
import { type Box, type Planes, YuvPicture } from "#simulators/video/yuv-picture.ts";
import { peer } from "#tests/peers.ts";

/** The independent decoder, undefined where it is not installed. */
export const ffmpegFile = peer("ffmpeg");

/** The visible part of coded planes as raw I420. */
export function visible(planes: Planes, width: number, height: number): Buffer {
  const rows: Uint8Array[] = [];
  for (const [plane, w, h] of [
    [planes.luma, width, height],
    [planes.cb, width / 2, height / 2],
    [planes.cr, width / 2, height / 2],
  ] as const) {
    for (let y = 0; y < h; y++) rows.push(plane.samples.subarray(y * plane.stride, y * plane.stride + w));
  }
  return Buffer.concat(rows);
}

/** What ffmpeg decodes of a byte stream: the pictures as raw I420 one after the other, and what it complained of. */
export function decode(stream: Uint8Array): { readonly pictures: Buffer; readonly complaints: string } {
  if (ffmpegFile === undefined) throw new Error("ffmpeg is not installed");
  const args = [
    "-v",
    "warning",
    "-f",
    "h264",
    "-i",
    "-",
    "-fps_mode",
    "passthrough",
    "-pix_fmt",
    "yuv420p",
    "-f",
    "rawvideo",
    "-",
  ];
  const { stdout, stderr } = spawnSync(ffmpegFile, args, { input: stream, maxBuffer: 2 ** 30 });
  return { pictures: stdout, complaints: stderr.toString() };
}

/** Pictures drawn by a test, coded one after the other, each with what the encoder says decoders show. */
export class Film {
  readonly width: number;
  readonly height: number;
  readonly picture: YuvPicture;
  readonly encoder: H264Encoder;
  readonly coded: CodedPicture[] = [];
  readonly shown: Buffer[] = [];
  readonly #pixels: Uint32Array;
  #random = 1;

  /** `qp`: the encoder's own when absent. */
  constructor(width: number, height: number, qp?: number) {
    this.width = width;
    this.height = height;
    this.picture = new YuvPicture(width, height);
    this.encoder = new H264Encoder(this.picture, { picturesPerSecond: 12.5, ...(qp === undefined ? {} : { qp }) });
    this.#pixels = new Uint32Array(width * height);
  }

  get whole(): Box {
    return { left: 0, top: 0, width: this.width, height: this.height };
  }

  /** Draws a box: `colour` gives a pixel as 0xBBGGRR. */
  draw(box: Box, colour: (x: number, y: number) => number): this {
    for (let y = box.top; y < box.top + box.height; y++) {
      for (let x = box.left; x < box.left + box.width; x++) this.#pixels[y * this.width + x] = colour(x, y);
    }
    this.picture.update(this.#pixels, box);
    return this;
  }

  /** Draws noise around grey, up to `range` away from it. */
  noise(box: Box, range: number): this {
    const channel = (): number => Math.max(0, Math.min(255, Math.round(128 + (this.#draw() - 0.5) * 2 * range)));
    return this.draw(box, () => (channel() << 16) | (channel() << 8) | channel());
  }

  code(options: CodingOptions): CodedPicture {
    const coded = this.encoder.encode(options);
    this.coded.push(coded);
    this.shown.push(visible(this.encoder.result, this.width, this.height));
    return coded;
  }

  get stream(): Uint8Array {
    return byteStream(this.coded.flatMap(({ units }) => units));
  }

  /** 0 up to 1; the same from run to run. [Numerical Recipes, quick generator] */
  #draw(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random / 2 ** 32;
  }
}
