import { uptime } from "node:os";
import { join } from "node:path";
import { Compile } from "typebox/compile";
import { resolveReferences } from "#config/references.ts";
import { FIELD_ACTIONS } from "#core/alarm/field.ts";
import { systemClock } from "#core/clock.ts";
import type { Bundle } from "#core/contracts/bundle.ts";
import { InvalidInputError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { DeviceEvent } from "#core/model/event.ts";
import type { Sample } from "#core/model/sample.ts";
import type { DeviceState } from "#protocols/driver.ts";
import type { Agent, AgentOptions, AgentStatus } from "./agent-options.ts";
import { EdgeAlarms } from "./alarms.ts";
import { AwakeClock } from "./awake-clock.ts";
import { BackFill } from "./back-fill.ts";
import { BlobQueue } from "./blobs.ts";
import { resolveAddress } from "./bootstrap.ts";
import { alarmContextOf, channelsOf, devicesOf } from "./bundle-plans.ts";
import { Commands } from "./commands.ts";
import { Configuration } from "./configuration.ts";
import { type DriverSource, internalActions, loadDriverSources, REGISTRY_MODULE } from "./driver-modules.ts";
import { Effects } from "./effects.ts";
import { FaultGuard } from "./fault-guard.ts";
import { tellField } from "./field-acts.ts";
import { HealthMeter } from "./health.ts";
import { LastValues } from "./last-values.ts";
import { Linkage } from "./linkage.ts";
import { machineId } from "./machine.ts";
import { Outbox } from "./outbox.ts";
import { Pipeline } from "./pipeline.ts";
import { RuleWrites } from "./rule-writes.ts";
import { SelfAlarms } from "./self-alarms.ts";
import { SelfWatch } from "./self-watch.ts";
import { StoredEvents } from "./stored-events.ts";
import { Supervisor } from "./supervisor.ts";
import { Uplink } from "./uplink.ts";
import { siteCameras } from "./video/clip-cameras.ts";
import { Video } from "./video/video.ts";
import { WakeGrace } from "./wake-grace.ts";
import { Writes } from "./writes.ts";

/** One commit so often, ms: what is older than this survives a kill. */
const COMMIT_EVERY_MS = 50;
const SWEEP_EVERY_MS = 1_000;
const FORGET_EVERY_MS = 600_000;
const EVENT = Compile(DeviceEvent);

/** The gateway's parts and how they are joined. */
class Gateway implements Agent {
  readonly #faults: FaultGuard;
  readonly #clock: AwakeClock;
  readonly #logger: Logger;
  readonly #id: string;
  readonly #outbox: Outbox;
  readonly #stored: StoredEvents;
  readonly #pipeline: Pipeline;
  readonly #backFill: BackFill;
  readonly #lastValues: LastValues;
  readonly #grace: WakeGrace;
  readonly #watch: SelfWatch;
  readonly #health: HealthMeter;
  readonly #supervisor: Supervisor;
  readonly #alarms: EdgeAlarms;
  readonly #self: SelfAlarms;
  readonly #linkage: Linkage;
  readonly #writes: Writes;
  readonly #ruleWrites: RuleWrites;
  readonly #commands: Commands;
  readonly #blobs: BlobQueue;
  readonly #video: Video;
  readonly #uplink: Uplink;
  readonly #configuration: Configuration;
  readonly #cancels: (() => void)[] = [];
  readonly #previous = new Map<string, Sample>();
  #bundle: Bundle | undefined;

  constructor(options: AgentOptions, drivers: ReadonlyMap<string, DriverSource>) {
    const { bootstrap, username, password, references, logger, limits, times } = options;
    const { site, gateway, data } = bootstrap;
    const inner = options.clock ?? systemClock;
    const elapsed = (): number => (inner === systemClock ? uptime() * 1_000 : inner.monotonic());
    const clock = new AwakeClock(inner, { elapsed, onSlept: (ms) => this.#slept(ms) });
    const machine = options.machine ?? machineId();
    const self = machine === undefined ? {} : { machine };
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    this.#faults = new FaultGuard(logger, options.onFatal);
    this.#clock = clock;
    this.#logger = logger;
    this.#id = `${site}/${gateway}`;
    const outbox = new Outbox({
      path: join(data, "outbox.db"),
      clock,
      logger,
      ...(limits === undefined ? {} : { limits }),
      ...self,
    });
    this.#outbox = outbox;
    this.#stored = new StoredEvents(outbox);
    this.#pipeline = new Pipeline(
      clock,
      {
        onChange: (sample) => this.#changed(sample),
        onReport: (samples) => {
          outbox.appendSamples(samples);
          this.#lastValues.note(samples);
        },
      },
      outbox.lastObservedAt,
    );
    this.#backFill = new BackFill(outbox, this.#pipeline);
    this.#lastValues = new LastValues(outbox, this.#pipeline, logger);
    this.#grace = new WakeGrace({
      clock,
      onSamples: (samples) => this.#guard(() => this.#pipeline.ingest(samples)),
      onDevice: (state) => this.#guard(() => this.#device(state)),
    });
    const internal = new Set<string>([...FIELD_ACTIONS, ...internalActions(drivers)]);
    this.#supervisor = new Supervisor({
      sources: drivers,
      gateway: this.#id,
      folder: join(data, "channels"),
      resolve: (section) => resolveReferences(section, references),
      clock,
      logger,
      ...(times?.supervisor === undefined ? {} : { times: times.supervisor }),
      sinks: {
        onSamples: (samples) => this.#guard(() => this.#grace.samples(samples)),
        onEvent: (event, stored) => this.#guard(() => this.#event(event, stored)),
        onConditions: (report) => this.#guard(() => this.#alarms.onConditions(report)),
        onHistory: (samples) => this.#guard(() => this.#backFill.take(samples)),
        onCertificates: (channel, certificates) =>
          this.#guard(
            () => void outbox.append("events", { kind: "certificates", channel, certificates: [...certificates] }),
          ),
        onDevice: (state) => this.#guard(() => this.#grace.device(state)),
        onPointsFailed: (points, reason) => this.#guard(() => this.#pipeline.fail(points, reason)),
      },
    });
    this.#alarms = new EdgeAlarms({
      origin: this.#id,
      outbox,
      clock,
      onChange: ({ transition, alarm }) => this.#linkage.trigger({ type: "alarm", transition, alarm }),
      fieldAct: (act) => tellField(this.#supervisor, clock, act),
    });
    this.#self = new SelfAlarms({
      gateway: this.#id,
      clock,
      onEvent: (event) => this.#alarms.onEvent(event),
      onRecord: (event) => void outbox.append("events", { kind: "deviceEvent", event }),
    });
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
    this.#ruleWrites = new RuleWrites({ outbox, supervisor, clock, logger });
    this.#video = new Video({
      gateway: this.#id,
      authorization,
      cloud,
      act: (request, timeoutMs) => supervisor.act(request, timeoutMs),
      blobs: this.#blobs,
      onClip: (clip) => this.#guard(() => void outbox.append("events", clip)),
      clock,
      logger,
      ...(options.ffmpeg === undefined ? {} : { settings: { transcoder: options.ffmpeg } }),
    });
    const effects = new Effects({
      writes: this.#writes,
      supervisor,
      blobs: this.#blobs,
      outbox,
      clock,
      recordClip: (request) => this.#video.recordClip(request),
    });
    const latest = (point: string): Sample | undefined => pipeline.latest(point);
    const onFailed = (rule: string): void => this.#self.linkageFailed(rule);
    this.#linkage = new Linkage({ gateway: this.#id, outbox, effects, latest, clock, logger, onFailed });
    this.#commands = new Commands({
      outbox,
      writes: this.#writes,
      effects,
      alarms: this.#alarms,
      isInternal: (action) => internal.has(action),
      clock,
      logger,
    });
    this.#uplink = new Uplink({
      site,
      gateway,
      password,
      address: () => resolveAddress(bootstrap.broker, references),
      outbox,
      clock,
      logger,
      ...(times?.link === undefined ? {} : { times: times.link }),
      latest: (point) => this.#lastValues.get(point),
      health: () => this.#health.read(),
      ...self,
      onCommand: (payload) => {
        this.#commands.receive(payload).catch((error: unknown) => this.#faults.caught(error));
      },
      onConfig: (payload) => this.#configuration.notice(payload),
      onNewEpoch: () => this.#guard(() => this.#copied()),
      onUp: () => this.#blobs.retrySoon(),
    });
    this.#health = new HealthMeter({
      outbox,
      clock,
      drain: () => this.#uplink.drain(),
      driversDown: () => this.#supervisor.status().filter(({ running }) => !running).length,
    });
    this.#watch = new SelfWatch({
      self: this.#self,
      outbox,
      clock,
      elapsed,
      logger,
      parts: () => ({
        blobsDropped: this.#blobs.full,
        conditionsRefused: this.#alarms.refusesConditions,
        shortLived: this.#uplink.counters["shortLived"] ?? 0,
      }),
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
    this.#watch.started();
    this.#cancels.push(
      this.#clock.every(COMMIT_EVERY_MS, () => this.#guard(() => this.#tick())),
      this.#clock.every(SWEEP_EVERY_MS, () => this.#guard(() => this.#sweep())),
      this.#clock.every(FORGET_EVERY_MS, () => this.#guard(() => this.#commands.sweep())),
    );
    this.#uplink.start();
    this.#video.start();
  }

  #guard(work: () => void): void {
    this.#faults.run(work);
  }

  #slept(ms: number): void {
    this.#logger.warn({ ms: Math.round(ms) }, "the gateway stood still");
    this.#grace.begin();
    this.#self.slept(ms);
  }

  #copied(): void {
    this.#configureAlarms();
    this.#self.happened("outboxCopied", undefined);
  }

  #sweep(): void {
    this.#watch.lookAtClock();
    this.#pipeline.sweep();
    this.#outbox.maintain();
    if (!this.#outbox.distressed) this.#lastValues.keep();
  }

  #tick(): void {
    this.#outbox.commit();
    this.#alarms.renewed();
    this.#watch.look();
  }

  #changed(sample: Sample): void {
    const previous = this.#previous.get(sample.point);
    this.#previous.set(sample.point, sample);
    this.#alarms.onSample(sample);
    this.#linkage.trigger({ type: "point", sample, ...(previous === undefined ? {} : { previous }) });
  }

  #event(event: DeviceEvent, stored?: (stored: boolean) => void): void {
    // drivers are programs of others: the cloud would put it aside, and an alarm may be judged by it here
    if (!EVENT.Check(event)) {
      stored?.(false);
      throw new InvalidInputError("EVENT_MALFORMED", "a driver told an event of another shape");
    }
    const appended = this.#outbox.append("events", { kind: "deviceEvent", event });
    if (stored !== undefined) this.#stored.after(appended, stored);
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
    this.#grace.forget();
    for (const point of this.#previous.keys())
      if (this.#pipeline.point(point) === undefined) this.#previous.delete(point);
    this.#linkage.configure(bundle);
    this.#configureAlarms();
    this.#uplink.configure(devicesOf(bundle));
    await this.#supervisor.apply(channelsOf(bundle));
    this.#ruleWrites.configure(bundle.rules);
    const { cameras, ringed } = siteCameras(bundle);
    this.#video.configure(cameras, ringed);
  }

  #configureAlarms(): void {
    const { alarms = [], points = [], rules = [] } = this.#bundle ?? {};
    this.#alarms.configure([...alarms, ...this.#self.definitions(rules)], alarmContextOf(this.#bundle));
    // a new definition judges what is known already, not only what comes next
    for (const { id } of points) {
      const sample = this.#pipeline.latest(id);
      if (sample !== undefined) this.#alarms.onSample(sample);
    }
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
      health: this.#health.read(),
      counters: {
        agent: { faults: this.#faults.faults },
        pipeline: this.#pipeline.counters,
        backFill: this.#backFill.counters,
        alarms: this.#alarms.counters,
        outbox: this.#outbox.counters,
        commands: this.#commands.counters,
        linkage: this.#linkage.counters,
        blobs: this.#blobs.counters,
        video: this.#video.counters,
        uplink: this.#uplink.counters,
      },
    };
  }

  async stop(): Promise<void> {
    await this.#configuration.stop();
    this.#writes.stop();
    this.#ruleWrites.stop();
    await this.#linkage.stop();
    await this.#video.stop();
    await this.#supervisor.stop();
    this.#alarms.stop();
    await this.#blobs.stop();
    for (const cancel of this.#cancels) cancel();
    this.#grace.stop();
    this.#clock.stop();
    this.#lastValues.keep(Number.POSITIVE_INFINITY);
    if (!this.#faults.fatal) this.#outbox.commit();
    await this.#uplink.stop();
    this.#outbox.close();
  }
}

export type { Agent, AgentOptions, AgentStatus } from "./agent-options.ts";

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
