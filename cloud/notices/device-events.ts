import type { DeviceEventItem } from "#core/contracts/lanes.ts";
import { InvalidInputError } from "#core/errors.ts";
import { type DeviceId, type GatewayId, gatewayOf } from "#core/ids.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { Db } from "../db/database.ts";

/** How many device events are kept. */
const KEPT = 100_000;

/** Device events as they came: what is acknowledged to the gateway is kept here. */
export class DeviceEvents {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /**
   * Keeps an event once. True when it is new.
   * @throws EVENT_FOREIGN when the device is not the gateway's
   */
  take(gateway: GatewayId, { event }: DeviceEventItem): boolean {
    if (gatewayOf(event.device as DeviceId) !== gateway)
      throw new InvalidInputError("EVENT_FOREIGN", `device ${event.device} does not belong to ${gateway}`);
    const { kysely, sync } = this.#db;
    return sync.transaction(() => {
      const { changes, lastInsertId } = sync.run(
        kysely
          .insertInto("device_events")
          .values({
            id: event.id,
            device: event.device,
            kind: event.kind,
            observed_at: event.observedAt,
            document: JSON.stringify(event),
          })
          .onConflict((c) => c.column("id").doNothing()),
      );
      if (changes === 0) return false;
      sync.run(kysely.deleteFrom("device_events").where("seq", "<=", lastInsertId - KEPT));
      return true;
    });
  }

  /** The newest events of a device, newest first. */
  recent(device: string, limit: number): readonly DeviceEvent[] {
    const { kysely, sync } = this.#db;
    return sync
      .all(
        kysely
          .selectFrom("device_events")
          .select("document")
          .where("device", "=", device)
          .orderBy("seq", "desc")
          .limit(limit),
      )
      .map(({ document }) => JSON.parse(document) as DeviceEvent);
  }
}
