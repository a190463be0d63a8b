import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { Aedes } from "aedes";
import { ExternalBroker } from "#cloud/broker/external-broker.ts";
import { Violations } from "#cloud/broker/violations.ts";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { EmbeddedTelemetryStore } from "#cloud/history/embedded-store.ts";
import { withForeignNodes } from "#cloud/ingest/foreign-catalog.ts";
import { ForeignNodes } from "#cloud/ingest/foreign-nodes.ts";
import { MqttGatewayLink } from "#cloud/ingest/gateway-link.ts";
import { GatewayRows } from "#cloud/ingest/gateway-rows.ts";
import { Ingest } from "#cloud/ingest/ingest.ts";
import { Presence } from "#cloud/ingest/presence.ts";
import { ProcessLiveBus } from "#cloud/live/bus.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import type { SiteCatalog } from "#cloud/ports.ts";
import { CurrentState } from "#cloud/state/service.ts";
import { systemClock } from "#core/clock.ts";
import { gatewayId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { freePort } from "../servers/server.ts";
import { PacketSpy } from "./packet-spy.ts";

/** The node whose messages the host application hears. */
export const NODE = gatewayId("park/foreign");
export const HOST_ID = "hub";
export const AHU = "ahu";
export const METER = "meter";
/** Where metrics of the node itself are kept. */
export const OWN = "_node";

/** The configured site has nothing: all that is there is what the foreign node declares. */
const EMPTY_SITE: Partial<SiteCatalog> = {
  site: "park",
  devices: () => [],
  device: () => undefined,
  points: () => [],
  point: () => undefined,
  onChange: () => undefined,
};

/** Any MQTT broker: everybody may do everything. */
export class OpenBroker {
  #aedes: Aedes | undefined;
  #server: Server | undefined;
  #port = 0;

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    this.#port = await freePort();
    const aedes = await Aedes.createBroker();
    const server = createServer((socket) => aedes.handle(socket));
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#aedes = aedes;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server?.close(() => resolve()));
    await new Promise<void>((resolve) => this.#aedes?.close(() => resolve()));
    await closed;
  }
}

/** A change of a gateway's presence as the domains were told it. */
export interface Told {
  readonly online: boolean;
  /** Unix ms. */
  readonly at: number;
}

/** The cloud's data path as host application on a broker of somebody else, with a spy in between. */
export class HostBench {
  readonly open = new OpenBroker();
  readonly spy = new PacketSpy(() => this.open.port);
  readonly presence: Told[] = [];
  readonly #folder: string;
  #db: Db | undefined;
  #store: EmbeddedTelemetryStore | undefined;
  #broker: ExternalBroker | undefined;
  #lease: Presence | undefined;
  #ingest: Ingest | undefined;
  #state: CurrentState | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get state(): CurrentState {
    if (this.#state === undefined) throw new Error("not started");
    return this.#state;
  }

  async start(): Promise<void> {
    const [clock, logger, points] = [systemClock, silentLogger, new PointNumbers()];
    await this.open.start();
    await this.spy.start();
    const db = await openDatabase(join(this.#folder, "parkhub.db"), logger);
    const store = await EmbeddedTelemetryStore.open({ file: join(this.#folder, "telemetry.db"), points }, logger);
    const broker = new ExternalBroker({
      url: this.spy.url,
      site: "park",
      host: HOST_ID,
      knows: (gateway) => gateway === NODE,
      violations: new Violations({ clock, logger }),
      clock,
      logger,
      retry: { firstMs: 50, longestMs: 100 },
    });
    const presence = new Presence({ clock, rows: new GatewayRows(db), logger });
    const bus = new ProcessLiveBus((error) => {
      throw error;
    });
    const foreign = new ForeignNodes({
      db,
      nodeOf: (id) => (id === NODE ? { space: "site" } : undefined),
      clock,
      logger,
    });
    const state = new CurrentState({
      catalog: withForeignNodes(EMPTY_SITE as SiteCatalog, foreign),
      points,
      clock,
      bus,
      isOnline: (gateway) => presence.isOnline(gateway),
    });
    const ingest = new Ingest({
      db,
      store,
      broker,
      presence,
      points,
      link: new MqttGatewayLink(broker, presence),
      watch: { found: () => undefined },
      sinks: {
        onBirth: (_gateway, samples) => state.takeBirth(samples),
        onSamples: (columns, from, to) => state.takeRows(columns, from, to),
        onItem: () => undefined,
        onGatewayOnline: (gateway, online, at) => {
          this.presence.push({ online, at });
          state.gatewayChanged(gateway);
        },
        onDeviceDead: (device, at) => state.deviceDead(device, at),
      },
      clock,
      logger,
      host: HOST_ID,
      foreign,
    });
    this.#db = db;
    this.#store = store;
    this.#broker = broker;
    this.#lease = presence;
    this.#ingest = ingest;
    this.#state = state;
    ingest.start([NODE]);
  }

  /** The cloud says goodbye; the broker and the spy stay. */
  async stopCloud(): Promise<void> {
    await this.#ingest?.close();
    await this.#broker?.close();
    this.#lease?.close();
    await this.#store?.close();
    await this.#db?.close();
    this.#ingest = undefined;
    this.#broker = undefined;
    this.#lease = undefined;
    this.#store = undefined;
    this.#db = undefined;
  }

  async end(): Promise<void> {
    await this.stopCloud();
    await this.spy.close();
    await this.open.stop();
  }
}
