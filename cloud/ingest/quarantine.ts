import type { Clock } from "#core/clock.ts";
import type { Lane } from "#core/contracts/lanes.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../db/database.ts";
import type { GatewayRows } from "./gateway-rows.ts";

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

  /** The newest rows of a gateway, without their bytes. */
  list(
    gateway: string,
    limit: number,
  ): readonly { at: number; topic: string; code: string; reason: string; offset: number | null }[] {
    return this.#db.sync.all(
      this.#db.kysely
        .selectFrom("quarantine")
        .select(["at", "topic", "code", "reason", "offset"])
        .where("gateway", "=", gateway)
        .orderBy("id", "desc")
        .limit(limit),
    );
  }
}
