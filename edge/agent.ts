import { join } from "node:path";
import { cpuUsage, memoryUsage } from "node:process";
import { Compile } from "typebox/compile";
import type { ReferenceSources } from "#config/references.ts";
import { resolveReferences } from "#config/references.ts";
import type { Bootstrap } from "#config/schema/bootstrap.ts";
import { type Clock, systemClock } from "#core/clock.ts";
import type { Bundle } from "#core/contracts/bundle.ts";
import { errorMessage, InvalidInputError } from "#core/errors.ts";
import type { DeviceId, PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import { DeviceEvent } from "#core/model/event.ts";
import type { Sample } from "#core/model/sample.ts";
import type { DeviceState } from "#protocols/driver.ts";
import { EdgeAlarms } from "./alarms.ts";
import { BlobQueue } from "./blobs.ts";
import { resolveAddress } from "./bootstrap.ts";
import { Commands } from "./commands.ts";
import { Configuration } from "./configuration.ts";
import { type DriverSource, loadDriverSources, REGISTRY_MODULE } from "./driver-modules.ts";
import { Effects } from "./effects.ts";
import { Linkage } from "./linkage.ts";
import { Outbox } from "./outbox.ts";
import { OutboxError, sqliteCode } from "./outbox-file.ts";
import type { OutboxLimits } from "./outbox-limits.ts";
import { Pipeline } from "./pipeline.ts";
import { SelfAlarms } from "./self-alarms.ts";
import { type ChannelPlan, type ChannelStatus, Supervisor, type SupervisorTimes } from "./supervisor.ts";
import { Uplink } from "./uplink.ts";
import type { LinkTimes } from "./uplink-link.ts";
import type { DevicePoints, Health } from "./uplink-metrics.ts";
import { Writes } from "./writes.ts";

/** One commit so often, ms: what is older than this survives a kill. */
const COMMIT_EVERY_MS = 50;
const SWEEP_EVERY_MS = 1_000;
const FORGET_EVERY_MS = 600_000;
const EVENT = Compile(DeviceEvent);

export interface AgentOptions {
  readonly bootstrap: Bootstrap;
  readonly username: string;
  readonly password: string;
  readonly references: ReferenceSources;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** URLs of modules with drivers beside those of the registry. */
  readonly driverModules?: readonly string[];
  readonly times?: { readonly supervisor?: Partial<SupervisorTimes>; readonly link?: Partial<LinkTimes> };
  readonly limits?: Partial<OutboxLimits>;
  /** The gateway cannot go on, as when its outbox file is found broken: end the process and start it again. */
  readonly onFatal: (error: unknown) => void;
}

/** What the gateway says of itself; all counters grow from 0 since the start. */
export interface AgentStatus {
  readonly connected: boolean;
  readonly configVersion: number | undefined;
  readonly channels: readonly ChannelStatus[];
  readonly openAlarms: number;
  readonly health: Health;
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A running gateway. */
export interface Agent {
  status(): AgentStatus;
  /** The last sample of a point, undefined before the first. */
  latest(point: string): Sample | undefined;
  /** Ends everything in order; what is queued is committed first. */
  stop(): Promise<void>;
}

/** The gateway's parts and how they are joined. */
class Gateway implements Agent {
  readonly #options: AgentOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #id: string;
  readonly #outbox: Outbox;
  readonly #pipeline: Pipeline;
  readonly #supervisor: Supervisor;
  readonly #alarms: EdgeAlarms;
  readonly #self: SelfAlarms;
  readonly #linkage: Linkage;
  readonly #writes: Writes;
  readonly #commands: Commands;
  readonly #blobs: BlobQueue;
  readonly #uplink: Uplink;
  readonly #configuration: Configuration;
  readonly #cancels: (() => void)[] = [];
  readonly #previous = new Map<string, Sample>();
  #bundle: Bundle | undefined;
  #fatal = false;
  #fault: string | undefined;
  #faults = 0;
  #cpu = { at: 0, usedUs: 0, share: 0 };

  constructor(options: AgentOptions, drivers: ReadonlyMap<string, DriverSource>) {
    const { bootstrap, username, password, references, logger, limits, times } = options;
    const { site, gateway, data } = bootstrap;
    const clock = options.clock ?? systemClock;
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#id = `${site}/${gateway}`;
    const outbox = new Outbox({
      path: join(data, "outbox.db"),
      clock,
      logger,
      ...(limits === undefined ? {} : { limits }),
    });
    this.#outbox = outbox;
    this.#pipeline = new Pipeline(
      clock,
      {
        onChange: (sample) => this.#changed(sample),
        onReport: (samples) => outbox.appendSamples(samples),
      },
      outbox.lastObservedAt,
    );
    this.#supervisor = new Supervisor({
      sources: drivers,
      resolve: (section) => resolveReferences(section, references),
      clock,
      logger,
      ...(times?.supervisor === undefined ? {} : { times: times.supervisor }),
      sinks: {
        onSamples: (samples) => this.#guard(() => this.#pipeline.ingest(samples)),
        onEvent: (event) => this.#guard(() => this.#event(event)),
        onDevice: (state) => this.#guard(() => this.#device(state)),
        onPointsFailed: (points, reason) => this.#guard(() => this.#pipeline.fail(points, reason)),
      },
    });
    this.#alarms = new EdgeAlarms({
      origin: this.#id,
      outbox,
      clock,
      onChange: ({ transition, alarm }) => this.#linkage.trigger({ type: "alarm", transition, alarm }),
    });
    this.#self = new SelfAlarms({ gateway: this.#id, clock, onEvent: (event) => this.#alarms.onEvent(event) });
    const cloud = (): string => resolveAddress(bootstrap.cloud, references);
    this.#blobs = new BlobQueue({
      directory: join(data, "blobs"),
      cloud,
      gateway: this.#id,
      authorization,
      clock,
      logger,
    });
    const supervisor = this.#supervisor;
    const pipeline = this.#pipeline;
    this.#writes = new Writes({ pipeline, supervisor, outbox, clock, logger });
    const effects = new Effects({ writes: this.#writes, supervisor, blobs: this.#blobs, outbox, clock });
    const latest = (point: string): Sample | undefined => pipeline.latest(point);
    const onFailed = (rule: string): void => this.#self.linkageFailed(rule);
    this.#linkage = new Linkage({ gateway: this.#id, outbox, effects, latest, clock, logger, onFailed });
    this.#commands = new Commands({ outbox, writes: this.#writes, effects, alarms: this.#alarms, clock, logger });
    this.#uplink = new Uplink({
      site,
      gateway,
      password,
      address: () => resolveAddress(bootstrap.broker, references),
      outbox,
      clock,
      logger,
      ...(times?.link === undefined ? {} : { times: times.link }),
      latest,
      health: () => this.#health(),
      onCommand: (payload) => {
        this.#commands.receive(payload).catch((error: unknown) => this.#caught(error));
      },
      onConfig: (payload) => this.#configuration.notice(payload),
      onNewEpoch: () => this.#guard(() => this.#configureAlarms()),
    });
    this.#configuration = new Configuration({
      site,
      gateway,
      file: join(data, "bundle.json"),
      cloud,
      authorization,
      drivers,
      outbox,
      clock,
      logger,
      apply: (bundle) => this.#apply(bundle),
    });
  }

  async start(): Promise<void> {
    await this.#blobs.start();
    this.#writes.start();
    this.#commands.start();
    this.#linkage.start();
    await this.#configuration.start();
    // without a bundle there are open alarms all the same
    if (this.#bundle === undefined) this.#configureAlarms();
    this.#cancels.push(
      this.#clock.every(COMMIT_EVERY_MS, () => this.#guard(() => this.#tick())),
      this.#clock.every(SWEEP_EVERY_MS, () => this.#guard(() => this.#pipeline.sweep())),
      this.#clock.every(FORGET_EVERY_MS, () => this.#guard(() => this.#commands.sweep())),
    );
    this.#uplink.start();
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#caught(error);
    }
  }

  /** A broken outbox file ends the process; nothing else that a callback throws may. */
  #caught(error: unknown): void {
    if (this.#fatal) return;
    if (!(error instanceof OutboxError) && sqliteCode(error) === undefined) {
      this.#faults++;
      const fault = errorMessage(error);
      if (fault !== this.#fault) this.#logger.error({ err: error }, "a callback failed, the gateway goes on");
      this.#fault = fault;
      return;
    }
    this.#fatal = true;
    this.#logger.error({ cause: errorMessage(error) }, "gateway cannot go on");
    this.#options.onFatal(error);
  }

  #tick(): void {
    this.#outbox.commit();
    this.#self.watch({ eventsFull: this.#outbox.eventsFull, blobsDropped: this.#blobs.full });
  }

  #changed(sample: Sample): void {
    const previous = this.#previous.get(sample.point);
    this.#previous.set(sample.point, sample);
    this.#alarms.onSample(sample);
    this.#linkage.trigger({ type: "point", sample, ...(previous === undefined ? {} : { previous }) });
  }

  #event(event: DeviceEvent): void {
    // drivers are programs of others: the cloud would put it aside, and an alarm may be judged by it here
    if (!EVENT.Check(event)) throw new InvalidInputError("EVENT_MALFORMED", "a driver told an event of another shape");
    this.#outbox.append("events", { kind: "deviceEvent", event });
    this.#alarms.onEvent(event);
    this.#linkage.trigger({ type: "deviceEvent", event });
  }

  #device(state: DeviceState): void {
    this.#uplink.deviceState(state.device, state.online);
    this.#alarms.onDevice(state);
  }

  async #apply(bundle: Bundle): Promise<void> {
    this.#bundle = bundle;
    this.#outbox.numbers.register(bundle.points.map((point) => point.id));
    this.#pipeline.configure(bundle.points);
    for (const point of this.#previous.keys())
      if (this.#pipeline.point(point) === undefined) this.#previous.delete(point);
    this.#linkage.configure(bundle.rules, bundle.zones, bundle.timeZone);
    this.#configureAlarms();
    this.#uplink.configure(devicesOf(bundle));
    await this.#supervisor.apply(channelsOf(bundle));
  }

  #configureAlarms(): void {
    const { alarms = [], zones = [], points = [], devices = [], rules = [] } = this.#bundle ?? {};
    const zoneById = new Map(zones.map((zone) => [zone.id, zone]));
    const pointById = new Map(points.map((point) => [point.id, point]));
    const deviceById = new Map(devices.map((device) => [device.id, device]));
    this.#alarms.configure([...alarms, ...this.#self.definitions(rules)], {
      zone: (id) => zoneById.get(id),
      point: (id) => pointById.get(id),
      device: (id) => deviceById.get(id),
    });
    // a new definition judges what is known already, not only what comes next
    for (const { id } of points) {
      const sample = this.#pipeline.latest(id);
      if (sample !== undefined) this.#alarms.onSample(sample);
    }
  }

  #health(): Health {
    const now = this.#clock.monotonic();
    const { user, system } = cpuUsage();
    const elapsedMs = now - this.#cpu.at;
    if (elapsedMs >= 1_000) {
      const share = (user + system - this.#cpu.usedUs) / 1_000 / elapsedMs;
      this.#cpu = { at: now, usedUs: user + system, share };
    }
    return {
      "Health/backlogTelemetry": this.#outbox.state("telemetry").count,
      "Health/backlogEvents": this.#outbox.state("events").count,
      "Health/cpuShare": this.#cpu.share,
      "Health/rssBytes": memoryUsage.rss(),
      "Health/driversDown": this.#supervisor.status().filter(({ running }) => !running).length,
    };
  }

  latest(point: string): Sample | undefined {
    return this.#pipeline.latest(point);
  }

  status(): AgentStatus {
    return {
      connected: this.#uplink.connected,
      configVersion: this.#configuration.version,
      channels: this.#supervisor.status(),
      openAlarms: this.#alarms.open().length,
      health: this.#health(),
      counters: {
        agent: { faults: this.#faults },
        pipeline: this.#pipeline.counters,
        outbox: this.#outbox.counters,
        commands: this.#commands.counters,
        linkage: this.#linkage.counters,
        blobs: this.#blobs.counters,
        uplink: this.#uplink.counters,
      },
    };
  }

  async stop(): Promise<void> {
    await this.#configuration.stop();
    this.#writes.stop();
    await this.#linkage.stop();
    await this.#supervisor.stop();
    this.#alarms.stop();
    await this.#blobs.stop();
    for (const cancel of this.#cancels) cancel();
    if (!this.#fatal) this.#outbox.commit();
    await this.#uplink.stop();
    this.#outbox.close();
  }
}

function devicesOf({ devices, points }: Bundle): DevicePoints[] {
  const byDevice = Map.groupBy(points, ({ id }) => id.slice(0, id.lastIndexOf("/")));
  return devices.map(({ id }) => ({ device: id, points: byDevice.get(id) ?? [] }));
}

function channelsOf(bundle: Bundle): ChannelPlan[] {
  const points = new Map(devicesOf(bundle).map((entry) => [entry.device, entry.points]));
  const byChannel = Map.groupBy(bundle.devices, (device) => device.channel);
  return bundle.channels.map(({ id, protocol, config }) => ({
    id,
    protocol,
    config,
    devices: (byChannel.get(id) ?? []).map((device) => ({
      device: device.id as DeviceId,
      config: device.config,
      points: (points.get(device.id) ?? []).map((point) => ({
        point: point.id as PointId,
        address: point.address,
        writable: point.writable,
      })),
    })),
  }));
}

/**
 * Starts a gateway: from its last good bundle at once, then from what the cloud announces.
 * @throws OUTBOX_NEWER | OUTBOX_IN_USE | OUTBOX_UNUSABLE | DRIVER_MODULE_UNUSABLE
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const drivers = await loadDriverSources([REGISTRY_MODULE, ...(options.driverModules ?? [])]);
  const gateway = new Gateway(options, drivers);
  await gateway.start();
  return gateway;
}
