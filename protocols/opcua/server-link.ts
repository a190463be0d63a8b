import type { ClientSession, DataType } from "node-opcua";
import { errorCode, errorMessage, type HubError } from "#core/errors.ts";
import type { DeviceId, PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type {
  ActionRequest,
  ActionResult,
  DeviceBinding,
  DriverDeps,
  PointBinding,
  WriteRequest,
  WriteResult,
} from "../driver.ts";
import { actOnCondition, callMethod, failedAction } from "./calls.ts";
import { Conditions } from "./conditions.ts";
import type { OpcuaAddress, OpcuaDevice } from "./config.ts";
import { Connection, type ConnectionDeps, type Endpoint, findEndpoint, type Heard, leafOf } from "./connection.ts";
import { discoverPoints } from "./discovery.ts";
import { offlineReason, translated } from "./errors.ts";
import type { Reading } from "./map.ts";
import { Observation, type Outage } from "./observation.ts";
import { backOffMs, pause } from "./pause.ts";
import { endOf, thumbprintOf } from "./pki.ts";
import { type NodePoint, PointValues } from "./point-values.ts";
import { Subscriptions } from "./subscriptions.ts";
import { writeNode } from "./write.ts";

const TICK_MS = 1000;
/** The server may want refreshes so often: one that its queue is too small for would want the next at once. */
const REFRESH_PAUSE_MS = 2000;
const DAY_MS = 86_400_000;

type Binding = DeviceBinding<OpcuaDevice, OpcuaAddress>;

interface Attended {
  readonly connection: Connection;
  readonly observation: Observation;
}

/** One server: keeps the connection, the subscriptions and the samples of its points; performs its actions. */
export class ServerLink {
  readonly device: DeviceId;
  readonly #binding: Binding;
  readonly #deps: DriverDeps;
  readonly #shared: ConnectionDeps;
  readonly #logger: Logger;
  readonly #values: PointValues;
  readonly #conditions: Conditions;
  readonly #subscriptions = new Subscriptions();
  readonly #ended = new AbortController();
  readonly #types = new Map<string, DataType>();
  #running: Promise<void> = Promise.resolve();
  /** Changes of subscriptions, one after the other. */
  #changing: Promise<void> = Promise.resolve();
  #retry = new AbortController();
  #endpoint: Endpoint | undefined;
  #session: ClientSession | undefined;
  #attended: Attended | undefined;
  /** End of the server's certificate, Unix ms. */
  #certificateEnd = Number.POSITIVE_INFINITY;
  #refreshWanted = false;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #cancelRefresh: (() => void) | undefined;
  /** Undefined until the first attempt has ended. */
  #online: boolean | undefined;
  #reason = "commLost";
  #heard: Heard | undefined;
  /** The outage whose history was not taken over yet: points with the time of their last value, and when it began. */
  #lost:
    | { readonly told: ReadonlyMap<NodePoint, number>; readonly serverTime: number; readonly at: number }
    | undefined;

  constructor(binding: Binding, deps: DriverDeps, shared: ConnectionDeps) {
    this.device = binding.device;
    this.#binding = binding;
    this.#logger = deps.logger.child({ device: binding.device });
    this.#deps = { ...deps, logger: this.#logger };
    this.#shared = { ...shared, logger: this.#logger };
    const { clock } = deps;
    const { counters } = shared;
    const running = (): boolean => !this.#ended.signal.aborted;
    this.#values = new PointValues(clock, counters, (samples) => running() && deps.onSamples(samples));
    this.#values.bind(binding.points);
    this.#conditions = new Conditions({
      device: binding.device,
      clock,
      counters,
      onConditions: (report) => running() && deps.onConditions(report),
      onEvent: (event) => running() && deps.onEvent(event),
      onRefreshRequired: () => this.#refreshSoon(),
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    this.#retry.abort();
    this.#cancelRefresh?.();
    await this.#running;
    await this.#changing;
  }

  has(point: PointId): boolean {
    return this.#values.has(point);
  }

  /** Replaces the points. */
  rebind(points: readonly PointBinding<OpcuaAddress>[]): void {
    this.#values.bind(points);
    // until the server has accepted them; the connection may be dying unseen
    this.#subscriptions.outdated = true;
    if (this.#online === undefined) return;
    this.#tellDevice();
    if (this.#online) {
      this.#tellSignals();
      this.#change((attended) => attended.observation.rebind());
    } else this.#values.lost();
  }

  /** A certificate was trusted or rejected: what was decided before is decided anew. */
  certificateMoved(thumbprint: string, to: "trusted" | "rejected"): void {
    const chain = this.#endpoint?.chain;
    const mine = chain !== undefined && thumbprintOf(leafOf(chain)) === thumbprint.toLowerCase();
    if (mine && to === "rejected") {
      this.#attended?.connection.end(translated("connection", new Error("certificate rejected by a person")));
    }
    this.#retry.abort();
  }

  async #run(): Promise<void> {
    const { settings, clock } = this.#shared;
    let failures = 0;
    while (!this.#ended.signal.aborted) {
      try {
        const cause = await this.#attend(() => {
          failures = 0;
        });
        this.#goOffline(cause);
      } catch (error) {
        this.#goOffline(error);
      }
      if (this.#ended.signal.aborted) return;
      this.#retry = new AbortController();
      const delayMs = backOffMs(failures, settings.reconnectMinMs, settings.reconnectMaxMs);
      failures++;
      await pause(clock, delayMs, AbortSignal.any([this.#retry.signal, this.#ended.signal]));
    }
  }

  /** One time of being connected; gives why it ended. */
  async #attend(onOnline: () => void): Promise<HubError> {
    const { signal } = this.#ended;
    const connection = await this.#connect(signal);
    let observation: Observation | undefined;
    try {
      const [session, same] = await connection.openSession(this.#binding.config, this.#session);
      this.#session = session;
      if (!same) this.#types.clear();
      observation = await this.#observe(connection, same);
      if (signal.aborted) return translated("connection", new Error("stopped"));
      this.#attended = { connection, observation };
      this.#goOnline();
      onOnline();
      // the points were replaced while it was connected to
      if (this.#subscriptions.outdated) this.#change((attended) => attended.observation.rebind());
      this.#refresh();
      void this.#backFill(observation);
      return await this.#hold(connection, observation);
    } finally {
      this.#attended = undefined;
      this.#heard = connection.heard ?? this.#heard;
      observation?.end();
      await (signal.aborted ? connection.close() : connection.abandon());
    }
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    const { config, device } = this.#binding;
    this.#endpoint ??= await findEndpoint(device, config, this.#shared, signal);
    try {
      const { chain } = this.#endpoint;
      if (chain !== undefined) {
        await this.#shared.pki.verify(chain, { ...config, device });
        this.#certificateEnd = endOf(leafOf(chain));
      }
      const connection = await Connection.open(config, this.#endpoint, this.#shared, signal);
      this.#shared.counters.connects++;
      return connection;
    } catch (error) {
      // it may have got another certificate
      this.#endpoint = undefined;
      throw error;
    }
  }

  #observe(connection: Connection, same: boolean): Promise<Observation> {
    const { settings, counters } = this.#shared;
    const deps = {
      binding: this.#binding,
      driver: this.#deps,
      settings,
      counters,
      values: this.#values,
      conditions: this.#conditions,
      subscriptions: this.#subscriptions,
    };
    return Observation.begin(deps, connection, same);
  }

  /** Until the connection breaks or the link is stopped. */
  async #hold(connection: Connection, observation: Observation): Promise<HubError> {
    const { signal } = this.#ended;
    const cancel = this.#deps.clock.every(TICK_MS, () => {
      if (connection.over) return;
      this.#tellSignals();
      void observation.reread();
    });
    // stopping closes the session, so the connection is not over yet
    const { promise, resolve } = Promise.withResolvers<HubError>();
    const stop = (): void => resolve(translated("connection", new Error("stopped")));
    signal.addEventListener("abort", stop);
    try {
      return await Promise.race([connection.broken, promise]);
    } finally {
      signal.removeEventListener("abort", stop);
      cancel();
    }
  }

  /** Asks for all conditions; once for any number of wishes that wait. */
  #refresh(): void {
    if (this.#refreshWanted) return;
    this.#refreshWanted = true;
    this.#change((attended) => {
      this.#refreshWanted = false;
      this.#refreshedAt = this.#deps.clock.monotonic();
      return attended.observation.refresh();
    });
  }

  /** The server wants a refresh. */
  #refreshSoon(): void {
    const { clock } = this.#deps;
    const waitMs = this.#refreshedAt + REFRESH_PAUSE_MS - clock.monotonic();
    if (waitMs <= 0) this.#refresh();
    else if (!this.#ended.signal.aborted)
      this.#cancelRefresh ??= clock.after(waitMs, () => {
        this.#cancelRefresh = undefined;
        this.#refresh();
      });
  }

  /** Does something with the connection after what is being done; without one there is nothing to do. */
  #change(work: (attended: Attended) => Promise<void>): void {
    this.#changing = this.#changing.then(async () => {
      const attended = this.#attended;
      if (attended === undefined || attended.connection.over) {
        this.#refreshWanted = false;
        return;
      }
      try {
        await work(attended);
      } catch (error) {
        attended.connection.end(translated("subscriptions", error));
      }
    });
  }

  #goOnline(): void {
    if (this.#online === false) this.#shared.counters.reconnects++;
    this.#online = true;
    this.#tellDevice();
    this.#logger.info({}, "OPC UA server online");
    this.#tellSignals();
  }

  #goOffline(error: unknown): void {
    if (this.#ended.signal.aborted) return;
    const reason = offlineReason(error);
    const changed = this.#online !== false || this.#reason !== reason;
    if (this.#online === true && this.#heard !== undefined) {
      // one that was not made good yet began earlier
      this.#lost ??= { told: sourceTimes(this.#values.nodes), ...this.#heard };
    }
    // values may have come although the connection did not last until the server was online
    this.#values.lost();
    this.#online = false;
    this.#reason = reason;
    if (!changed) return;
    this.#tellDevice();
    this.#logger.warn({ reason, code: errorCode(error), error: errorMessage(error) }, "OPC UA server offline");
  }

  /** Makes an outage good; when that fails for the connection, the next one tries again. */
  async #backFill(observation: Observation): Promise<void> {
    const lost = this.#lost;
    if (lost === undefined) return;
    const { told, serverTime, at } = lost;
    const outage: Outage = { told, from: serverTime, to: serverTime + this.#deps.clock.monotonic() - at };
    if ((await observation.backFill(outage)) && this.#lost === lost) this.#lost = undefined;
  }

  #tellDevice(): void {
    if (this.#ended.signal.aborted) return;
    const state = { device: this.device, online: this.#online === true, at: this.#deps.clock.now() };
    this.#deps.onDevice(this.#online === true ? state : { ...state, reason: this.#reason });
  }

  #tellSignals(): void {
    const end = Math.min(this.#shared.pki.ownEnd, this.#certificateEnd);
    const days = Math.floor((end - this.#deps.clock.now()) / DAY_MS);
    const good = (value: Reading["value"]): Reading => ({ value, quality: "good" });
    const signals = { online: good(true), certificateDaysLeft: good(days) };
    this.#values.signals(signals, this.#shared.settings.rereadMs);
  }

  /** Writes and reads back. Never throws. */
  async write({ point, value }: WriteRequest, signal: AbortSignal): Promise<WriteResult> {
    const node = this.#values.node(point);
    if (node === undefined || !node.writable) {
      return { status: "rejected", code: "OPCUA_POINT_READ_ONLY", message: `${point} cannot be written` };
    }
    const attended = this.#attended;
    if (attended === undefined) return { status: "rejected", code: "OPCUA_DEVICE_OFFLINE", message: this.#offline() };
    const mark = this.#values.mark();
    return await writeNode(node, value, {
      connection: attended.connection,
      clock: this.#deps.clock,
      signal: AbortSignal.any([signal, this.#ended.signal]),
      types: this.#types,
      onRead: (data) => {
        if (!attended.connection.over) this.#values.read([[node, data]], mark);
      },
    });
  }

  /** Performs a device action. Never throws. */
  async act(request: ActionRequest): Promise<ActionResult> {
    const attended = this.#attended;
    if (attended === undefined) return { status: "rejected", code: "OPCUA_DEVICE_OFFLINE", message: this.#offline() };
    const { connection, observation } = attended;
    switch (request.action) {
      case "discover":
        try {
          const found = await discoverPoints(connection, observation.facts, this.#deps.clock);
          const bytes = new TextEncoder().encode(JSON.stringify(found));
          return { status: "done", blob: { contentType: "application/json", bytes } };
        } catch (error) {
          return failedAction(error);
        }
      case "callMethod": {
        const { namespaces } = observation.facts;
        return await callMethod(connection, namespaces, this.#binding.config.methods ?? [], request);
      }
      default:
        return await actOnCondition({ connection, conditions: this.#conditions, clock: this.#deps.clock, request });
    }
  }

  #offline(): string {
    return `${this.device} is offline (${this.#reason})`;
  }
}

function sourceTimes(nodes: readonly NodePoint[]): ReadonlyMap<NodePoint, number> {
  return new Map(nodes.flatMap((node) => (node.sourceTime === undefined ? [] : [[node, node.sourceTime] as const])));
}
