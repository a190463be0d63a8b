import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { AlarmOperations, MaintenanceService } from "../alarm-ports.ts";
import type { DefinitionService } from "../definition-ports.ts";
import type { JobQueue } from "../job-ports.ts";
import type { EvidenceService, JournalService } from "../journal-ports.ts";
import type { BlobIndex, BlobStore, PresetService, SnapshotService, VideoService } from "../media-ports.ts";
import type { NotifyService } from "../notify-ports.ts";
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
import type { ProcedureService } from "../procedure-ports.ts";
import type { AlarmQualityService, ShiftService } from "../quality-ports.ts";
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
  readonly alarms: AlarmService & AlarmOperations;
  readonly maintenance: MaintenanceService;
  readonly journal: JournalService;
  readonly evidence: EvidenceService;
  /** Alarm definitions under management of change. */
  readonly definitions: DefinitionService;
  /** Response procedures and the work by them. */
  readonly procedures: ProcedureService;
  readonly commands: CommandService;
  readonly quality: AlarmQualityService;
  readonly shifts: ShiftService;
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
  readonly cameraPresets: PresetService;
  /** Who is told of alarms. */
  readonly notify: NotifyService;
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
