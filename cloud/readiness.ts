import type { Alarms } from "./alarms/service.ts";
import type { PartState } from "./api/deps.ts";
import type { Db } from "./db/database.ts";
import type { JobQueue } from "./job-ports.ts";
import type { SiteCatalog, StateService } from "./ports.ts";
import type { TelemetryStore } from "./telemetry-ports.ts";

/** The park counts as up when so few points have never been heard. */
const KNOWN_SHARE = 0.99;

/** What `/readyz` tells: each part with whether it works and, if not, why. Part of the composition root. */
export function readiness(deps: {
  readonly db: Db;
  readonly store: Pick<TelemetryStore, "status">;
  readonly jobs: Pick<JobQueue, "status">;
  readonly broker: () => PartState;
  readonly catalog: Pick<SiteCatalog, "points" | "gateways">;
  readonly state: Pick<StateService, "current">;
  readonly isOnline: (gateway: string) => boolean;
}): () => Readonly<Record<string, PartState>> {
  const { db, store, jobs, broker, catalog, state, isOnline } = deps;
  return () => {
    const points = catalog.points();
    const known = points.filter(({ id }) => isHeard(state.current(id))).length;
    const away = catalog.gateways().flatMap(({ id }) => (isOnline(id) ? [] : [id]));
    const { ready, detail } = store.status;
    return {
      records: { ready: answers(db) },
      telemetry: { ready, ...(detail === undefined ? {} : { detail }) },
      jobs: jobs.status,
      broker: broker(),
      gateways: { ready: away.length === 0, ...(away.length === 0 ? {} : { detail: `not heard: ${away.join(", ")}` }) },
      points: { ready: known >= points.length * KNOWN_SHARE, detail: `${known} of ${points.length} points heard` },
    };
  };
}

/** Was it ever heard? One that never was is `noValue` at first, and without a value when it is stale. */
function isHeard({ value, reason }: ReturnType<StateService["current"]>): boolean {
  return reason !== "noValue" && (value !== null || reason !== "stale");
}

/** Does the record database answer? */
function answers(db: Db): boolean {
  try {
    return db.sync.get(db.kysely.selectFrom("site_versions").select("version").limit(1)) !== undefined;
  } catch {
    return false;
  }
}

/** Open alarms by priority, for metrics. */
export function countByPriority(alarms: Alarms): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  let cursor: string | undefined;
  do {
    const page = alarms.list({ limit: 1000, visible: "all", ...(cursor === undefined ? {} : { cursor }) });
    for (const { priority } of page.items) counts.set(priority, (counts.get(priority) ?? 0) + 1);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return counts;
}
