import { uptime } from "node:os";
import { join } from "node:path";
import { resolveReferences } from "#config/references.ts";
import { FIELD_ACTIONS } from "#core/alarm/field.ts";
import { systemClock } from "#core/clock.ts";
import type { Bundle } from "#core/contracts/bundle.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { Sample } from "#core/model/sample.ts";
import type { DeviceState } from "#protocols/driver.ts";
import type { AgentOptions } from "./agent-options.ts";
import { EdgeAlarms } from "./alarms.ts";
import { AwakeClock } from "./awake-clock.ts";
import { BackFill } from "./back-fill.ts";
import { BlobQueue } from "./blobs.ts";
import { resolveAddress } from "./bootstrap.ts";
import { Commands } from "./commands.ts";
import { Configuration } from "./configuration.ts";
import { type DriverSource, internalActions } from "./driver-modules.ts";
import { Effects } from "./effects.ts";
import { FaultGuard } from "./fault-guard.ts";
import { tellField } from "./field-acts.ts";
import { HealthMeter } from "./health.ts";
import { LastValues } from "./last-values.ts";
import { Linkage } from "./linkage.ts";
import { machineId } from "./machine.ts";
import { Northbound } from "./northbound.ts";
import { Outbox } from "./outbox.ts";
import { Pipeline } from "./pipeline.ts";
import { RuleWrites } from "./rule-writes.ts";
import { SelfAlarms } from "./self-alarms.ts";
import { SelfWatch } from "./self-watch.ts";
import { StoredEvents } from "./stored-events.ts";
import { Supervisor } from "./supervisor.ts";
import { Uplink } from "./uplink.ts";
import { Video } from "./video/video.ts";
import { WakeGrace } from "./wake-grace.ts";
import { Writes } from "./writes.ts";

/** The parts of a gateway that whoever runs it works with. */
export interface GatewayParts {
  readonly faults: FaultGuard;
  readonly clock: AwakeClock;
  readonly outbox: Outbox;
  readonly stored: StoredEvents;
  readonly pipeline: Pipeline;
  readonly backFill: BackFill;
  readonly lastValues: LastValues;
  readonly grace: WakeGrace;
  readonly watch: SelfWatch;
  readonly health: HealthMeter;
  readonly supervisor: Supervisor;
  readonly alarms: EdgeAlarms;
  readonly selfAlarms: SelfAlarms;
  readonly linkage: Linkage;
  readonly writes: Writes;
  readonly ruleWrites: RuleWrites;
  readonly commands: Commands;
  readonly blobs: BlobQueue;
  readonly video: Video;
  readonly uplink: Uplink;
  readonly configuration: Configuration;
  /** Shows the points to the systems of others, where the bootstrap says so. */
  readonly northbound: Northbound | undefined;
}

/** What the parts leave to whoever runs the gateway, since it concerns several of them. None is called before all are built. */
export interface GatewayReactions {
  /** A sample that differs from the one before. */
  changed(sample: Sample): void;
  /** An event that a driver tells; `stored` is told whether it is durable. */
  event(event: DeviceEvent, stored?: (stored: boolean) => void): void;
  /** A device became reachable or fell silent. */
  device(state: DeviceState): void;
  /** The machine or the process stood still for so long, ms. */
  slept(ms: number): void;
  /** The outbox turned out to be a restored copy and has a new epoch. */
  copied(): void;
  /** Another configuration is to be run. */
  apply(bundle: Bundle): Promise<void>;
}

/**
 * Builds the parts of a gateway and joins them; none runs yet. Part of the composition root.
 * @throws OUTBOX_NEWER | OUTBOX_IN_USE | OUTBOX_UNUSABLE
 */
export function buildGateway(
  options: AgentOptions,
  drivers: ReadonlyMap<string, DriverSource>,
  on: GatewayReactions,
): GatewayParts {
  const { bootstrap, username, password, references, logger, limits, times } = options;
  const { site, gateway, data } = bootstrap;
  const inner = options.clock ?? systemClock;
  const elapsed = (): number => (inner === systemClock ? uptime() * 1_000 : inner.monotonic());
  const clock = new AwakeClock(inner, { elapsed, onSlept: (ms) => on.slept(ms) });
  const machine = options.machine ?? machineId();
  const self = machine === undefined ? {} : { machine };
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const faults = new FaultGuard(logger, options.onFatal);
  const id = `${site}/${gateway}`;
  const outbox = new Outbox({
    path: join(data, "outbox.db"),
    clock,
    logger,
    ...(limits === undefined ? {} : { limits }),
    ...self,
  });
  const stored = new StoredEvents(outbox);
  const pipeline: Pipeline = new Pipeline(
    clock,
    {
      onChange: (sample) => on.changed(sample),
      onReport: (samples) => {
        outbox.appendSamples(samples);
        lastValues.note(samples);
      },
    },
    outbox.lastObservedAt,
  );
  const backFill = new BackFill(outbox, pipeline);
  const lastValues: LastValues = new LastValues(outbox, pipeline, logger);
  const grace: WakeGrace = new WakeGrace({
    clock,
    onSamples: (samples) => faults.run(() => pipeline.ingest(samples)),
    onDevice: (state) => faults.run(() => on.device(state)),
  });
  const internal = new Set<string>([...FIELD_ACTIONS, ...internalActions(drivers)]);
  const supervisor: Supervisor = new Supervisor({
    sources: drivers,
    gateway: id,
    folder: join(data, "channels"),
    resolve: (section) => resolveReferences(section, references),
    clock,
    logger,
    ...(times?.supervisor === undefined ? {} : { times: times.supervisor }),
    sinks: {
      onSamples: (samples) => faults.run(() => grace.samples(samples)),
      onEvent: (event, kept) => faults.run(() => on.event(event, kept)),
      onConditions: (report) => faults.run(() => alarms.onConditions(report)),
      onHistory: (samples) => faults.run(() => backFill.take(samples)),
      onCertificates: (channel, certificates) =>
        faults.run(
          () => void outbox.append("events", { kind: "certificates", channel, certificates: [...certificates] }),
        ),
      onDevice: (state) => faults.run(() => grace.device(state)),
      onPointsFailed: (points, reason) => faults.run(() => pipeline.fail(points, reason)),
    },
  });
  const alarms: EdgeAlarms = new EdgeAlarms({
    origin: id,
    outbox,
    clock,
    onChange: ({ transition, alarm }) => linkage.trigger({ type: "alarm", transition, alarm }),
    fieldAct: (act) => tellField(supervisor, clock, act),
  });
  const selfAlarms = new SelfAlarms({
    gateway: id,
    clock,
    onEvent: (event) => alarms.onEvent(event),
    onRecord: (event) => void outbox.append("events", { kind: "deviceEvent", event }),
  });
  const cloud = (): string => resolveAddress(bootstrap.cloud, references);
  const blobs = new BlobQueue({
    directory: join(data, "blobs"),
    cloud,
    gateway: id,
    authorization,
    clock,
    logger,
  });
  const writes = new Writes({ pipeline, supervisor, outbox, clock, logger });
  const ruleWrites = new RuleWrites({ outbox, supervisor, clock, logger });
  const video: Video = new Video({
    gateway: id,
    authorization,
    cloud,
    act: (request, timeoutMs) => supervisor.act(request, timeoutMs),
    blobs,
    onClip: (clip) => faults.run(() => void outbox.append("events", clip)),
    clock,
    logger,
    ...(options.ffmpeg === undefined ? {} : { settings: { transcoder: options.ffmpeg } }),
  });
  const effects = new Effects({
    writes,
    supervisor,
    blobs,
    outbox,
    clock,
    recordClip: (request) => video.recordClip(request),
  });
  const latest = (point: string): Sample | undefined => pipeline.latest(point);
  const onFailed = (rule: string): void => selfAlarms.linkageFailed(rule);
  const linkage: Linkage = new Linkage({ gateway: id, outbox, effects, latest, clock, logger, onFailed });
  const commands = new Commands({
    outbox,
    writes,
    effects,
    alarms,
    isInternal: (action) => internal.has(action),
    clock,
    logger,
  });
  const uplink: Uplink = new Uplink({
    site,
    gateway,
    password,
    address: () => resolveAddress(bootstrap.broker, references),
    outbox,
    clock,
    logger,
    ...(times?.link === undefined ? {} : { times: times.link }),
    latest: (point) => lastValues.get(point),
    health: () => health.read(),
    ...self,
    onCommand: (payload) => {
      commands.receive(payload).catch((error: unknown) => faults.caught(error));
    },
    onConfig: (payload) => configuration.notice(payload),
    onNewEpoch: () => faults.run(() => on.copied()),
    onUp: () => blobs.retrySoon(),
  });
  const health: HealthMeter = new HealthMeter({
    outbox,
    clock,
    drain: () => uplink.drain(),
    driversDown: () => supervisor.status().filter(({ running }) => !running).length,
  });
  const watch = new SelfWatch({
    self: selfAlarms,
    outbox,
    clock,
    elapsed,
    logger,
    parts: () => ({
      blobsDropped: blobs.full,
      conditionsRefused: alarms.refusesConditions,
      shortLived: uplink.counters["shortLived"] ?? 0,
    }),
  });
  const configuration: Configuration = new Configuration({
    site,
    gateway,
    file: join(data, "bundle.json"),
    cloud,
    authorization,
    drivers,
    outbox,
    clock,
    logger,
    apply: (bundle) => on.apply(bundle),
  });
  const settings = bootstrap.northbound?.bacnet;
  const numberOf = (point: string): number => outbox.numbers.numberOf(point);
  const northbound = settings && new Northbound({ settings, gateway: id, latest, numberOf, clock, logger });
  return {
    faults,
    clock,
    outbox,
    stored,
    pipeline,
    backFill,
    lastValues,
    grace,
    watch,
    health,
    supervisor,
    alarms,
    selfAlarms,
    linkage,
    writes,
    ruleWrites,
    commands,
    blobs,
    video,
    uplink,
    configuration,
    northbound,
  };
}
