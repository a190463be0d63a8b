import path from "node:path";
import { loadProcedures } from "#config/load-procedures.ts";
import { loadSite } from "#config/load-site.ts";
import { systemClock } from "#core/clock.ts";
import type { GatewayId, PointId } from "#core/ids.ts";
import { driverByKind } from "#protocols/registry.ts";
import { buildAccess } from "./access.ts";
import type { CloudOptions } from "./app-options.ts";
import { BlobRetention } from "./blobs/retention.ts";
import { FileBlobStore } from "./blobs/store.ts";
import { openBroker } from "./broker-access.ts";
import { Closers } from "./closers.ts";
import { Findings } from "./completeness/findings.ts";
import { type Db, openDatabase } from "./db/database.ts";
import { buildDomains } from "./domains.ts";
import { openLive, openTelemetry, recordsTarget } from "./engines.ts";
import { buildHttp } from "./http.ts";
import { withForeignNodes } from "./ingest/foreign-catalog.ts";
import { MqttGatewayLink } from "./ingest/gateway-link.ts";
import { GatewayRows } from "./ingest/gateway-rows.ts";
import { Presence } from "./ingest/presence.ts";
import { buildIngest, type IngestDomains } from "./ingest-domains.ts";
import { scheduleNights } from "./nightly.ts";
import { PointNumbers } from "./point-directory.ts";
import { buildQuality } from "./quality-domains.ts";
import { readiness } from "./readiness.ts";
import { StoredCatalog } from "./site/catalog.ts";
import { withDescendants } from "./site/space-tree.ts";
import { SiteVersions } from "./site/versions.ts";
import { SystemHealth } from "./system-health.ts";
import { VideoRelay } from "./video/relay.ts";

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
  const closers = new Closers();
  const close = (): Promise<void> => closers.close(options.logger);
  try {
    await build(options, closers);
  } catch (error) {
    // what failed first is what is told; the faults of closing are logged
    await close().catch(() => undefined);
    throw error;
  }
  return { close };
}

async function build(options: CloudOptions, closers: Closers): Promise<void> {
  const { data, logger, urls } = options;
  const db = await openDatabase(recordsTarget(data, urls), logger.child({ module: "db" }));
  closers.push(() => db.close());
  if (options.onLost !== undefined) db.onLost(options.onLost);
  const catalog = openCatalog(db, options);
  const { audit, access, authority } = await buildAccess(db, catalog, options, clock);
  const { site, timeZone } = catalog;

  const gatewayIds = () => catalog.gateways().map(({ id }) => id);
  const { running, credentials, mqttClients, foreign, violations } = await openBroker({
    data,
    url: urls.broker,
    mqtt: options.mqtt,
    host: HOST_ID,
    db,
    catalog,
    audit,
    gatewayIds,
    clock,
    logger,
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
    clockOffsetOf: (gateway) => taking.ingest.clockOffsetOf(gateway),
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
  closers.begin(retention);
  blobs.onStored((sha256) => {
    domains.alarms.blobStored(sha256);
    for (const run of domains.media.runsOf(sha256)) domains.linkage.refresh(run);
  });
  const video = new VideoRelay({ clock, logger: logger.child({ module: "video" }) });
  closers.push(() => video.close());
  const taking: IngestDomains = buildIngest(domains, {
    data,
    host: HOST_ID,
    db,
    catalog,
    gatewayIds,
    store,
    points,
    broker,
    presence,
    link,
    findings,
    foreign,
    credentials,
    bus,
    clock,
    logger,
  });
  const { ingest, completeness, gateways } = taking;

  const { commands, alarms, linkage, state } = domains;
  findings.onEpisode((gateway, kind, begun) => {
    if (kind === "clone") alarms.gatewayCloned(gateway, begun, now());
  });
  for (const part of [commands, alarms, domains.maintenance, linkage]) closers.begin(part);
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
    clockOffsetOf: (gateway) => taking.ingest.clockOffsetOf(gateway),
    clock,
    logger,
  });
  closers.begin(health);
  const server = await buildHttp(options, domains, {
    ...taking,
    catalog,
    shown,
    access,
    authority,
    audit,
    store,
    jobs,
    mqttClients,
    quality,
    shifts,
    blobs,
    retention,
    violations,
    video,
    bus,
    parts,
    clock,
    logger,
  });
  closers.push(() => server.close());
  await server.listen();
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
