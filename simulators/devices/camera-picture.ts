import jpeg from "jpeg-js";
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphHasInk } from "./camera-font.ts";

/** Size of every simulated picture, pixels. */
export const PICTURE_WIDTH = 640;
export const PICTURE_HEIGHT = 360;

/** What one picture shows. */
export interface PictureScene {
  /** Printable ASCII; other characters show as "?". */
  readonly title: string;
  /** Local date and time as it is to be shown. */
  readonly time: string;
  /** Preset or position, bottom left. */
  readonly position: string;
  /** Where the camera looks: degrees from its zero, right and up positive. */
  readonly pan: number;
  readonly tilt: number;
  /** Optical zoom factor, 1 or more. */
  readonly zoom: number;
  /** Local hour of day with fraction, 0-24: decides day, dusk and night. */
  readonly hour: number;
  /** Is the scene lit by artificial light? Seen at night only. */
  readonly light: boolean;
  /** Is somebody there? A figure walks through the view. */
  readonly intruder: boolean;
  /** Is the lens covered? */
  readonly covered: boolean;
  /** Changes the view of one camera against another's: a number from 0 to 1. */
  readonly seed: number;
}

/** Horizontal field of view at zoom 1, degrees; the vertical one follows from the picture's sides. */
const FIELD_OF_VIEW_DEGREES = 64;
const JPEG_QUALITY = 55;

type Colour = readonly [red: number, green: number, blue: number];

const INK: Colour = [255, 255, 255];
const SHADOW: Colour = [0, 0, 0];

/** Daylight from 0 (night) to 1 (day), with an hour of dusk on either side. */
export function daylight(hour: number): number {
  return Math.max(0, Math.min(1, hour - 5.5, 19.5 - hour));
}

class Canvas {
  readonly bytes = new Uint8Array(PICTURE_WIDTH * PICTURE_HEIGHT * 4);
  readonly #pixels = new Uint32Array(this.bytes.buffer);

  rectangle(left: number, top: number, width: number, height: number, colour: Colour): void {
    const x0 = Math.max(0, Math.round(left));
    const x1 = Math.min(PICTURE_WIDTH, Math.round(left + width));
    const y0 = Math.max(0, Math.round(top));
    const y1 = Math.min(PICTURE_HEIGHT, Math.round(top + height));
    if (x1 <= x0) return;
    const [red, green, blue] = colour;
    const packed = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    for (let y = y0; y < y1; y++) this.#pixels.fill(packed, y * PICTURE_WIDTH + x0, y * PICTURE_WIDTH + x1);
  }

  disc(centreX: number, centreY: number, radius: number, colour: Colour): void {
    for (let dy = -Math.floor(radius); dy <= radius; dy++) {
      const half = Math.sqrt(radius * radius - dy * dy);
      this.rectangle(centreX - half, centreY + dy, half * 2, 1, colour);
    }
  }

  text(text: string, left: number, top: number, scale: number, colour: Colour): void {
    for (let i = 0; i < text.length; i++) {
      const x = left + i * GLYPH_WIDTH * scale;
      for (let column = 0; column < GLYPH_WIDTH; column++) {
        for (let row = 0; row < GLYPH_HEIGHT; row++) {
          if (glyphHasInk(text.charAt(i), column, row)) {
            this.rectangle(x + column * scale, top + row * scale, scale, scale, colour);
          }
        }
      }
    }
  }

  /** Light text on a dark box, readable over any scene. */
  label(text: string, left: number, top: number, scale: number): void {
    this.rectangle(left - 4, top - 4, text.length * GLYPH_WIDTH * scale + 6, GLYPH_HEIGHT * scale + 6, SHADOW);
    this.text(text, left, top, scale, INK);
  }
}

/** Where a direction appears in the picture, and how many pixels a degree takes. */
class View {
  readonly pixelsPerDegree: number;
  readonly #scene: PictureScene;

  constructor(scene: PictureScene) {
    this.#scene = scene;
    this.pixelsPerDegree = (PICTURE_WIDTH * Math.max(1, scene.zoom)) / FIELD_OF_VIEW_DEGREES;
  }

  x(azimuth: number): number {
    const away = ((((azimuth - this.#scene.pan + 180) % 360) + 360) % 360) - 180;
    return PICTURE_WIDTH / 2 + away * this.pixelsPerDegree;
  }

  y(elevation: number): number {
    return PICTURE_HEIGHT / 2 + (this.#scene.tilt - elevation) * this.pixelsPerDegree;
  }
}

function shade(colour: Colour, brightness: number): Colour {
  const by = (part: number): number => Math.max(0, Math.min(255, Math.round(part * brightness)));
  return [by(colour[0]), by(colour[1]), by(colour[2])];
}

function paintBackground(canvas: Canvas, view: View, day: number, brightness: number): void {
  const horizon = view.y(0);
  const band = PICTURE_HEIGHT / 12;
  for (let top = 0; top < PICTURE_HEIGHT; top += band) {
    if (top < horizon) {
      const sky: Colour = [90 + top / 4, 140 + top / 5, 220];
      canvas.rectangle(0, top, PICTURE_WIDTH, Math.min(band, horizon - top), shade(sky, 0.08 + 0.92 * day));
    }
    const ground = Math.max(top, horizon);
    const below = (ground - horizon) / PICTURE_HEIGHT;
    canvas.rectangle(0, ground, PICTURE_WIDTH, top + band - ground, shade([96, 118 + below * 30, 84], brightness));
  }
  // A road that leaves the camera at azimuth 0, broader towards the viewer.
  const start = Math.max(0, Math.floor(horizon));
  for (let y = start; y < PICTURE_HEIGHT; y += 4) {
    const half = ((y - horizon) / view.pixelsPerDegree) * 0.55 * view.pixelsPerDegree + 3;
    canvas.rectangle(view.x(0) - half, y, half * 2, 4, shade([120, 120, 124], brightness));
  }
}

function paintBuildings(canvas: Canvas, view: View, scene: PictureScene, brightness: number, night: boolean): void {
  for (let i = 0; i < 12; i++) {
    const azimuth = -180 + i * 30 + 9 * Math.sin(i * 7 + scene.seed * 40);
    const widthDegrees = 9 + 5 * Math.abs(Math.sin(i * 3 + scene.seed * 17));
    const heightDegrees = 5 + 9 * Math.abs(Math.cos(i * 5 + scene.seed * 29));
    const left = view.x(azimuth);
    const width = widthDegrees * view.pixelsPerDegree;
    if (left > PICTURE_WIDTH || left + width < 0) continue;
    const top = view.y(heightDegrees);
    const wall: Colour = [150 + ((i * 37) % 60), 140 + ((i * 53) % 50), 130 + ((i * 29) % 60)];
    canvas.rectangle(left, top, width, heightDegrees * view.pixelsPerDegree, shade(wall, brightness));
    const step = 2.2 * view.pixelsPerDegree;
    for (let column = 0; (column + 1) * step < width; column++) {
      for (let row = 0; (row + 1.2) * step < heightDegrees * view.pixelsPerDegree; row++) {
        const lit = night && (column * 7 + row * 13 + i) % 3 === 0;
        const glass: Colour = lit ? [250, 220, 130] : shade([70, 90, 120], brightness);
        canvas.rectangle(left + (column + 0.3) * step, top + (row + 0.4) * step, step * 0.5, step * 0.5, glass);
      }
    }
  }
}

function paintFence(canvas: Canvas, view: View, brightness: number): void {
  const post = shade([70, 74, 80], brightness);
  const rail = shade([110, 114, 120], brightness);
  for (const elevation of [-2, -3.5, -5]) {
    canvas.rectangle(0, view.y(elevation), PICTURE_WIDTH, Math.max(1, view.pixelsPerDegree * 0.15), rail);
  }
  for (let azimuth = -180; azimuth < 180; azimuth += 5) {
    const width = Math.max(2, view.pixelsPerDegree * 0.4);
    canvas.rectangle(view.x(azimuth), view.y(-1.5), width, 4.5 * view.pixelsPerDegree, post);
  }
}

/** Whoever set off the detector is in view by definition, so the figure is placed in the picture and not in the world. */
function paintIntruder(canvas: Canvas, scene: PictureScene, brightness: number): void {
  const height = Math.min(230, 90 * Math.sqrt(Math.max(1, scene.zoom)));
  const second = Number(scene.time.slice(-2)) || 0;
  const centre = PICTURE_WIDTH / 2 + Math.sin(second / 4) * 90;
  const top = PICTURE_HEIGHT / 2 - height / 3;
  const coat = shade([190, 40, 40], Math.max(0.55, brightness));
  const dark = shade([40, 40, 48], Math.max(0.55, brightness));
  const stride = (second % 2 === 0 ? 0.1 : 0.2) * height;
  canvas.disc(centre, top + height * 0.11, height * 0.1, shade([220, 180, 150], Math.max(0.55, brightness)));
  canvas.rectangle(centre - height * 0.13, top + height * 0.22, height * 0.26, height * 0.4, coat);
  canvas.rectangle(centre - height * 0.21, top + height * 0.24, height * 0.07, height * 0.34, coat);
  canvas.rectangle(centre + height * 0.14, top + height * 0.24, height * 0.07, height * 0.34, coat);
  canvas.rectangle(centre - stride, top + height * 0.62, height * 0.1, height * 0.38, dark);
  canvas.rectangle(centre + stride - height * 0.1, top + height * 0.62, height * 0.1, height * 0.38, dark);
}

/** Paints the scene and gives it as a JPEG of 640 x 360 pixels. */
export function paintPicture(scene: PictureScene): Uint8Array {
  const canvas = new Canvas();
  const view = new View(scene);
  const day = daylight(scene.hour);
  const brightness = Math.max(day, scene.light ? 0.75 : 0.22);
  if (scene.covered) {
    canvas.rectangle(0, 0, PICTURE_WIDTH, PICTURE_HEIGHT, [26, 24, 24]);
  } else {
    paintBackground(canvas, view, day, brightness);
    paintBuildings(canvas, view, scene, brightness, day < 0.5);
    paintFence(canvas, view, brightness);
    if (scene.intruder) paintIntruder(canvas, scene, brightness);
  }
  canvas.label(scene.title, 12, 12, 2);
  canvas.label(scene.time, 12, 36, 2);
  canvas.label(scene.position, 12, PICTURE_HEIGHT - 28, 2);
  if (scene.intruder) canvas.label("MOTION", PICTURE_WIDTH - 6 * GLYPH_WIDTH * 2 - 12, 12, 2);
  const encoded = jpeg.encode({ data: canvas.bytes, width: PICTURE_WIDTH, height: PICTURE_HEIGHT }, JPEG_QUALITY);
  return new Uint8Array(encoded.data);
}
