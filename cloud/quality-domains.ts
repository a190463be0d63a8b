import type { Clock } from "#core/clock.ts";
import type { PermitView } from "#core/contracts/maintenance.ts";
import type { HandedPermit } from "#core/contracts/shift.ts";
import type { Logger } from "#core/logger.ts";
import type { AlarmDefinitionService, PermitDirectory, PermitTimes, PositionDirectory } from "./alarm-ports.ts";
import type { Db } from "./db/database.ts";
import type { JobQueue } from "./job-ports.ts";
import type {
  AlarmService,
  AuditLog,
  DoorService,
  LiveBus,
  PageRequest,
  PageResult,
  SiteCatalog,
  Visible,
} from "./ports.ts";
import { FloodWatch } from "./quality/flood-watch.ts";
import { scheduleQualityRetention } from "./quality/nightly.ts";
import { AlarmQuality } from "./quality/service.ts";
import { ShiftPlans } from "./shifts/plan.ts";
import { Shifts } from "./shifts/service.ts";

/** The maintenance permits, as far as a handover and the load of the operators ask for them. */
export interface Permits extends Pick<PermitDirectory, "permitOf">, PermitTimes {
  list(query: PageRequest & { readonly open?: boolean }, visible: Visible): PageResult<PermitView>;
}

/** What the quality of the alarm system and the shifts are built from. */
export interface QualityParts {
  readonly db: Db;
  readonly catalog: Pick<SiteCatalog, "timeZone" | "point">;
  readonly alarms: Pick<AlarmService, "list">;
  readonly doors: Pick<DoorService, "list">;
  readonly definitions: Pick<AlarmDefinitionService, "get" | "change">;
  readonly positions: PositionDirectory;
  readonly maintenance: Permits;
  readonly audit: Pick<AuditLog, "append">;
  readonly bus: LiveBus;
  readonly jobs?: Pick<JobQueue, "work" | "repeat">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A space and all that lies below it. */
  readonly below: (space: string) => ReadonlySet<string>;
}

/** The quality of the alarm system and the shifts, wired to each other. Part of the composition root. */
export function buildQuality(parts: QualityParts) {
  const { db, catalog, positions, bus, clock, logger, audit, jobs } = parts;
  const { timeZone } = catalog;
  const floods = new FloodWatch({ db, positions, permits: parts.maintenance, bus, clock, logger });
  const plans = new ShiftPlans({ db, timeZone, clock, audit });
  const quality = new AlarmQuality({ ...parts, permits: parts.maintenance, shifts: plans, floods });
  const shifts = new Shifts({
    ...parts,
    permits: (visible) => activePermits(parts.maintenance, visible),
    plans,
    figures: (query) => quality.figures(query),
  });
  if (jobs !== undefined) scheduleQualityRetention(jobs, timeZone, { db, clock });
  return { floods, quality, shifts };
}

/** Permits that hold alarms back right now, at most a page of them. */
function activePermits(maintenance: Permits, visible: Visible): readonly HandedPermit[] {
  return maintenance
    .list({ limit: 200, open: true }, visible)
    .items.filter(({ status }) => status === "active")
    .map(({ id, reason, from, until, requestedBy }) => ({ id, reason, from, until, requestedBy }));
}
