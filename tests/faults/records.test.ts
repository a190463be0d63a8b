import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kysely } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { MIGRATIONS } from "#cloud/db/migrations/index.ts";
import { silentLogger } from "#core/logger.ts";
import { peer } from "#tests/peers.ts";
import { Program } from "#tests/program.ts";
import { type PostgresServer, startPostgres } from "#tests/servers/postgres.ts";

const program = peer("postgres");

const opened: Db[] = [];
afterEach(async () => {
  for (const db of opened.splice(0)) await db.close();
});
async function open(target: string, migrations = MIGRATIONS): Promise<Db> {
  const db = await openDatabase(target, silentLogger, migrations);
  opened.push(db);
  return db;
}
const add = (db: Db, sha256: string): void =>
  db.sync.transaction(() => {
    db.sync.run(db.kysely.insertInto("blobs").values({ sha256, content_type: "text/plain", size: 1, created_at: 1 }));
  });
const names = (db: Db): readonly string[] =>
  db.sync.all(db.kysely.selectFrom("blobs").select("sha256").orderBy("sha256")).map(({ sha256 }) => sha256);

describe("[catalogue 30] an upgrade of the records file that is killed halfway", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "parkhub-upgrade-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("leaves all records and is done by the next start", { timeout: 90_000 }, async () => {
    const file = join(folder, "records.db");
    const before = await open(file);
    add(before, "a");
    await before.close();
    opened.length = 0;

    const child = Program.start(["tests/contract/records-child.ts", file, "halfway"]);
    onTestFinished(() => child.kill());
    await child.line(/halfway/);
    await child.kill();

    const later = {
      up: (kysely: Kysely<unknown>) => kysely.schema.createTable("later").addColumn("id", "integer").execute(),
    };
    const db = await open(file, { ...MIGRATIONS, "9999-later": later });
    expect(names(db)).toEqual(["a"]);
    add(db, "b");
    expect(names(db)).toEqual(["a", "b"]);
  });
});

describe.skipIf(program === undefined)("[catalogue 28] records whose synchronous standby is down", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres(program ?? "");
  });
  afterAll(() => server?.server.remove());

  const standby = async (name: string): Promise<void> => {
    await server.query(`alter system set synchronous_standby_names = '${name}'`);
    await server.query("select pg_reload_conf()");
  };

  it("are refused as something to be tried again, hold nobody up for ever, and go on when it is let go", {
    timeout: 90_000,
  }, async () => {
    const db = await open(await server.schema());
    add(db, "a");
    await standby("nobody");
    const isAsked = async () => (await server.query("show synchronous_standby_names"))[0];
    await expect.poll(isAsked).toEqual({ synchronous_standby_names: "nobody" });
    const begun = performance.now();
    expect(() => add(db, "b")).toThrow(expect.objectContaining({ retriable: true }));
    expect(performance.now() - begun).toBeLessThan(30_000);
    await standby("");
    const again = (): readonly string[] | undefined => {
      try {
        if (!names(db).includes("b")) add(db, "b");
        return names(db);
      } catch {
        return undefined;
      }
    };
    await expect.poll(again, { timeout: 30_000 }).toEqual(["a", "b"]);
  });
});
