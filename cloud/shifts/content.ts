import type { Period } from "#core/alarm/periods.ts";
import type { Clock } from "#core/clock.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { HandedOverride, HandedPermit, HandoverContent } from "#core/contracts/shift.ts";
import type { AlarmPriority } from "#core/model/alarm.ts";
import type { Command } from "#core/model/command.ts";
import type { Db } from "../db/database.ts";
import type { AlarmService, DoorService, PageResult, SiteCatalog, Visible } from "../ports.ts";
import type { FiguresOf } from "../quality-ports.ts";
import { iso } from "../time.ts";

/** Alarms of a state that are named one by one. */
const MOST_NAMED = 200;
const PAGE = 200;
/** Beyond it they are told by their number alone. */
const MOST_OPEN = 20_000;
/** Written points that are named. */
const MOST_OVERRIDES = 200;
/** Commands that are looked through for them. */
const COMMANDS_LOOKED_AT = 1000;
/** What was written longer ago is the way it is, ms. */
const OVERRIDE_MS = 7 * 86_400_000;
const RANK: Readonly<Record<AlarmPriority, number>> = { urgent: 0, high: 1, medium: 2, low: 3 };
/** Doors that somebody has taken out of their ordinary ways. [ONVIF DoorMode] */
const UNUSUAL_DOOR: ReadonlySet<string> = new Set(["Unlocked", "Blocked", "LockedDown", "LockedOpen"]);

export interface ContentDeps {
  readonly db: Db;
  readonly catalog: Pick<SiteCatalog, "point">;
  readonly alarms: Pick<AlarmService, "list">;
  readonly doors: Pick<DoorService, "list">;
  readonly figures: FiguresOf;
  /** Maintenance permits that are on, as far as they touch what is visible. */
  readonly permits: (visible: Visible) => readonly HandedPermit[];
  readonly clock: Clock;
}

const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What one shift leaves to the next, of the spaces that are handed over. */
export async function handoverContent(
  deps: ContentDeps,
  visible: Visible,
  shift: Period,
  position: string | undefined,
): Promise<HandoverContent> {
  const now = deps.clock.now();
  const open = await openAlarms(deps.alarms, visible);
  const suppressed = (by: AlarmView["suppression"][number]) =>
    open.filter(({ suppression }) => suppression.includes(by));
  return {
    at: iso(now),
    open: handed(open.filter(({ suppression }) => suppression.length === 0)),
    shelved: handed(suppressed("shelved")),
    outOfService: handed(suppressed("outOfService")),
    suppressed: handed(suppressed("byDesign")),
    permits: [...deps.permits(visible)],
    overrides: [...overrides(deps, visible, now)],
    doors: deps.doors
      .list(visible)
      .filter(({ state }) => state !== null && UNUSUAL_DOOR.has(state))
      .map(({ id, name, nameEn, state }) => ({ id, name, nameEn, state })),
    figures: await deps.figures({
      visible,
      from: shift.from,
      to: Math.min(now, shift.to),
      ...(position === undefined ? {} : { position }),
    }),
  };
}

async function openAlarms(alarms: ContentDeps["alarms"], visible: Visible): Promise<readonly AlarmView[]> {
  const open: AlarmView[] = [];
  let cursor: string | undefined;
  do {
    const page: PageResult<AlarmView> = alarms.list({
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
      state: "open",
      visible,
    });
    open.push(...page.items);
    cursor = page.nextCursor;
    await breath();
  } while (cursor !== undefined && open.length < MOST_OPEN);
  return open;
}

function handed(alarms: readonly AlarmView[]): HandoverContent["open"] {
  const pressing = [...alarms].sort(
    (a, b) => RANK[a.priority] - RANK[b.priority] || a.raisedAt.localeCompare(b.raisedAt),
  );
  return { total: alarms.length, items: pressing.slice(0, MOST_NAMED).map(named) };
}

function named(alarm: AlarmView): HandoverContent["open"]["items"][number] {
  const { id, occurrence, category, priority, state, source, message, messageEn, raisedAt } = alarm;
  const { area, acknowledgedBy, shelvedUntil, shelvedOnce, assignee, permit } = alarm;
  return {
    ...{ id, occurrence, category, priority, state, source, message, messageEn, raisedAt },
    ...(area === undefined ? {} : { area }),
    ...(acknowledgedBy === undefined ? {} : { acknowledgedBy }),
    ...(shelvedUntil === undefined ? {} : { shelvedUntil }),
    ...(shelvedOnce === undefined ? {} : { shelvedOnce }),
    ...(assignee === undefined ? {} : { assignee }),
    ...(permit === undefined ? {} : { permit }),
  };
}

/** Points whose last written value was not given back: by a value of null, or by its lease. [BACnet 19.2 relinquish] */
function overrides({ db, catalog }: ContentDeps, visible: Visible, now: number): readonly HandedOverride[] {
  const rows = db.sync.all(
    db.kysely
      .selectFrom("commands")
      .select(["document", "requested_by", "created_at"])
      .where("status", "=", "done")
      .where("created_at", ">", now - OVERRIDE_MS)
      .orderBy("created_at", "desc")
      .limit(COMMANDS_LOOKED_AT),
  );
  const last = new Map<string, HandedOverride | undefined>();
  for (const row of rows) {
    const command = JSON.parse(row.document) as Command;
    if (!("point" in command) || last.has(command.point)) continue;
    const point = catalog.point(command.point);
    const seen = point !== undefined && (visible === "all" || visible.has(point.space));
    const { leaseMs = Infinity } = command;
    last.set(
      command.point,
      !seen || command.value === null || row.created_at + leaseMs <= now
        ? undefined
        : {
            point: point.id,
            name: point.name,
            nameEn: point.nameEn,
            value: command.value,
            by: row.requested_by,
            at: iso(row.created_at),
          },
    );
  }
  return [...last.values()].filter((one) => one !== undefined).slice(0, MOST_OVERRIDES);
}
