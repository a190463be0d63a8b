import type { Site } from "#config/schema/site.ts";
import { HubError } from "#core/errors.ts";
import type { Db } from "../db/database.ts";

/** So many of the newest documents are kept whole; of older versions who, why and the difference. */
export const KEPT_DOCUMENTS = 200;

/** One version of the site and what it changed. */
export interface SiteVersion {
  readonly version: number;
  readonly at: number;
  readonly actor: string;
  readonly reason: string;
  readonly site: Site;
}

const KINDS = ["spaces", "partitions", "zones", "doors", "devices", "points", "alarms", "rules"] as const;

/** Ids that came, went or changed between two versions, as `<kind>/<id>`. */
export function siteDifference(
  before: Site | undefined,
  after: Site,
): { added: string[]; removed: string[]; changed: string[] } {
  const difference = { added: [] as string[], removed: [] as string[], changed: [] as string[] };
  for (const kind of KINDS) {
    const old = new Map((before?.[kind] ?? []).map((entry) => [entry.id, JSON.stringify(entry)]));
    for (const entry of after[kind] ?? []) {
      const former = old.get(entry.id);
      old.delete(entry.id);
      if (former === undefined) difference.added.push(`${kind}/${entry.id}`);
      else if (former !== JSON.stringify(entry)) difference.changed.push(`${kind}/${entry.id}`);
    }
    difference.removed.push(...[...old.keys()].map((id) => `${kind}/${id}`));
  }
  return difference;
}

/** The site's versions in the record database. */
export class SiteVersions {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** The newest version, or undefined in an empty database. */
  newest(): SiteVersion | undefined {
    const { kysely, sync } = this.#db;
    const row = sync.get(kysely.selectFrom("site_versions").selectAll().orderBy("version", "desc").limit(1));
    return (
      row && {
        version: row.version,
        at: row.at,
        actor: row.actor,
        reason: row.reason,
        site: JSON.parse(row.document) as Site,
      }
    );
  }

  /**
   * Adds the next version; `also` runs in the same transaction.
   * @throws SITE_VERSION_STALE when somebody else has changed the site since `after`
   */
  add(
    site: Site,
    after: number,
    who: { actor: string; reason: string; at: number },
    also?: (version: number) => void,
  ): SiteVersion {
    const { kysely, sync } = this.#db;
    return sync.transaction(() => {
      const newest = this.newest();
      if ((newest?.version ?? 0) !== after)
        throw new HubError(
          "SITE_VERSION_STALE",
          `the site is at version ${newest?.version ?? 0}, the change was made on ${after}`,
        );
      const version = after + 1;
      const difference = JSON.stringify(siteDifference(newest?.site, site));
      sync.run(
        kysely.insertInto("site_versions").values({ version, ...who, difference, document: JSON.stringify(site) }),
      );
      const old = kysely.updateTable("site_versions").set({ document: "" });
      sync.run(old.where("version", "=", version - KEPT_DOCUMENTS));
      also?.(version);
      return { version, ...who, site };
    });
  }
}
