import process from "node:process";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { MIGRATIONS } from "#cloud/db/migrations/index.ts";
import { silentLogger } from "#core/logger.ts";

/** A process that holds the record database until it is killed: with "halfway" it stays in the middle of an upgrade. */
const [, , url = "", what = "hold"] = process.argv;

const migrations =
  what === "halfway"
    ? {
        ...MIGRATIONS,
        "9999-later": {
          async up(kysely: Db["kysely"]): Promise<void> {
            await kysely.schema.createTable("later").addColumn("id", "integer").execute();
            process.stdout.write("halfway\n");
            await new Promise(() => setInterval(() => undefined, 60_000));
          },
        },
      }
    : MIGRATIONS;
const db = await openDatabase(url, silentLogger, migrations);
db.sync.transaction(() => {
  db.sync.run(
    db.kysely.insertInto("blobs").values({ sha256: "child", content_type: "text/plain", size: 1, created_at: 1 }),
  );
});
process.stdout.write("holds\n");
setInterval(() => undefined, 60_000);
