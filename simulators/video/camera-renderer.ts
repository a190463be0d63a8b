import {
  Canvas,
  PICTURE_HEIGHT,
  PICTURE_WIDTH,
  type PictureScene,
  paintFigure,
  paintLabels,
  paintScenery,
} from "../devices/camera-picture.ts";
import type { Box } from "./yuv-picture.ts";

const WHOLE: Box = { left: 0, top: 0, width: PICTURE_WIDTH, height: PICTURE_HEIGHT };

/** Everything a scene shows but the time and the place of the figure. */
function sceneryKey({ time: _time, walkSeconds: _walkSeconds, ...rest }: PictureScene): string {
  return JSON.stringify(rest);
}

/** Paints a camera's scenes one after the other and only what changed between them. */
export class CameraRenderer {
  readonly #scenery = new Canvas();
  readonly #canvas = new Canvas();
  #key = "";
  #time = "";
  #figure: Box | undefined;

  /** The picture, a number a pixel: red in its lowest byte. */
  get pixels(): Uint32Array {
    return this.#canvas.pixels;
  }

  /** Paints a scene. Gives the boxes in which the picture may differ from the last one. */
  render(scene: PictureScene): readonly Box[] {
    const key = sceneryKey(scene);
    if (key !== this.#key) {
      paintScenery(this.#scenery, scene);
      this.#canvas.pixels.set(this.#scenery.pixels);
      this.#figure = paintFigure(this.#canvas, scene);
      paintLabels(this.#canvas, scene);
      this.#key = key;
      this.#time = scene.time;
      return [WHOLE];
    }
    const before = this.#figure;
    if (before !== undefined) this.#uncover(before);
    this.#figure = paintFigure(this.#canvas, scene);
    if (before === undefined && this.#time === scene.time) return [];
    const time = paintLabels(this.#canvas, scene);
    this.#time = scene.time;
    return [time, before, this.#figure].filter((box) => box !== undefined);
  }

  #uncover({ left, top, width, height }: Box): void {
    const from = Math.max(0, left);
    const to = Math.min(PICTURE_WIDTH, left + width);
    for (let y = Math.max(0, top); y < Math.min(PICTURE_HEIGHT, top + height); y++) {
      const row = y * PICTURE_WIDTH;
      this.#canvas.pixels.set(this.#scenery.pixels.subarray(row + from, row + to), row + from);
    }
  }
}
