import type { CompiledQuery, Expression, ExpressionBuilder, SqlBool } from "kysely";
import { BuiltQueries, padded } from "../db/built.ts";
import type { Db } from "../db/database.ts";
import type { Compilable } from "../db/sync.ts";
import type { Tables } from "../db/tables.ts";
import type { JournalRow } from "./journal-chain.ts";

/** How the journal stands, and whether a happening is in it already. */
export interface JournalStand {
  /** The last entry as it was written; null before the first. */
  readonly seq: number | null;
  readonly hash: string | null;
  /** Highest number of any row, whoever wrote it. */
  readonly last: number | null;
  /** 1: it is known. */
  readonly known: number;
}

/** Happenings of one statement: with all their columns far below what either database takes. */
export const MANY = 200;

/** Stand for values in the queries that are built once. */
const NAME = "\u{1}name";
const ALARM = "\u{1}alarm";
const HASH = "\u{1}hash";
const NUMBER = Number.MIN_SAFE_INTEGER;

/** The query with values where their marks stood. */
function filled<R>(query: CompiledQuery<R>, values: ReadonlyMap<unknown, string | number>): Compilable<R> {
  const compiled = { ...query, parameters: query.parameters.map((one) => values.get(one) ?? one) };
  return { compile: () => compiled };
}

/** What the journal asks and writes with each happening, built once: in a storm building costs more than running. */
export class JournalQueries {
  readonly #bare: CompiledQuery<JournalStand>;
  readonly #raised: CompiledQuery<JournalStand>;
  readonly #other: CompiledQuery<JournalStand>;
  readonly #head: CompiledQuery<unknown>;
  readonly #kysely: Db["kysely"];
  readonly #built = new BuiltQueries();

  constructor({ kysely }: Pick<Db, "kysely">) {
    this.#kysely = kysely;
    const named = kysely.selectFrom("alarm_journal").select("seq").where("happening", "=", NAME);
    // An activation is raised once, whatever names it.
    const activation = kysely
      .selectFrom("alarm_journal")
      .select("seq")
      .where("alarm", "=", ALARM)
      .where("occurrence", "=", NUMBER)
      .where("transition", "=", "raised");
    this.#bare = this.#stand((e) => e.lit(false));
    this.#other = this.#stand((e) => e.exists(named));
    this.#raised = this.#stand((e) => e.or([e.exists(named), e.exists(activation)]));
    this.#head = kysely
      .insertInto("alarm_journal_head")
      .values({ id: 1, seq: NUMBER, hash: HASH })
      .onConflict((c) => c.column("id").doUpdateSet({ seq: NUMBER, hash: HASH }))
      .compile();
  }

  #stand(known: (e: ExpressionBuilder<Tables, never>) => Expression<SqlBool>): CompiledQuery<JournalStand> {
    const head = this.#kysely.selectFrom("alarm_journal_head").where("id", "=", 1);
    const newest = this.#kysely.selectFrom("alarm_journal").select("seq").orderBy("seq", "desc").limit(1);
    return this.#kysely
      .selectNoFrom((e) => [
        head.select("seq").as("seq"),
        head.select("hash").as("hash"),
        newest.as("last"),
        e.case().when(known(e)).then(e.lit(1)).else(e.lit(0)).end().as("known"),
      ])
      .compile();
  }

  /** One question for all that has to be known: PostgreSQL answers it in one round trip, and the writes wait for none. */
  stand(name: string, alarm: string, raised: number | undefined): Compilable<JournalStand> {
    const values = new Map<unknown, string | number>([
      [NAME, name],
      [ALARM, alarm],
    ]);
    if (raised === undefined) return filled(this.#other, values);
    return filled(this.#raised, values.set(NUMBER, raised));
  }

  /** How the journal stands, for happenings of which `known` tells the rest. */
  bareStand(): Compilable<JournalStand> {
    return filled(this.#bare, new Map());
  }

  /** Which of these names, at most `MANY`, are in it. */
  known(names: readonly string[]): Compilable<{ happening: string }> {
    const asked = padded(names, MANY);
    const build = () => this.#kysely.selectFrom("alarm_journal").select("happening").where("happening", "in", asked);
    return this.#built.with("known", asked, build);
  }

  /** Rows with the columns in one order. */
  insert(rows: readonly JournalRow[]): Compilable<unknown> {
    const build = () => this.#kysely.insertInto("alarm_journal").values(rows);
    const values = rows.flatMap((row) => Object.values(row));
    return this.#built.with(`insert ${rows.length}`, values, build);
  }

  head(seq: number, hash: string): Compilable<unknown> {
    return filled(
      this.#head,
      new Map<unknown, string | number>([
        [NUMBER, seq],
        [HASH, hash],
      ]),
    );
  }
}
