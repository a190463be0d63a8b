import type { AlarmAct } from "#core/contracts/alarm-acts.ts";
import type { AlarmDetail, AlarmView } from "#core/contracts/alarms.ts";
import type { AuditEntry } from "#core/contracts/audit.ts";
import type { Bundle } from "#core/contracts/bundle.ts";
import type { CommandRequest, CommandView } from "#core/contracts/commands.ts";
import type { Completeness, QuarantineView } from "#core/contracts/completeness.ts";
import type { DeviceEventView, DeviceView } from "#core/contracts/devices.ts";
import type { DoorView } from "#core/contracts/doors.ts";
import type { CertificateView, GatewayView } from "#core/contracts/gateways.ts";
import type { Ack, ConfigNotice, Lane, LaneItem } from "#core/contracts/lanes.ts";
import type { LiveKind } from "#core/contracts/live.ts";
import type { PointView } from "#core/contracts/points.ts";
import type { RunView } from "#core/contracts/runs.ts";
import type { Grant, PasswordChange, Role } from "#core/contracts/session.ts";
import type { DeviceId, GatewayId } from "#core/ids.ts";
import type { Rule } from "#core/linkage/rule.ts";
import type { Command } from "#core/model/command.ts";
import type { Device } from "#core/model/device.ts";
import type { Door } from "#core/model/door.ts";
import type { Point } from "#core/model/point.ts";
import type { Sample } from "#core/model/sample.ts";
import type { SampleColumns } from "#core/model/sample-columns.ts";
import type { Partition, Space, Zone } from "#core/model/site.ts";

/*
 * What the domains of the cloud ask of each other. Each is implemented in its own folder and handed over by app.ts;
 * no domain imports another. Everything named `...View` is the shape of the HTTP API (ISO times).
 */

/** What ingest tells the rest, in this order. Everything here is synchronous and cheap. */
export interface IngestSinks {
  /** Births: the value of every point now; changes state, is not stored and raises nothing. */
  onBirth(gateway: GatewayId, samples: readonly Sample[]): void;
  /**
   * Rows [from, to) of the columns were taken in, each once in the life of this process, in the order in which they came. They
   * are stored after this, or offered again until they are. Rows marked historical never change a live value, an alarm or a
   * rule. The columns are used again afterwards: keep nothing of them.
   */
  onSamples(columns: SampleColumns, from: number, to: number): void;
  /**
   * Items of the events lane, each once, in offset order, INSIDE the record database's transaction that also moves the
   * cursor. Throw only for what can never be stored: the item is then quarantined with the error's code.
   * Returned callbacks run after COMMIT (live bus, commands).
   */
  onItem(gateway: GatewayId, item: LaneItem): (() => void) | undefined;
  onGatewayOnline(gateway: GatewayId, online: boolean, at: number, reason?: string): void;
  /** A gateway says that a device of it is gone, since `at` by its own clock, Unix ms, until the device's next birth. */
  onDeviceDead(device: DeviceId, at: number): void;
}

/** How the domains reach a gateway. Implemented by broker/ingest. */
export interface GatewayLink {
  /** Publishes on the gateway's command topic, QoS 1. False when the gateway is offline: nothing was sent. */
  sendCommand(gateway: GatewayId, command: Command): boolean;
  sendAck(gateway: GatewayId, ack: Ack): void;
  /** Publishes the retained configuration notice. */
  announceConfig(gateway: GatewayId, notice: ConfigNotice): void;
  isOnline(gateway: GatewayId): boolean;
}

/** Who acts: from the session or token. */
export interface Actor {
  readonly name: string;
  readonly grants: readonly Grant[];
  readonly ip?: string;
}

/** What an actor may see and do. The oracle is one table role x permission, in cloud/auth. */
export interface Authority {
  /** Does some grant of the actor give the permission at this space (or anywhere when undefined)? */
  may(actor: Actor, permission: string, space?: string): boolean;
  /** Space ids (with all below) in which the actor holds the permission; `all` for grants at the site root. */
  spaces(actor: Actor, permission: string): "all" | ReadonlySet<string>;
  permissionsOf(grants: readonly Grant[]): readonly string[];
  readonly roles: readonly Role[];
}

/** A session of the console as the API sees it. */
export interface SessionHandle {
  /** Names the session inside the process; is no secret. */
  readonly key: string;
  readonly user: { readonly name: string; readonly displayName: string };
  readonly grants: readonly Grant[];
  readonly csrfToken: string;
  readonly expiresAt: number;
}
/** A user as listed. */
export interface UserEntry {
  readonly name: string;
  readonly displayName: string;
  readonly grants: readonly Grant[];
  readonly disabled: boolean;
}
/** A token as listed; the token itself is shown once, when it is made. */
export interface TokenEntry {
  readonly id: string;
  readonly name: string;
  readonly user: string;
  readonly grants: readonly Grant[];
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly usedAt: number | null;
}
/** Who somebody is. Implemented by cloud/auth. */
export interface AccessService {
  /** @throws SIGN_IN_REFUSED, SIGN_IN_THROTTLED (message says for how long) */
  signIn(username: string, password: string, ip: string): Promise<{ id: string; session: SessionHandle }>;
  /** The session of an id from the cookie; counts as activity. */
  session(id: string): SessionHandle | undefined;
  /** Does the session still live? Counts as no activity. */
  sessionByKey(key: string): SessionHandle | undefined;
  signOut(session: SessionHandle, ip: string): void;
  /**
   * Gives the user of a session another password and ends his other sessions.
   * @throws PASSWORD_WRONG, PASSWORD_TOO_SHORT, PASSWORD_SAME, SIGN_IN_THROTTLED
   */
  changePassword(session: SessionHandle, change: PasswordChange, ip: string): Promise<void>;
  onSessionEnd(listener: (key: string) => void): () => void;
  /** Who acts with a bearer token. */
  bearer(token: string): { readonly name: string; readonly grants: readonly Grant[] } | undefined;
  users(): readonly UserEntry[];
  /** @throws USER_EXISTS, PASSWORD_TOO_SHORT */
  addUser(user: Omit<UserEntry, "disabled">, password: string, actor: Actor): Promise<UserEntry>;
  tokens(user: string): readonly TokenEntry[];
  /** @throws GRANT_NOT_HELD, USER_UNKNOWN, TOKEN_EXPIRY_INVALID */
  addToken(
    user: string,
    name: string,
    grants: readonly Grant[],
    expiresAt: number | null,
    actor: Actor,
  ): { token: string; entry: TokenEntry };
  removeToken(user: string, id: string, actor: Actor): boolean;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
  readonly count?: boolean;
}
export interface PageResult<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
  readonly total?: number;
}
/** `all` or the set of visible spaces: every list is filtered by it in the service, before paging. */
export type Visible = "all" | ReadonlySet<string>;

/** The configuration as the database holds it. Read-mostly and in memory; `onChange` after each new version. */
export interface SiteCatalog {
  readonly site: string;
  readonly timeZone: string;
  readonly version: number;
  spaces(): readonly Space[];
  partitions(): readonly Partition[];
  zones(): readonly Zone[];
  gateways(): readonly { id: GatewayId; name: string; nameEn: string }[];
  devices(): readonly Device[];
  device(id: string): Device | undefined;
  points(): readonly Point[];
  point(id: string): Point | undefined;
  doors(): readonly Door[];
  /** A channel of a gateway by `<site>/<gateway>/<channel>`. */
  channel(id: string): { readonly id: string; readonly protocol: string } | undefined;
  rules(): readonly Rule[];
  /** Where a rule runs and why. */
  placement(rule: string): { place: string; because: string } | undefined;
  /** A new version in which one rule is switched on or off. @throws RULE_UNKNOWN, SITE_VERSION_STALE */
  setRuleEnabled(id: string, enabled: boolean, actor: string): Rule;
  alarmText(definition: string): { response?: string; responseEn?: string } | undefined;
  /** The bundle, its exact text and that text's hash. */
  bundle(gateway: GatewayId): { bundle: Bundle; text: string; sha256: string } | undefined;
  onChange(listener: () => void): void;
}

export interface StateService {
  current(point: string): PointView["current"];
  points(
    query: PageRequest & { q?: string; device?: string; gateway?: string; visible: Visible },
  ): PageResult<PointView>;
  point(id: string): PointView | undefined;
  devices(query: PageRequest & { visible: Visible }): PageResult<DeviceView>;
  device(id: string): DeviceView | undefined;
}

export interface AlarmQuery extends PageRequest {
  readonly visible: Visible;
  readonly state?: "open" | "active" | "unacknowledged" | "latched" | "closed" | "all";
  readonly law?: string;
  readonly category?: string;
  readonly priority?: string;
  readonly area?: string;
  readonly q?: string;
}
export type AlarmActKind =
  | "acknowledge"
  | "reset"
  | "shelve"
  | "unshelve"
  | "outOfService"
  | "returnToService"
  | "comment";
export interface AlarmService {
  list(query: AlarmQuery): PageResult<AlarmView>;
  get(id: string): AlarmDetail | undefined;
  /** @throws ALARM_UNKNOWN, ALARM_OCCURRENCE_STALE, ALARM_STILL_ACTIVE, ALARM_NOT_ACKNOWLEDGED, ALARM_LAW_FORBIDS */
  act(id: string, kind: AlarmActKind, act: AlarmAct, actor: Actor): AlarmView;
}

export interface CommandService {
  /** Checks, persists and sends. @throws POINT_UNKNOWN, POINT_NOT_WRITABLE, VALUE_OUT_OF_RANGE, VALUE_KIND, DEVICE_UNKNOWN, ACTION_UNKNOWN */
  request(request: CommandRequest, actor: Actor): CommandView;
  get(id: string): CommandView | undefined;
}

/** What is asked of the list of device events. Times are Unix ms, `to` exclusive. */
export interface DeviceEventQuery extends PageRequest {
  readonly visible: Visible;
  /** Spaces in which the reader may know who a person is. */
  readonly personal: Visible;
  readonly device?: string;
  readonly kind?: string;
  readonly door?: Pick<Door, "device" | "token">;
  readonly from?: number;
  readonly to?: number;
}
export interface DeviceEventService {
  /** Newest first. @throws CURSOR_INVALID */
  list(query: DeviceEventQuery): PageResult<DeviceEventView>;
}

export interface DoorService {
  list(visible: Visible): readonly DoorView[];
  get(id: string): DoorView | undefined;
  /** The door as the site describes it. */
  door(id: string): Door | undefined;
}

export interface CertificateService {
  /** What the channels of a gateway know. */
  of(gateway: string): readonly CertificateView[];
}

export interface RunService {
  runsOf(rule: string, query: PageRequest): PageResult<RunView>;
  run(id: string): RunView | undefined;
}

export interface GatewayService {
  list(): readonly GatewayView[];
  get(id: string): GatewayView | undefined;
  completeness(id: string): Promise<Completeness | undefined>;
  /** What of it was put aside, newest first. @throws CURSOR_INVALID */
  quarantine(id: string, page: PageRequest): PageResult<QuarantineView>;
  /** The bytes of one of them, as they came. */
  quarantinedBytes(id: string, row: number): Uint8Array | undefined;
  /** True when the credential is the gateway's. */
  authenticate(username: string, password: string): Promise<boolean>;
}

export interface AuditLog {
  /** Appends a hash-chained row in the running transaction or in its own. */
  append(
    entry: Pick<AuditEntry, "actor" | "action" | "result"> & Partial<Pick<AuditEntry, "target" | "detail" | "ip">>,
  ): void;
  list(query: PageRequest): PageResult<AuditEntry>;
  /** The newest entries about one thing, oldest first. */
  about(target: string, limit: number): readonly AuditEntry[];
  /** First row whose hash does not fit, or undefined when the chain is whole. */
  verify(): number | undefined;
}

/** Changes inside the process; the WebSocket filters them by permission and view. `id` is the item's, `space` its place. */
export interface LiveChange {
  readonly kind: LiveKind;
  readonly id: string;
  readonly space?: string;
  /** The changed item in the shape of the HTTP API, or undefined when it left the list. */
  readonly item: unknown;
}
export interface LiveBus {
  publish(change: LiveChange): void;
  subscribe(listener: (change: LiveChange) => void): () => void;
  /** Calls when changes of other processes were missed: whoever shows something has to look at all of it again. */
  onGap(listener: () => void): () => void;
}

/** Where the last value of each point outlives a restart. */
export interface LatestValues {
  /** What is kept; from what else is known where nothing is kept any more. */
  load(): Promise<readonly Sample[]>;
  /** Takes changed values, of each point the newest last. Cheap, and never throws: what cannot be kept now is kept later. */
  keep(samples: Iterable<Sample>): void;
  /** Calls when what was kept is gone, so that everything has to be kept again. */
  onLost(listener: () => void): void;
  /** Keeps what it was given, where that takes no more than seconds. */
  close(): Promise<void>;
}

/** Cursor of a lane: everything up to `offset` is stored, with later ranges that arrived early. */
export interface LaneCursor {
  readonly gateway: GatewayId;
  readonly lane: Lane;
  readonly epoch: string;
  readonly upTo: number;
}

/** What a gateway has published, after the topic rules. `session` counts the broker's connections: equal means the same TCP stream. */
export interface GatewayMessage {
  readonly gateway: GatewayId;
  readonly session: number;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** Who takes in what gateways publish. */
export interface GatewayMessageHandler {
  /**
   * Called in the order of the stream. While a returned promise is open, no more is read from that gateway: this is the
   * back-pressure. It is no acknowledgement.
   */
  message(message: GatewayMessage): Promise<void> | undefined;
  /** The connection of a gateway is gone. */
  disconnected(gateway: GatewayId, session: number): void;
}

/** The MQTT broker as the hub uses it: embedded today, any MQTT 3.1.1 broker by URL later. */
export interface Broker {
  /** Hands a message to whoever is connected and subscribed now; retained ones also to those who come later. */
  publish(
    topic: string,
    payload: Uint8Array | string,
    options: { readonly qos: 0 | 1; readonly retain: boolean },
  ): void;
  /** Is the gateway connected and does it listen on its command topic? */
  isReachable(gateway: GatewayId): boolean;
  /** Takes over from now on; messages before the first handler are refused. */
  attach(handler: GatewayMessageHandler): void;
  close(): Promise<void>;
}

/**
 * A client of the broker that is no gateway of ours. `reader`: a foreign host application that sees the whole site;
 * `foreignNode`: a Sparkplug edge node of somebody else, `node` is `<site>/<edge node id>`. Its topics follow from it.
 */
export type ForeignClient =
  | { readonly kind: "reader"; readonly name: string; readonly clientId: string; readonly mayCommand: boolean }
  | {
      readonly kind: "foreignNode";
      readonly name: string;
      readonly clientId: string;
      readonly node: GatewayId;
      /** Where its points lie. */
      readonly space: string;
    };

/** A foreign client as listed. */
export type ForeignClientEntry = ForeignClient & {
  readonly createdAt: number;
};

/** Credentials of foreign clients of the broker. */
export interface ForeignClientService {
  /** By name. */
  list(): readonly ForeignClientEntry[];
  /** Makes one; the password is shown this once. @throws MQTT_CLIENT_EXISTS, MQTT_NODE_TAKEN, MQTT_NAME_RESERVED, SPACE_UNKNOWN, MQTT_CLIENT_LIMIT */
  add(client: ForeignClient, actor: Actor): Promise<{ readonly password: string; readonly entry: ForeignClientEntry }>;
  /** False when there is none of that name. */
  remove(name: string, actor: Actor): boolean;
}
