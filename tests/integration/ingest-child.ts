import { sql } from "kysely";
import { openCloud } from "./ingest-park.ts";

/** The cloud's data path as a process of its own, to be killed; its records in the folder, or at a URL. Writes one row per applied item, in the item's transaction. */
const [, , folder = "", records] = process.argv;
const onItem: Parameters<typeof openCloud>[2] = (db) => {
  const run = (query: { compile(k: typeof db.kysely): ReturnType<ReturnType<typeof sql>["compile"]> }): void => {
    db.sync.run({ compile: () => query.compile(db.kysely) });
  };
  run(sql`CREATE TABLE IF NOT EXISTS applied(item INTEGER NOT NULL)`);
  return (_gateway, item) => {
    run(sql`INSERT INTO applied(item) VALUES(${item.offset})`);
    return undefined;
  };
};
const cloud = await openCloud(folder, 0, onItem, records);
process.stdout.write(`port ${cloud.port}\n`);
