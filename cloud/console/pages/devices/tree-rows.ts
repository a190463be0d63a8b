import type { DeviceView } from "#core/contracts/devices.ts";
import type { Space } from "#core/model/site.ts";
import { spacesByParent } from "../../api/space-tree.ts";

/** One row of the tree of places and devices. */
export type TreeRow = { readonly id: string; readonly depth: number } & (
  | {
      readonly is: "space";
      readonly space: Space;
      readonly open: boolean;
      readonly leaf: boolean;
      /** Devices at this place and below it that do not answer. */
      readonly offline: number;
    }
  | { readonly is: "device"; readonly device: DeviceView }
);

/** What the tree is made of. */
export interface TreeInput {
  readonly spaces: ReadonlyMap<string, Space>;
  readonly devices: readonly DeviceView[];
  /** Ids of the spaces that are folded. */
  readonly folded: ReadonlySet<string>;
  /** Part of a name or id; with it everything that leads to a match is unfolded. */
  readonly q: string;
}

const matches = (thing: { id: string; name: string; nameEn: string }, q: string): boolean =>
  [thing.id, thing.name, thing.nameEn].some((text) => text.toLowerCase().includes(q));

/** Rows from top to bottom: each place, then its devices, then the places below it. */
export function treeRows({ spaces, devices, folded, q }: TreeInput): readonly TreeRow[] {
  const needle = q.trim().toLowerCase();
  const below = spacesByParent(spaces);
  const devicesAt = Map.groupBy(devices, (device) => device.space);

  const walk = (space: Space, depth: number, shown: boolean): readonly TreeRow[] => {
    const all = shown || needle === "" || matches(space, needle);
    const own = (devicesAt.get(space.id) ?? []).filter((device) => all || matches(device, needle));
    const inner = (below.get(space.id) ?? []).flatMap((child) => walk(child, depth + 1, needle !== "" && all));
    if (!all && own.length === 0 && inner.length === 0) return [];
    const open = needle !== "" || !folded.has(space.id);
    const deviceRows = own.map((device): TreeRow => ({ id: device.id, depth: depth + 1, is: "device", device }));
    return [
      {
        id: space.id,
        depth,
        is: "space",
        space,
        open,
        leaf: own.length === 0 && inner.length === 0,
        offline: offlineAt(space),
      },
      ...(open ? [...deviceRows, ...inner] : []),
    ];
  };
  const offlineAt = (space: Space): number =>
    (devicesAt.get(space.id) ?? []).filter(({ online }) => !online).length +
    (below.get(space.id) ?? []).reduce((sum, child) => sum + offlineAt(child), 0);

  const placed = (below.get("") ?? []).flatMap((space) => walk(space, 0, false));
  // Devices at a place that the user may not see stand at the end.
  const lost = devices
    .filter((device) => !spaces.has(device.space) && (needle === "" || matches(device, needle)))
    .map((device): TreeRow => ({ id: device.id, depth: 0, is: "device", device }));
  return [...placed, ...lost];
}

/** What an arrow key does in the tree, by the practice of tree views: go to a row, fold or unfold one. */
export function treeKey(
  key: string,
  rows: readonly TreeRow[],
  at: number,
): { readonly go: number } | { readonly fold: string } | undefined {
  const row = rows[at];
  const clamp = (to: number) => ({ go: Math.max(0, Math.min(rows.length - 1, to)) });
  switch (key) {
    case "ArrowDown":
      return clamp(at + 1);
    case "ArrowUp":
      return clamp(at - 1);
    case "Home":
      return clamp(0);
    case "End":
      return clamp(rows.length - 1);
    case "ArrowRight":
      if (row?.is !== "space" || row.leaf) return undefined;
      return row.open ? clamp(at + 1) : { fold: row.id };
    case "ArrowLeft": {
      if (row?.is === "space" && row.open && !row.leaf) return { fold: row.id };
      const parent = rows.findLastIndex((one, index) => index < at && one.depth < (row?.depth ?? 0));
      return parent < 0 ? undefined : clamp(parent);
    }
    default:
      return undefined;
  }
}
