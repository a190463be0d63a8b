import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { Client } from "pg";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { silentLogger } from "#core/logger.ts";
import { peer } from "#tests/peers.ts";
import { startPostgres } from "#tests/servers/postgres.ts";
import type { Bench, Figures } from "./bench.ts";

const ROUNDS = 8;
const SLICE_MS = process.env["PARKHUB_BENCH_SMOKE"] === "1" ? 20 : 400;

/** How long each call of some work has blocked, ms. */
class Blocking {
  readonly #ms: number[] = [];
  #elapsedMs = 0;

  async slice(work: () => unknown): Promise<void> {
    const started = performance.now();
    for (let at = started; at - started < SLICE_MS; ) {
      const result = work();
      if (result instanceof Promise) await result;
      const now = performance.now();
      this.#ms.push(now - at);
      at = now;
    }
    this.#elapsedMs += performance.now() - started;
  }

  get perSecond(): number {
    return Math.round((this.#ms.length * 1000) / this.#elapsedMs);
  }

  quantile(share: number): number {
    const sorted = this.#ms.toSorted((a, b) => a - b);
    return Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 1000) / 1000;
  }
}

/** The work of the domains on a record database, each call something of its own. */
function workOn(db: Db) {
  const { kysely, sync } = db;
  let next = 0;
  const insert = () => {
    const n = ++next;
    return sync.run(
      kysely
        .insertInto("blobs")
        .values({ sha256: `${n}`.padStart(64, "0"), content_type: "image/jpeg", size: n, created_at: n })
        .onConflict((c) => c.column("sha256").doNothing()),
    );
  };
  const find = () =>
    sync.get(
      kysely
        .selectFrom("blobs")
        .selectAll()
        .where("sha256", "=", `${(next >> 1) + 1}`.padStart(64, "0")),
    );
  return {
    statements: find,
    writes: insert,
    // Five writes, nothing asked.
    transactions: () =>
      sync.transaction(() => {
        for (let i = 0; i < 5; i++) insert();
      }),
    // As an alarm is folded in: what is held, what it becomes, was it news.
    asking: () =>
      sync.transaction(() => {
        find();
        insert();
        insert();
        if (insert().changes > 0) find();
      }),
  };
}

type Work = ReturnType<typeof workOn>;
const KINDS = ["statements", "writes", "transactions", "asking"] as const satisfies readonly (keyof Work)[];

/** The five writes as plain `pg` does them, one await after the other. */
function plainTransactions(client: Client): () => Promise<void> {
  let next = 0;
  return async () => {
    await client.query("BEGIN");
    for (let i = 0; i < 5; i++)
      await client.query({
        name: "insert",
        text: "insert into plain (name, size) values ($1, $2) on conflict do nothing",
        values: [`${++next}`.padStart(64, "0"), next],
      });
    await client.query("COMMIT");
  };
}

function figuresOf(name: string, measured: Readonly<Record<(typeof KINDS)[number], Blocking>>): Figures {
  return Object.fromEntries(
    KINDS.flatMap((kind) => [
      [`${name}${kind[0]?.toUpperCase()}${kind.slice(1)}PerS`, measured[kind].perSecond],
      [`${name}${kind[0]?.toUpperCase()}${kind.slice(1)}P99Ms`, measured[kind].quantile(0.99)],
    ]),
  );
}

function newMeasures(): Record<(typeof KINDS)[number], Blocking> {
  return { statements: new Blocking(), writes: new Blocking(), transactions: new Blocking(), asking: new Blocking() };
}

/** Records on PostgreSQL through its thread, beside SQLite and beside plain `pg`, every COMMIT on the disk. */
export const records: Bench = async (say) => {
  const program = peer("postgres");
  if (program === undefined) throw new Error("PostgreSQL is not installed");
  const folder = mkdtempSync(path.join(os.tmpdir(), "parkhub-bench-records-"));
  const server = await startPostgres(program, { fsync: true });
  const client = new Client({ connectionString: server.url });
  const opened: Db[] = [];
  try {
    const sqlite = await openDatabase(path.join(folder, "records.db"), silentLogger);
    opened.push(sqlite);
    const postgres = await openDatabase(await server.schema(), silentLogger);
    opened.push(postgres);
    await client.connect();
    await client.query("create table plain (name text primary key, size bigint not null)");
    const [onSqlite, onPostgres, plain] = [workOn(sqlite), workOn(postgres), plainTransactions(client)];
    const [sqliteMs, postgresMs, plainMs] = [newMeasures(), newMeasures(), new Blocking()];
    for (let round = 1; round <= ROUNDS; round++) {
      for (const kind of KINDS) {
        await sqliteMs[kind].slice(onSqlite[kind]);
        await postgresMs[kind].slice(onPostgres[kind]);
      }
      await plainMs.slice(plain);
      say(`round ${round} of ${ROUNDS}`);
    }
    const share = (a: Blocking, b: Blocking): number => Math.round((a.perSecond / b.perSecond) * 1000) / 1000;
    return {
      figures: figuresOf("postgres", postgresMs),
      limit: { ...figuresOf("sqlite", sqliteMs), pgTransactionsPerS: plainMs.perSecond },
      ratio: {
        statements: share(postgresMs.statements, sqliteMs.statements),
        transactions: share(postgresMs.transactions, sqliteMs.transactions),
        asking: share(postgresMs.asking, sqliteMs.asking),
        transactionsToPg: share(postgresMs.transactions, plainMs),
      },
    };
  } finally {
    for (const db of opened) await db.close();
    await client.end();
    await server.server.remove();
    rmSync(folder, { recursive: true, force: true });
  }
};
