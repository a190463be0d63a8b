import type { SelectQueryBuilder } from "kysely";
import type { JournalChain, JournalRecord } from "#core/contracts/journal.ts";
import { CSV_BOM } from "#core/csv.ts";
import { InvalidInputError } from "#core/errors.ts";
import type { Db } from "../db/database.ts";
import { holdsText } from "../db/dialect.ts";
import type { Tables } from "../db/tables.ts";
import type { ChainedRecord, JournalQuery, JournalService } from "../journal-ports.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { PageRequest, PageResult } from "../ports.ts";
import { headOf, type JournalRow, verifyJournal } from "./journal-chain.ts";
import { type ExportLanguage, journalHead, journalLine, moreLine } from "./journal-csv.ts";
import { recordOf } from "./journal-store.ts";

/** Entries of one CSV file. */
export const CSV_MOST = 200_000;
/** Entries read at once. */
const CSV_PAGE = 500;

type JournalSelect<O> = SelectQueryBuilder<Tables, "alarm_journal", O>;

export interface JournalSearchDeps {
  readonly db: Db;
  /** A space and all that lies below it. */
  readonly below: (space: string) => ReadonlySet<string>;
}

/** Reads the journal: it needs nothing but the journal, so what was written then is what is found. */
export class JournalSearch implements JournalService {
  readonly #db: Db;
  readonly #below: (space: string) => ReadonlySet<string>;

  constructor({ db, below }: JournalSearchDeps) {
    this.#db = db;
    this.#below = below;
  }

  page(query: JournalQuery & PageRequest): PageResult<JournalRecord> {
    const { sync, kysely } = this.#db;
    const { limit, cursor, count } = query;
    const rows = sync.all(this.#pageQuery(query, limit + 1, cursor));
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return {
      items: items.map(recordOf),
      ...(rows.length > items.length && last !== undefined
        ? { nextCursor: encodeCursor(timed(query) ? [last.at, last.seq] : [last.seq]) }
        : {}),
      ...(count === true
        ? {
            total:
              sync.get(
                this.#filtered(kysely.selectFrom("alarm_journal"), query).select((e) =>
                  e.fn.countAll<number>().as("n"),
                ),
              )?.n ?? 0,
          }
        : {}),
    };
  }

  of(alarm: string): readonly JournalRecord[] {
    const { sync, kysely } = this.#db;
    return sync
      .all(kysely.selectFrom("alarm_journal").selectAll().where("alarm", "=", alarm).orderBy("seq"))
      .map(recordOf);
  }

  chained(alarm: string): readonly ChainedRecord[] {
    const { sync, kysely } = this.#db;
    const rows = sync.all(kysely.selectFrom("alarm_journal").selectAll().where("alarm", "=", alarm).orderBy("seq"));
    return rows.map(({ search: _search, ...chained }) => chained);
  }

  async *csv(query: JournalQuery, language: ExportLanguage): AsyncGenerator<string> {
    let page = this.page({ ...query, limit: CSV_PAGE });
    yield CSV_BOM + journalHead(language);
    for (let written = 0; ; ) {
      if (page.items.length > 0) yield page.items.map((entry) => journalLine(entry, language)).join("");
      written += page.items.length;
      const { nextCursor: cursor } = page;
      if (cursor === undefined) return;
      if (written >= CSV_MOST) {
        yield moreLine(language);
        return;
      }
      // Others have their turn between two pages.
      await new Promise<void>((resolve) => setImmediate(resolve));
      page = this.page({ ...query, limit: CSV_PAGE, cursor });
    }
  }

  async verify(): Promise<JournalChain> {
    const state = await verifyJournal(this.#db);
    return { whole: state.brokenAt === undefined, ...state };
  }

  head(): JournalChain["head"] {
    return headOf(this.#db);
  }

  #pageQuery(query: JournalQuery, limit: number, cursor: string | undefined): JournalSelect<JournalRow> {
    const { kysely } = this.#db;
    let page = this.#filtered(kysely.selectFrom("alarm_journal"), query).select("seq").limit(limit);
    // Whole rows are read of what was found only: what is looked at lies together in an index.
    const found = (numbers: JournalSelect<{ seq: number }>) =>
      kysely.selectFrom("alarm_journal").selectAll().where("seq", "in", numbers);
    if (!timed(query)) {
      const [before] = decodeCursor(cursor, ["number"]) ?? [];
      if (before !== undefined) page = page.where("seq", "<", Number(before));
      return found(page.orderBy("seq", "desc")).orderBy("seq", "desc");
    }
    const after = decodeCursor(cursor, ["number", "number"]);
    if (after !== undefined) {
      const [at, seq] = after.map(Number);
      page = page.where((e) => e(e.refTuple("at", "seq"), "<", e.tuple(at ?? 0, seq ?? 0)));
    }
    return found(page.orderBy("at", "desc").orderBy("seq", "desc")).orderBy("at", "desc").orderBy("seq", "desc");
  }

  #filtered<O>(select: JournalSelect<O>, query: JournalQuery): JournalSelect<O> {
    const { visible, alarm, q, from, to, area, law, category, priority, point, actor, transition } = query;
    if (from !== undefined && to !== undefined && from >= to)
      throw new InvalidInputError("TIME_RANGE_INVALID", "expected from before to");
    let found = select;
    if (alarm !== undefined) found = found.where("alarm", "=", alarm);
    if (from !== undefined) found = found.where("at", ">=", from);
    if (to !== undefined) found = found.where("at", "<", to);
    if (law !== undefined) found = found.where("law", "=", law);
    if (category !== undefined) found = found.where("category", "=", category);
    if (priority !== undefined) found = found.where("priority", "=", priority);
    if (point !== undefined) found = found.where("point", "=", point);
    if (actor !== undefined) found = found.where("actor", "=", actor);
    if (transition !== undefined) found = found.where("transition", "=", transition);
    if (area !== undefined) found = found.where("area", "in", [...this.#below(area)]);
    if (visible !== "all") found = found.where("area", "in", [...visible]);
    return q === undefined || q === "" ? found : found.where(holdsText("search", q));
  }
}

/** Is it asked for by time? Then that is its order. */
function timed({ from, to }: JournalQuery): boolean {
  return from !== undefined || to !== undefined;
}
