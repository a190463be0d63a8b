import { createHash } from "node:crypto";
import type { Selectable } from "kysely";
import type { Clock } from "#core/clock.ts";
import {
  canonicalJson,
  type SignedStatement,
  type Statement,
  type StatementKey,
} from "#core/contracts/completeness.ts";
import { HubError } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../db/database.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { PageRequest, PageResult } from "../ports.ts";
import type { TelemetryStore } from "../telemetry-ports.ts";
import { iso } from "../time.ts";
import { accountOf, type LaneStand, type LostRange } from "./account.ts";
import type { StatementSigner } from "./signer.ts";
import type { CompletenessTables } from "./tables.ts";

/** What the statements are made from. */
export interface StatementDeps {
  readonly db: Db;
  readonly store: Pick<TelemetryStore, "ranges">;
  readonly signer: StatementSigner;
  readonly site: string;
  readonly timeZone: string;
  /** All epochs of a gateway, every lane, oldest first. */
  readonly standsOf: (gateway: string) => readonly LaneStand[];
  readonly lostOf: (gateway: string) => readonly (LostRange & { readonly lane: string; readonly epoch: string })[];
  readonly findings: { counts(gateway: string, from: number, to: number): Readonly<Record<string, number>> };
  readonly clock: Clock;
  readonly logger: Logger;
}

type Row = Selectable<CompletenessTables["statements"]>;

/** Statements read at once. */
const PAGE = 50;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

function signedOf(row: Row): SignedStatement {
  return {
    id: row.id,
    statement: JSON.parse(row.body) as Statement,
    sha256: row.sha256,
    key: row.key_id,
    signature: row.signature,
  };
}

/**
 * Daily statements of what each gateway numbered and where it is, signed and chained. A statement goes on exactly where the
 * one before ended, by offsets and not by clock: so each offset is in one statement and none can be left out.
 */
export class Statements {
  readonly #deps: StatementDeps;
  constructor(deps: StatementDeps) {
    this.#deps = deps;
  }

  /** The key they are signed with. */
  get key(): StatementKey {
    return this.#deps.signer.key;
  }

  /** The local day that holds a moment, YYYY-MM-DD. */
  dayOf(at: number): string {
    const { timeZone } = this.#deps;
    return new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" }).format(at);
  }

  /** Closes a local day for a gateway. What is there already is left as it is. @throws what the store throws, DB_* */
  async close(gateway: GatewayId, day: string): Promise<SignedStatement> {
    if (!DAY.test(day)) throw new HubError("STATEMENT_DAY_INVALID", `day ${day}: expected YYYY-MM-DD`);
    const id = `${gateway}:${day}`;
    const known = this.get(id);
    if (known !== undefined) return known;
    const made = await this.#make(gateway, day, false);
    const { db, logger } = this.#deps;
    const row: Row = {
      id,
      gateway,
      day,
      made_at: Date.parse(made.statement.to),
      body: canonicalJson(made.statement),
      sha256: made.sha256,
      key_id: made.key,
      signature: made.signature,
    };
    db.sync.run(db.kysely.insertInto("statements").values(row));
    const { numbered, stored, lost, missing } = made.statement;
    const log = { gateway, day, numbered, stored, lost, missing };
    if (missing > 0) logger.error(log, "the daily statement cannot account for every offset");
    else logger.info(log, "daily statement made");
    return made;
  }

  /** What a statement made now would say. It is signed, and not part of the chain. */
  provisional(gateway: GatewayId): Promise<SignedStatement> {
    return this.#make(gateway, this.dayOf(this.#deps.clock.now()), true);
  }

  /** One statement by its id, `<gateway>:<day>`. */
  get(id: string): SignedStatement | undefined {
    const { kysely, sync } = this.#deps.db;
    const row = sync.get(kysely.selectFrom("statements").selectAll().where("id", "=", id));
    return row && signedOf(row);
  }

  /** Statements of a gateway, newest first. @throws CURSOR_INVALID */
  list(gateway: string, { limit, cursor }: PageRequest): PageResult<SignedStatement> {
    const { kysely, sync } = this.#deps.db;
    const [before] = decodeCursor(cursor, ["number"]) ?? [];
    let query = kysely.selectFrom("statements").selectAll().where("gateway", "=", gateway);
    if (before !== undefined) query = query.where("made_at", "<", Number(before));
    const rows = sync.all(query.orderBy("made_at", "desc").limit(limit + 1));
    const last = rows[limit - 1];
    const more = rows.length > limit && last !== undefined;
    return {
      items: rows.slice(0, limit).map(signedOf),
      ...(more ? { nextCursor: encodeCursor([last.made_at]) } : {}),
    };
  }

  /**
   * The first fault in the chain of a gateway, or undefined when every statement is signed by our key, follows the one before
   * and begins where that ended.
   */
  async firstFault(gateway: string): Promise<string | undefined> {
    let previous: string | null = null;
    const ends = new Map<string, number>();
    for (let after = Number.NEGATIVE_INFINITY; ; ) {
      const rows = this.#after(gateway, after);
      for (const row of rows) {
        const fault = this.#faultOf(row, previous, ends);
        if (fault !== undefined) return `${row.id}: ${fault}`;
        previous = row.sha256;
        after = row.made_at;
      }
      if (rows.length < PAGE) return undefined;
      // Years of signatures take long to check: others have their turn in between.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** The next statements of a gateway, oldest first. */
  #after(gateway: string, madeAt: number): readonly Row[] {
    const { kysely, sync } = this.#deps.db;
    let query = kysely.selectFrom("statements").selectAll().where("gateway", "=", gateway);
    if (Number.isFinite(madeAt)) query = query.where("made_at", ">", madeAt);
    return sync.all(query.orderBy("made_at").limit(PAGE));
  }

  /** What is wrong with one that should follow `previous`; `ends` of the lanes go on with it. */
  #faultOf(row: Row, previous: string | null, ends: Map<string, number>): string | undefined {
    const { signer } = this.#deps;
    if (row.key_id !== signer.key.key || !signer.verifies(row.body, row.signature)) return "signature";
    const statement = JSON.parse(row.body) as Statement;
    if (sha256(row.body) !== row.sha256 || statement.previous !== previous) return "chain";
    for (const { lane, epoch, from, to } of statement.lanes) {
      const end = ends.get(`${lane} ${epoch}`);
      if (end !== undefined && from !== end + 1) return `${lane} begins at ${from} after ${end}`;
      ends.set(`${lane} ${epoch}`, to);
    }
    return undefined;
  }

  async #make(gateway: GatewayId, day: string, provisional: boolean): Promise<SignedStatement> {
    const { store, signer, site, timeZone, standsOf, lostOf, findings, clock } = this.#deps;
    const last = this.list(gateway, { limit: 1 }).items[0];
    const ends = this.#ends(gateway);
    const stands = standsOf(gateway);
    const lost = lostOf(gateway);
    // Asked after the cursors were read: what they say is stored must be found by then.
    const inStore = Map.groupBy(await store.ranges(gateway), ({ epoch }) => epoch);
    const lanes = stands.flatMap((stand) => {
      const { lane, epoch } = stand;
      const known = ends.get(`${lane} ${epoch}`);
      const own = lost.filter((one) => one.lane === lane && one.epoch === epoch);
      const stored = lane === "telemetry" ? (inStore.get(epoch) ?? []) : withoutLost(stand, own);
      const account = accountOf(stand, known ?? stand.from - 1, stored, own);
      return account.numbered > 0 || known === undefined ? [account] : [];
    });
    const sum = (field: "numbered" | "stored" | "lost" | "missing"): number =>
      lanes.reduce((total, lane) => total + lane[field], 0);
    const from = last?.statement.to ?? null;
    // A clock that was set back must not lead the chain back.
    const now = from === null ? clock.now() : Math.max(clock.now(), Date.parse(from) + 1);
    const statement: Statement = {
      v: 1,
      site,
      gateway,
      day,
      timeZone,
      from,
      to: iso(now),
      provisional,
      numbered: sum("numbered"),
      stored: sum("stored"),
      lost: sum("lost"),
      missing: sum("missing"),
      lanes,
      findings: findings.counts(gateway, from === null ? 0 : Date.parse(from), now),
      previous: last?.sha256 ?? null,
    };
    const text = canonicalJson(statement);
    const id = provisional ? `${gateway}:${day}:provisional` : `${gateway}:${day}`;
    return { id, statement, sha256: sha256(text), key: signer.key.key, signature: signer.sign(text) };
  }

  /** Last offset of each lane and epoch that a statement has accounted for. */
  #ends(gateway: string): ReadonlyMap<string, number> {
    const ends = new Map<string, number>();
    let cursor: string | undefined;
    do {
      const page = this.list(gateway, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
      for (const { statement } of page.items)
        for (const { lane, epoch, to } of statement.lanes)
          ends.set(`${lane} ${epoch}`, Math.max(to, ends.get(`${lane} ${epoch}`) ?? to));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return ends;
  }
}

/** The other lanes are records: their cursor moves in the transaction that stores them, so it is the store. */
function withoutLost(stand: LaneStand, lost: readonly LostRange[]): readonly { from: number; to: number }[] {
  const gaps = lost.toSorted((a, b) => a.from - b.from);
  return stand.covered.flatMap((range) => {
    const parts: { from: number; to: number }[] = [];
    let { from } = range;
    for (const gap of gaps) {
      if (gap.to < from || gap.from > range.to) continue;
      if (gap.from > from) parts.push({ from, to: gap.from - 1 });
      from = gap.to + 1;
    }
    if (from <= range.to) parts.push({ from, to: range.to });
    return parts;
  });
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
