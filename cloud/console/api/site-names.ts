import type { DeviceView } from "#core/contracts/devices.ts";
import type { Partition, Space, Zone } from "#core/model/site.ts";
import { Cell } from "../live/cell.ts";
import type { HubApi } from "./hub-api.ts";

/** Names and places of the site's things. */
export interface SiteNames {
  readonly spaces: ReadonlyMap<string, Space>;
  readonly zones: ReadonlyMap<string, Zone>;
  readonly partitions: ReadonlyMap<string, Partition>;
  readonly devices: ReadonlyMap<string, DeviceView>;
}

const byId = <T extends { readonly id: string }>(items: readonly T[]): ReadonlyMap<string, T> =>
  new Map(items.map((item) => [item.id, item]));

/** Before anything is known. */
export const NO_NAMES: SiteNames = { spaces: new Map(), zones: new Map(), partitions: new Map(), devices: new Map() };

/** The site as loaded after signing in. */
export class SiteStore {
  readonly names = new Cell<SiteNames>(NO_NAMES);
  readonly #api: Pick<HubApi, "spaces" | "zones" | "partitions" | "devices">;

  constructor(api: Pick<HubApi, "spaces" | "zones" | "partitions" | "devices">) {
    this.#api = api;
  }

  /** Loads what the user may see; what is refused stays empty, and ids are shown in its place. */
  async load(): Promise<void> {
    const none = () => ({ items: [] });
    const [spaces, zones, partitions, devices] = await Promise.all([
      this.#api.spaces().catch(none),
      this.#api.zones().catch(none),
      this.#api.partitions().catch(none),
      this.#api.devices().catch(() => []),
    ]);
    this.names.set({
      spaces: byId(spaces.items),
      zones: byId(zones.items),
      partitions: byId(partitions.items),
      devices: byId(devices),
    });
  }
}

/** A space and those it lies in, the space first. Ends at an unknown parent or a circle. */
export function spacePath(spaces: ReadonlyMap<string, Space>, id: string | undefined): readonly Space[] {
  const path: Space[] = [];
  let next = id === undefined ? undefined : spaces.get(id);
  while (next !== undefined && !path.includes(next)) {
    path.push(next);
    next = next.parent === undefined ? undefined : spaces.get(next.parent);
  }
  return path;
}

/** Does a space lie in an area, or is it the area itself? */
export function isInside(spaces: ReadonlyMap<string, Space>, space: string | undefined, area: string): boolean {
  return space === area || spacePath(spaces, space).some(({ id }) => id === area);
}
