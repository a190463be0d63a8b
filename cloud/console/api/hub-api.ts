import type { AlarmAct, BulkShelve } from "#core/contracts/alarm-acts.ts";
import type { QualityNow } from "#core/contracts/alarm-quality.ts";
import type { AlarmDetail, AlarmView } from "#core/contracts/alarms.ts";
import type { AuditEntry } from "#core/contracts/audit.ts";
import type { CommandRequest, CommandView } from "#core/contracts/commands.ts";
import type { Completeness, FindingView, QuarantineView, SignedStatement } from "#core/contracts/completeness.ts";
import type { DeviceEventView, DeviceView } from "#core/contracts/devices.ts";
import type { DoorRequest } from "#core/contracts/doors.ts";
import type { CertificateView, GatewayView } from "#core/contracts/gateways.ts";
import type { HistorySeriesView, HistoryView } from "#core/contracts/history.ts";
import type { Problem } from "#core/contracts/http.ts";
import type { JobRetry, JobsView } from "#core/contracts/jobs.ts";
import type { OperatorPositionView } from "#core/contracts/operator-position.ts";
import type { PointView } from "#core/contracts/points.ts";
import type { RunView } from "#core/contracts/runs.ts";
import type { PasswordChange, Session, SignIn } from "#core/contracts/session.ts";
import type { Rule } from "#core/linkage/rule.ts";
import type { Partition, Space, Zone } from "#core/model/site.ts";
import type { ApiClient } from "./client.ts";
import { DefinitionsApi } from "./definitions-api.ts";
import { JournalApi } from "./journal-api.ts";
import { MaintenanceApi } from "./maintenance-api.ts";
import { NotifyApi } from "./notify-api.ts";
import { ProceduresApi } from "./procedures-api.ts";
import { QualityApi } from "./quality-api.ts";

/** One page of a list. */
export interface ListPage<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
  readonly total?: number;
}
/** A rule with where it runs and why. */
export type PlacedRule = Rule & { readonly place: string; readonly because: string };
/** A camera, with the presets that the site knows and the zones it looks at. */
export interface CameraView {
  readonly id: string;
  readonly name: string;
  readonly nameEn: string;
  readonly space: string;
  /** Can it be turned? */
  readonly ptz: boolean;
  /** Can it be watched live? */
  readonly video: boolean;
  readonly presets: readonly { readonly preset: string; readonly name: string; readonly nameEn: string }[];
  readonly zones: readonly { readonly zone: string; readonly preset?: string }[];
}
/** Where a camera is to be turned; speeds are shares of the greatest, -1 to 1. */
export type PtzRequest =
  | { readonly preset: string }
  | { readonly pan?: number; readonly tilt?: number; readonly zoom?: number; readonly seconds: number }
  | { readonly stop: true }
  | { readonly home: true };
/** How one alarm of a bulk acknowledgement fared. */
export interface BulkItem {
  readonly id: string;
  readonly alarm?: AlarmView;
  readonly problem?: Pick<Problem, "code" | "detail">;
}
export interface HistoryRange {
  readonly from: string;
  readonly to: string;
  readonly limit?: number;
}

const enc = encodeURIComponent;
const LARGEST_PAGE = 1000;

/** The API's routes, by what they are for. Every method throws ApiError. */
export class HubApi {
  readonly #client: ApiClient;
  readonly definitions: DefinitionsApi;
  /** The alarm journal and evidence. */
  readonly journal: JournalApi;
  readonly procedures: ProceduresApi;
  readonly notify: NotifyApi;
  readonly maintenance: MaintenanceApi;

  /** Quality of the alarm system, and shifts. */
  readonly quality: QualityApi;

  constructor(client: ApiClient) {
    this.#client = client;
    this.quality = new QualityApi(client);
    this.definitions = new DefinitionsApi(client);
    this.journal = new JournalApi(client);
    this.procedures = new ProceduresApi(client);
    this.notify = new NotifyApi(client);
    this.maintenance = new MaintenanceApi(client);
  }

  session = (): Promise<Session> => this.#client.call("GET", "/session");
  signIn = (body: SignIn): Promise<Session> => this.#client.call("POST", "/session", { body });
  changePassword = (body: PasswordChange): Promise<void> => this.#client.call("PUT", "/session/password", { body });
  signOut = (): Promise<void> => this.#client.call("DELETE", "/session");

  alarm = (id: string, signal?: AbortSignal): Promise<AlarmDetail> => this.#get(`/alarms/${enc(id)}`, signal);
  /** `act` is the path segment of the route. */
  actOnAlarm = (id: string, act: string, body: AlarmAct & { readonly assignee?: string | null }): Promise<AlarmView> =>
    this.#client.call("POST", `/alarms/${enc(id)}/${act}`, { body });
  /** One request for an explicit selection; each is answered for itself. */
  actOnAlarms = (
    act: "acknowledge" | "shelve",
    items: readonly { readonly id: string; readonly occurrence: number }[],
    body: Pick<BulkShelve, "comment" | "minutes" | "once" | "station">,
  ): Promise<{ readonly items: readonly BulkItem[] }> =>
    this.#client.call("POST", `/alarms/${act}`, { body: { items, ...body } });

  /** Who may be asked to look after an alarm: users who may see its place. */
  assignees = (id: string, signal?: AbortSignal): Promise<ListPage<{ name: string; displayName: string }>> =>
    this.#get(`/alarms/${enc(id)}/assignees`, signal);

  qualityNow = (): Promise<QualityNow> => this.#get("/alarms/quality/now");
  positions = (): Promise<readonly OperatorPositionView[]> => this.#all<OperatorPositionView>("/alarms/positions");

  run = (id: string, signal?: AbortSignal): Promise<RunView> => this.#get(`/runs/${enc(id)}`, signal);
  rules = (signal?: AbortSignal): Promise<ListPage<PlacedRule>> => this.#get("/rules", signal);
  runsOf = (rule: string, limit: number, signal?: AbortSignal): Promise<ListPage<RunView>> =>
    this.#get(`/rules/${enc(rule)}/runs`, signal, { limit });
  switchRule = (id: string, enabled: boolean): Promise<PlacedRule> =>
    this.#client.call("POST", `/rules/${enc(id)}/${enabled ? "enable" : "disable"}`);

  spaces = (): Promise<ListPage<Space>> => this.#get("/spaces");
  zones = (): Promise<ListPage<Zone>> => this.#get("/zones");
  partitions = (): Promise<ListPage<Partition>> => this.#get("/partitions");
  devices = (): Promise<readonly DeviceView[]> => this.#all<DeviceView>("/devices");

  point = (id: string, signal?: AbortSignal): Promise<PointView> => this.#get(`/points/${enc(id)}`, signal);
  searchPoints = (q: string, limit: number, signal?: AbortSignal): Promise<ListPage<PointView>> =>
    this.#get("/points", signal, { q, limit });
  history = (point: string, range: HistoryRange, signal?: AbortSignal): Promise<HistoryView> =>
    this.#get(`/points/${enc(point)}/history`, signal, { ...range });
  /** Buckets that suit a chart, those without a value too. */
  historySeries = (
    points: readonly string[],
    range: { readonly from: string; readonly to: string },
    signal?: AbortSignal,
  ): Promise<HistorySeriesView> =>
    this.#get("/history", signal, { ...range, points: points.join(","), agg: "min,max,mean,last", fill: "null" });
  command = (id: string): Promise<CommandView> => this.#get(`/commands/${enc(id)}`);
  requestCommand = (body: CommandRequest): Promise<CommandView> => this.#client.call("POST", "/commands", { body });

  cameras = (signal?: AbortSignal): Promise<ListPage<CameraView>> => this.#get("/cameras", signal);
  /** Presets that the site names, then those that the camera holds besides. */
  cameraPresets = (id: string, signal?: AbortSignal): Promise<{ readonly items: CameraView["presets"] }> =>
    this.#get(`/cameras/${enc(id)}/presets`, signal);

  turnCamera = (id: string, body: PtzRequest): Promise<CommandView> =>
    this.#client.call("POST", `/cameras/${enc(id)}/ptz`, { body });

  operateDoor = (id: string, body: DoorRequest): Promise<CommandView> =>
    this.#client.call("POST", `/doors/${enc(id)}/operate`, { body });
  doorEvents = (door: string, cursor: string | undefined, signal?: AbortSignal): Promise<ListPage<DeviceEventView>> =>
    this.#get("/events", signal, { door, limit: 50, cursor });
  /** Times at which a device's history was filled up from its own record, newest first. */
  healedHistory = (device: string, from: string, signal?: AbortSignal): Promise<ListPage<DeviceEventView>> =>
    this.#get("/events", signal, { device, kind: "historyHealed", from, limit: 20 });

  certificates = (gateway: string, signal?: AbortSignal): Promise<ListPage<CertificateView>> =>
    this.#get(`/gateways/${enc(gateway)}/certificates`, signal);
  decideCertificate = (certificate: CertificateView, act: "trust" | "reject"): Promise<CommandView> =>
    this.#client.call("POST", `/gateways/${enc(certificate.gateway)}/certificates/${certificate.thumbprint}/${act}`, {
      body: { channel: certificate.channel },
    });

  gateways = (signal?: AbortSignal): Promise<ListPage<GatewayView>> => this.#get("/gateways", signal);
  completeness = (id: string, signal?: AbortSignal): Promise<Completeness> =>
    this.#get(`/gateways/${enc(id)}/completeness`, signal);

  findings = (id: string, signal?: AbortSignal): Promise<ListPage<FindingView>> =>
    this.#get(`/gateways/${enc(id)}/findings`, signal, { limit: 20 });
  quarantine = (id: string, signal?: AbortSignal): Promise<ListPage<QuarantineView>> =>
    this.#get(`/gateways/${enc(id)}/quarantine`, signal, { limit: 20 });
  jobs = (signal?: AbortSignal): Promise<JobsView> => this.#get("/jobs", signal);
  retryJob = (body: JobRetry): Promise<JobsView> => this.#client.call("POST", "/jobs/dead/retry", { body });
  statements = (id: string, signal?: AbortSignal): Promise<ListPage<SignedStatement>> =>
    this.#get(`/gateways/${enc(id)}/statements`, signal, { limit: 14 });
  statementChain = (id: string, signal?: AbortSignal): Promise<{ readonly whole: boolean; readonly fault?: string }> =>
    this.#get(`/gateways/${enc(id)}/statements/chain`, signal);

  audit = (cursor: string | undefined, signal?: AbortSignal): Promise<ListPage<AuditEntry>> =>
    this.#get("/audit", signal, { limit: 100, cursor });
  verifyAudit = (): Promise<{ readonly whole: boolean; readonly brokenAt?: number }> => this.#get("/audit/verify");

  #get<T>(
    path: string,
    signal?: AbortSignal,
    query?: Record<string, string | number | boolean | undefined>,
  ): Promise<T> {
    return this.#client.call("GET", path, {
      ...(query === undefined ? {} : { query }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async #all<T>(path: string): Promise<readonly T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const page: ListPage<T> = await this.#get(path, undefined, { limit: LARGEST_PAGE, cursor });
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return items;
  }
}
