import type { GatewayId } from "#core/ids.ts";
import type { Db } from "../db/database.ts";

/** What is stored of a gateway as a process. */
export interface GatewayRecord {
  readonly lastSeenAt: number | null;
  readonly configVersion: number;
  readonly configErrors: readonly string[];
  readonly quarantined: number;
}

/** Writes and reads the rows of `gateways`; every write is part of the running transaction or its own. */
export class GatewayRows {
  readonly #db: Db;
  constructor(db: Db) {
    this.#db = db;
  }

  seen(gateway: GatewayId, at: number): void {
    this.#update(gateway, { last_seen_at: at });
  }

  configApplied(gateway: GatewayId, version: number, errors: readonly string[]): void {
    this.#update(gateway, { config_version: version, config_errors: JSON.stringify(errors) });
  }

  countQuarantined(gateway: GatewayId): void {
    this.#ensure(gateway);
    this.#db.sync.run(
      this.#db.kysely
        .updateTable("gateways")
        .set((e) => ({ quarantined: e("quarantined", "+", 1) }))
        .where("gateway", "=", gateway),
    );
  }

  /** What is known; of a gateway never heard of, nothing. */
  get(gateway: string): GatewayRecord {
    const row = this.#db.sync.get(this.#db.kysely.selectFrom("gateways").selectAll().where("gateway", "=", gateway));
    if (row === undefined) return { lastSeenAt: null, configVersion: 0, configErrors: [], quarantined: 0 };
    return {
      lastSeenAt: row.last_seen_at,
      configVersion: row.config_version,
      configErrors: JSON.parse(row.config_errors) as string[],
      quarantined: row.quarantined,
    };
  }

  #update(gateway: GatewayId, set: { last_seen_at?: number; config_version?: number; config_errors?: string }): void {
    this.#db.sync.transaction(() => {
      this.#ensure(gateway);
      this.#db.sync.run(this.#db.kysely.updateTable("gateways").set(set).where("gateway", "=", gateway));
    });
  }

  #ensure(gateway: GatewayId): void {
    const empty = { last_seen_at: null, config_version: 0, config_errors: "[]", quarantined: 0 };
    this.#db.sync.run(
      this.#db.kysely
        .insertInto("gateways")
        .values({ gateway, ...empty })
        .onConflict((conflict) => conflict.column("gateway").doNothing()),
    );
  }
}
