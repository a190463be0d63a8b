import { spawnSync } from "node:child_process";
import process from "node:process";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { MIGRATIONS } from "#cloud/db/migrations/index.ts";
import { LaneCursors } from "#cloud/ingest/cursors.ts";
import { gatewayId, newEpoch } from "#core/ids.ts";
import { type Logger, silentLogger } from "#core/logger.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { peer } from "#tests/peers.ts";
import { Program } from "#tests/program.ts";
import { POSTGRES_PASSWORD, type PostgresServer, startPostgres } from "#tests/servers/postgres.ts";
import { FailingNetwork } from "#tests/servers/proxy.ts";

const program = peer("postgres");
const blob = (sha256: string) => ({ sha256, content_type: "image/jpeg", size: 1, created_at: 1 });
const add = (db: Db, name: string): void => void db.sync.run(db.kysely.insertInto("blobs").values(blob(name)));
const names = (db: Db): string[] =>
  db.sync.all(db.kysely.selectFrom("blobs").select("sha256").orderBy("sha256")).map(({ sha256 }) => sha256);
const unavailable = expect.objectContaining({ code: "DB_UNAVAILABLE", retriable: true });
const unknown = expect.objectContaining({ code: "DB_COMMIT_UNKNOWN", retriable: true });

function faultOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe.skipIf(program === undefined)("a record database on PostgreSQL", () => {
  let server: PostgresServer;
  let network: FailingNetwork;
  beforeAll(async () => {
    server = await startPostgres(program ?? "");
    network = await FailingNetwork.before(server.server.port);
  });
  afterAll(async () => {
    await network.close();
    await server.server.remove();
  });

  let url = "";
  const opened: Db[] = [];
  const children: Program[] = [];
  beforeEach(async () => {
    url = await server.schema();
  });
  afterEach(async () => {
    network.mode = "pass";
    for (const db of opened.splice(0)) await db.close();
    for (const child of children.splice(0)) await child.kill();
  });

  async function open(target = url, logger: Logger = silentLogger): Promise<Db> {
    const db = await openDatabase(target, logger);
    opened.push(db);
    return db;
  }
  const overNetwork = (): string => url.replace(`:${server.server.port}/`, `:${network.port}/`);

  /** A process of its own on the database, when it has said `word`. */
  async function child(what: string, word: RegExp): Promise<Program> {
    const started = Program.start(["tests/contract/records-child.ts", url, what]);
    children.push(started);
    await started.line(word);
    return started;
  }
  /** kill -9, and what is done before the server is there again. */
  async function whileKilled(db: Db, work = (): void => undefined): Promise<void> {
    await server.server.kill();
    try {
      await expect.poll(() => faultOf(() => names(db))).toEqual(unavailable);
      work();
    } finally {
      await server.server.start();
    }
  }
  const answers = (db: Db) => expect.poll(() => faultOf(() => names(db)) === undefined);

  describe("that is held", () => {
    it("refuses a second process, and takes the next one as soon as it is let go", async () => {
      const first = await open();
      await expect(open()).rejects.toMatchObject({ code: "DB_IN_USE", retriable: false });
      add(first, "a");
      await first.close();
      opened.length = 0;
      expect(names(await open())).toEqual(["a"]);
    });

    it("is free again when the process that held it was killed", { timeout: 90_000 }, async () => {
      await (await child("hold", /holds/)).kill();
      expect(names(await open())).toEqual(["child"]);
    });

    it("is never given back to a process after another one has held it: what that one knows is old", async () => {
      const former = await open(overNetwork());
      const lost: unknown[] = [];
      former.onLost((error) => lost.push(error));
      add(former, "a");
      network.mode = "refuse";
      network.cut();
      const latter = await open();
      add(latter, "b");
      await latter.close();
      opened.splice(1);
      network.mode = "pass";
      await expect.poll(() => faultOf(() => names(former))).toMatchObject({ code: "DB_IN_USE" });
      expect(() => add(former, "c")).toThrow(expect.objectContaining({ code: "DB_IN_USE" }));
      expect(lost, "told once, for this process must end").toMatchObject([{ code: "DB_IN_USE" }]);
    });

    it("is told to be lost while the other one still holds it: nobody waits for that one to end", async () => {
      const former = await open(overNetwork());
      const lost: unknown[] = [];
      former.onLost((error) => lost.push(error));
      network.mode = "refuse";
      network.cut();
      const latter = await open();
      network.mode = "pass";
      await expect.poll(() => lost).toMatchObject([{ code: "DB_IN_USE" }]);
      add(latter, "b");
      expect(() => add(former, "c")).toThrow(expect.objectContaining({ code: "DB_IN_USE" }));
    });

    it("is upgraded by the next process when one was killed in the middle of an upgrade", {
      timeout: 90_000,
    }, async () => {
      await (await child("halfway", /halfway/)).kill();
      const later = {
        up: (kysely: Db["kysely"]) => kysely.schema.createTable("later").addColumn("id", "integer").execute(),
      };
      const db = await openDatabase(url, silentLogger, { ...MIGRATIONS, "9999-later": later });
      opened.push(db);
      expect(names(db)).toEqual([]);
    });
  });

  describe("that goes away", () => {
    it("is refused at once while it is away, and is there again by itself, with all that was committed", async () => {
      const db = await open();
      add(db, "a");
      await whileKilled(db, () => {
        expect(() => add(db, "b")).toThrow(unavailable);
        expect(() => db.sync.transaction(() => add(db, "c"))).toThrow(unavailable);
      });
      await answers(db).toBe(true);
      add(db, "d");
      expect(names(db)).toEqual(["a", "d"]);
    });

    it("fails a transaction that it was cut from, even when it is there again before the transaction ends", async () => {
      const db = await open();
      const cut = (): void => {
        // Ends the session that holds the database and waits until the next one does.
        const script = `
          import pg from "pg";
          const client = new pg.Client(${JSON.stringify(server.url)});
          await client.connect();
          const held = () => client.query("select pid from pg_locks where locktype = 'advisory' and granted");
          const { rows: [before] } = await held();
          await client.query("select pg_terminate_backend($1)", [before.pid]);
          for (;;) {
            const { rows: [now] } = await held();
            if (now !== undefined && now.pid !== before.pid) break;
          }
          await client.end();`;
        const result = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
        expect(result.stderr).toBe("");
      };
      expect(() =>
        db.sync.transaction(() => {
          add(db, "a");
          expect(names(db)).toEqual(["a"]);
          cut();
          add(db, "b");
        }),
      ).toThrow(unavailable);
      await answers(db).toBe(true);
      expect(names(db)).toEqual([]);
      db.sync.transaction(() => add(db, "c"));
      expect(names(db)).toEqual(["c"]);
    });

    it("blocks nobody for long when it hangs, and is used again when it answers", { timeout: 40_000 }, async () => {
      const db = await open(overNetwork());
      network.mode = "hold";
      expect(() => names(db)).toThrow(unavailable);
      expect(() => names(db)).toThrow(unavailable);
      network.mode = "pass";
      await answers(db).toBe(true);
    });
  });

  describe("that is lost while it commits", () => {
    const key = { gateway: gatewayId("park/gw-1"), lane: "events", epoch: newEpoch() } as const;
    const clock = new ManualClock(1_790_000_000_000);

    it.each([
      ["had committed", "loseAnswerOfCommit", ["a"]],
      ["had not", "loseNextRequest", []],
    ] as const)("says that nobody knows: it %s", async (_what, mode, kept) => {
      const db = await open(overNetwork());
      network.mode = mode;
      expect(() => db.sync.transaction(() => add(db, "a"))).toThrow(unknown);
      await answers(db).toBe(true);
      expect(names(db)).toEqual(kept);
    });

    it("says so of a write outside a transaction, and of a question only that there was no answer", async () => {
      const db = await open(overNetwork());
      network.mode = "loseNextRequest";
      expect(() => names(db)).toThrow(unavailable);
      await answers(db).toBe(true);
      network.mode = "loseNextRequest";
      expect(() => add(db, "a")).toThrow(unknown);
    });

    it.each([
      ["was committed: it is followed up once, and nothing is stored twice", "loseAnswerOfCommit", 0],
      ["was not: it is stored when it is offered again, and followed up once", "loseNextRequest", 5],
    ] as const)("finds out for a lane what %s", async (_what, mode, freshAgain) => {
      const db = await open(overNetwork());
      const cursors = new LaneCursors(db, clock, { found: () => undefined });
      const followed: number[] = [];
      const offer = (): number =>
        cursors.change(
          (changes) => {
            const fresh = changes.store(key, { from: 1, to: 5 });
            for (const { from, to } of fresh) for (let i = from; i <= to; i++) add(db, `item ${i}`);
            return fresh.reduce((sum, { from, to }) => sum + to - from + 1, 0);
          },
          (stored) => {
            if (stored > 0) followed.push(stored);
          },
        );
      network.mode = mode;
      expect(offer).toThrow(unknown);
      expect([cursors.get(key), followed]).toEqual([undefined, []]);
      await answers(db).toBe(true);
      expect(offer()).toBe(freshAgain);
      expect(followed).toEqual([5]);
      expect([names(db).length, cursors.get(key)?.upTo]).toEqual([5, 5]);
    });
  });

  describe("and its password", () => {
    it("stand together in no message and no log line", async () => {
      const lines: string[] = [];
      const keep = (fields: object, message: string): void => void lines.push(JSON.stringify([fields, message]));
      const logger: Logger = { ...silentLogger, error: keep, warn: keep, info: keep, child: () => logger };
      const db = await open(url, logger);
      await whileKilled(db);
      await answers(db).toBe(true);
      const wrong = url.replace(POSTGRES_PASSWORD, `${POSTGRES_PASSWORD}-wrong`);
      const refused: unknown = await open(wrong, logger).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "DB_REFUSED", retriable: false });
      expect(lines.length).toBeGreaterThan(2);
      expect([...lines, String(refused)].join("\n")).not.toContain(POSTGRES_PASSWORD);
    });

    it("are told from a URL that is none", async () => {
      const refused: unknown = await open(`postgres://user:${POSTGRES_PASSWORD}@host:port/x`).catch(
        (error: unknown) => error,
      );
      expect(refused).toMatchObject({ code: "DB_URL_INVALID" });
      expect(String(refused)).not.toContain(POSTGRES_PASSWORD);
    });
  });
});
