import { randomBytes } from "node:crypto";
import type { CameraFeed, FeedPicture, Quality } from "../../video/camera-feed.ts";
import { NAL_TYPE } from "../../video/nal-unit.ts";
import type { VideoFaults } from "./faults.ts";
import { RtpSender } from "./rtp.ts";
import type { MediaTransport } from "./transport.ts";

/** So often a playing session says which timestamp is which time of day, ms. */
const REPORT_INTERVAL_MS = 5000;

/** What a session is made of. */
export interface SessionDeps {
  readonly feed: CameraFeed;
  readonly faults: VideoFaults;
  readonly quality: Quality;
  readonly transport: MediaTransport;
  /** The connection that set it up. */
  readonly owner: object;
  /** Name of the source in RTCP. */
  readonly cname: string;
  /** By the monotonic clock, ms. */
  readonly startedAt: number;
}

/** One client's stream: set up, playing or paused. */
export class VideoSession {
  readonly id = randomBytes(8).toString("hex");
  readonly quality: Quality;
  readonly owner: object;
  readonly startedAt: number;
  readonly sender: RtpSender;
  /** When it was last asked for, by the monotonic clock, ms. */
  lastRequestAt: number;
  readonly #feed: CameraFeed;
  readonly #faults: VideoFaults;
  readonly #transport: MediaTransport;
  #stopWatching: (() => void) | undefined;
  /** Has the client what the next picture refers to? */
  #joined = false;
  #nextReportAt = 0;
  #pictures = 0;

  constructor(deps: SessionDeps) {
    this.quality = deps.quality;
    this.owner = deps.owner;
    this.startedAt = deps.startedAt;
    this.lastRequestAt = deps.startedAt;
    this.sender = new RtpSender(deps.cname);
    this.#feed = deps.feed;
    this.#faults = deps.faults;
    this.#transport = deps.transport;
  }

  get playing(): boolean {
    return this.#stopWatching !== undefined;
  }

  /** Value of the Transport header that answers SETUP. */
  get transport(): string {
    return this.#transport.describe(this.sender.ssrc);
  }

  play(): void {
    if (this.playing) return;
    this.#joined = false;
    this.#nextReportAt = 0;
    this.#stopWatching = this.#feed.watch(this.quality, (picture) => this.#send(picture));
  }

  pause(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  /** Ends it; the client is told in RTCP where it is still there. */
  end(told: boolean): void {
    if (told && this.playing && !this.#transport.cut) this.#transport.control(this.sender.goodbye());
    this.pause();
    this.#transport.close();
  }

  #send(picture: FeedPicture): void {
    if (this.#transport.cut) {
      this.#joined = false;
      return;
    }
    const timestamp = this.sender.timestamp(picture.at);
    if (picture.at >= this.#nextReportAt) {
      this.#nextReportAt = picture.at + REPORT_INTERVAL_MS;
      this.#transport.control(this.sender.report(picture.shownAt, timestamp));
    }
    if (this.#faults.isOn("video-loss") || (this.quality === "main" && this.#faults.isOn("video-h265"))) {
      this.#joined = false;
      return;
    }
    // Pictures that refer to one which the client has not are of no use, unless the fault is that there are no others.
    if (!this.#joined && !picture.key && !this.#faults.isOn("video-no-key-frames")) return;
    this.#joined = true;
    this.#pictures++;
    const packets = this.sender.packets(this.#unitsOf(picture), timestamp);
    this.#transport.media(this.#disturbed(packets), this.#noise());
  }

  #unitsOf({ key, units }: FeedPicture): readonly Uint8Array[] {
    const bytes = this.#faults.option("video-huge-nal", "bytes");
    if (bytes === undefined || !key) return units;
    // [H.264 7.3.2.7] filler data, which decoders pass over, stands behind the picture's own units
    const filler = new Uint8Array(bytes).fill(0xff);
    filler[0] = NAL_TYPE.filler;
    filler[bytes - 1] = 0x80;
    return [...units, filler];
  }

  #disturbed(packets: readonly Buffer[]): readonly Buffer[] {
    const left = packets.filter(() => !this.#faults.strikes("video-packet-loss"));
    for (let i = 0; i + 1 < left.length; i++) {
      if (!this.#faults.strikes("video-reorder")) continue;
      const [first, second] = left.slice(i, i + 2);
      if (first !== undefined && second !== undefined) left.splice(i, 2, second, first);
    }
    return left;
  }

  #noise(): Buffer | undefined {
    const every = this.#faults.option("video-garbage", "everyPictures");
    if (every === undefined || this.#pictures % every !== 0) return undefined;
    return this.#faults.noise(this.#faults.option("video-garbage", "bytes") ?? 0);
  }
}
