import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExternalBroker } from "#cloud/broker/external-broker.ts";
import { Violations } from "#cloud/broker/violations.ts";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { GatewayCredentials } from "#cloud/gateways/credentials.ts";
import { MqttClients } from "#cloud/gateways/mqtt-clients.ts";
import { EmbeddedTelemetryStore } from "#cloud/history/embedded-store.ts";
import { withForeignNodes } from "#cloud/ingest/foreign-catalog.ts";
import { ForeignNodes } from "#cloud/ingest/foreign-nodes.ts";
import { MqttGatewayLink } from "#cloud/ingest/gateway-link.ts";
import { GatewayRows } from "#cloud/ingest/gateway-rows.ts";
import { Ingest } from "#cloud/ingest/ingest.ts";
import { Presence } from "#cloud/ingest/presence.ts";
import { ProcessLiveBus } from "#cloud/live/bus.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import type { AuditLog, Broker, IngestSinks, SiteCatalog } from "#cloud/ports.ts";
import { CurrentState } from "#cloud/state/service.ts";
import type { TelemetryStore, TelemetryWrite } from "#cloud/telemetry-ports.ts";
import { securityOfFolder } from "#config/deploy/mosquitto/security-of-folder.ts";
import { systemClock } from "#core/clock.ts";
import type { LaneItem } from "#core/contracts/lanes.ts";
import { gatewayId, type PointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { startMosquitto } from "#tests/servers/mosquitto.ts";
import type { TestServer } from "#tests/servers/server.ts";

const GATEWAYS = [gatewayId("park/gw-1")];
/** The host id that the security file is made for. */
const HOST = "parkhub";
const CLOUD_LOGIN = "parkhub:a%20password";

/** The real store, whose writes wait while the gate is shut. */
class GatedStore implements TelemetryStore {
  readonly #store: TelemetryStore;
  #gate = Promise.withResolvers<void>();
  /** Writes that wait. */
  waiting = 0;

  constructor(store: TelemetryStore) {
    this.#store = store;
    this.#gate.resolve();
  }

  shut(): void {
    this.#gate = Promise.withResolvers<void>();
  }
  open(): void {
    this.#gate.resolve();
  }

  async write(write: TelemetryWrite): Promise<{ stored: number; duplicates: number }> {
    this.waiting++;
    await this.#gate.promise;
    this.waiting--;
    return await this.#store.write(write);
  }
  read: TelemetryStore["read"] = (query) => this.#store.read(query);
  at: TelemetryStore["at"] = (points, time) => this.#store.at(points, time);
  aggregate: TelemetryStore["aggregate"] = (query) => this.#store.aggregate(query);
  ranges: TelemetryStore["ranges"] = (gateway) => this.#store.ranges(gateway);
  maintain: TelemetryStore["maintain"] = (retention) => this.#store.maintain(retention);
  get status(): TelemetryStore["status"] {
    return this.#store.status;
  }
  close = (): Promise<void> => this.#store.close();
}

/** The site of these tests: one gateway, one configured point; everything else comes from foreign nodes. */
const CATALOG: SiteCatalog = {
  site: "park",
  timeZone: "Asia/Shanghai",
  version: 1,
  spaces: () => [{ id: "park", kind: "site", name: "Park", nameEn: "Park" }],
  partitions: () => [],
  zones: () => [],
  gateways: () => GATEWAYS.map((id) => ({ id, name: "网关", nameEn: "Gateway" })),
  devices: () => [],
  device: () => undefined,
  points: () => [],
  point: () => undefined,
  doors: () => [],
  channel: () => undefined,
  rules: () => [],
  placement: () => undefined,
  setRuleEnabled() {
    throw new Error("there is no rule");
  },
  alarmText: () => undefined,
  bundle: () => undefined,
  onChange: () => undefined,
};

/** What decides who comes in at a broker. */
export interface DoorParts {
  readonly clients: MqttClients;
  readonly violations: Violations;
}

/** The cloud's data path on a broker that is made by `brokerOf`, on a folder that outlives it. */
export class DataPath {
  readonly items: LaneItem[] = [];
  readonly online: string[] = [];
  readonly db: Db;
  readonly store: GatedStore;
  readonly clients: MqttClients;
  readonly foreign: ForeignNodes;
  readonly state: CurrentState;
  readonly violations: Violations;
  readonly broker: Broker;
  readonly link: MqttGatewayLink;
  readonly ingest: Ingest;
  readonly #presence: Presence;
  #closed = false;

  private constructor(parts: DoorParts & { db: Db; store: TelemetryStore; points: PointNumbers; broker: Broker }) {
    const { db, store, points, clients, violations, broker } = parts;
    const [clock, logger] = [systemClock, silentLogger];
    this.db = db;
    this.store = new GatedStore(store);
    this.violations = violations;
    this.clients = clients;
    this.foreign = new ForeignNodes({ db, nodeOf: (id) => this.clients.node(id), clock, logger });
    this.broker = broker;
    const mayBeSilent = (id: string): boolean => this.foreign.isForeign(id);
    this.#presence = new Presence({ clock, rows: new GatewayRows(db), logger, mayBeSilent });
    const presence = this.#presence;
    clients.onRemoved((entry) => {
      if (entry.kind !== "foreignNode") return;
      presence.forget(entry.node);
      this.foreign.forget(entry.node);
    });
    this.link = new MqttGatewayLink(this.broker, presence);
    const { link } = this;
    const catalog = withForeignNodes(CATALOG, this.foreign);
    const bus = new ProcessLiveBus(() => undefined);
    this.state = new CurrentState({ catalog, points, clock, bus, isOnline: (id) => presence.isOnline(id) });
    const sinks: IngestSinks = {
      onBirth: (_gateway, samples) => this.state.takeBirth(samples),
      onSamples: (columns, from, to) => this.state.takeRows(columns, from, to),
      onItem: (_gateway, item) => () => this.items.push(item),
      onGatewayOnline: (gateway, online, _at, reason) => {
        this.online.push([gateway, online ? "online" : "offline", reason ?? ""].join(" ").trim());
        this.state.gatewayChanged(gateway);
      },
      onDeviceDead: (device, at) => this.state.deviceDead(device, at),
    };
    const watch = { found: () => undefined };
    const { foreign } = this;
    const deps = { db, store: this.store, points, broker, presence, link, sinks, watch, clock, logger, foreign };
    this.ingest = new Ingest({ ...deps, host: HOST });
    this.ingest.start(GATEWAYS);
  }

  static async open(folder: string, brokerOf: (parts: DoorParts) => Broker | Promise<Broker>): Promise<DataPath> {
    const [clock, logger] = [systemClock, silentLogger];
    const points = new PointNumbers();
    const db = await openDatabase(join(folder, "records.db"), logger);
    const store = await EmbeddedTelemetryStore.open({ file: join(folder, "telemetry.db"), points }, logger);
    const audit: Pick<AuditLog, "append"> = { append: () => undefined };
    const violations = new Violations({ clock, logger });
    const clients = new MqttClients({ db, catalog: CATALOG, audit, clock, reserved: [HOST] });
    const broker = await brokerOf({ clients, violations });
    return new DataPath({ db, store, points, clients, violations, broker });
  }

  /** Values stored for a point, in the order of time. */
  async stored(point: string): Promise<unknown[]> {
    const query = { point: point as PointId, from: 0, to: 2 ** 50, limit: 1_000_000 };
    return (await this.store.read(query)).map((row) => row.value);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.store.open();
    await this.ingest.close();
    await this.broker.close();
    this.#presence.close();
    await this.store.close();
    await this.db.close();
  }
}

/** A folder with credentials, the mosquitto that is made from it, and the cloud on it. */
export class ExternalBench {
  readonly folder = mkdtempSync(join(tmpdir(), "parkhub-external-"));
  readonly #paths: DataPath[] = [];
  #server: TestServer | undefined;

  /** Starts mosquitto with the shipped configuration and what the operator's command makes; `foreign`: answers of the API. */
  async mosquitto(foreign: readonly object[] = []): Promise<TestServer> {
    const db = await openDatabase(join(this.folder, "records.db"), silentLogger);
    const folder = join(this.folder, "gateways");
    await new GatewayCredentials({ db, folder, clock: systemClock, logger: silentLogger }).ensure(GATEWAYS);
    await db.close();
    const file = join(this.folder, "foreign.json");
    writeFileSync(file, JSON.stringify(foreign), { mode: 0o600 });
    this.#server = await startMosquitto(securityOfFolder(this.folder, `mqtt://${CLOUD_LOGIN}@127.0.0.1`, file));
    return this.#server;
  }

  async cloud({ port }: { port: number }): Promise<DataPath> {
    const path = await DataPath.open(
      this.folder,
      ({ violations, clients }) =>
        new ExternalBroker({
          url: `mqtt://${CLOUD_LOGIN}@127.0.0.1:${port}`,
          site: "park",
          host: HOST,
          knows: (id) => GATEWAYS.includes(id) || clients.node(id) !== undefined,
          violations,
          clock: systemClock,
          logger: silentLogger,
          retry: { firstMs: 20, longestMs: 100 },
        }),
    );
    this.#paths.push(path);
    return path;
  }

  async clear(): Promise<void> {
    for (const path of this.#paths.splice(0)) await path.close();
    await this.#server?.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
