import type { Selectable } from "kysely";
import type { Clock } from "#core/clock.ts";
import type { QuarantineView } from "#core/contracts/completeness.ts";
import type { Lane } from "#core/contracts/lanes.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../db/database.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { PageRequest, PageResult } from "../ports.ts";
import { iso } from "../time.ts";
import type { GatewayRows } from "./gateway-rows.ts";
import type { IngestTables } from "./tables.ts";

/** Rows kept per gateway; the oldest go first. */
const KEPT_ITEMS = 10_000;
const KEPT_PAYLOADS = 200;
/** Every how many additions the bound is looked at. */
const PRUNE_EVERY = 16;

/** Something that can never be stored. */
export interface Rejected {
  readonly gateway: GatewayId;
  readonly topic: string;
  readonly code: string;
  readonly reason: string;
  readonly bytes: Uint8Array;
  /** Where it stood, when that could be read. */
  readonly position?: { readonly lane: Lane; readonly epoch: string; readonly offset: number };
}

/** Puts aside what can never be stored, with its reason and its bytes, so that it blocks nothing and can be looked at. */
export class Quarantine {
  readonly #db: Db;
  readonly #rows: GatewayRows;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #lastCode = new Map<GatewayId, string>();
  #added = 0;

  constructor(deps: { readonly db: Db; readonly rows: GatewayRows; readonly clock: Clock; readonly logger: Logger }) {
    this.#db = deps.db;
    this.#rows = deps.rows;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
  }

  /** In the running transaction or in its own. Logs once per gateway and reason until it changes. */
  add({ gateway, topic, code, reason, bytes, position }: Rejected): void {
    const { kysely, sync } = this.#db;
    sync.transaction(() => {
      this.#rows.countQuarantined(gateway);
      sync.run(
        kysely.insertInto("quarantine").values({
          gateway,
          at: this.#clock.now(),
          topic: topic.slice(0, 500),
          lane: position?.lane ?? null,
          epoch: position?.epoch ?? null,
          offset: position?.offset ?? null,
          code,
          reason: reason.slice(0, 500),
          bytes,
        }),
      );
      const kind = position === undefined ? "is" : "is not";
      const kept = kysely
        .selectFrom("quarantine")
        .select("id")
        .where("gateway", "=", gateway)
        .where("offset", kind, null)
        .orderBy("id", "desc")
        .limit(1)
        .offset(position === undefined ? KEPT_PAYLOADS : KEPT_ITEMS);
      // Looking once in a while is enough for a bound.
      if (this.#added++ % PRUNE_EVERY === 0)
        sync.run(
          kysely
            .deleteFrom("quarantine")
            .where("gateway", "=", gateway)
            .where("offset", kind, null)
            .where("id", "<=", kept),
        );
    });
    if (this.#lastCode.get(gateway) === code) return;
    this.#lastCode.set(gateway, code);
    this.#logger.warn({ gateway, topic, code, reason, bytes: bytes.length }, "put into quarantine");
  }

  /** What was put aside of a gateway, newest first, without the bytes. @throws CURSOR_INVALID */
  list(gateway: string, { limit, cursor, count }: PageRequest): PageResult<QuarantineView> {
    const [before] = decodeCursor(cursor, ["number"]) ?? [];
    const { kysely, sync } = this.#db;
    let query = kysely
      .selectFrom("quarantine")
      .select(["id", "at", "topic", "lane", "epoch", "offset", "code", "reason"])
      .select((e) => e.fn<number>("length", ["bytes"]).as("bytes"))
      .where("gateway", "=", gateway);
    if (before !== undefined) query = query.where("id", "<", Number(before));
    const rows = sync.all(query.orderBy("id", "desc").limit(limit + 1));
    const last = rows[limit - 1];
    const more = rows.length > limit && last !== undefined;
    const kept = kysely.selectFrom("quarantine").where("gateway", "=", gateway);
    return {
      items: rows.slice(0, limit).map(shown),
      ...(more ? { nextCursor: encodeCursor([last.id]) } : {}),
      ...(count === true ? { total: sync.get(kept.select((e) => e.fn.countAll<number>().as("n")))?.n ?? 0 } : {}),
    };
  }

  /** The bytes of one row of a gateway, as they came. */
  bytesOf(gateway: string, id: number): Uint8Array | undefined {
    const { kysely, sync } = this.#db;
    const row = kysely.selectFrom("quarantine").select("bytes").where("gateway", "=", gateway).where("id", "=", id);
    return sync.get(row)?.bytes;
  }
}

type Row = Omit<Selectable<IngestTables["quarantine"]>, "gateway" | "bytes"> & { readonly bytes: number };

function shown({ id, at, topic, lane, epoch, offset, code, reason, bytes }: Row): QuarantineView {
  const place = lane === null || epoch === null ? {} : { lane: lane as Lane, epoch };
  return { id, at: iso(at), topic, ...place, ...(offset === null ? {} : { offset }), code, reason, bytes };
}
