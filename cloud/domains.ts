import type { Clock } from "#core/clock.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { AlarmListener, PermitListener } from "./alarm-ports.ts";
import { JournalSearch } from "./alarms/journal-search.ts";
import { AlarmMedia } from "./alarms/media.ts";
import { Alarms, type AlarmTrigger } from "./alarms/service.ts";
import type { AuditChain } from "./audit/log.ts";
import type { FileBlobStore } from "./blobs/store.ts";
import { Commands } from "./commands/service.ts";
import type { Db } from "./db/database.ts";
import { Definitions } from "./definitions/service.ts";
import { Doors } from "./doors/service.ts";
import { Certificates } from "./gateways/certificates.ts";
import type { MqttGatewayLink } from "./ingest/gateway-link.ts";
import type { Presence } from "./ingest/presence.ts";
import { Linkage } from "./linkage/service.ts";
import { RunStore } from "./linkage/store.ts";
import { permitNotice } from "./maintenance/permit-notice.ts";
import { Maintenance } from "./maintenance/service.ts";
import type { BlobIndex } from "./media-ports.ts";
import { DeviceEvents } from "./notices/device-events.ts";
import { Notices } from "./notices/service.ts";
import { Notify, type NotifyDeps } from "./notify/service.ts";
import type { LatestValues, LiveBus, SiteCatalog } from "./ports.ts";
import { ProcedureLibrary } from "./procedures/library.ts";
import { Procedures } from "./procedures/service.ts";
import type { StoredCatalog } from "./site/catalog.ts";
import { withDescendants } from "./site/space-tree.ts";
import { KeptValues } from "./state/kept-values.ts";
import { CurrentState } from "./state/service.ts";
import type { PointDirectory } from "./telemetry-ports.ts";

/** The domains, wired to each other by plain functions: none of them imports another. */
export function buildDomains(
  db: Db,
  catalog: StoredCatalog,
  parts: {
    /** The site with the devices of foreign edge nodes, for who looks at it. */
    shown: SiteCatalog;
    points: PointDirectory;
    link: MqttGatewayLink;
    presence: Presence;
    audit: AuditChain;
    bus: LiveBus;
    blobs: FileBlobStore;
    /** Where last values are kept, what was kept there, and how often. */
    values: LatestValues;
    kept: readonly Sample[];
    keepEveryMs?: number;
    clock: Clock;
    /** Clock of a gateway minus ours, ms. */
    clockOffsetOf?: (gateway: string) => number | undefined;
    /** What notification works with: the queue, where its secrets lie, where it may send to, who is a user of the hub. */
    notify: Pick<NotifyDeps, "jobs" | "secretsFile" | "egress" | "knowsUser">;
    /** Actions that drivers of a protocol may be asked for. */
    actionsOf: (protocol: string) => readonly string[];
    logger: Logger;
  },
) {
  const { points, link, presence, audit, bus, blobs, values, keepEveryMs, clock, actionsOf, logger } = parts;
  const isOnline = (gateway: GatewayId): boolean => presence.isOnline(gateway);
  const state = new CurrentState({ catalog: parts.shown, points, clock, bus, isOnline });
  state.take(parts.kept);
  const kept = new KeptValues({
    db,
    clock,
    logger,
    values,
    changedSince: (revision) => state.changedSince(revision),
    ...(keepEveryMs === undefined ? {} : { everyMs: keepEveryMs }),
  });
  const media = new AlarmMedia(db, (hashes) => blobs.states(hashes));
  const runs = new RunStore(db, (ids) => media.clipsOfRuns(ids));
  const commands = new Commands({ db, catalog, link, audit, clock, logger, actionsOf });
  const below = (space: string): ReadonlySet<string> => withDescendants(catalog.spaces(), space);
  const listeners: AlarmListener[] = [];
  const permitListeners: PermitListener[] = [];
  const alarms: Alarms = new Alarms({
    db,
    media,
    catalog,
    link,
    audit,
    bus,
    clock,
    logger,
    below,
    runsOf: (ids) => runs.idsOfAlarms(ids),
    permitOf: (alarm) => maintenance.permitOf(alarm),
    positionsOf: (alarm) => notify.positions.of(alarm),
    ...(parts.clockOffsetOf === undefined ? {} : { clockOffsetOf: parts.clockOffsetOf }),
    onTransition: (trigger, at) =>
      together([linkage.trigger(heldBack(trigger), at), ...listeners.map((listener) => listener({ ...trigger, at }))]),
  });
  /** To the rules, what a permit holds back is out of service already: its gateway has yet to hear of it. */
  const heldBack = (trigger: AlarmTrigger): AlarmTrigger =>
    trigger.transition === "raised" && maintenance.permitOf(trigger.alarm) !== undefined
      ? { ...trigger, alarm: { ...trigger.alarm, suppression: ["outOfService"] } }
      : trigger;
  const notices = new Notices({ db, catalog, areaOf: (alarm) => alarms.areaOf(alarm), bus, clock });
  const maintenance: Maintenance = new Maintenance({
    db,
    catalog,
    alarms,
    below,
    audit,
    ended: (permit, unheard) =>
      together([notices.take(permitNotice(permit)), ...permitListeners.map((tell) => tell(permit, unheard))]),
    clock,
    logger,
  });
  listeners.push(maintenance.told);
  const notify: Notify = new Notify({
    ...parts.notify,
    db,
    catalog,
    audit,
    below,
    permits: maintenance,
    notice: (notice) => notices.take(notice),
    clock,
    logger: logger.child({ module: "notify" }),
  });
  listeners.push(notify.listener);
  notify.positions.onChange(() => alarms.limitsChanged());
  permitListeners.push((permit, unheard) => {
    for (const alarm of unheard) notify.listener({ alarm, transition: "returnedToService", at: clock.now() });
    notify.permitDigest({
      ...permitNotice(permit),
      permit: permit.id,
      areas: permit.areas,
      categories: permit.categories,
    });
    return undefined;
  });
  const linkage: Linkage = new Linkage({
    db,
    store: runs,
    catalog,
    points,
    commands,
    notices,
    sample: (point) => state.sample(point),
    bus,
    onRunOfAlarm: (alarm) => alarms.refresh(alarm),
    clock,
    logger,
  });
  const library = new ProcedureLibrary({ db, catalog, audit, clock });
  const procedures = new Procedures({
    db,
    library,
    catalog,
    alarm: (id) => alarms.get(id),
    remark: (alarm, occurrence, comment, actor) => void alarms.act(alarm, "comment", { occurrence, comment }, actor),
    notice: (notice) => notices.take(notice),
    refresh: (alarm) => alarms.refresh(alarm),
    audit,
    clock,
  });
  listeners.push(procedures.told);
  return {
    /** Whoever is told of each transition; may be added to before anything runs. */
    alarmListeners: listeners,
    state,
    kept,
    media,
    commands,
    alarms,
    journal: new JournalSearch({ db, below }),
    notices,
    maintenance,
    notify,
    linkage,
    definitions: new Definitions({ db, catalog, audit, clock }),
    procedures: { library, runs: procedures },
    doors: new Doors({ catalog, state, bus }),
    deviceEvents: new DeviceEvents(db, catalog),
    certificates: new Certificates(db, catalog),
  };
}

function together(callbacks: readonly ((() => void) | undefined)[]): () => void {
  return () => {
    for (const callback of callbacks) callback?.();
  };
}

/** What buildDomains gives. */
export type Domains = ReturnType<typeof buildDomains>;

/** Who may see a blob: whoever sees what it belongs to. */
export function blobIndex({ media, alarms, commands }: Domains, catalog: StoredCatalog): BlobIndex {
  return {
    guards: (sha256) => [
      ...media.madeFor(sha256).flatMap(({ alarm, camera }) => {
        const space = catalog.device(camera)?.space;
        if (alarm === undefined) return [{ permission: "video.view", space }];
        return [alarms.areaOf(alarm), space].map((one) => ({ permission: "alarm.read", space: one }));
      }),
      ...commands.producersOf(sha256).map(() => ({ permission: "gateway.manage", space: undefined })),
    ],
  };
}
