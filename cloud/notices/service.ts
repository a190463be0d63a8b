import type { Selectable } from "kysely";
import type { Clock } from "#core/clock.ts";
import type { NotifyItem } from "#core/contracts/lanes.ts";
import { newId } from "#core/ids.ts";
import type { Db } from "../db/database.ts";
import type { LiveBus, SiteCatalog } from "../ports.ts";
import { iso } from "../time.ts";
import type { NoticeTables } from "./tables.ts";

/** How many notices are kept. */
const KEPT = 1000;

/** A notice as it goes to the consoles; `at` is ISO 8601. */
export interface NoticeView {
  readonly id: string;
  readonly at: string;
  readonly text: string;
  readonly textEn: string;
  /** Opens by itself. */
  readonly popup: boolean;
  /** Device id of the camera to show. */
  readonly camera?: string;
  readonly alarm?: string;
  readonly rule?: string;
}

/** What is to be told. `at` is Unix ms. */
export type Notice = Omit<NotifyItem, "kind" | "offset">;

export interface NoticeDeps {
  readonly db: Db;
  readonly catalog: Pick<SiteCatalog, "device">;
  /** Space of an alarm, to know who may hear of it. */
  readonly areaOf: (alarm: string) => string | undefined;
  readonly bus: LiveBus;
  readonly clock: Clock;
}

/** What rules tell people at the console: kept in a bounded number and told at once to whoever looks. */
export class Notices {
  readonly #deps: NoticeDeps;

  constructor(deps: NoticeDeps) {
    this.#deps = deps;
  }

  /** Keeps a notice, in the running transaction or in its own; the returned callback tells it and runs after COMMIT. */
  take(notice: Notice): () => void {
    const { db, clock } = this.#deps;
    const { at, text, textEn, popup, camera, alarm, rule } = notice;
    const row = {
      id: newId(clock.now()),
      at,
      text,
      text_en: textEn,
      popup: popup ? 1 : 0,
      camera: camera ?? null,
      alarm: alarm ?? null,
      rule: rule ?? null,
    };
    const { kysely, sync } = db;
    // By rank, not by number: numbers have gaps where a transaction was rolled back.
    const beyond = kysely.selectFrom("notices").select("seq").orderBy("seq", "desc").limit(1).offset(KEPT);
    sync.transaction(() => {
      sync.run(kysely.insertInto("notices").values(row));
      sync.run(kysely.deleteFrom("notices").where("seq", "<=", beyond));
    });
    return () => this.#publish(row);
  }

  /** The newest notices, newest first. */
  recent(limit: number): readonly NoticeView[] {
    const { kysely, sync } = this.#deps.db;
    return sync.all(kysely.selectFrom("notices").selectAll().orderBy("seq", "desc").limit(limit)).map(view);
  }

  #publish(row: Omit<Selectable<NoticeTables["notices"]>, "seq">): void {
    const { catalog, areaOf, bus } = this.#deps;
    const space =
      (row.alarm === null ? undefined : areaOf(row.alarm)) ??
      (row.camera === null ? undefined : catalog.device(row.camera)?.space);
    bus.publish({ kind: "notices", id: row.id, ...(space === undefined ? {} : { space }), item: view(row) });
  }
}

function view(row: Omit<Selectable<NoticeTables["notices"]>, "seq">): NoticeView {
  return {
    id: row.id,
    at: iso(row.at),
    text: row.text,
    textEn: row.text_en,
    popup: row.popup === 1,
    ...(row.camera === null ? {} : { camera: row.camera }),
    ...(row.alarm === null ? {} : { alarm: row.alarm }),
    ...(row.rule === null ? {} : { rule: row.rule }),
  };
}
