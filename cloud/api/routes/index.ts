import type { ApiDeps } from "../deps.ts";
import type { ApiRoute } from "../route.ts";
import { alarmRoutes } from "./alarms.ts";
import { blobRoutes } from "./blobs.ts";
import { cameraRoutes } from "./cameras.ts";
import { commandRoutes } from "./commands.ts";
import { commissioningRoutes } from "./commissioning.ts";
import { completenessRoutes } from "./completeness.ts";
import { deviceEventRoutes } from "./device-events.ts";
import { doorRoutes } from "./doors.ts";
import { gatewayRoutes } from "./gateways.ts";
import { historyRoutes } from "./history.ts";
import { jobRoutes } from "./jobs.ts";
import { mqttClientRoutes } from "./mqtt-clients.ts";
import { pointRoutes } from "./points.ts";
import { recordRoutes } from "./records.ts";
import { ruleRoutes } from "./rules.ts";
import { sessionRoutes } from "./session.ts";
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
    ...alarmRoutes(deps),
    ...commandRoutes(deps),
    ...ruleRoutes(deps),
    ...gatewayRoutes(deps),
    ...completenessRoutes(deps),
    ...commissioningRoutes(deps),
    ...mqttClientRoutes(deps),
    ...blobRoutes(deps),
    ...recordRoutes(deps),
    ...jobRoutes(deps),
  ];
}
