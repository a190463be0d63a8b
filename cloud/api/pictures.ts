import type { Db } from "../db/database.ts";
import type { SiteCatalog } from "../ports.ts";
import type { PictureIndex } from "./deps.ts";

/** Where pictures belong, by the records of what they were taken for. */
export class StoredPictures implements PictureIndex {
  readonly #db: Db;
  readonly #catalog: Pick<SiteCatalog, "device">;

  constructor(db: Db, catalog: Pick<SiteCatalog, "device">) {
    this.#db = db;
    this.#catalog = catalog;
  }

  spacesOf(sha256: string): readonly (string | undefined)[] {
    const { kysely, sync } = this.#db;
    const rows = sync.all(
      kysely
        .selectFrom("alarm_snapshots")
        .leftJoin("alarms", "alarms.id", "alarm_snapshots.alarm")
        .where("alarm_snapshots.sha256", "=", sha256)
        .select(["alarms.area", "alarm_snapshots.camera"]),
    );
    return rows.flatMap(({ area, camera }) => [area ?? undefined, this.#catalog.device(camera)?.space]);
  }
}
