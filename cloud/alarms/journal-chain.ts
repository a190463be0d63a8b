import { createHash } from "node:crypto";
import type { Selectable } from "kysely";
import { type ChainedEntry, chainedText, JOURNAL_GENESIS } from "#core/journal-chain.ts";
import type { Db } from "../db/database.ts";
import type { JournalTables } from "./journal-tables.ts";

/** A row of the journal. */
export type JournalRow = Selectable<JournalTables["alarm_journal"]>;
type Cut = Selectable<JournalTables["alarm_journal_cuts"]>;

/** Rows read at once. */
const PAGE = 1000;

/** Hash of a row and of all before it, by the hash of the one before. */
export function journalHash(row: ChainedEntry): string {
  return createHash("sha256").update(chainedText(row)).digest("hex");
}

/** How the chain stands. */
export interface JournalChainState {
  /** Number of the first row that is missing, changed or not ours; undefined when the chain is whole. */
  readonly brokenAt?: number;
  /** Rows that were checked. */
  readonly entries: number;
  /** Rows that retention has removed. */
  readonly removed: number;
  /** The last row as it was written. */
  readonly head: { readonly seq: number; readonly hash: string };
}

/** Where a walk along the chain has come to. */
interface Stand {
  seq: number;
  hash: string;
  entries: number;
}

/** Goes over what retention has removed where the walk stands. */
function over(stand: Stand, cuts: Cut[]): void {
  for (;;) {
    const cut = cuts[0];
    if (cut === undefined || cut.prev_hash !== stand.hash || cut.from_seq <= stand.seq) return;
    cuts.shift();
    stand.seq = cut.to_seq;
    stand.hash = cut.hash;
  }
}

/**
 * Checks the whole journal against its chain and the cuts that retention has left. The chain holds no key: against somebody
 * who rewrites the whole database only a copy of its head elsewhere helps, such as each evidence pack holds.
 */
export async function verifyJournal(db: Db): Promise<JournalChainState> {
  for (;;) {
    const before = removedOf(db);
    const state = await walk(db, before);
    // Retention has taken rows from under the walk: what looks like a break may be its cut.
    if (state.brokenAt === undefined || removedOf(db) === before) return state;
  }
}

function removedOf({ kysely, sync }: Db): number {
  const { n } = sync.get(
    kysely.selectFrom("alarm_journal_cuts").select((e) => e.fn.sum<number>("entries").as("n")),
  ) ?? {
    n: 0,
  };
  return Number(n ?? 0);
}

/** The last row as it was written. Not read from the chain: what was cut off must be missed, not continued. */
export function headOf({ kysely, sync }: Db): { readonly seq: number; readonly hash: string } {
  const head = sync.get(kysely.selectFrom("alarm_journal_head").select(["seq", "hash"]).where("id", "=", 1));
  return head ?? { seq: 0, hash: JOURNAL_GENESIS };
}

async function walk(db: Db, removed: number): Promise<JournalChainState> {
  const { kysely, sync } = db;
  const head = headOf(db);
  const cuts = sync.all(kysely.selectFrom("alarm_journal_cuts").selectAll().orderBy("from_seq"));
  const stand: Stand = { seq: 0, hash: JOURNAL_GENESIS, entries: 0 };
  const state = (brokenAt?: number): JournalChainState => ({
    entries: stand.entries,
    removed,
    head,
    ...(brokenAt === undefined ? {} : { brokenAt }),
  });
  for (;;) {
    const rows = sync.all(
      kysely
        .selectFrom("alarm_journal")
        .selectAll()
        .where("seq", ">", stand.seq)
        .where("seq", "<=", head.seq)
        .orderBy("seq")
        .limit(PAGE),
    );
    const broken = follow(stand, rows, cuts);
    if (broken !== undefined) return state(broken);
    if (rows.length < PAGE) break;
    // Years take long to check: others have their turn in between.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  over(stand, cuts);
  if (stand.hash !== head.hash || stand.seq !== head.seq) return state(stand.seq + 1);
  return state(beyond(db));
}

/** Goes on along the rows; gives the number at which the chain breaks. */
function follow(stand: Stand, rows: readonly JournalRow[], cuts: Cut[]): number | undefined {
  for (const row of rows) {
    if (row.prev_hash !== stand.hash) over(stand, cuts);
    if (row.seq <= stand.seq || row.prev_hash !== stand.hash || row.hash !== journalHash(row))
      return Math.min(stand.seq + 1, row.seq);
    stand.seq = row.seq;
    stand.hash = row.hash;
    stand.entries++;
  }
  return undefined;
}

/** A row behind the newest head is none of ours. */
function beyond(db: Db): number | undefined {
  const { kysely, sync } = db;
  const foreign = kysely.selectFrom("alarm_journal").select("seq").where("seq", ">", headOf(db).seq);
  return sync.get(foreign.orderBy("seq").limit(1))?.seq;
}
