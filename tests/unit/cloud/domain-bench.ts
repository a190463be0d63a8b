import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OperatorPosition } from "#cloud/alarm-ports.ts";
import { JournalSearch } from "#cloud/alarms/journal-search.ts";
import { AlarmMedia } from "#cloud/alarms/media.ts";
import { Alarms } from "#cloud/alarms/service.ts";
import { AuditChain } from "#cloud/audit/log.ts";
import { FileBlobStore } from "#cloud/blobs/store.ts";
import { Commands } from "#cloud/commands/service.ts";
import type { Db } from "#cloud/db/database.ts";
import { Definitions } from "#cloud/definitions/service.ts";
import { Doors } from "#cloud/doors/service.ts";
import { Certificates } from "#cloud/gateways/certificates.ts";
import { Linkage } from "#cloud/linkage/service.ts";
import { RunStore } from "#cloud/linkage/store.ts";
import { ProcessLiveBus } from "#cloud/live/bus.ts";
import { permitNotice } from "#cloud/maintenance/permit-notice.ts";
import { Maintenance } from "#cloud/maintenance/service.ts";
import { DeviceEvents } from "#cloud/notices/device-events.ts";
import { Notices } from "#cloud/notices/service.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import type { Actor, GatewayLink, LiveChange } from "#cloud/ports.ts";
import { ProcedureLibrary } from "#cloud/procedures/library.ts";
import { Procedures } from "#cloud/procedures/service.ts";
import { StoredCatalog } from "#cloud/site/catalog.ts";
import { withDescendants } from "#cloud/site/space-tree.ts";
import { SiteVersions } from "#cloud/site/versions.ts";
import { CurrentState } from "#cloud/state/service.ts";
import type { LaneItem } from "#core/contracts/lanes.ts";
import type { PermitView } from "#core/contracts/maintenance.ts";
import type { GatewayId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Command } from "#core/model/command.ts";
import type { Sample } from "#core/model/sample.ts";
import { SampleAppender } from "#core/model/sample-columns.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { GW1, GW2, smallPark } from "./small-park.ts";

/** Sunday 2026-11-22 04:00 UTC, noon in Shanghai. */
export const NOON = Date.UTC(2026, 10, 22, 4);

/** What drivers can do, by protocol. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  onvif: ["ptzPreset", "snapshot", "doorControl", "discover"],
  opcua: ["discover", "trustCertificate", "rejectCertificate", "callMethod"],
};

/** The network to the gateways: takes down what is sent, and nothing reaches a gateway that is away. */
export class RecordingLink implements GatewayLink {
  readonly sent: { gateway: GatewayId; command: Command }[] = [];
  readonly online = new Set<GatewayId>([GW1, GW2]);

  sendCommand(gateway: GatewayId, command: Command): boolean {
    if (!this.online.has(gateway)) return false;
    this.sent.push({ gateway, command });
    return true;
  }
  sendAck(): void {}
  announceConfig(): void {}
  isOnline(gateway: GatewayId): boolean {
    return this.online.has(gateway);
  }
}

/** The domains of the cloud on one database file, put together as app.ts does. */
export class Domains {
  readonly changes: LiveChange[] = [];
  readonly bus = new ProcessLiveBus((error) => {
    throw error;
  });
  readonly points = new PointNumbers();
  readonly catalog: StoredCatalog;
  readonly audit: AuditChain;
  readonly state: CurrentState;
  readonly commands: Commands;
  readonly notices: Notices;
  readonly events: DeviceEvents;
  readonly runs: RunStore;
  readonly media: AlarmMedia;
  readonly blobs: FileBlobStore;
  readonly alarms: Alarms;
  readonly journal: JournalSearch;
  readonly maintenance: Maintenance;
  /** Operator positions that look after every alarm. */
  positions: readonly OperatorPosition[] = [];
  /** Permits of whose end was told. */
  readonly permitsEnded: PermitView[] = [];
  /** Alarms that call again because a permit has ended of which their gateway never heard. */
  readonly callAgain: string[] = [];
  readonly definitions: Definitions;
  readonly library: ProcedureLibrary;
  readonly procedures: Procedures;
  readonly doors: Doors;
  readonly certificates: Certificates;
  readonly linkage: Linkage;
  readonly db: Db;
  readonly link: RecordingLink;

  constructor(db: Db, folder: string, clock: ManualClock, link: RecordingLink, site = smallPark()) {
    const { bus } = this;
    const logger = silentLogger;
    this.db = db;
    this.link = link;
    bus.subscribe((change) => this.changes.push(change));
    const catalog = StoredCatalog.open(
      new SiteVersions(db),
      () => site,
      () => clock.now(),
    );
    const audit = new AuditChain(db, () => clock.now());
    this.catalog = catalog;
    this.audit = audit;
    const points = this.points;
    this.state = new CurrentState({ catalog, points, clock, bus, isOnline: (gateway) => link.isOnline(gateway) });
    const actionsOf = (protocol: string): readonly string[] => ACTIONS[protocol] ?? [];
    this.commands = new Commands({ db, catalog, link, audit, clock, logger, actionsOf });
    this.blobs = new FileBlobStore({ db, folder: join(folder, "blobs"), clock, logger });
    this.media = new AlarmMedia(db, (hashes) => this.blobs.states(hashes));
    this.runs = new RunStore(db, (ids) => this.media.clipsOfRuns(ids));
    this.events = new DeviceEvents(db, catalog);
    this.doors = new Doors({ catalog, state: this.state, bus });
    this.certificates = new Certificates(db, catalog);
    this.journal = new JournalSearch({ db, below: (space) => withDescendants(catalog.spaces(), space) });
    this.alarms = new Alarms({
      db,
      media: this.media,
      catalog,
      link,
      audit,
      bus,
      clock,
      logger,
      below: (space) => withDescendants(catalog.spaces(), space),
      runsOf: (alarms) => this.runs.idsOfAlarms(alarms),
      permitOf: (alarm) => this.maintenance.permitOf(alarm),
      positionsOf: () => this.positions,
      onTransition: (trigger, at) => {
        const after = [
          this.linkage.trigger(trigger, at),
          this.maintenance.told({ ...trigger, at }),
          this.procedures.told({ ...trigger, at }),
        ];
        return () => {
          for (const tell of after) tell?.();
        };
      },
    });
    this.notices = new Notices({ db, catalog, areaOf: (alarm) => this.alarms.areaOf(alarm), bus, clock });
    this.maintenance = new Maintenance({
      db,
      catalog,
      alarms: this.alarms,
      below: (space) => withDescendants(catalog.spaces(), space),
      audit,
      ended: (permit, unheard) => {
        this.permitsEnded.push(permit);
        this.callAgain.push(...unheard.map(({ id }) => id));
        return this.notices.take(permitNotice(permit));
      },
      clock,
      logger,
    });
    this.definitions = new Definitions({ db, catalog, audit, clock });
    this.library = new ProcedureLibrary({ db, catalog, audit, clock });
    this.procedures = new Procedures({
      db,
      library: this.library,
      catalog,
      alarm: (id) => this.alarms.get(id),
      remark: (alarm, occurrence, comment, actor) =>
        void this.alarms.act(alarm, "comment", { occurrence, comment }, actor),
      notice: (notice) => this.notices.take(notice),
      refresh: (alarm) => this.alarms.refresh(alarm),
      audit,
      clock,
    });
    this.linkage = new Linkage({
      db,
      store: this.runs,
      catalog,
      points,
      commands: this.commands,
      notices: this.notices,
      sample: (point) => this.state.sample(point),
      bus,
      onRunOfAlarm: (alarm) => this.alarms.refresh(alarm),
      clock,
      logger,
    });
  }

  start(): void {
    this.commands.start();
    this.alarms.start();
    this.maintenance.start();
    this.linkage.start();
  }

  /** Applies an item of the events lane: one transaction, callbacks after it. */
  item(gateway: GatewayId, item: LaneItem): void {
    this.db.sync.transaction<(() => void) | undefined>(() => this.#apply(gateway, item))?.();
  }

  #apply(gateway: GatewayId, item: LaneItem): (() => void) | undefined {
    switch (item.kind) {
      case "alarm":
        return this.alarms.take(gateway, item);
      case "openAlarms":
        return this.alarms.takeOpen(gateway, item);
      case "snapshot":
      case "clip":
        return this.alarms.takeMedia(gateway, item);
      case "certificates":
        this.certificates.take(gateway, item);
        return undefined;
      case "commandResult":
        return this.commands.takeResult(gateway, item) ?? this.alarms.takeResult(gateway, item);
      case "run":
        return this.linkage.takeRun(gateway, item);
      case "notify":
        return this.notices.take(item);
      case "deviceEvent":
        return this.events.take(gateway, item)
          ? this.linkage.trigger({ type: "deviceEvent", event: item.event }, item.event.observedAt)
          : undefined;
      case "gap":
      case "configApplied":
        return undefined;
      default:
        return item satisfies never;
    }
  }

  /** Live samples for the rules, as ingest hands them over. */
  takeSamples(samples: readonly Sample[]): void {
    const appender = new SampleAppender();
    for (const sample of samples) appender.sample(this.points.numberOf(sample.point), sample);
    this.linkage.takeRows(appender.columns, 0, appender.columns.length);
  }

  /** A gateway goes or comes, as presence tells it. */
  presence(gateway: GatewayId, online: boolean, at: number): void {
    if (online) this.link.online.add(gateway);
    else this.link.online.delete(gateway);
    this.alarms.gatewayOnline(gateway, online, at, online ? undefined : "silent");
    if (online) this.commands.gatewayOnline(gateway);
    this.state.gatewayChanged(gateway);
  }
}

/** A folder with one record database for one test. */
export class DomainBench {
  readonly folder = mkdtempSync(join(tmpdir(), "parkhub-domain-"));
  readonly clock = new ManualClock(NOON);
  readonly #opened: { db: Db; domains: Domains }[] = [];

  /** The domains on the bench's file, with all timers running. Opened again, they are a new process on the old file. */
  async open(site = smallPark(), link = new RecordingLink()): Promise<Domains> {
    const db = await openRecords(join(this.folder, "parkhub.db"));
    const domains = new Domains(db, this.folder, this.clock, link, site);
    this.#opened.push({ db, domains });
    domains.start();
    return domains;
  }

  /** Ends the process without any farewell and starts another one on its file; `meanwhile` happens between the two. */
  async restart(domains: Domains, site = smallPark(), meanwhile = (): void => {}): Promise<Domains> {
    await this.#end();
    meanwhile();
    return this.open(site, domains.link);
  }

  async clear(): Promise<void> {
    await this.#end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #end(): Promise<void> {
    for (const { db, domains } of this.#opened.splice(0)) {
      domains.commands.stop();
      domains.alarms.stop();
      domains.maintenance.stop();
      domains.linkage.stop();
      await db.close();
    }
  }
}

/** Somebody with every permission. */
export const LI: Actor = { name: "li.wei", grants: [{ role: "administrator", space: "all" }], ip: "127.0.0.1" };
export const WANG: Actor = { name: "wang.fang", grants: [{ role: "operator", space: "all" }] };
