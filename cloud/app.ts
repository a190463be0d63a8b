import path from "node:path";
import type { Logger } from "#core/logger.ts";
import { systemClock } from "#core/clock.ts";
import { loadSite } from "#config/load-site.ts";
import { driverByKind } from "#protocols/registry.ts";
import { buildServer } from "./api/server.ts";
import type { ApiDeps } from "./api/deps.ts";
import { AuditChain } from "./audit/log.ts";
import { GrantAuthority } from "./auth/authority.ts";
import { makeFirstAdministrator } from "./auth/first-administrator.ts";
import { Access } from "./auth/service.ts";
import { Sessions } from "./auth/sessions.ts";
import { SignInThrottle } from "./auth/throttle.ts";
import { Tokens } from "./auth/tokens.ts";
import { Users } from "./auth/users.ts";
import { FileBlobStore } from "./blobs/store.ts";
import { EmbeddedBroker } from "./broker/embedded-broker.ts";
import { Violations } from "./broker/violations.ts";
import { openDatabase } from "./db/database.ts";
import { GatewayCredentials } from "./gateways/credentials.ts";
import { CloudGatewayService } from "./gateways/service.ts";
import { EmbeddedTelemetryStore } from "./history/embedded-store.ts";
import { TelemetryHistoryService } from "./history/service.ts";
import { MqttGatewayLink } from "./ingest/gateway-link.ts";
import { GatewayRows } from "./ingest/gateway-rows.ts";
import { Ingest } from "./ingest/ingest.ts";
import { Presence } from "./ingest/presence.ts";
import { ProcessLiveBus } from "./live/bus.ts";
import { cloudMetrics } from "./metrics.ts";
import { StoredCatalog } from "./site/catalog.ts";
import { withDescendants } from "./site/space-tree.ts";
import { SiteVersions } from "./site/versions.ts";
import { CurrentState } from "./state/service.ts";

export interface CloudOptions {
  /** Data folder, `$PARKHUB_DATA`. */
  readonly data: string;
  readonly http: { readonly host: string; readonly port: number };
  readonly mqtt: { readonly host: string; readonly port: number };
  readonly siteFolder: string;
  readonly profilesFolder: string;
  readonly consoleFolder: string;
  readonly adminPassword?: string;
  readonly logger: Logger;
}
