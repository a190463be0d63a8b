import { createHash } from "node:crypto";
import type { Selectable } from "kysely";
import type { AuditEntry } from "#core/contracts/audit.ts";
import type { Db } from "../db/database.ts";
import { storedText } from "../db/dialect.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { AuditLog, PageRequest, PageResult } from "../ports.ts";
import { iso } from "../time.ts";
import type { AuditTables } from "./tables.ts";

type Row = Selectable<AuditTables["audit"]>;

/** The hash before the first row. */
const GENESIS = "0".repeat(64);

/** Hash of a row and of all before it, by the hash of the one before. */
function hashOf(row: Omit<Row, "hash">): string {
  const { seq, at, actor, action, target, result, detail, ip, prev_hash } = row;
  return createHash("sha256")
    .update(JSON.stringify([seq, at, actor, action, target, result, detail, ip, prev_hash]))
    .digest("hex");
}

/**
 * Hash-chained audit rows from the first one on: a changed, removed or inserted row breaks the chain, at its end too.
 * The chain holds no key: against somebody who rewrites the whole database only a copy of the newest hash elsewhere helps.
 */
export class AuditChain implements AuditLog {
  readonly #db: Db;
  readonly #now: () => number;

  constructor(db: Db, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  append(entry: Parameters<AuditLog["append"]>[0]): void {
    const { kysely, sync } = this.#db;
    sync.transaction(() => {
      const newestRow = kysely.selectFrom("audit").select("seq").orderBy("seq", "desc").limit(1);
      const ends = kysely.selectFrom("audit_head").select(["seq", "hash"]).select(newestRow.as("last"));
      const head = sync.get(ends.where("id", "=", 1)) ?? { seq: 0, hash: GENESIS, last: sync.get(newestRow)?.seq };
      const row = {
        // Past a row that is none of ours: it stays as the break that it is, and recording goes on.
        seq: Math.max(head.seq, head.last ?? 0) + 1,
        at: this.#now(),
        actor: storedText(entry.actor),
        action: storedText(entry.action),
        target: entry.target === undefined ? null : storedText(entry.target),
        result: entry.result,
        detail: entry.detail === undefined ? null : JSON.stringify(entry.detail),
        ip: entry.ip === undefined ? null : storedText(entry.ip),
        prev_hash: head.hash,
      };
      const hash = hashOf(row);
      sync.run(kysely.insertInto("audit").values({ ...row, hash }));
      const newest = { seq: row.seq, hash };
      sync.run(
        kysely
          .insertInto("audit_head")
          .values({ id: 1, ...newest })
          .onConflict((c) => c.column("id").doUpdateSet(newest)),
      );
    });
  }

  list(query: PageRequest): PageResult<AuditEntry> {
    const { kysely, sync } = this.#db;
    const [before] = decodeCursor(query.cursor, ["number"]) ?? [];
    let select = kysely
      .selectFrom("audit")
      .selectAll()
      .orderBy("seq", "desc")
      .limit(query.limit + 1);
    if (before !== undefined) select = select.where("seq", "<", Number(before));
    const rows = sync.all(select);
    const items = rows.slice(0, query.limit);
    const last = items.at(-1);
    return {
      items: items.map(view),
      ...(rows.length > items.length && last ? { nextCursor: encodeCursor([last.seq]) } : {}),
      ...(query.count === true
        ? { total: sync.get(kysely.selectFrom("audit").select((e) => e.fn.countAll<number>().as("n")))?.n ?? 0 }
        : {}),
    };
  }

  about(target: string, limit: number): readonly AuditEntry[] {
    const { kysely, sync } = this.#db;
    const rows = kysely.selectFrom("audit").selectAll().where("target", "=", target);
    return sync.all(rows.orderBy("seq", "desc").limit(limit)).map(view).reverse();
  }

  verify(): number | undefined {
    const { kysely, sync } = this.#db;
    let previous = GENESIS;
    let seq = 0;
    for (;;) {
      const rows = sync.all(kysely.selectFrom("audit").selectAll().where("seq", ">", seq).orderBy("seq").limit(1000));
      if (rows.length === 0) return this.#endBroken(seq, previous);
      for (const row of rows) {
        if (row.seq !== seq + 1 || row.prev_hash !== previous || row.hash !== hashOf(row)) return seq + 1;
        seq = row.seq;
        previous = row.hash;
      }
    }
  }

  /** First row at which the chain as it is read leaves the end as it was written. */
  #endBroken(seq: number, hash: string): number | undefined {
    const head = this.#head() ?? { seq: 0, hash: GENESIS };
    if (head.seq !== seq) return Math.min(head.seq, seq) + 1;
    return head.hash === hash ? undefined : seq;
  }

  /** The last row as it was written. Not read from the chain: what was cut off must be missed, not continued. */
  #head(): { seq: number; hash: string } | undefined {
    const { kysely, sync } = this.#db;
    return sync.get(kysely.selectFrom("audit_head").select(["seq", "hash"]).where("id", "=", 1));
  }
}

function view(row: Row): AuditEntry {
  return {
    seq: row.seq,
    at: iso(row.at),
    actor: row.actor,
    action: row.action,
    result: row.result,
    prevHash: row.prev_hash,
    hash: row.hash,
    ...(row.target === null ? {} : { target: row.target }),
    ...(row.detail === null ? {} : { detail: JSON.parse(row.detail) as Record<string, unknown> }),
    ...(row.ip === null ? {} : { ip: row.ip }),
  };
}
