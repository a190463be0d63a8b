import type { Door } from "../model/door.ts";
import type { Space } from "../model/site.ts";
import type { PlanSite } from "./action.ts";

/** What actions may look up, from the doors and the tree of spaces. */
export function planSite(doors: readonly Door[] = [], spaces: readonly Space[] = []): PlanSite {
  const byId = new Map(doors.map((door) => [door.id, door]));
  const parent = new Map(spaces.map((space) => [space.id, space.parent]));
  const lies = (space: string | undefined, below: string): boolean => {
    // a tree has no more levels than spaces: one that was made a ring ends all the same
    for (let at = space, left = spaces.length + 1; at !== undefined && left > 0; at = parent.get(at), left--)
      if (at === below) return true;
    return false;
  };
  return {
    door: (id) => byId.get(id),
    escapeDoors: (space) => doors.filter((door) => door.escape === true && lies(door.space, space)),
  };
}
