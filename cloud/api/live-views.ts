import type { LiveKind, LiveRequest } from "#core/contracts/live.ts";
import type { Actor, LiveChange, PageRequest, PageResult, Visible } from "../ports.ts";
import type { ApiDeps } from "./deps.ts";
import { gatewaySeen, isVisible } from "./visible.ts";

type Filter = NonNullable<Extract<LiveRequest, { t: "view" }>["filter"]>;

/** One view of a page: what it holds at the start and which changes belong to it. */
export interface View {
  snapshot(): readonly unknown[];
  /** Does a change concern this view? */
  matches(change: LiveChange): boolean;
}

/** What each kind shows asks for. */
const PERMISSION: Readonly<Record<LiveKind, string>> = {
  alarms: "alarm.read",
  points: "point.read",
  devices: "point.read",
  doors: "point.read",
  gateways: "gateway.read",
  runs: "rule.read",
  notices: "alarm.read",
  loads: "alarm.read",
};

/** Every item of a paged list. */
function all<T>(list: (page: PageRequest) => PageResult<T>): readonly T[] {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = list({ limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return items;
}

function insideArea(deps: ApiDeps, area: string | undefined): (space: string | undefined) => boolean {
  if (area === undefined) return () => true;
  const actor: Actor = { name: "view", grants: [{ role: "viewer", space: area }] };
  return (space) => space !== undefined && deps.authority.may(actor, "alarm.read", space);
}

function snapshotOf(
  kind: LiveKind,
  filter: Filter,
  visible: Visible,
  deps: ApiDeps,
): readonly { readonly id: string }[] {
  switch (kind) {
    case "points": {
      // Named points are looked up one by one: a page names some dozens of thousands.
      if (filter.ids !== undefined)
        return filter.ids.flatMap((id) => {
          const point = deps.state.point(id);
          return point && isVisible(visible, point.space) ? [point] : [];
        });
      const device = filter.device === undefined ? {} : { device: filter.device };
      return all((page) => deps.state.points({ ...page, ...device, visible }));
    }
    case "devices":
      return all((page) => deps.state.devices({ ...page, visible }));
    case "alarms": {
      const area = filter.area === undefined ? {} : { area: filter.area };
      return all((page) => deps.alarms.list({ ...page, ...area, state: "open", visible }));
    }
    case "doors":
      return deps.doors.list(visible);
    case "gateways":
      return deps.gateways.list();
    case "loads":
      return deps.quality.loads(visible);
    // Runs and notices are told as they happen; what was is asked for by HTTP.
    case "runs":
    case "notices":
      return [];
    default:
      return kind satisfies never;
  }
}

/** The view an actor may have, or undefined when none of its grants gives the permission. */
export function viewFor(kind: LiveKind, filter: Filter, actor: Actor, deps: ApiDeps): View | undefined {
  const permission = PERMISSION[kind];
  if (!deps.authority.may(actor, permission)) return undefined;
  const visible = deps.authority.spaces(actor, permission);
  const ids = filter.ids === undefined ? undefined : new Set(filter.ids);
  const inArea = insideArea(deps, filter.area);
  const isSeen = kind === "gateways" ? gatewaySeen(deps, actor) : undefined;
  const deviceOfPoint = kind !== "points" || filter.device === undefined ? undefined : `${filter.device}/`;
  const named = (id: string): boolean =>
    (ids === undefined || ids.has(id)) &&
    (deviceOfPoint === undefined || id.startsWith(deviceOfPoint)) &&
    (isSeen === undefined || isSeen(id));
  return {
    snapshot: () => snapshotOf(kind, filter, visible, deps).filter(({ id }) => named(id)),
    matches(change) {
      if (!named(change.id)) return false;
      // A rule may act anywhere: its runs, like whatever lies in no space, are the whole site's.
      if (isSeen === undefined && !isVisible(visible, kind === "runs" ? undefined : change.space)) return false;
      return kind !== "alarms" || inArea(change.space);
    },
  };
}
