import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { JobQueue } from "../job-ports.ts";
import type { BlobIndex, BlobStore, SnapshotService, VideoService } from "../media-ports.ts";
import type {
  AccessService,
  AlarmService,
  AuditLog,
  Authority,
  CertificateService,
  CommandService,
  DeviceEventService,
  DoorService,
  ForeignClientService,
  GatewayService,
  LiveBus,
  RunService,
  SiteCatalog,
  StateService,
} from "../ports.ts";
import type { CompletenessService, HistoryService } from "../telemetry-ports.ts";

/** State of one part of the service, for `/readyz`. */
export interface PartState {
  readonly ready: boolean;
  readonly detail?: string;
}

/** Everything the HTTP API asks of the rest. */
export interface ApiDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly catalog: SiteCatalog;
  readonly access: AccessService;
  readonly authority: Authority;
  readonly audit: AuditLog;
  readonly state: StateService;
  readonly history: HistoryService;
  readonly completeness: CompletenessService;
  readonly alarms: AlarmService;
  readonly commands: CommandService;
  readonly runs: RunService;
  readonly gateways: GatewayService;
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  readonly doors: DoorService;
  readonly deviceEvents: DeviceEventService;
  readonly certificates: CertificateService;
  /** Foreign hosts and edge nodes at the broker. */
  readonly mqttClients: ForeignClientService;
  readonly video: VideoService;
  readonly cameraSnapshots: SnapshotService;
  readonly bus: LiveBus;
  readonly jobs: Pick<JobQueue, "status" | "counts" | "dead" | "retry">;
  /** Every part by name; the service is ready when all are. */
  readonly parts: () => Readonly<Record<string, PartState>>;
  /** Prometheus text. */
  readonly metrics: () => string;
  /** Folder of the built console. */
  readonly consoleFolder: string;
  /** Is the service reached by HTTPS? Then cookies are Secure. */
  readonly https: boolean;
  /** Addresses or networks whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
}
