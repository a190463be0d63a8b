import type { ApiDeps } from "../deps.ts";
import type { ApiRoute } from "../route.ts";
import { alarmQualityRoutes } from "./alarm-quality.ts";
import { alarmRoutes } from "./alarms.ts";
import { blobRoutes } from "./blobs.ts";
import { cameraRoutes } from "./cameras.ts";
import { commandRoutes } from "./commands.ts";
import { commissioningRoutes } from "./commissioning.ts";
import { completenessRoutes } from "./completeness.ts";
import { definitionRoutes } from "./definitions.ts";
import { deviceEventRoutes } from "./device-events.ts";
import { doorRoutes } from "./doors.ts";
import { evidenceRoutes } from "./evidence.ts";
import { gatewayRoutes } from "./gateways.ts";
import { historyRoutes } from "./history.ts";
import { jobRoutes } from "./jobs.ts";
import { journalRoutes } from "./journal.ts";
import { maintenanceRoutes } from "./maintenance.ts";
import { mqttClientRoutes } from "./mqtt-clients.ts";
import { notifyRoutes } from "./notify.ts";
import { operatorPositionRoutes } from "./operator-positions.ts";
import { pointRoutes } from "./points.ts";
import { procedureRoutes } from "./procedures.ts";
import { recordRoutes } from "./records.ts";
import { ruleRoutes } from "./rules.ts";
import { sessionRoutes } from "./session.ts";
import { shiftRoutes } from "./shifts.ts";
import { siteRoutes } from "./site.ts";
import { userRoutes } from "./users.ts";

/** Every route of the API. Add a domain here. */
export function apiRoutes(deps: ApiDeps): readonly ApiRoute[] {
  return [
    ...sessionRoutes(deps),
    ...userRoutes(deps),
    ...siteRoutes(deps),
    ...cameraRoutes(deps),
    ...doorRoutes(deps),
    ...pointRoutes(deps),
    ...historyRoutes(deps),
    ...deviceEventRoutes(deps),
    ...journalRoutes(deps),
    ...evidenceRoutes(deps),
    ...alarmQualityRoutes(deps),
    ...shiftRoutes(deps),
    ...operatorPositionRoutes(deps),
    ...alarmRoutes(deps),
    ...definitionRoutes(deps),
    ...procedureRoutes(deps),
    ...maintenanceRoutes(deps),
    ...commandRoutes(deps),
    ...ruleRoutes(deps),
    ...gatewayRoutes(deps),
    ...completenessRoutes(deps),
    ...commissioningRoutes(deps),
    ...mqttClientRoutes(deps),
    ...notifyRoutes(deps),
    ...blobRoutes(deps),
    ...recordRoutes(deps),
    ...jobRoutes(deps),
  ];
}
