import type { Clock } from "#core/clock.ts";
import type { SimulatedCamera } from "../devices/camera.ts";
import { PICTURE_HEIGHT, PICTURE_WIDTH } from "../devices/camera-picture.ts";
import { CameraRenderer } from "./camera-renderer.ts";
import { H264Encoder } from "./h264-encoder.ts";
import { type ParameterSets, parameterSets } from "./parameter-sets.ts";
import { halve, YuvPicture } from "./yuv-picture.ts";

/** Pictures a second of every stream. */
export const PICTURES_PER_SECOND = 12.5;
const TICK_MS = 1000 / PICTURES_PER_SECOND;
/** A key picture every two seconds. */
const KEY_INTERVAL = 25;

/** Streams of a camera: the picture in full, and at half its sides. */
export const QUALITIES = ["main", "sub"] as const;
export type Quality = (typeof QUALITIES)[number];

/** How often each stream halves the picture's sides. */
const HALVINGS: Readonly<Record<Quality, number>> = { main: 0, sub: 1 };

/** One coded picture of a stream. */
export interface FeedPicture {
  readonly key: boolean;
  /** NAL units without start codes; a key picture begins with its parameter sets. */
  readonly units: readonly Uint8Array[];
  /** Moment that the picture shows, Unix ms by the camera's own clock: the same as is written in it. */
  readonly shownAt: number;
  /** The same moment by the monotonic clock, ms. */
  readonly at: number;
}

/** What may be wrong with a feed; read at every picture. */
export interface FeedConditions {
  /** Sides are halved once more. */
  readonly small: boolean;
  /** No key pictures but the first. */
  readonly noKeys: boolean;
}

/** One stream of the feed while somebody watches it. */
class Stream {
  readonly viewers = new Set<(picture: FeedPicture) => void>();
  readonly halvings: number;
  readonly picture: YuvPicture;
  readonly encoder: H264Encoder;
  /** Pixels after each halving. */
  readonly #halves: readonly Uint32Array[];
  #sinceKey = 0;
  keyWanted = true;

  constructor(halvings: number) {
    this.halvings = halvings;
    const { width, height } = sizeOf(halvings);
    this.picture = new YuvPicture(width, height);
    this.encoder = new H264Encoder(this.picture, { picturesPerSecond: PICTURES_PER_SECOND });
    this.#halves = Array.from({ length: halvings }, (_, index) => {
      const size = sizeOf(index + 1);
      return new Uint32Array(size.width * size.height);
    });
  }

  take(pixels: Uint32Array, boxes: ReturnType<CameraRenderer["render"]>): void {
    for (const whole of boxes) {
      let box = whole;
      let source = pixels;
      for (const [index, target] of this.#halves.entries()) {
        const { width, height } = sizeOf(index);
        box = halve(source, width, height, box, target);
        source = target;
      }
      this.picture.update(source, box);
    }
  }

  encode(noKeys: boolean): Pick<FeedPicture, "key" | "units"> {
    const due = this.keyWanted || ++this.#sinceKey >= KEY_INTERVAL;
    const coded = this.encoder.encode({ key: due && !noKeys });
    if (coded.key) {
      this.#sinceKey = 0;
      this.keyWanted = false;
    }
    return coded;
  }
}

function sizeOf(halvings: number): { readonly width: number; readonly height: number } {
  return { width: PICTURE_WIDTH >> halvings, height: PICTURE_HEIGHT >> halvings };
}

/** What the feed is given. */
export interface FeedDeps {
  readonly clock: Clock;
  /** How far the camera's clock runs ahead of ours, ms. */
  readonly clockOffsetMs: () => number;
  readonly conditions: FeedConditions;
}

/**
 * The live pictures of one camera as H.264. Each is painted and coded once for all who watch; nothing is done while nobody does.
 */
export class CameraFeed {
  readonly #camera: SimulatedCamera;
  readonly #deps: FeedDeps;
  readonly #streams = new Map<Quality, Stream>();
  #renderer = new CameraRenderer();
  #stopTicks: (() => void) | undefined;

  constructor(camera: SimulatedCamera, deps: FeedDeps) {
    this.#camera = camera;
    this.#deps = deps;
  }

  /** Parameter sets of the pictures that a stream would send now. */
  parameters(quality: Quality): ParameterSets {
    return parameterSets({ ...sizeOf(this.#halvings(quality)), picturesPerSecond: PICTURES_PER_SECOND });
  }

  /** Is anybody watching? */
  get watched(): boolean {
    return this.#streams.size > 0;
  }

  /** Gives `viewer` every picture of a stream from now on; one of the next is a key picture. Gives the way to stop. */
  watch(quality: Quality, viewer: (picture: FeedPicture) => void): () => void {
    const stream = this.#streams.get(quality) ?? this.#begin(quality);
    stream.viewers.add(viewer);
    stream.keyWanted = true;
    this.#stopTicks ??= this.#startTicks();
    return () => this.#leave(quality, viewer);
  }

  #startTicks(): () => void {
    const { clock } = this.#deps;
    const cancelFirst = clock.after(0, () => this.#tick());
    const cancelTicks = clock.every(TICK_MS, () => this.#tick());
    return () => {
      cancelFirst();
      cancelTicks();
    };
  }

  #leave(quality: Quality, viewer: (picture: FeedPicture) => void): void {
    const stream = this.#streams.get(quality);
    if (stream === undefined) return;
    stream.viewers.delete(viewer);
    if (stream.viewers.size > 0) return;
    this.#streams.delete(quality);
    if (this.watched) return;
    this.#stopTicks?.();
    this.#stopTicks = undefined;
    this.#renderer = new CameraRenderer();
  }

  /** A stream that begins while the other runs needs the whole picture once. */
  #begin(quality: Quality): Stream {
    const stream = new Stream(this.#halvings(quality));
    this.#streams.set(quality, stream);
    stream.take(this.#renderer.pixels, [{ left: 0, top: 0, ...sizeOf(0) }]);
    return stream;
  }

  #halvings(quality: Quality): number {
    return HALVINGS[quality] + (this.#deps.conditions.small ? 1 : 0);
  }

  #tick(): void {
    const { clock, conditions, clockOffsetMs } = this.#deps;
    const now = clock.now();
    const at = clock.monotonic();
    const offset = clockOffsetMs();
    const boxes = this.#renderer.render(this.#camera.scene(now, offset));
    for (const [quality, former] of this.#streams) {
      let stream = former;
      if (former.halvings === this.#halvings(quality)) stream.take(this.#renderer.pixels, boxes);
      else {
        stream = this.#begin(quality);
        for (const viewer of former.viewers) stream.viewers.add(viewer);
      }
      const picture = { ...stream.encode(conditions.noKeys), shownAt: now + offset, at };
      for (const viewer of [...stream.viewers]) viewer(picture);
    }
  }
}
