import path from "node:path";
import { loadSite } from "#config/load-site.ts";
import { systemClock } from "#core/clock.ts";
import { HubError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { driverByKind } from "#protocols/registry.ts";
import type { Alarms } from "./alarms/service.ts";
import type { PartState } from "./api/deps.ts";
import { buildServer } from "./api/server.ts";
import { AuditChain } from "./audit/log.ts";
import { GrantAuthority } from "./auth/authority.ts";
import { makeFirstAdministrator } from "./auth/first-administrator.ts";
import { Access } from "./auth/service.ts";
import { Sessions } from "./auth/sessions.ts";
import { SignInThrottle } from "./auth/throttle.ts";
import { Tokens } from "./auth/tokens.ts";
import { Users } from "./auth/users.ts";
import { type BlobLimits, BlobRetention } from "./blobs/retention.ts";
import { FileBlobStore } from "./blobs/store.ts";
import { EmbeddedBroker } from "./broker/embedded-broker.ts";
import { Violations } from "./broker/violations.ts";
import { type Db, openDatabase } from "./db/database.ts";
import { blobIndex, buildDomains } from "./domains.ts";
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
import { portTaken } from "./port-taken.ts";
import { sinksOf } from "./sinks.ts";
import { StoredCatalog } from "./site/catalog.ts";
import { withDescendants } from "./site/space-tree.ts";
import { SiteVersions } from "./site/versions.ts";
import { VideoRelay } from "./video/relay.ts";
import { CameraSnapshots } from "./video/snapshots.ts";

/** Where the cloud keeps its things and listens. */
export interface CloudOptions {
  /** Data folder, `$PARKHUB_DATA`. */
  readonly data: string;
  readonly http: { readonly host: string; readonly port: number };
  readonly mqtt: { readonly host: string; readonly port: number };
  /** Site that seeds an empty database. */
  readonly siteFolder: string;
  readonly profilesFolder: string;
  readonly consoleFolder: string;
  /** Password of the first administrator; a random one is made without it. */
  readonly adminPassword?: string;
  /** How long pictures, clips and results are kept. */
  readonly blobLimits: BlobLimits;
  readonly logger: Logger;
}

/** Name of this host application in Sparkplug's STATE topic. */
const HOST_ID = "parkhub";
const FIRST_LOGIN_FILE = "first-login.txt";
/** The park counts as up when so few points have never been heard. */
const KNOWN_SHARE = 0.99;

const clock = systemClock;
const now = (): number => clock.now();

/** Who may do what, and who they are. */
async function buildAccess(db: Db, catalog: StoredCatalog, options: CloudOptions) {
  const audit = new AuditChain(db, now);
  const users = new Users(db, now);
  const sessions = new Sessions(db, users, clock);
  const access = new Access({
    users,
    sessions,
    tokens: new Tokens(db, users, now),
    throttle: new SignInThrottle(clock),
    audit,
    clock,
  });
  const root = catalog.spaces().find((space) => space.parent === undefined)?.id ?? catalog.site;
  const authority = new GrantAuthority(() => ({ root, below: (space) => withDescendants(catalog.spaces(), space) }));
  if (await makeFirstAdministrator(users, root, options.adminPassword, path.join(options.data, FIRST_LOGIN_FILE)))
    audit.append({ actor: "system", action: "user.add", target: "admin", result: "ok" });
  return { audit, access, authority };
}

function openCatalog(db: Db, { siteFolder, profilesFolder }: CloudOptions): StoredCatalog {
  return StoredCatalog.open(new SiteVersions(db), () => loadSite(siteFolder, profilesFolder, driverByKind), now);
}

/** Actions of a protocol's drivers, without those that only the gateway itself may ask for. */
function actionsOf(protocol: string): readonly string[] {
  const { actions = [], internalActions = [] } = driverByKind.get(protocol) ?? {};
  return actions.filter((action) => !internalActions.includes(action));
}

/** A running cloud. */
export interface Cloud {
  close(): Promise<void>;
}

/**
 * Builds and starts the whole service in the embedded profile. Nothing is left behind when it throws.
 * @throws CONFIG_INVALID, PORT_TAKEN, DB_NEWER, HISTORY_NEWER ...
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const closers: (() => void | Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    const faults: unknown[] = [];
    // what comes after one that fails is closed all the same: the records database is the last
    for (const closer of closers.splice(0).reverse())
      await Promise.resolve()
        .then(closer)
        .catch((error: unknown) => faults.push(error));
    for (const error of faults) options.logger.error({ err: error }, "a part did not close cleanly");
    if (faults.length > 0) throw new HubError("CLOUD_NOT_CLOSED", `${faults.length} parts did not close cleanly`);
  };
  try {
    await build(options, closers);
  } catch (error) {
    // what failed first is what is told; the faults of closing are logged
    await close().catch(() => undefined);
    throw error;
  }
  return { close };
}

async function build(options: CloudOptions, closers: (() => void | Promise<void>)[]): Promise<void> {
  const { data, logger } = options;
  const db = await openDatabase(path.join(data, "cloud", "records.db"), logger.child({ module: "db" }));
  closers.push(() => db.close());
  const catalog = openCatalog(db, options);
  const { audit, access, authority } = await buildAccess(db, catalog, options);
  const bus = new ProcessLiveBus((error) => logger.error({ err: error }, "a live listener failed"));

  const credentials = new GatewayCredentials({ db, folder: path.join(data, "gateways"), clock, logger });
  const gatewayIds = () => catalog.gateways().map(({ id }) => id);
  await credentials.ensure(gatewayIds());
  const violations = new Violations({ logger, audit, clock });
  const broker = await startBroker(options, credentials, violations);
  closers.push(() => broker.close());
  const store = await EmbeddedTelemetryStore.open(
    { file: path.join(data, "cloud", "telemetry.db") },
    logger.child({ module: "history" }),
  );
  closers.push(() => store.close());

  const presence = new Presence({ clock, rows: new GatewayRows(db), logger });
  closers.push(() => presence.close());
  const link = new MqttGatewayLink(broker, presence);
  const blobs = new FileBlobStore({ db, folder: path.join(data, "blobs"), clock, logger });
  const domains = buildDomains(db, catalog, { link, presence, audit, bus, blobs, clock, actionsOf, logger });
  closers.push(
    () => domains.kept.close(),
    () => domains.doors.close(),
  );
  const retention = new BlobRetention({
    store: blobs,
    users: [domains.media, domains.commands.blobs],
    limits: options.blobLimits,
    audit,
    clock,
    logger: logger.child({ module: "blobs" }),
  });
  retention.start();
  closers.push(() => retention.stop());
  blobs.onStored((sha256) => {
    domains.alarms.blobStored(sha256);
    for (const run of domains.media.runsOf(sha256)) domains.linkage.refresh(run);
  });
  const video = new VideoRelay({ clock, logger: logger.child({ module: "video" }) });
  closers.push(() => video.close());
  const sinks = sinksOf({ ...domains, gatewayChanged: (gateway) => gateways.publish(gateway) });
  const ingest = new Ingest({
    db,
    store,
    broker,
    presence,
    link,
    sinks,
    clock,
    logger: logger.child({ module: "ingest" }),
    host: HOST_ID,
  });
  const gateways = new CloudGatewayService({ catalog, knowledge: ingest, presence, store, credentials, bus });
  ingest.onChange((gateway) => gateways.publish(gateway));

  const { commands, alarms, linkage, state } = domains;
  for (const part of [commands, alarms, linkage]) {
    part.start();
    closers.push(() => part.stop());
  }
  const announce = (): void => {
    for (const gateway of gatewayIds()) {
      const bundle = catalog.bundle(gateway);
      const url = `/api/v1/gateways/${encodeURIComponent(gateway.split("/")[1] ?? "")}/bundle`;
      if (bundle) link.announceConfig(gateway, { version: catalog.version, sha256: bundle.sha256, url });
    }
  };
  announce();
  catalog.onChange(announce);
  ingest.start(gatewayIds());
  closers.push(() => ingest.close());

  const parts = (): Readonly<Record<string, PartState>> => {
    const points = catalog.points();
    const known = points.filter(({ id }) => state.current(id).reason !== "noValue").length;
    const away = gatewayIds().filter((gateway) => !presence.isOnline(gateway));
    return {
      records: { ready: answers(db) },
      telemetry: { ready: store.running },
      broker: { ready: broker.port > 0 },
      gateways: { ready: away.length === 0, ...(away.length === 0 ? {} : { detail: `not heard: ${away.join(", ")}` }) },
      points: { ready: known >= points.length * KNOWN_SHARE, detail: `${known} of ${points.length} points heard` },
    };
  };
  const app = await buildServer({
    logger: logger.child({ module: "api" }),
    clock,
    catalog,
    access,
    authority,
    audit,
    state,
    history: new TelemetryHistoryService(store, catalog),
    alarms,
    commands,
    runs: linkage,
    gateways,
    blobs,
    blobIndex: blobIndex(domains, catalog),
    doors: domains.doors,
    deviceEvents: domains.deviceEvents,
    certificates: domains.certificates,
    video,
    cameraSnapshots: new CameraSnapshots({ commands, blobs, clock }),
    bus,
    parts,
    metrics: () =>
      cloudMetrics({
        gateways: () => gateways.list(),
        healthOf: (gateway) => ingest.healthOf(gateway as Parameters<typeof ingest.healthOf>[0]),
        violations: () => violations.counts,
        ingestBacklog: () => ingest.backlog,
        openAlarms: () => countByPriority(alarms),
        video: () => video.counters,
        blobBytes: () => retention.usedBytes,
      }),
    consoleFolder: options.consoleFolder,
    https: false,
  });
  closers.push(() => app.close());
  await app.listen(options.http).catch((error: unknown) => {
    throw portTaken(error, options.http, "PARKHUB_HTTP");
  });
  logger.info(
    {
      http: options.http,
      mqtt: options.mqtt,
      site: catalog.site,
      version: catalog.version,
      points: catalog.points().length,
    },
    "cloud started",
  );
}

/** Does the record database answer? */
function answers(db: Db): boolean {
  try {
    return db.sync.get(db.kysely.selectFrom("site_versions").select("version").limit(1)) !== undefined;
  } catch {
    return false;
  }
}

function countByPriority(alarms: Alarms): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  let cursor: string | undefined;
  do {
    const page = alarms.list({ limit: 1000, visible: "all", ...(cursor === undefined ? {} : { cursor }) });
    for (const { priority } of page.items) counts.set(priority, (counts.get(priority) ?? 0) + 1);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return counts;
}

async function startBroker(
  { mqtt, logger }: CloudOptions,
  credentials: GatewayCredentials,
  violations: Violations,
): Promise<EmbeddedBroker> {
  try {
    return await EmbeddedBroker.start({
      ...mqtt,
      authenticate: (username, password) => credentials.verify(username, password),
      violations,
      logger: logger.child({ module: "broker" }),
    });
  } catch (error) {
    throw portTaken(error, mqtt, "PARKHUB_MQTT");
  }
}
