import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

async function clips({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable("alarm_clips")
    .addColumn("alarm", "text", (c) => c.notNull())
    .addColumn("sha256", "text", (c) => c.notNull())
    .addColumn("gateway", "text", (c) => c.notNull())
    .addColumn("occurrence", "bigint")
    .addColumn("run", "text")
    .addColumn("camera", "text", (c) => c.notNull())
    .addColumn("bytes", "bigint", (c) => c.notNull())
    .addColumn("content_type", "text", (c) => c.notNull())
    .addColumn("started_at", "bigint", (c) => c.notNull())
    .addColumn("ended_at", "bigint", (c) => c.notNull())
    .addColumn("trigger_at", "bigint", (c) => c.notNull())
    .addColumn("time_base", "text", (c) => c.notNull())
    .addColumn("width", "integer", (c) => c.notNull())
    .addColumn("height", "integer", (c) => c.notNull())
    .addColumn("frames", "integer", (c) => c.notNull())
    .addColumn("missing", "text")
    .addPrimaryKeyConstraint("alarm_clips_key", ["alarm", "sha256"])
    .execute();
  await schema.createIndex("alarm_clips_sha256").on("alarm_clips").column("sha256").execute();
  await schema.createIndex("alarm_clips_run").on("alarm_clips").column("run").execute();
  await schema.createIndex("alarm_snapshots_sha256").on("alarm_snapshots").column("sha256").execute();
}

async function blobs({ schema }: Kysely<unknown>): Promise<void> {
  // The class of a blob follows from what refers to it.
  await schema.alterTable("blobs").dropColumn("retention").execute();
  await schema.alterTable("blobs").addColumn("removed_at", "bigint").execute();
  await schema.createIndex("blobs_kept").on("blobs").columns(["removed_at", "created_at", "sha256"]).execute();
  await schema.alterTable("commands").addColumn("blob", "text").execute();
  await schema.createIndex("commands_blob").on("commands").column("blob").execute();
}

async function events({ schema }: Kysely<unknown>): Promise<void> {
  await schema.alterTable("device_events").addColumn("door", "text").execute();
  await schema.alterTable("device_events").addColumn("space", "text").execute();
  await schema.createIndex("device_events_device").on("device_events").columns(["device", "seq"]).execute();
}

async function certificates({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable("certificates")
    .addColumn("gateway", "text", (c) => c.notNull())
    .addColumn("channel", "text", (c) => c.notNull())
    .addColumn("thumbprint", "text", (c) => c.notNull())
    .addColumn("subject", "text", (c) => c.notNull())
    .addColumn("issuer", "text", (c) => c.notNull())
    .addColumn("application_uri", "text")
    .addColumn("not_before", "bigint", (c) => c.notNull())
    .addColumn("not_after", "bigint", (c) => c.notNull())
    .addColumn("trust", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("certificates_key", ["gateway", "channel", "thumbprint"])
    .execute();
}

/** Clips, the retention of blobs, what device events are about, certificates of channels. */
export const media: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await clips(db);
    await blobs(db);
    await events(db);
    await certificates(db);
  },
};
