import type { Migration } from "kysely/migration";
import { ingest } from "./0001-ingest.ts";
import { site } from "./0002-site.ts";
import { domain } from "./0003-domain.ts";
import { access } from "./0004-access.ts";
import { auditHead } from "./0005-audit-head.ts";
import { state } from "./0006-state.ts";
import { media } from "./0007-media.ts";
import { telemetryRanges } from "./0008-telemetry-ranges.ts";
import { jobs } from "./0009-jobs.ts";
import { mqttClients } from "./0010-mqtt-clients.ts";
import { completeness } from "./0011-completeness.ts";
import { alarmOperations } from "./0012-alarm-operations.ts";
import { maintenance } from "./0013-maintenance.ts";
import { notify } from "./0014-notify.ts";
import { quality } from "./0015-quality.ts";
import { shifts } from "./0016-shifts.ts";
import { journal } from "./0017-journal.ts";
import { definitions } from "./0018-definitions.ts";
import { procedures } from "./0019-procedures.ts";

/** Every migration by name, in order. Explicit, so that a forgotten file cannot be half there. Never change one that was released. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-ingest": ingest,
  "0002-site": site,
  "0003-domain": domain,
  "0004-access": access,
  "0005-audit-head": auditHead,
  "0006-state": state,
  "0007-media": media,
  "0008-telemetry-ranges": telemetryRanges,
  "0009-jobs": jobs,
  "0010-mqtt-clients": mqttClients,
  "0011-completeness": completeness,
  "0012-alarm-operations": alarmOperations,
  "0013-maintenance": maintenance,
  "0014-notify": notify,
  "0015-quality": quality,
  "0016-shifts": shifts,
  "0017-journal": journal,
  "0018-definitions": definitions,
  "0019-procedures": procedures,
};
