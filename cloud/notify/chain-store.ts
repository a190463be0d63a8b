import type { Selectable } from "kysely";
import type { Alarm } from "#core/model/alarm.ts";
import { BuiltQueries } from "../db/built.ts";
import type { Db } from "../db/database.ts";
import type { ToldAlarm } from "./message.ts";
import type { NotifyTables } from "./tables.ts";

/** What a rule does about one transition of one alarm. */
export type Chain = Selectable<NotifyTables["notify_chains"]>;
/** Why a chain has ended. */
export type ChainEnd = "acknowledged" | "cleared" | "suppressed" | "done" | "ruleOff" | "tooLate";

/** Chains in one go; what is left over follows at once. */
export const MOST_CHAINS = 1000;
const SLICE = 500;
/** Until when these are told: until somebody has acknowledged the alarm. */
const UNTIL_ACKNOWLEDGED = ["raised", "reAlarmed", "escalated"];

/** Is it told until somebody has acknowledged the alarm? */
export function isUntilAcknowledged(transition: string): boolean {
  return UNTIL_ACKNOWLEDGED.includes(kindOf(transition));
}

/** The transition without the time that tells one from another. */
export function kindOf(transition: string): string {
  return transition.split("@")[0] ?? transition;
}

/** The chains as kept. Everything is part of the running transaction. */
export class ChainStore {
  readonly #db: Db;
  readonly #built = new BuiltQueries();

  constructor(db: Db) {
    this.#db = db;
  }

  /** Begins a chain, once; `again`: one that was held back by a suppression goes on where it was. */
  begin(
    chain: { rule: string; told: ToldAlarm; transition: string; now: number; nextAt: number },
    again: boolean,
  ): void {
    const { kysely, sync } = this.#db;
    const { rule, told, transition, now, nextAt } = chain;
    sync.run(
      kysely
        .insertInto("notify_chains")
        .values({
          ...this.#fresh(chain),
          next_at: nextAt,
          ended_at: null,
          ended_because: null,
        })
        .onConflict((c) => c.columns(["rule", "alarm", "occurrence", "transition"]).doNothing()),
    );
    if (!again) return;
    sync.run(
      kysely
        .updateTable("notify_chains")
        .set({ next_at: now, ended_at: null, ended_because: null })
        .where("rule", "=", rule)
        .where("alarm", "=", told.id)
        .where("occurrence", "=", told.occurrence)
        .where("transition", "=", transition)
        .where("ended_because", "=", "suppressed"),
    );
  }

  /** Keeps that a chain was never begun. False when it was known before. */
  tooLate(chain: { rule: string; told: ToldAlarm; transition: string; now: number }): boolean {
    const { kysely, sync } = this.#db;
    const end = { next_at: null, ended_at: chain.now, ended_because: "tooLate" };
    const { changes } = sync.run(
      kysely
        .insertInto("notify_chains")
        .values({ ...this.#fresh(chain), ...end })
        .onConflict((c) => c.columns(["rule", "alarm", "occurrence", "transition"]).doNothing()),
    );
    return changes > 0;
  }

  /** Ends what is told of an alarm until it is acknowledged, up to this occurrence. `rules`: of these rules alone. */
  end(
    { id, occurrence }: Pick<Alarm, "id" | "occurrence">,
    because: ChainEnd,
    now: number,
    rules?: readonly string[],
  ): void {
    const { kysely, sync } = this.#db;
    const kinds = UNTIL_ACKNOWLEDGED.map((kind) => `${kind}%`);
    const end = { next_at: null, ended_at: now, ended_because: because };
    const build = () => {
      const open = kysely
        .updateTable("notify_chains")
        .set(end)
        .where("alarm", "=", id)
        .where("occurrence", "<=", occurrence)
        .where("next_at", "is not", null)
        .where((e) => e.or(kinds.map((kind) => e("transition", "like", kind))));
      return rules === undefined ? open : open.where("rule", "in", rules);
    };
    const values = [...Object.values(end), id, occurrence, ...kinds, ...(rules ?? [])];
    sync.run(this.#built.with(`end ${rules?.length ?? "any"}`, values, build));
  }

  /** Ends everything that a rule still does. */
  endRule(rule: string, now: number): void {
    const { kysely, sync } = this.#db;
    const end = { next_at: null, ended_at: now, ended_because: "ruleOff" };
    sync.run(kysely.updateTable("notify_chains").set(end).where("rule", "=", rule).where("next_at", "is not", null));
  }

  /** The chains of a rule that are due, in the order of their times. */
  due(rule: string, now: number): readonly Chain[] {
    const { kysely, sync } = this.#db;
    return sync.all(
      kysely
        .selectFrom("notify_chains")
        .selectAll()
        .where("rule", "=", rule)
        .where("next_at", "<=", now)
        .orderBy("next_at")
        .orderBy("seq")
        .limit(MOST_CHAINS),
    );
  }

  /** Has the chain wait until then. */
  hold({ seq }: Chain, nextAt: number): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.updateTable("notify_chains").set({ next_at: nextAt }).where("seq", "=", seq));
  }

  /** The chain's step was taken; `nextAt` undefined: it was the last. */
  advance({ seq, step }: Chain, nextAt: number | undefined, now: number): void {
    const { kysely, sync } = this.#db;
    const end = { next_at: null, ended_at: now, ended_because: "done" };
    const set = { step: step + 1, ...(nextAt === undefined ? end : { next_at: nextAt }) };
    sync.run(kysely.updateTable("notify_chains").set(set).where("seq", "=", seq));
  }

  /** When the rule has something to do next. */
  nextAt(rule: string): number | undefined {
    const { kysely, sync } = this.#db;
    const next = kysely.selectFrom("notify_chains").select((e) => e.fn.min<number | null>("next_at").as("at"));
    return sync.get(next.where("rule", "=", rule))?.at ?? undefined;
  }

  /** Rules that have something to do. */
  openRules(): readonly string[] {
    const { kysely, sync } = this.#db;
    const open = kysely.selectFrom("notify_chains").select("rule").distinct().where("next_at", "is not", null);
    return sync.all(open).map(({ rule }) => rule);
  }

  /** Removes one slice of what has ended before and says how many rows it held. */
  prune(before: number): number {
    const { kysely, sync } = this.#db;
    const due = kysely.selectFrom("notify_chains").select("seq").where("ended_at", "<", before).orderBy("ended_at");
    return sync.run(kysely.deleteFrom("notify_chains").where("seq", "in", due.limit(SLICE))).changes;
  }

  #fresh({ rule, told, transition, now }: { rule: string; told: ToldAlarm; transition: string; now: number }) {
    return {
      rule,
      alarm: told.id,
      occurrence: told.occurrence,
      transition,
      law: told.law,
      step: 0,
      started_at: now,
      document: JSON.stringify(told),
    };
  }
}
