import type { Clock } from "#core/clock.ts";
import { type BatchIdentity, parseBatch } from "#core/contracts/batch.ts";
import { parseHubTopic } from "#core/contracts/topics.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { HostOutput } from "#core/sparkplug/host-output.ts";
import { type BatchRows, HostSession, rebirthRequest } from "#core/sparkplug/host-session.ts";
import { BATCH } from "#core/sparkplug/message.ts";
import type { ResolvedMetric } from "#core/sparkplug/metric-table.ts";
import type { Db } from "../db/database.ts";
import type { Broker, GatewayLink, GatewayMessage, GatewayMessageHandler, IngestSinks } from "../ports.ts";
import type { IngestWatch, PointDirectory, TelemetryStore } from "../telemetry-ports.ts";
import { GatewayBoots } from "./boots.ts";
import { ClockWatch } from "./clock-watch.ts";
import { LaneCursors } from "./cursors.ts";
import { EventLane } from "./event-lane.ts";
import type { ForeignNodes } from "./foreign-nodes.ts";
import { GapStore } from "./gap-store.ts";
import { GatewayRows } from "./gateway-rows.ts";
import { Offers } from "./offers.ts";
import type { Presence } from "./presence.ts";
import { Quarantine } from "./quarantine.ts";
import { isPointMetric, PointSamples } from "./samples.ts";
import type { TelemetryGroup } from "./telemetry-group.ts";
import { TelemetryLane } from "./telemetry-lane.ts";

/** How long a missing Sparkplug message is waited for before new births are asked for. TCP keeps the order: it is a restart or a loss. */
const REORDER_TIMEOUT_MS = 2000;
/** A batch whose metrics are not all known after so many births of its node will never be. */
const BIRTHS_TO_RESOLVE = 3;

/** What ingest works with. `sinks` are the domains; the order of construction is broker, presence, link, domains, ingest. */
export interface IngestDeps {
  readonly db: Db;
  readonly store: TelemetryStore;
  readonly points: PointDirectory;
  readonly broker: Broker;
  readonly presence: Presence;
  readonly link: GatewayLink;
  readonly sinks: IngestSinks;
  readonly watch: IngestWatch;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Sparkplug host id, `spBv1.0/STATE/<host>`. */
  readonly host: string;
  /** Edge nodes of other makers; without it there are none. */
  readonly foreign?: ForeignNodes;
}

interface Unresolved {
  readonly batch: string;
  readonly births: number;
}

/**
 * Takes in what gateways publish: births, telemetry batches, event batches, signs of life. Sparkplug host application
 * and the cloud's side of store-and-forward. @see Sparkplug 3.0 §5
 */
export class Ingest implements GatewayMessageHandler {
  readonly cursors: LaneCursors;
  readonly gaps: GapStore;
  readonly rows: GatewayRows;
  readonly quarantine: Quarantine;
  readonly boots: GatewayBoots;
  readonly #deps: IngestDeps;
  readonly #host: HostSession;
  readonly #telemetry: TelemetryLane;
  readonly #events: EventLane;
  readonly #samples: PointSamples;
  readonly #clocks: ClockWatch;
  /** Gateways of whose silence was told, and since when, Unix ms. */
  readonly #silent = new Map<GatewayId, number>();
  readonly #health = new Map<GatewayId, Map<string, number | string | boolean>>();
  readonly #births = new Map<GatewayId, number>();
  readonly #unresolved = new Map<GatewayId, Unresolved>();
  readonly #listeners: ((gateway: GatewayId) => void)[] = [];
  #untold = false;
  #closed = false;

  constructor(deps: IngestDeps) {
    const { db, clock, logger, watch } = deps;
    this.#deps = deps;
    this.#samples = new PointSamples(deps.points);
    this.#clocks = new ClockWatch(clock);
    this.cursors = new LaneCursors(db, clock, watch);
    this.gaps = new GapStore(db, clock);
    this.rows = new GatewayRows(db);
    this.quarantine = new Quarantine({ db, rows: this.rows, clock, logger });
    this.boots = new GatewayBoots({ cursors: this.cursors, link: deps.link, watch, logger });
    const { cursors, gaps, rows, quarantine } = this;
    const parts = { ...deps, cursors, gaps, rows, quarantine, offers: new Offers(gaps) };
    this.#telemetry = new TelemetryLane(parts);
    this.#events = new EventLane({ ...parts, changed: (gateway) => this.#changed(gateway) });
    this.#host = new HostSession({
      host: deps.host,
      clock,
      reorderTimeoutMs: REORDER_TIMEOUT_MS,
      onTimeout: (outputs) => this.#guarded(undefined, () => this.#handle(outputs, undefined)),
      pointNumber: (node, device, metric) => this.#samples.numberOf(node, device, metric),
    });
    deps.presence.onChange((gateway, online, at, reason) => {
      try {
        deps.sinks.onGatewayOnline(gateway, online, at, reason);
        this.#silence(gateway, online, at);
      } catch (error) {
        logger.error({ gateway, online, err: error }, "following up on a gateway's presence failed");
      }
      this.#changed(gateway);
    });
  }

  /** Begins to take messages in and says online as host application. `gateways`: those that should be there. */
  start(gateways: readonly GatewayId[]): void {
    this.#deps.presence.expect(gateways);
    this.#deps.broker.attach(this);
    this.#publishState(true);
  }

  /** Calls back when what is shown of a gateway may have changed: a heartbeat, a gap, an applied configuration. */
  onChange(listener: (gateway: GatewayId) => void): void {
    this.#listeners.push(listener);
  }

  #changed(gateway: GatewayId): void {
    try {
      for (const listener of this.#listeners) listener(gateway);
      this.#untold = false;
    } catch (error) {
      // Only what is shown: it is told again with the next heartbeat.
      if (!this.#untold) this.#deps.logger.warn({ gateway, err: error }, "a gateway's state cannot be shown");
      this.#untold = true;
    }
  }

  /** Last health metrics of a gateway's heartbeat by name, such as `Health/backlogTelemetry`. */
  healthOf(gateway: GatewayId): ReadonlyMap<string, number | string | boolean> {
    return this.#health.get(gateway) ?? new Map();
  }

  /** Samples taken in and not yet stored. */
  get backlog(): number {
    return this.#telemetry.backlog;
  }

  message(message: GatewayMessage): Promise<void> | undefined {
    if (this.#closed) return Promise.reject(new Error("ingest is closed"));
    return this.#guarded(message, () => {
      if (parseHubTopic(message.topic) === undefined) return this.#sparkplug(message);
      this.#events.receive(message);
      return undefined;
    });
  }

  /** A batch is read straight into the columns of the next commit; everything else, and a batch that is not plain, the general way. */
  #sparkplug(message: GatewayMessage): Promise<void> | undefined {
    const { topic, payload } = message;
    const group = this.#telemetry.filling();
    const { entries } = group;
    const rows = this.#isForeign(message.gateway) ? undefined : this.#host.receiveBatch(topic, payload, group.appender);
    if (rows === undefined) {
      group.rejected(entries);
      return this.#handle(this.#host.receive(topic, payload, this.#deps.clock.now()), message);
    }
    const gateway = rows.node as GatewayId;
    this.#heard(gateway, rows.timestamp);
    return this.#submit(group, gateway, rows, message);
  }

  #submit(
    group: TelemetryGroup,
    gateway: GatewayId,
    { identity, start }: Pick<BatchRows, "identity" | "start">,
    message: GatewayMessage | undefined,
  ): Promise<void> | undefined {
    if (this.#unresolved.size > 0) this.#unresolved.delete(gateway);
    return this.#telemetry.submit(group, {
      span: { gateway, ...identity, start },
      session: message?.session ?? 0,
      topic: message?.topic ?? "",
    });
  }

  /** Clock of a gateway minus ours, ms; undefined where it has not been heard. */
  clockOffsetOf(gateway: string): number | undefined {
    return this.#clocks.offsetOf(gateway);
  }

  #heard(gateway: GatewayId, timestamp: number): void {
    this.#deps.presence.heard(gateway);
    const byMs = this.#clocks.take(gateway, timestamp);
    if (byMs !== undefined) this.#deps.watch.found(gateway, { kind: "clockJump", byMs });
  }

  #silence(gateway: GatewayId, online: boolean, at: number): void {
    const { presence, watch } = this.#deps;
    const since = this.#silent.get(gateway);
    if (online) {
      if (since !== undefined) watch.found(gateway, { kind: "silence", since, until: at });
      this.#silent.delete(gateway);
    } else if (since === undefined) {
      const begun = presence.lastSeenAt(gateway) ?? at;
      this.#silent.set(gateway, begun);
      watch.found(gateway, { kind: "silence", since: begun });
    }
  }

  /** A fault of ours must not take the broker and every other gateway with it. Nothing was acknowledged. */
  #guarded(message: GatewayMessage | undefined, work: () => Promise<void> | undefined): Promise<void> | undefined {
    try {
      return work();
    } catch (error) {
      this.#deps.logger.error({ gateway: message?.gateway, topic: message?.topic, err: error }, "ingest failed");
      return undefined;
    }
  }

  disconnected(gateway: GatewayId, _session: number): void {
    // Presence of our gateways is a lease: the will has spoken already, or silence will. A foreign node may be silent.
    if (this.#isForeign(gateway)) this.#deps.presence.dead(gateway, "connectionLost");
  }

  #isForeign(node: GatewayId): boolean {
    return this.#deps.foreign?.isForeign(node) === true;
  }

  /** Says offline, stores what is queued and stops. */
  async close(): Promise<void> {
    this.#publishState(false);
    this.#closed = true;
    this.#host.close();
    await this.#telemetry.close();
  }

  #publishState(online: boolean): void {
    const { topic, payload, qos, retain } = this.#host.stateMessage(online, this.#deps.clock.now());
    this.#deps.broker.publish(topic, payload, { qos, retain });
  }

  #handle(outputs: readonly HostOutput[], message: GatewayMessage | undefined): Promise<void> | undefined {
    const holds: Promise<void>[] = [];
    for (const output of outputs) {
      const hold = this.#output(output, message);
      if (hold !== undefined) holds.push(hold);
    }
    return holds.length === 0 ? undefined : Promise.all(holds).then(() => undefined);
  }

  #output(output: HostOutput, message: GatewayMessage | undefined): Promise<void> | undefined {
    const { presence, sinks, broker, clock, logger } = this.#deps;
    switch (output.type) {
      case "nodeBorn": {
        const gateway = output.node as GatewayId;
        this.#births.set(gateway, (this.#births.get(gateway) ?? 0) + 1);
        this.#noteHealth(gateway, output.metrics);
        this.#heard(gateway, output.timestamp);
        if (this.#isForeign(gateway)) this.#foreignBirth(gateway, undefined, output.metrics);
        else this.boots.born(gateway, output.metrics);
        return undefined;
      }
      case "deviceBorn": {
        const gateway = output.node as GatewayId;
        this.#heard(gateway, output.timestamp);
        if (this.#isForeign(gateway)) {
          this.#foreignBirth(gateway, output.device, output.metrics);
          return undefined;
        }
        const points = output.metrics.filter(({ name }) => isPointMetric(name));
        sinks.onBirth(gateway, this.#samples.samples(output.node, output.device, points, clock.now()));
        return undefined;
      }
      case "data":
        return this.#data(output, message);
      case "deviceDead":
        sinks.onDeviceDead(this.#samples.deviceOf(output.node, output.device), output.timestamp);
        return undefined;
      case "nodeDead":
        presence.dead(output.node as GatewayId, output.cause);
        return undefined;
      case "rebirthNeeded": {
        const { topic, payload, qos, retain } = rebirthRequest(output.node, clock.now());
        logger.info({ gateway: output.node, reason: output.reason }, "asking for new births");
        broker.publish(topic, payload, { qos, retain });
        return undefined;
      }
      case "malformed":
        if (message !== undefined) this.#putAside(message, "SPARKPLUG_MALFORMED", output.reason);
        return undefined;
      case "discarded": // not acknowledged, so they come again
      case "ownStateOffline": // only our own process speaks on our state topic
        return undefined;
      default:
        return output satisfies never;
    }
  }

  #data(output: Extract<HostOutput, { type: "data" }>, message: GatewayMessage | undefined): Promise<void> | undefined {
    const gateway = output.node as GatewayId;
    this.#heard(gateway, output.timestamp);
    if (this.#isForeign(gateway)) return this.#foreignData(gateway, output.device, output.metrics, message);
    const text = output.metrics.find(({ name }) => name === BATCH)?.value;
    if (text === undefined || text === null) {
      if (output.device === undefined) this.#noteHealth(gateway, output.metrics);
      return undefined;
    }
    const identity = this.#identity(String(text), message);
    if (identity === undefined) return undefined;
    const metrics = output.metrics.filter(({ name }) => name !== BATCH);
    if (metrics.length !== identity.last - identity.first + 1) {
      this.#incomplete(gateway, identity, String(text), metrics.length, message);
      return undefined;
    }
    const group = this.#telemetry.filling();
    const start = group.appender.columns.length;
    this.#samples.append(output.node, output.device, metrics, this.#deps.clock.now(), group.appender);
    return this.#submit(group, gateway, { identity, start }, message);
  }

  #foreignBirth(node: GatewayId, device: string | undefined, metrics: readonly ResolvedMetric[]): void {
    const { foreign, sinks, clock } = this.#deps;
    foreign?.born(node, device, metrics);
    const known = foreign?.known(node, device, metrics) ?? [];
    if (known.length > 0) sinks.onBirth(node, this.#samples.samples(node, device, known, clock.now()));
  }

  /** What a foreign node sends is stored under offsets of ours: it numbers nothing itself, and waits for no acknowledgement. */
  #foreignData(
    node: GatewayId,
    device: string | undefined,
    metrics: readonly ResolvedMetric[],
    message: GatewayMessage | undefined,
  ): Promise<void> | undefined {
    const { foreign, clock } = this.#deps;
    const known = foreign?.known(node, device, metrics) ?? [];
    if (foreign === undefined || known.length === 0) return undefined;
    const group = this.#telemetry.filling();
    const start = group.appender.columns.length;
    this.#samples.append(node, device, known, clock.now(), group.appender);
    return this.#submit(group, node, { identity: foreign.mint(node, known.length), start }, message);
  }

  #identity(text: string, message: GatewayMessage | undefined): BatchIdentity | undefined {
    try {
      return parseBatch(text);
    } catch (error) {
      if (message !== undefined) this.#putAside(message, errorCode(error), errorMessage(error));
      return undefined;
    }
  }

  /**
   * Not every metric of the batch is known. The next births will tell, so nothing is acknowledged; but a batch that stays
   * so over several births (a point that no longer exists) must not block the lane for ever.
   */
  #incomplete(
    gateway: GatewayId,
    { epoch, first, last }: BatchIdentity,
    batch: string,
    known: number,
    message: GatewayMessage | undefined,
  ): void {
    const births = this.#births.get(gateway) ?? 0;
    const seen = this.#unresolved.get(gateway);
    if (seen?.batch !== batch) {
      this.#unresolved.set(gateway, { batch, births });
      const { topic, payload, qos, retain } = rebirthRequest(gateway, this.#deps.clock.now());
      this.#deps.broker.publish(topic, payload, { qos, retain });
      return;
    }
    if (births - seen.births < BIRTHS_TO_RESOLVE || message === undefined) return;
    this.#unresolved.delete(gateway);
    const reason = `${known} of ${last - first + 1} metrics are declared in the births`;
    const { topic, payload } = message;
    const why = { topic, payload, code: "BATCH_METRICS_UNKNOWN", reason };
    this.#telemetry.condemn({ gateway, lane: "telemetry", epoch }, { from: first, to: last }, why);
  }

  #noteHealth(gateway: GatewayId, metrics: readonly ResolvedMetric[]): void {
    let health = this.#health.get(gateway);
    if (health === undefined) {
      health = new Map();
      this.#health.set(gateway, health);
    }
    for (const { name, value } of metrics) {
      if (!name.startsWith("Health/") || value === null || value instanceof Uint8Array) continue;
      if (health.size < 100 || health.has(name)) health.set(name, typeof value === "bigint" ? Number(value) : value);
    }
    this.#changed(gateway);
  }

  #putAside({ gateway, topic, payload }: GatewayMessage, code: string, reason: string): void {
    try {
      this.quarantine.add({ gateway, topic, code, reason, bytes: payload });
    } catch (error) {
      this.#deps.logger.error({ gateway, code, err: error }, "quarantine failed");
    }
  }
}
