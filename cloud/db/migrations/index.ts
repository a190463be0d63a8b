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
};
