import type { Clock } from "#core/clock.ts";
import type { VideoFormat } from "#core/contracts/video.ts";
import type { Consumer } from "./camera-stream.ts";
import type { Count, KeptPicture, VideoFailure } from "./picture.ts";

/** The way to the cloud, as one stream sees it. */
export interface UplinkWire {
  /** Bytes that wait to be sent. */
  readonly waiting: number;
  format(format: VideoFormat): void;
  picture(picture: KeptPicture, gap: boolean): void;
  /** The stream is over for the cloud. */
  ended(failure: VideoFailure): void;
}

/** A stream that the cloud has asked for so long without a picture is given up, ms: its viewers are told why. */
const PATIENCE_MS = 8_000;

/** Bytes that may wait: beyond `stopAt` pictures are left out, from below `goOnAt` on they come again with the next key picture. */
export interface UplinkPressure {
  readonly stopAt: number;
  readonly goOnAt: number;
}

/** One pull of the cloud: passes pictures on as far as the way takes them. */
export class UplinkStream implements Consumer {
  readonly takesSnapshots = true;
  readonly keepsPictures = false;
  readonly #wire: UplinkWire;
  readonly #clock: Clock;
  readonly #count: Count;
  readonly #pressure: UplinkPressure;
  #format: VideoFormat | undefined;
  #sentFormat: VideoFormat | undefined;
  #waitsForKey = true;
  #gap = false;
  #pictureAt: number;

  constructor(wire: UplinkWire, clock: Clock, count: Count, pressure: UplinkPressure) {
    this.#wire = wire;
    this.#clock = clock;
    this.#count = count;
    this.#pressure = pressure;
    this.#pictureAt = clock.monotonic();
  }

  onFormat(format: VideoFormat): void {
    this.#format = format;
    this.#waitsForKey = true;
  }

  onPicture(picture: KeptPicture): void {
    this.#pictureAt = this.#clock.monotonic();
    const { waiting } = this.#wire;
    if (waiting > (this.#waitsForKey ? this.#pressure.goOnAt : this.#pressure.stopAt)) {
      this.#count("droppedPictures");
      this.#waitsForKey = true;
      this.#gap = true;
      return;
    }
    if (this.#waitsForKey && !picture.key) {
      this.#count("droppedPictures");
      return;
    }
    this.#waitsForKey = false;
    if (this.#format !== undefined && this.#sentFormat !== this.#format) {
      this.#sentFormat = this.#format;
      this.#wire.format(this.#format);
    }
    this.#count("sentPictures");
    this.#wire.picture(picture, picture.gap || this.#gap);
    this.#gap = false;
  }

  onFailure(failure: VideoFailure): void {
    this.#gap = true;
    if (!failure.retriable || this.#clock.monotonic() - this.#pictureAt >= PATIENCE_MS) this.#wire.ended(failure);
  }
}
