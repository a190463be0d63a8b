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
  /** How far the figure is on its walk, s of its minute; the seconds of `time` when absent. */
  readonly walkSeconds?: number;
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

/** A rectangle of the picture, pixels; it may reach beyond the edges. */
export interface PictureBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The picture as RGBA, row by row. */
export class Canvas {
  readonly bytes = new Uint8Array(PICTURE_WIDTH * PICTURE_HEIGHT * 4);
  /** The same, a number a pixel: red in its lowest byte. */
  readonly pixels = new Uint32Array(this.bytes.buffer);

  rectangle(left: number, top: number, width: number, height: number, colour: Colour): void {
    const x0 = Math.max(0, Math.round(left));
    const x1 = Math.min(PICTURE_WIDTH, Math.round(left + width));
    const y0 = Math.max(0, Math.round(top));
    const y1 = Math.min(PICTURE_HEIGHT, Math.round(top + height));
    if (x1 <= x0) return;
    const [red, green, blue] = colour;
    const packed = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    for (let y = y0; y < y1; y++) this.pixels.fill(packed, y * PICTURE_WIDTH + x0, y * PICTURE_WIDTH + x1);
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
    const box = labelBox(text, left, top, scale);
    this.rectangle(box.left, box.top, box.width, box.height, SHADOW);
    this.text(text, left, top, scale, INK);
  }
}

function labelBox(text: string, left: number, top: number, scale: number): PictureBox {
  return {
    left: left - 4,
    top: top - 4,
    width: text.length * GLYPH_WIDTH * scale + 6,
    height: GLYPH_HEIGHT * scale + 6,
  };
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

/** Flower beds on the lawn, so that a camera that looks down is seen to turn. */
function paintBeds(canvas: Canvas, view: View, scene: PictureScene, brightness: number): void {
  for (let i = 0; i < 120; i++) {
    const azimuth = -180 + (i % 40) * 9 + 4 * Math.sin(i * 5 + scene.seed * 31);
    // Off the road, which runs from azimuth 0.
    if (Math.abs(azimuth) < 8) continue;
    const elevation = -8 - 6 * Math.floor(i / 40) - 2 * Math.abs(Math.sin(i * 3 + scene.seed * 13));
    const flowers: Colour = [120 + ((i * 47) % 90), 70 + ((i * 31) % 60), 60 + ((i * 71) % 80)];
    const width = (1.5 + Math.abs(Math.cos(i))) * view.pixelsPerDegree;
    const height = 0.8 * view.pixelsPerDegree;
    canvas.rectangle(view.x(azimuth), view.y(elevation), width, height, shade(flowers, brightness));
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

function brightnessOf(scene: PictureScene): number {
  return Math.max(daylight(scene.hour), scene.light ? 0.75 : 0.22);
}

/** Paints what stands still: sky, ground, buildings and fence, or the cover of the lens. Fills the canvas. */
export function paintScenery(canvas: Canvas, scene: PictureScene): void {
  if (scene.covered) {
    canvas.rectangle(0, 0, PICTURE_WIDTH, PICTURE_HEIGHT, [26, 24, 24]);
    return;
  }
  const view = new View(scene);
  const day = daylight(scene.hour);
  const brightness = brightnessOf(scene);
  paintBackground(canvas, view, day, brightness);
  paintBeds(canvas, view, scene, brightness);
  paintBuildings(canvas, view, scene, brightness, day < 0.5);
  paintFence(canvas, view, brightness);
}

/**
 * Paints the figure where it walks and gives the box that holds it; undefined where none is to be seen. Whoever set off the
 * detector is in view by definition, so the figure is placed in the picture and not in the world.
 */
export function paintFigure(canvas: Canvas, scene: PictureScene): PictureBox | undefined {
  if (!scene.intruder || scene.covered) return undefined;
  const brightness = Math.max(0.55, brightnessOf(scene));
  const height = Math.min(230, 90 * Math.sqrt(Math.max(1, scene.zoom)));
  const second = scene.walkSeconds ?? (Number(scene.time.slice(-2)) || 0);
  const centre = PICTURE_WIDTH / 2 + Math.sin(second / 4) * 90;
  const top = PICTURE_HEIGHT / 2 - height / 3;
  const coat = shade([190, 40, 40], brightness);
  const dark = shade([40, 40, 48], brightness);
  const stride = (Math.floor(second) % 2 === 0 ? 0.1 : 0.2) * height;
  canvas.disc(centre, top + height * 0.11, height * 0.1, shade([220, 180, 150], brightness));
  canvas.rectangle(centre - height * 0.13, top + height * 0.22, height * 0.26, height * 0.4, coat);
  canvas.rectangle(centre - height * 0.21, top + height * 0.24, height * 0.07, height * 0.34, coat);
  canvas.rectangle(centre + height * 0.14, top + height * 0.24, height * 0.07, height * 0.34, coat);
  canvas.rectangle(centre - stride, top + height * 0.62, height * 0.1, height * 0.38, dark);
  canvas.rectangle(centre + stride - height * 0.1, top + height * 0.62, height * 0.1, height * 0.38, dark);
  const left = Math.floor(centre - height * 0.25);
  return { left, top: Math.floor(top), width: Math.ceil(height * 0.5) + 2, height: Math.ceil(height) + 2 };
}

const LABEL_SCALE = 2;
const LABEL_LEFT = 12;
const TIME_TOP = 36;

/** Paints the labels over the scene. Gives the box of the time, which alone changes by itself. */
export function paintLabels(canvas: Canvas, scene: PictureScene): PictureBox {
  canvas.label(scene.title, LABEL_LEFT, 12, LABEL_SCALE);
  canvas.label(scene.time, LABEL_LEFT, TIME_TOP, LABEL_SCALE);
  canvas.label(scene.position, LABEL_LEFT, PICTURE_HEIGHT - 28, LABEL_SCALE);
  if (scene.intruder) {
    canvas.label("MOTION", PICTURE_WIDTH - 6 * GLYPH_WIDTH * LABEL_SCALE - LABEL_LEFT, 12, LABEL_SCALE);
  }
  return labelBox(scene.time, LABEL_LEFT, TIME_TOP, LABEL_SCALE);
}

/** Paints the scene and gives it as a JPEG of 640 x 360 pixels. */
export function paintPicture(scene: PictureScene): Uint8Array {
  const canvas = new Canvas();
  paintScenery(canvas, scene);
  paintFigure(canvas, scene);
  paintLabels(canvas, scene);
  const encoded = jpeg.encode({ data: canvas.bytes, width: PICTURE_WIDTH, height: PICTURE_HEIGHT }, JPEG_QUALITY);
  return new Uint8Array(encoded.data);
}
