import { type Selectable, sql } from "kysely";
import type { ClipView } from "#core/contracts/clips.ts";
import type { ClipItem, SnapshotItem } from "#core/contracts/lanes.ts";
import { InvalidInputError } from "#core/errors.ts";
import { type DeviceId, gatewayOf } from "#core/ids.ts";
import type { Db } from "../db/database.ts";
import type { BlobState, BlobUse, BlobUser } from "../media-ports.ts";
import { iso } from "../time.ts";
import type { AlarmTables } from "./tables.ts";

/** Stands in `alarm` for a picture or clip that belongs to none. */
const NO_ALARM = "";

type ClipRow = Selectable<AlarmTables["alarm_clips"]>;

/** What is known of blobs, by hash; those that never came are absent. */
export type StatesOf = (hashes: readonly string[]) => ReadonlyMap<string, BlobState["state"]>;

/** For what a picture or clip was made and by which camera; `alarm` is undefined where it belongs to none. */
export interface MadeFor {
  readonly alarm: string | undefined;
  readonly camera: string;
}

/** Pictures and clips of alarms and runs: that they exist and what they show. The bytes are blobs. */
export class AlarmMedia implements BlobUser {
  readonly #db: Db;
  readonly #statesOf: StatesOf;

  constructor(db: Db, statesOf: StatesOf) {
    this.#db = db;
    this.#statesOf = statesOf;
  }

  addSnapshot(gateway: string, item: SnapshotItem): void {
    const { kysely, sync } = this.#db;
    sync.run(
      kysely
        .insertInto("alarm_snapshots")
        .values({
          alarm: item.alarm ?? NO_ALARM,
          sha256: item.sha256,
          gateway,
          occurrence: item.occurrence ?? null,
          run: item.run ?? null,
          camera: item.camera,
          bytes: item.bytes,
          content_type: item.contentType,
          taken_at: item.takenAt,
        })
        .onConflict((conflict) => conflict.columns(["alarm", "sha256"]).doNothing()),
    );
  }

  /** @throws CLIP_FOREIGN when the camera is not the gateway's */
  addClip(gateway: string, item: ClipItem): void {
    if (gatewayOf(item.camera as DeviceId) !== gateway)
      throw new InvalidInputError("CLIP_FOREIGN", `camera ${item.camera} does not belong to ${gateway}`);
    const { kysely, sync } = this.#db;
    sync.run(
      kysely
        .insertInto("alarm_clips")
        .values({
          alarm: item.alarm ?? NO_ALARM,
          sha256: item.sha256,
          gateway,
          occurrence: item.occurrence ?? null,
          run: item.run ?? null,
          camera: item.camera,
          bytes: item.bytes,
          content_type: item.contentType,
          started_at: item.startedAt,
          ended_at: item.endedAt,
          trigger_at: item.triggerAt,
          time_base: item.timeBase,
          width: item.width,
          height: item.height,
          frames: item.frames,
          missing: item.missing ?? null,
        })
        .onConflict((conflict) => conflict.columns(["alarm", "sha256"]).doNothing()),
    );
  }

  /** What a picture or clip was made for. */
  madeFor(sha256: string): readonly MadeFor[] {
    const { kysely, sync } = this.#db;
    const rows = sync.all(
      kysely
        .selectFrom("alarm_snapshots")
        .select(["alarm", "camera"])
        .where("sha256", "=", sha256)
        .unionAll(kysely.selectFrom("alarm_clips").select(["alarm", "camera"]).where("sha256", "=", sha256)),
    );
    return rows.map(({ alarm, camera }) => ({ alarm: alarm === NO_ALARM ? undefined : alarm, camera }));
  }

  /** Runs that a picture or clip was made in. */
  runsOf(sha256: string): readonly string[] {
    const { kysely, sync } = this.#db;
    const rows = sync.all(kysely.selectFrom("alarm_clips").select("run").where("sha256", "=", sha256));
    return rows.flatMap(({ run }) => (run === null ? [] : [run]));
  }

  /** Hashes of the pictures of each alarm, oldest first. */
  snapshotsOf(alarms: readonly string[]): ReadonlyMap<string, readonly string[]> {
    if (alarms.length === 0) return new Map();
    const { kysely, sync } = this.#db;
    const rows = sync.all(
      kysely
        .selectFrom("alarm_snapshots")
        .select(["alarm", "sha256"])
        .where("alarm", "in", alarms)
        .orderBy("taken_at")
        .orderBy("sha256"),
    );
    const byAlarm = Map.groupBy(rows, ({ alarm }) => alarm);
    return new Map([...byAlarm].map(([alarm, found]) => [alarm, found.map(({ sha256 }) => sha256)]));
  }

  /** Clips of each alarm, oldest first. */
  clipsOf(alarms: readonly string[]): ReadonlyMap<string, readonly ClipView[]> {
    return this.#clips("alarm", alarms);
  }

  /** Clips made in each run, oldest first. */
  clipsOfRuns(runs: readonly string[]): ReadonlyMap<string, readonly ClipView[]> {
    return this.#clips("run", runs);
  }

  usesOf(hashes: readonly string[]): readonly BlobUse[] {
    if (hashes.length === 0) return [];
    const { kysely, sync } = this.#db;
    const open = kysely.selectFrom("alarms").select("id").where("open", "=", 1);
    const snapshots = sync.all(
      kysely
        .selectFrom("alarm_snapshots")
        .select(["sha256", "alarm", "run"])
        .select((e) => e.case().when("alarm", "in", open).then(e.lit(1)).else(e.lit(0)).end().as("held"))
        .where("sha256", "in", hashes),
    );
    const clips = sync.all(
      kysely
        .selectFrom("alarm_clips")
        .select("sha256")
        .select((e) => e.case().when("alarm", "in", open).then(e.lit(1)).else(e.lit(0)).end().as("held"))
        .where("sha256", "in", hashes),
    );
    return [
      ...snapshots.map(({ sha256, alarm, run, held }): BlobUse => {
        const byHand = alarm === NO_ALARM && run === null;
        return { sha256, class: byHand ? "picture" : "snapshot", held: held === 1 };
      }),
      ...clips.map(({ sha256, held }): BlobUse => ({ sha256, class: "clip", held: held === 1 })),
    ];
  }

  /** A picture that somebody took to have a look is no record. */
  forget(hashes: readonly string[]): void {
    if (hashes.length === 0) return;
    const { kysely, sync } = this.#db;
    sync.run(
      kysely
        .deleteFrom("alarm_snapshots")
        .where("sha256", "in", hashes)
        .where("alarm", "=", NO_ALARM)
        .where("run", "is", null),
    );
  }

  /** These alarms are removed: what was kept for them belongs to nothing any more. */
  forgetAlarms(alarms: readonly string[]): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.deleteFrom("alarm_snapshots").where("alarm", "in", alarms));
    sync.run(kysely.deleteFrom("alarm_clips").where("alarm", "in", alarms));
  }

  #clips(column: "alarm" | "run", keys: readonly string[]): ReadonlyMap<string, readonly ClipView[]> {
    if (keys.length === 0) return new Map();
    const { kysely, sync } = this.#db;
    const rows = sync.all(
      kysely
        .selectFrom("alarm_clips")
        .selectAll()
        .where(sql.ref<string>(column), "in", keys)
        .orderBy("started_at")
        .orderBy("sha256"),
    );
    const states = this.#statesOf(rows.map(({ sha256 }) => sha256));
    const byKey = Map.groupBy(rows, (row) => row[column] ?? "");
    return new Map([...byKey].map(([key, found]) => [key, found.map((row) => clipView(row, states.get(row.sha256)))]));
  }
}

function clipView(row: ClipRow, state: BlobState["state"] | undefined): ClipView {
  return {
    url: `/api/v1/blobs/${row.sha256}`,
    state: state ?? "coming",
    sha256: row.sha256,
    bytes: row.bytes,
    camera: row.camera,
    startedAt: iso(row.started_at),
    endedAt: iso(row.ended_at),
    triggerAt: iso(row.trigger_at),
    timeBase: row.time_base,
    width: row.width,
    height: row.height,
    frames: row.frames,
    ...(row.missing === null ? {} : { missing: row.missing }),
  };
}
