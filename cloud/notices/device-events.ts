import type { SelectQueryBuilder } from "kysely";
import type { DeviceEventView } from "#core/contracts/devices.ts";
import type { DeviceEventItem } from "#core/contracts/lanes.ts";
import { InvalidInputError } from "#core/errors.ts";
import { type DeviceId, type GatewayId, gatewayOf } from "#core/ids.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { Db } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { DeviceEventQuery, DeviceEventService, PageResult, SiteCatalog, Visible } from "../ports.ts";
import { iso } from "../time.ts";

/** How many device events are kept. */
const KEPT = 100_000;
/** Every how many events the bound is looked at. */
const PRUNE_EVERY = 256;
/** Data that tells who a person is. */
const PERSONAL = /credential|card|holder|person|user|face|plate|fingerprint|^pin/i;
/** Stands for what the reader may not know. */
const MASKED = "***";

type EventSelect<O> = SelectQueryBuilder<Tables, "device_events", O>;

/** Device events as they came: what is acknowledged to the gateway is kept here. */
export class DeviceEvents implements DeviceEventService {
  readonly #db: Db;
  readonly #catalog: Pick<SiteCatalog, "device" | "doors">;
  #taken = 0;

  constructor(db: Db, catalog: Pick<SiteCatalog, "device" | "doors">) {
    this.#db = db;
    this.#catalog = catalog;
  }

  /**
   * Keeps an event once. True when it is new.
   * @throws EVENT_FOREIGN when the device is not the gateway's
   */
  take(gateway: GatewayId, { event }: DeviceEventItem): boolean {
    if (gatewayOf(event.device as DeviceId) !== gateway)
      throw new InvalidInputError("EVENT_FOREIGN", `device ${event.device} does not belong to ${gateway}`);
    const { kysely, sync } = this.#db;
    // By rank, not by number: numbers have gaps where an event was known already or a transaction was rolled back.
    const beyond = kysely.selectFrom("device_events").select("seq").orderBy("seq", "desc").limit(1).offset(KEPT);
    return sync.transaction(() => {
      const { changes } = sync.run(
        kysely
          .insertInto("device_events")
          .values({
            id: event.id,
            device: event.device,
            kind: event.kind,
            observed_at: event.observedAt,
            ...this.#placeOf(event),
            document: JSON.stringify(event),
          })
          .onConflict((c) => c.column("id").doNothing()),
      );
      if (changes === 0) return false;
      if (this.#taken++ % PRUNE_EVERY === 0) sync.run(kysely.deleteFrom("device_events").where("seq", "<=", beyond));
      return true;
    });
  }

  /** Order: newest known first. @throws CURSOR_INVALID */
  list(query: DeviceEventQuery): PageResult<DeviceEventView> {
    const { kysely, sync } = this.#db;
    const { limit, count, personal } = query;
    const [before] = decodeCursor(query.cursor, ["number"]) ?? [];
    const seen = filtered(kysely.selectFrom("device_events"), query);
    let page = seen
      .select(["seq", "space", "document"])
      .orderBy("seq", "desc")
      .limit(limit + 1);
    if (before !== undefined) page = page.where("seq", "<", Number(before));
    const rows = sync.all(page);
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return {
      items: items.map(({ space, document }) => eventView(JSON.parse(document) as DeviceEvent, isIn(personal, space))),
      ...(rows.length > items.length && last ? { nextCursor: encodeCursor([last.seq]) } : {}),
      ...(count === true ? { total: sync.get(seen.select((e) => e.fn.countAll<number>().as("n")))?.n ?? 0 } : {}),
    };
  }

  /** The door that an event is about, and where that or the device lies. */
  #placeOf({ device, data }: DeviceEvent): { readonly door: string | null; readonly space: string | null } {
    const token = data?.["door"];
    const door = typeof token === "string" ? token : null;
    const known = this.#catalog.doors().find((one) => one.device === device && one.token === door);
    return { door, space: (known ?? this.#catalog.device(device))?.space ?? null };
  }
}

function isIn(visible: Visible, space: string | null): boolean {
  return visible === "all" || (space !== null && visible.has(space));
}

function filtered<O>(
  select: EventSelect<O>,
  { device, kind, door, from, to, visible }: DeviceEventQuery,
): EventSelect<O> {
  let found = select;
  if (device !== undefined) found = found.where("device", "=", device);
  if (kind !== undefined) found = found.where("kind", "=", kind);
  if (door !== undefined) found = found.where("device", "=", door.device).where("door", "=", door.token);
  if (from !== undefined) found = found.where("observed_at", ">=", from);
  if (to !== undefined) found = found.where("observed_at", "<", to);
  if (visible !== "all") found = found.where("space", "in", [...visible]);
  return found;
}

/** An event in the shape of the HTTP API; who a person is, is told only to those who may know it. */
function eventView({ sourceTime, observedAt, data, ...event }: DeviceEvent, personal: boolean): DeviceEventView {
  const keys = Object.keys(data ?? {});
  // A panel's own words about a user name him.
  const isPersonal = (key: string): boolean =>
    PERSONAL.test(key) || (key === "text" && keys.some((one) => PERSONAL.test(one)));
  const shown = Object.entries(data ?? {}).map(
    ([key, value]) => [key, personal || !isPersonal(key) ? value : MASKED] as const,
  );
  return {
    ...event,
    ...(sourceTime === undefined ? {} : { sourceTime: iso(sourceTime) }),
    observedAt: iso(observedAt),
    ...(data === undefined ? {} : { data: Object.fromEntries(shown) }),
  };
}
