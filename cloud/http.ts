import type { Clock } from "#core/clock.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { ApiDeps } from "./api/deps.ts";
import { buildServer } from "./api/server.ts";
import type { CloudOptions } from "./app-options.ts";
import type { AuditChain } from "./audit/log.ts";
import type { BlobRetention } from "./blobs/retention.ts";
import type { FileBlobStore } from "./blobs/store.ts";
import type { Violations } from "./broker/violations.ts";
import { blobIndex, type Domains } from "./domains.ts";
import { buildEvidence } from "./evidence-domain.ts";
import { TelemetryHistoryService } from "./history/service.ts";
import type { IngestDomains } from "./ingest-domains.ts";
import { cloudMetrics } from "./metrics.ts";
import { portTaken } from "./port-taken.ts";
import type { SiteCatalog } from "./ports.ts";
import { countByPriority } from "./readiness.ts";
import type { StoredCatalog } from "./site/catalog.ts";
import type { TelemetryStore } from "./telemetry-ports.ts";
import { CameraPresets } from "./video/presets.ts";
import type { VideoRelay } from "./video/relay.ts";
import { CameraSnapshots } from "./video/snapshots.ts";

/** What the API asks for and is handed over as it is. */
type Handed = Pick<ApiDeps, "access" | "authority" | "mqttClients" | "quality" | "shifts" | "bus" | "jobs" | "parts">;

/** The API and the console at their address. */
export interface HttpServer {
  /** @throws PORT_TAKEN */
  listen(): Promise<void>;
  close(): Promise<void>;
}

/** The HTTP API and the console over all domains; nothing listens yet. Part of the composition root. */
export async function buildHttp(
  options: Pick<CloudOptions, "http" | "consoleFolder" | "trustedProxies">,
  domains: Domains,
  parts: Handed &
    IngestDomains & {
      readonly catalog: StoredCatalog;
      /** The site with the devices of foreign edge nodes, for who looks at it. */
      readonly shown: SiteCatalog;
      readonly audit: AuditChain;
      readonly store: TelemetryStore;
      readonly blobs: FileBlobStore;
      readonly retention: BlobRetention;
      readonly violations: Violations;
      readonly video: VideoRelay;
      readonly clock: Clock;
      readonly logger: Logger;
    },
): Promise<HttpServer> {
  const { alarms, commands, linkage } = domains;
  const { catalog, shown, audit, store, blobs, retention, violations, video, clock, logger } = parts;
  const { ingest, signer, completeness, gateways } = parts;
  const history = new TelemetryHistoryService(store, shown);
  const server = await buildServer({
    logger: logger.child({ module: "api" }),
    clock,
    catalog: shown,
    access: parts.access,
    authority: parts.authority,
    audit,
    state: domains.state,
    history,
    completeness,
    jobs: parts.jobs,
    mqttClients: parts.mqttClients,
    alarms,
    notify: domains.notify,
    maintenance: domains.maintenance,
    journal: domains.journal,
    evidence: buildEvidence(domains, { catalog: shown, audit, history, blobs, signer, clock, logger }),
    definitions: domains.definitions,
    procedures: domains.procedures,
    commands,
    quality: parts.quality,
    shifts: parts.shifts,
    runs: linkage,
    gateways,
    blobs,
    blobIndex: blobIndex(domains, catalog),
    doors: domains.doors,
    deviceEvents: domains.deviceEvents,
    certificates: domains.certificates,
    video,
    cameraSnapshots: new CameraSnapshots({ commands, blobs, clock }),
    cameraPresets: new CameraPresets({ commands, blobs, clock }),
    bus: parts.bus,
    parts: parts.parts,
    metrics: () =>
      cloudMetrics({
        gateways: () => gateways.list(),
        healthOf: (gateway) => ingest.healthOf(gateway as GatewayId),
        violations: () => violations.counts,
        ingestBacklog: () => ingest.backlog,
        openAlarms: () => countByPriority(alarms),
        video: () => video.counters,
        blobBytes: () => retention.usedBytes,
      }),
    consoleFolder: options.consoleFolder,
    https: false,
    trustedProxies: options.trustedProxies,
  });
  return {
    listen: async () => {
      await server.listen(options.http).catch((error: unknown) => {
        throw portTaken(error, options.http, "PARKHUB_HTTP");
      });
    },
    close: () => server.close(),
  };
}
