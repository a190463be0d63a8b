import path from "node:path";
import { loadProcedures } from "#config/load-procedures.ts";
import { loadSite } from "#config/load-site.ts";
import { systemClock } from "#core/clock.ts";
import { HubError } from "#core/errors.ts";
import type { GatewayId, PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import { driverByKind } from "#protocols/registry.ts";
import { buildAccess } from "./access.ts";
import { buildServer } from "./api/server.ts";
import { type BlobLimits, BlobRetention } from "./blobs/retention.ts";
import { FileBlobStore } from "./blobs/store.ts";
import { Violations } from "./broker/violations.ts";
import { Findings } from "./completeness/findings.ts";
import { CompletenessReports } from "./completeness/service.ts";
import { StatementSigner } from "./completeness/signer.ts";
import { Statements } from "./completeness/statements.ts";
import { type Db, openDatabase } from "./db/database.ts";
import { blobIndex, buildDomains } from "./domains.ts";
import { type EngineUrls, openLive, openTelemetry, recordsTarget, startBroker } from "./engines.ts";
import { buildEvidence } from "./evidence-domain.ts";
import { GatewayCredentials } from "./gateways/credentials.ts";
import { MqttClients } from "./gateways/mqtt-clients.ts";
import { PasswordCheck } from "./gateways/password-check.ts";
import { CloudGatewayService } from "./gateways/service.ts";
import { TelemetryHistoryService } from "./history/service.ts";
import { withForeignNodes } from "./ingest/foreign-catalog.ts";
import { ForeignNodes } from "./ingest/foreign-nodes.ts";
import { MqttGatewayLink } from "./ingest/gateway-link.ts";
import { GatewayRows } from "./ingest/gateway-rows.ts";
import { Ingest } from "./ingest/ingest.ts";
import { Presence } from "./ingest/presence.ts";
import { cloudMetrics } from "./metrics.ts";
import { type KeepDays, scheduleNights } from "./nightly.ts";
import { PointNumbers } from "./point-directory.ts";
import { portTaken } from "./port-taken.ts";
import { buildQuality } from "./quality-domains.ts";
import { countByPriority, readiness } from "./readiness.ts";
import { sinksOf } from "./sinks.ts";
import { StoredCatalog } from "./site/catalog.ts";
import { withDescendants } from "./site/space-tree.ts";
import { SiteVersions } from "./site/versions.ts";
import { SystemHealth } from "./system-health.ts";
import { VideoRelay } from "./video/relay.ts";
import { CameraSnapshots } from "./video/snapshots.ts";

/** Where the cloud keeps its things and listens. */
export interface CloudOptions {
  /** Data folder, `$PARKHUB_DATA`. */
  readonly data: string;
  readonly http: { readonly host: string; readonly port: number };
  /** Addresses or networks of proxies in front of `http`. */
  readonly trustedProxies: readonly string[];
  readonly mqtt: { readonly host: string; readonly port: number };
  /** Site that seeds an empty database. */
  readonly siteFolder: string;
  readonly profilesFolder: string;
  readonly consoleFolder: string;
  /** Password of the first administrator; a random one is made without it. */
  readonly adminPassword?: string;
  /** How long pictures, clips and results are kept. */
  readonly blobLimits: BlobLimits;
  /** How long telemetry and records are kept. */
  readonly keep: KeepDays;
  /** Servers that replace the embedded engines. */
  readonly urls: EngineUrls;
  /** Hosts, addresses and networks that notification may send to; none when absent. */
  readonly egress?: readonly string[];
  readonly logger: Logger;
}

/** Name of this host application in Sparkplug's STATE topic. */
const HOST_ID = "parkhub";

const clock = systemClock;
const now = (): number => clock.now();

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
 * Builds and starts the whole service on the engines that `urls` names. Nothing is left behind when it throws.
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
  const { data, logger, urls } = options;
  const db = await openDatabase(recordsTarget(data, urls), logger.child({ module: "db" }));
  closers.push(() => db.close());
  const catalog = openCatalog(db, options);
  const { audit, access, authority } = await buildAccess(db, catalog, options, clock);
  const { site, timeZone } = catalog;

  const gatewayIds = () => catalog.gateways().map(({ id }) => id);
  const passwords = new PasswordCheck();
  const credentials = new GatewayCredentials({ db, folder: path.join(data, "gateways"), clock, logger, passwords });
  await credentials.ensure(gatewayIds());
  const mqttClients = new MqttClients({ db, catalog, audit, clock, reserved: [HOST_ID], passwords });
  const foreign = new ForeignNodes({ db, nodeOf: (id) => mqttClients.node(id), clock, logger });
  const violations = new Violations({ logger, audit, clock });
  const running = await startBroker({
    url: urls.broker,
    mqtt: options.mqtt,
    site,
    host: HOST_ID,
    authenticate: (username, password) => credentials.verify(username, password),
    foreignClient: (username, password) => mqttClients.verify(username, password),
    knows: (id) => gatewayIds().some((gateway) => gateway === id) || foreign.isForeign(id),
    violations,
    clock,
    logger: logger.child({ module: "broker" }),
  });
  const { broker } = running;
  closers.push(() => broker.close());
  const points = new PointNumbers();
  const store = await openTelemetry({ data, urls, db, points, clock, logger: logger.child({ module: "history" }) });
  closers.push(() => store.close());
  const live = await openLive({
    url: urls.redis,
    site,
    db,
    rebuild: async () => {
      const found = await store.at(
        catalog.points().map(({ id }) => id as PointId),
        now(),
      );
      return found.filter((sample) => sample !== undefined);
    },
    clock,
    logger,
  });
  closers.push(() => live.close());
  const { bus, jobs, values } = live;
  const kept = await values.load();

  const findings = new Findings({ db, clock, logger });
  closers.push(() => findings.close());
  running.onTakeoverStorm?.((gateway, storming) => findings.found(gateway, { kind: "clone", goesOn: storming }));
  const presence = new Presence({
    clock,
    rows: new GatewayRows(db),
    logger,
    mayBeSilent: (id) => foreign.isForeign(id),
  });
  closers.push(() => presence.close());
  mqttClients.onRemoved((entry) => {
    // First, for the will of a node that is removed is no loss of it.
    if (entry.kind === "foreignNode") presence.forget(entry.node);
    running.evict?.(entry.clientId);
    if (entry.kind === "foreignNode") foreign.forget(entry.node);
  });
  const link = new MqttGatewayLink(broker, presence);
  const blobs = new FileBlobStore({ db, folder: path.join(data, "blobs"), clock, logger });
  const shown = withForeignNodes(catalog, foreign);
  const domains = buildDomains(db, catalog, {
    shown,
    points,
    link,
    presence,
    audit,
    bus,
    blobs,
    values,
    kept,
    ...(live.keepEveryMs === undefined ? {} : { keepEveryMs: live.keepEveryMs }),
    clock,
    clockOffsetOf: (gateway) => ingest.clockOffsetOf(gateway),
    notify: {
      jobs,
      secretsFile: path.join(data, "cloud", "notify-secrets.json"),
      egress: options.egress ?? [],
      knowsUser: (user) => access.users().some(({ name }) => name === user),
    },
    actionsOf,
    logger,
  });
  domains.procedures.library.seed(() => loadProcedures(options.siteFolder, catalog.document));
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
  const ingest: Ingest = new Ingest({
    db,
    store,
    points,
    broker,
    presence,
    link,
    sinks,
    watch: findings,
    foreign,
    clock,
    logger: logger.child({ module: "ingest" }),
    host: HOST_ID,
  });
  const signer = new StatementSigner(path.join(data, "cloud", "statement-key.pem"));
  const statements = new Statements({
    db,
    store,
    signer,
    site,
    timeZone,
    standsOf: (gateway) => ingest.cursors.of(gateway),
    lostOf: (gateway) => ingest.gaps.of(gateway),
    findings,
    clock,
    logger,
  });
  const completeness = new CompletenessReports({ findings, statements, gateways: gatewayIds });
  const gateways = new CloudGatewayService({ catalog, knowledge: ingest, presence, store, credentials, bus });
  ingest.onChange((gateway) => gateways.publish(gateway));

  const { commands, alarms, linkage, state } = domains;
  findings.onEpisode((gateway, kind, begun) => {
    if (kind === "clone") alarms.gatewayCloned(gateway, begun, now());
  });
  for (const part of [commands, alarms, domains.maintenance, linkage]) {
    part.start();
    closers.push(() => part.stop());
  }
  const { floods, quality, shifts } = buildQuality({
    ...domains,
    db,
    catalog: shown,
    positions: domains.notify.positions,
    audit,
    bus,
    jobs,
    clock,
    logger,
    below: (space) => withDescendants(catalog.spaces(), space),
  });
  domains.alarmListeners.push(floods.listener);
  await floods.start();
  closers.push(() => floods.stop());
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

  scheduleNights({
    jobs,
    timeZone,
    store,
    reports: completeness,
    keep: options.keep,
    db,
    forgetters: [(gone) => domains.media.forgetAlarms(gone), domains.procedures.runs.forgetAlarms],
    audit,
    clock,
    logger,
  });
  domains.notify.start();
  await jobs.start();
  closers.push(() => jobs.close());

  const parts = readiness({
    db,
    store,
    jobs,
    broker: running.status,
    catalog,
    state,
    isOnline: (gateway) => presence.isOnline(gateway as GatewayId),
  });
  const health = new SystemHealth({
    alarms,
    parts,
    jobs,
    gateways: () => gateways.list(),
    certificatesOf: (gateway) => domains.certificates.of(gateway),
    clock,
    logger,
  });
  health.start();
  closers.push(() => health.stop());
  const history = new TelemetryHistoryService(store, shown);
  const app = await buildServer({
    logger: logger.child({ module: "api" }),
    clock,
    catalog: shown,
    access,
    authority,
    audit,
    state,
    history,
    completeness,
    jobs,
    mqttClients,
    alarms,
    notify: domains.notify,
    maintenance: domains.maintenance,
    journal: domains.journal,
    evidence: buildEvidence(domains, { catalog: shown, audit, history, blobs, signer, clock, logger }),
    definitions: domains.definitions,
    procedures: domains.procedures,
    commands,
    quality,
    shifts,
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
  closers.push(() => app.close());
  await app.listen(options.http).catch((error: unknown) => {
    throw portTaken(error, options.http, "PARKHUB_HTTP");
  });
  logger.info(
    {
      http: options.http,
      mqtt: urls.broker === undefined ? options.mqtt : "external",
      site,
      version: catalog.version,
      points: catalog.points().length,
    },
    "cloud started",
  );
}
