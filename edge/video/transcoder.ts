import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import { AccessUnitBuffer } from "./access-unit.ts";
import { type H264Format, H264Payload } from "./h264-payload.ts";
import type { Count, Picture, VideoFailure } from "./picture.ts";
import type { H265Picture } from "./rtsp-source.ts";

/**
 * Fixed, and without an address: the program is given the pictures and never the camera's credential. Delimiters tell where a
 * picture ends; no B pictures, so that what comes out has the order, and so the times, of what goes in.
 */
const ARGUMENTS: readonly string[] = [
  ...["-nostdin", "-hide_banner", "-loglevel", "error"],
  ...["-probesize", "65536", "-fflags", "nobuffer", "-f", "hevc", "-i", "pipe:0", "-an", "-fps_mode", "passthrough"],
  ...[
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-tune",
    "zerolatency",
    "-profile:v",
    "baseline",
    "-pix_fmt",
    "yuv420p",
  ],
  ...["-g", "50", "-bf", "0", "-x264-params", "aud=1:repeat-headers=1", "-f", "h264", "pipe:1"],
];
/** Pictures inside the program; more means that it cannot keep up. */
const MAX_INSIDE = 250;
const MAX_PICTURE_BYTES = 8 * 1024 * 1024;
/** Bytes that the program has not taken yet; one picture more may join them. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** The program may wait so long for its first pictures and is then ended, ms. */
const SILENCE_MS = 15_000;
const DELIMITER = 9;
const START_CODE = Buffer.from([0, 0, 0, 1]);
const START_CODE_3 = START_CODE.subarray(1);

export interface TranscoderOptions {
  /** Path of ffmpeg. */
  readonly program: string;
  readonly clock: Clock;
  readonly count: Count;
  readonly onFormat: (format: H264Format) => void;
  readonly onPicture: (picture: Picture) => void;
  /** It is over, once; not after `stop`. */
  readonly onEnd: (failure: VideoFailure) => void;
}

/** Makes H.264 of H.265 in a process of its own, which never outlives the stream. */
export class Transcoder {
  readonly #options: TranscoderOptions;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #payload: H264Payload;
  readonly #picture = new AccessUnitBuffer(MAX_PICTURE_BYTES);
  readonly #inside: Pick<Picture, "at" | "timeBase">[] = [];
  readonly #cancelWatch: () => void;
  #rest: Buffer = Buffer.alloc(0);
  #key = false;
  #gap = false;
  #hasPicture = false;
  #heardAt: number;
  #waitsForKey = true;
  #ended = false;

  constructor(options: TranscoderOptions) {
    this.#options = options;
    this.#payload = new H264Payload([], options.onFormat);
    this.#heardAt = options.clock.monotonic();
    this.#child = spawn(options.program, ARGUMENTS, { stdio: "pipe", shell: false, env: {} });
    this.#child.stdout.on("data", (chunk: Buffer) => this.#received(chunk));
    // what it complains of is broken pictures, and there may be much of it
    this.#child.stderr.on("data", () => options.count("transcoderComplaints"));
    this.#child.stdin.on("error", () => undefined);
    this.#child.on("error", (error) => this.#end(errorMessage(error)));
    this.#child.on("exit", (code, signal) => this.#end(`ended with ${signal ?? `code ${code}`}`));
    this.#cancelWatch = options.clock.every(1_000, () => {
      if (options.clock.monotonic() - this.#heardAt > SILENCE_MS) this.#end(`gave no picture for ${SILENCE_MS} ms`);
    });
  }

  /** Gives it the next picture. One that it has no room for is left out, and all up to the next key picture. */
  push(picture: H265Picture): void {
    if (this.#ended) return;
    const full = this.#inside.length >= MAX_INSIDE || this.#child.stdin.writableLength > MAX_WAITING_BYTES;
    if (picture.gap || full) {
      if (full) this.#options.count("transcoderLate");
      this.#waitsForKey = true;
      this.#gap = true;
    }
    if (this.#waitsForKey && !picture.key) return;
    if (full) return;
    this.#waitsForKey = false;
    if (picture.key) for (const nal of picture.parameterSets) this.#child.stdin.write(Buffer.concat([START_CODE, nal]));
    this.#inside.push({ at: picture.at, timeBase: picture.timeBase });
    this.#child.stdin.write(withStartCodes(picture.data));
  }

  #received(chunk: Buffer): void {
    if (this.#ended) return;
    this.#heardAt = this.#options.clock.monotonic();
    const bytes = Buffer.concat([this.#rest, chunk]);
    let from = bytes.indexOf(START_CODE_3);
    for (;;) {
      const to = from < 0 ? -1 : bytes.indexOf(START_CODE_3, from + 3);
      if (to < 0) break;
      // the zero before a start code of 4 bytes is no part of the unit
      this.#unit(bytes.subarray(from + 3, bytes[to - 1] === 0 ? to - 1 : to));
      from = to;
    }
    this.#rest = Buffer.from(bytes.subarray(Math.max(0, from)));
    if (this.#rest.length > MAX_PICTURE_BYTES) this.#end("gave a picture without end");
  }

  #unit(nal: Buffer): void {
    if (nal.length === 0) return;
    if ((nal.readUInt8(0) & 0x1f) === DELIMITER) this.#flush();
    const { part, key } = this.#payload.classify(nal);
    if (part === "drop") return;
    this.#picture.begin();
    if (!this.#picture.append(nal)) {
      this.#end("gave a picture that is too large");
      return;
    }
    this.#picture.finish();
    this.#key ||= key;
    this.#hasPicture ||= part !== "other";
  }

  #flush(): void {
    const time = this.#hasPicture ? this.#inside.shift() : undefined;
    if (time !== undefined && this.#payload.ready(this.#key)) {
      this.#options.count("transcodedPictures");
      const gap = this.#gap && this.#key;
      if (gap) this.#gap = false;
      this.#options.onPicture({ key: this.#key, gap, kind: "h264", data: this.#picture.take(), ...time });
    }
    this.#picture.clear();
    this.#key = false;
    this.#hasPicture = false;
  }

  #end(cause: string): void {
    if (this.#ended) return;
    this.#close();
    this.#options.onEnd({ code: "VIDEO_TRANSCODER_FAILED", message: `the transcoder ${cause}`, retriable: true });
  }

  #close(): void {
    this.#ended = true;
    this.#cancelWatch();
    this.#child.kill("SIGKILL");
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    const gone = this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined;
    const exited = gone ? undefined : new Promise((resolve) => this.#child.once("exit", resolve));
    if (!this.#ended) this.#close();
    await exited;
  }
}

/** A length of 4 bytes and a start code take the same room. */
function withStartCodes(data: Uint8Array): Buffer {
  const bytes = Buffer.from(data);
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    START_CODE.copy(bytes, at);
    at += 4 + length;
  }
  return bytes;
}
