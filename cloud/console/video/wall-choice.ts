/** How many cameras a wall shows. */
export const WALL_SIZES = [1, 4, 9] as const;
export type WallSize = (typeof WALL_SIZES)[number];

/** What the wall of this browser shows: an empty text is an empty tile. */
export interface WallChoice {
  readonly size: WallSize;
  readonly cameras: readonly string[];
}

/** Reads what was remembered; whatever is no choice is none. */
export function readChoice(text: string | null): WallChoice | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    if (typeof value !== "object" || value === null || !("size" in value) || !("cameras" in value)) return undefined;
    const { size, cameras } = value;
    const known = WALL_SIZES.find((one) => one === size);
    if (known === undefined || !Array.isArray(cameras)) return undefined;
    return { size: known, cameras: cameras.filter((one): one is string => typeof one === "string").slice(0, 9) };
  } catch {
    return undefined;
  }
}

/**
 * The cameras of the tiles: the chosen ones that are there, and in tiles nobody has chosen for the first that no tile shows.
 * Gives as many as the wall has tiles.
 */
export function tilesOf(choice: WallChoice, cameras: readonly string[]): readonly string[] {
  const known = new Set(cameras);
  const shown = new Set(choice.cameras.slice(0, choice.size));
  const free = cameras.filter((camera) => !shown.has(camera));
  return Array.from({ length: choice.size }, (_, index) => {
    const chosen = choice.cameras[index];
    if (chosen === undefined) return free.shift() ?? "";
    return known.has(chosen) ? chosen : "";
  });
}

/** The choice with another camera in one tile; a camera that another tile shows changes places with it. */
export function withCamera(choice: WallChoice, tiles: readonly string[], index: number, camera: string): WallChoice {
  const next = [...tiles];
  const other = camera === "" ? -1 : next.indexOf(camera);
  if (other >= 0) next[other] = tiles[index] ?? "";
  next[index] = camera;
  return { ...choice, cameras: [...next, ...choice.cameras.slice(next.length)] };
}
