import { AttributeIds, type NodeId, NumericRange } from "node-opcua";
import { errorMessage } from "#core/errors.ts";
import type { DeviceBinding, DriverDeps } from "../driver.ts";
import { refreshConditions } from "./calls.ts";
import type { Conditions } from "./conditions.ts";
import type { OpcuaAddress, OpcuaDevice } from "./config.ts";
import type { Connection } from "./connection.ts";
import type { OpcuaCounters } from "./counters.ts";
import { OpcuaFault, translated } from "./errors.ts";
import { eventFilter } from "./event-fields.ts";
import { backFill } from "./history.ts";
import { resolvedNodeId } from "./node-ids.ts";
import type { NodePoint, PointValues } from "./point-values.ts";
import { Publishing } from "./publishing.ts";
import { readFacts, readMany, type ServerFacts } from "./server-facts.ts";
import type { Settings } from "./settings.ts";
import type { Site, Subscriptions } from "./subscriptions.ts";

const SERVER = "i=2253";
/** A server that lost messages is read anew at most so often. */
const RESYNC_PAUSE_MS = 2000;
/** A server sends what it has queued with its next publishing. */
const LONGEST_SETTLING_MS = 1500;
/** What was sampled before the loss may have been on its way. */
const HISTORY_MARGIN_MS = 2000;

/** What an observation needs of its server link, which outlives it. */
export interface ObservationDeps {
  readonly binding: DeviceBinding<OpcuaDevice, OpcuaAddress>;
  readonly driver: DriverDeps;
  readonly settings: Settings;
  readonly counters: OpcuaCounters;
  readonly values: PointValues;
  readonly conditions: Conditions;
  readonly subscriptions: Subscriptions;
}

/** An outage that is over, seen from before it. */
export interface Outage {
  readonly told: ReadonlyMap<NodePoint, number>;
  /** Begin and end in the server's own time, Unix ms. */
  readonly from: number;
  readonly to: number;
}

/** Observing a server over one connection: subscriptions, a read of all, events, signs of life. Ends with the connection. */
export class Observation {
  readonly facts: ServerFacts;
  readonly #deps: ObservationDeps;
  readonly #connection: Connection;
  readonly #publishing: Publishing;
  readonly #site: Site;
  /** The points as they were bound when their NodeIds were looked up. */
  #nodes: readonly NodePoint[] = [];
  #events = false;
  #resyncedAt = Number.NEGATIVE_INFINITY;
  #resyncing = false;
  #rereading = false;

  private constructor(deps: ObservationDeps, connection: Connection, facts: ServerFacts) {
    this.#deps = deps;
    this.#connection = connection;
    this.facts = facts;
    const { clock, logger } = deps.driver;
    this.#publishing = new Publishing({
      clock,
      counters: deps.counters,
      ask: (request, limitMs) => connection.ask(request, limitMs),
      onBroken: (cause) => connection.end(cause),
      onMissed: () => this.#resync(),
    });
    this.#site = { connection, publishing: this.#publishing, settings: deps.settings, logger };
  }

  /**
   * Takes up earlier subscriptions where the server still has them, or makes new ones; then reads all points.
   * `sameSession`: the session is the earlier one. @throws OPCUA_FAULT, OPCUA_TIMEOUT, OPCUA_UNREACHABLE
   */
  static async begin(deps: ObservationDeps, connection: Connection, sameSession: boolean): Promise<Observation> {
    const facts = await readFacts(connection);
    deps.conditions.begin(facts.namespaces);
    const observation = new Observation(deps, connection, facts);
    try {
      observation.#resolve();
      if (!(await observation.#takeUp(sameSession))) await observation.#subscribe();
      await observation.#readPoints(observation.#nodes);
      return observation;
    } catch (error) {
      observation.end();
      throw error;
    }
  }

  end(): void {
    this.#publishing.end();
  }

  /** True when the subscriptions survived: the server has told all that happened meanwhile. */
  async #takeUp(sameSession: boolean): Promise<boolean> {
    const { subscriptions, counters, conditions } = this.#deps;
    if (!subscriptions.any) return false;
    const there = sameSession || (await subscriptions.transfer(this.#site));
    if (there && (await subscriptions.resume(this.#site))) {
      if (sameSession) counters.resumed++;
      else counters.transferred++;
      this.#events = subscriptions.eventSubscription !== undefined;
      // what was queued meanwhile is older than what a read gives
      await this.#publishing.settled(LONGEST_SETTLING_MS);
      if (subscriptions.outdated) await this.#subscribeToPoints();
      return true;
    }
    subscriptions.forget();
    if (this.#deps.binding.config.events !== false) conditions.missing("reconnected");
    return false;
  }

  async #subscribe(): Promise<void> {
    const { subscriptions, conditions, binding } = this.#deps;
    await this.#subscribeToPoints();
    if (binding.config.events === false) return;
    const notifiers = (binding.config.notifiers ?? [SERVER]).flatMap((text) => this.#node(text) ?? []);
    if (notifiers.length === 0) return;
    this.#events = await subscriptions.subscribeToEvents(this.#site, notifiers, eventFilter(), (lists) =>
      conditions.events(lists),
    );
  }

  /** Asks for the conditions that the server retains. */
  async refresh(): Promise<void> {
    const subscription = this.#deps.subscriptions.eventSubscription;
    if (!this.#events || subscription === undefined) return;
    const refused = await refreshConditions(this.#connection, subscription);
    if (refused !== undefined) this.#deps.driver.logger.info({ status: refused }, "OPC UA server gives no conditions");
  }

  /** The points were replaced: subscribes to the new ones and reads them. */
  async rebind(): Promise<void> {
    this.#resolve();
    await this.#subscribeToPoints();
    await this.#readPoints(this.#nodes);
  }

  #subscribeToPoints(): Promise<void> {
    const { subscriptions, values } = this.#deps;
    return subscriptions.subscribe(this.#site, this.#nodes, values, this.facts);
  }

  #resolve(): void {
    this.#nodes = this.#deps.values.nodes;
    for (const node of this.#nodes) {
      node.nodeId = this.#node(node.address.nodeId);
      node.monitored = false;
    }
  }

  #node(text: string): NodeId | undefined {
    try {
      return resolvedNodeId(text, this.facts.namespaces);
    } catch (error) {
      this.#deps.driver.logger.warn(
        { nodeId: text, error: errorMessage(error) },
        "NodeId of the configuration is wrong",
      );
      return undefined;
    }
  }

  /** Reads and tells points; those without a node are told as such. */
  async #readPoints(nodes: readonly NodePoint[]): Promise<void> {
    const { values } = this.#deps;
    const mark = values.mark();
    const there = nodes.flatMap((node) => (node.nodeId === undefined ? [] : [{ node, nodeId: node.nodeId }]));
    const asked = there.map(({ node, nodeId }) => ({
      nodeId,
      attributeId: AttributeIds.Value,
      ...(node.address.index === undefined ? {} : { indexRange: new NumericRange(node.address.index) }),
    }));
    const results = await readMany(this.#connection, asked, this.facts);
    if (this.#connection.over) return;
    values.read(
      there.flatMap(({ node }, at) => {
        const data = results[at];
        return data === undefined ? [] : [[node, data] as const];
      }),
      mark,
    );
    values.unknown(nodes.filter(({ nodeId, gone }) => nodeId === undefined && !gone));
  }

  /** Reads points that were silent for long: their sign of life. To be called every second or so. */
  async reread(): Promise<void> {
    const { values, settings, subscriptions } = this.#deps;
    // others are bound by now, and their NodeIds are still to be looked up
    if (values.nodes !== this.#nodes) return;
    const silent = values.silent(settings.rereadMs);
    if (silent.length === 0 || this.#rereading) return;
    this.#rereading = true;
    try {
      await this.#readPoints(silent);
      const found = silent.filter((node) => !node.monitored && !node.retried && node.last?.quality === "good");
      for (const node of found) node.retried = true;
      if (found.length > 0) await subscriptions.subscribeMore(this.#site, found, values, this.facts);
    } catch (error) {
      this.#connection.end(translated("reading", error));
    } finally {
      this.#rereading = false;
    }
  }

  /** Messages are gone for good: reads all and asks for all conditions, at most every few seconds. */
  #resync(): void {
    const { clock } = this.#deps.driver;
    this.#deps.conditions.interrupted();
    if (this.#resyncing) return;
    this.#resyncing = true;
    const waitMs = Math.max(0, this.#resyncedAt + RESYNC_PAUSE_MS - clock.monotonic());
    clock.after(waitMs, () => {
      this.#resyncing = false;
      this.#resyncedAt = clock.monotonic();
      if (this.#connection.over) return;
      if (this.#events) this.#deps.conditions.missing("notificationsLost");
      this.#readPoints(this.#nodes)
        .then(() => this.refresh())
        .catch((error: unknown) => this.#connection.end(translated("reading", error)));
    });
  }

  /** Takes over what the server recorded during an outage; false when the connection broke before the end. Never throws. */
  async backFill({ told, from, to }: Outage): Promise<boolean> {
    const { settings, values, counters, driver } = this.#deps;
    if (settings.historyValues === 0 || told.size === 0) return true;
    const connection = this.#connection;
    try {
      await backFill({
        connection,
        clock: driver.clock,
        counters,
        facts: this.facts,
        points: values.nodes.filter((node) => told.has(node)),
        from: from - HISTORY_MARGIN_MS,
        to: to + HISTORY_MARGIN_MS,
        most: settings.historyValues,
        told,
        onHistory: (samples) => {
          if (!connection.over) driver.onHistory(samples);
        },
      });
    } catch (error) {
      driver.logger.warn({ error: errorMessage(error) }, "OPC UA history not taken over");
      return error instanceof OpcuaFault;
    }
    return !connection.over;
  }
}
