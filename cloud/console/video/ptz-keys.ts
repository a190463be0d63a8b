import type { Direction } from "./ptz-drive.ts";

/** The eight directions and the zoom, in the order of the pad. */
export const DIRECTIONS = {
  upLeft: { pan: -1, tilt: 1 },
  up: { tilt: 1 },
  upRight: { pan: 1, tilt: 1 },
  left: { pan: -1 },
  right: { pan: 1 },
  downLeft: { pan: -1, tilt: -1 },
  down: { tilt: -1 },
  downRight: { pan: 1, tilt: -1 },
  zoomIn: { zoom: 1 },
  zoomOut: { zoom: -1 },
} as const satisfies Record<string, Direction>;
export type DirectionName = keyof typeof DIRECTIONS;

/** Speeds to choose from, shares of the greatest. */
export const SPEEDS = { slow: 0.15, normal: 0.45, fast: 1 } as const;
export type SpeedName = keyof typeof SPEEDS;

/** A direction at a speed. */
export function atSpeed(direction: Direction, speed: number): Direction {
  return Object.fromEntries(Object.entries(direction).map(([axis, sign]) => [axis, sign * speed]));
}

const KEYS: Readonly<Record<string, Direction>> = {
  ArrowUp: DIRECTIONS.up,
  ArrowDown: DIRECTIONS.down,
  ArrowLeft: DIRECTIONS.left,
  ArrowRight: DIRECTIONS.right,
  "+": DIRECTIONS.zoomIn,
  "=": DIRECTIONS.zoomIn,
  "-": DIRECTIONS.zoomOut,
};

/** Does a key drive a camera? */
export function isPtzKey(key: string): boolean {
  return Object.hasOwn(KEYS, key);
}

/** Where the keys that are held drive a camera: two arrows make a diagonal, opposite ones cancel. undefined: nowhere. */
export function directionOf(held: ReadonlySet<string>): Direction | undefined {
  const sum = { pan: 0, tilt: 0, zoom: 0 };
  for (const key of held) {
    const { pan = 0, tilt = 0, zoom = 0 } = Object.hasOwn(KEYS, key) ? (KEYS[key] ?? {}) : {};
    sum.pan += pan;
    sum.tilt += tilt;
    sum.zoom += zoom;
  }
  const moved = Object.entries(sum).flatMap(([axis, sign]) => (sign === 0 ? [] : [[axis, Math.sign(sign)] as const]));
  return moved.length === 0 ? undefined : Object.fromEntries(moved);
}
