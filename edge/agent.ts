import { Compile } from "typebox/compile";
import type { Bundle } from "#core/contracts/bundle.ts";
import { InvalidInputError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { DeviceEvent } from "#core/model/event.ts";
import type { Sample } from "#core/model/sample.ts";
import type { DeviceState } from "#protocols/driver.ts";
import type { Agent, AgentOptions, AgentStatus } from "./agent-options.ts";
import { alarmContextOf, channelsOf, devicesOf } from "./bundle-plans.ts";
import { type DriverSource, loadDriverSources, REGISTRY_MODULE } from "./driver-modules.ts";
import { buildGateway, type GatewayParts } from "./gateway-parts.ts";
import { siteCameras } from "./video/clip-cameras.ts";

/** One commit so often, ms: what is older than this survives a kill. */
const COMMIT_EVERY_MS = 50;
const SWEEP_EVERY_MS = 1_000;
const FORGET_EVERY_MS = 600_000;
const EVENT = Compile(DeviceEvent);

/** A gateway that runs: what happens with each thing that its parts tell, and when they begin and end. */
class Gateway implements Agent {
  readonly #logger: Logger;
  readonly #parts: GatewayParts;
  readonly #cancels: (() => void)[] = [];
  readonly #previous = new Map<string, Sample>();
  #bundle: Bundle | undefined;

  constructor(options: AgentOptions, drivers: ReadonlyMap<string, DriverSource>) {
    this.#logger = options.logger;
    this.#parts = buildGateway(options, drivers, {
      changed: (sample) => this.#changed(sample),
      event: (event, stored) => this.#event(event, stored),
      device: (state) => this.#device(state),
      slept: (ms) => this.#slept(ms),
      copied: () => this.#copied(),
      apply: (bundle) => this.#apply(bundle),
    });
  }

  async start(): Promise<void> {
    const { blobs, writes, commands, linkage, configuration, watch, clock, faults, uplink, video } = this.#parts;
    await blobs.start();
    writes.start();
    commands.start();
    linkage.start();
    await configuration.start();
    // without a bundle there are open alarms all the same
    if (this.#bundle === undefined) this.#configureAlarms();
    watch.started();
    this.#cancels.push(
      clock.every(COMMIT_EVERY_MS, () => faults.run(() => this.#tick())),
      clock.every(SWEEP_EVERY_MS, () => faults.run(() => this.#sweep())),
      clock.every(FORGET_EVERY_MS, () => faults.run(() => commands.sweep())),
    );
    uplink.start();
    video.start();
  }

  #slept(ms: number): void {
    const { grace, selfAlarms } = this.#parts;
    this.#logger.warn({ ms: Math.round(ms) }, "the gateway stood still");
    grace.begin();
    selfAlarms.slept(ms);
  }

  #copied(): void {
    this.#configureAlarms();
    this.#parts.selfAlarms.happened("outboxCopied", undefined);
  }

  #sweep(): void {
    const { watch, pipeline, outbox, lastValues } = this.#parts;
    watch.lookAtClock();
    pipeline.sweep();
    outbox.maintain();
    if (!outbox.distressed) lastValues.keep();
  }

  #tick(): void {
    const { outbox, alarms, watch } = this.#parts;
    outbox.commit();
    alarms.renewed();
    watch.look();
  }

  #changed(sample: Sample): void {
    const { alarms, linkage } = this.#parts;
    const previous = this.#previous.get(sample.point);
    this.#previous.set(sample.point, sample);
    alarms.onSample(sample);
    linkage.trigger({ type: "point", sample, ...(previous === undefined ? {} : { previous }) });
  }

  #event(event: DeviceEvent, told?: (stored: boolean) => void): void {
    const { outbox, stored, alarms, linkage } = this.#parts;
    // drivers are programs of others: the cloud would put it aside, and an alarm may be judged by it here
    if (!EVENT.Check(event)) {
      told?.(false);
      throw new InvalidInputError("EVENT_MALFORMED", "a driver told an event of another shape");
    }
    const appended = outbox.append("events", { kind: "deviceEvent", event });
    if (told !== undefined) stored.after(appended, told);
    alarms.onEvent(event);
    linkage.trigger({ type: "deviceEvent", event });
  }

  #device(state: DeviceState): void {
    const { uplink, alarms, pipeline } = this.#parts;
    uplink.deviceState(state.device, state.online);
    pipeline.deviceState(state.device, state.online);
    alarms.onDevice(state);
  }

  async #apply(bundle: Bundle): Promise<void> {
    const { outbox, pipeline, grace, linkage, uplink, supervisor, ruleWrites, video } = this.#parts;
    this.#bundle = bundle;
    outbox.numbers.register(bundle.points.map((point) => point.id));
    pipeline.configure(bundle.points);
    grace.forget();
    for (const point of this.#previous.keys()) if (pipeline.point(point) === undefined) this.#previous.delete(point);
    linkage.configure(bundle);
    this.#configureAlarms();
    uplink.configure(devicesOf(bundle));
    await supervisor.apply(channelsOf(bundle));
    ruleWrites.configure(bundle.rules);
    const { cameras, ringed } = siteCameras(bundle);
    video.configure(cameras, ringed);
    this.#parts.northbound?.configure(bundle.points);
  }

  #configureAlarms(): void {
    const { pipeline, alarms, selfAlarms } = this.#parts;
    const { alarms: definitions = [], points = [], rules = [] } = this.#bundle ?? {};
    alarms.configure([...definitions, ...selfAlarms.definitions(rules)], alarmContextOf(this.#bundle));
    // a new definition judges what is known already, not only what comes next
    for (const { id } of points) {
      const sample = pipeline.latest(id);
      if (sample !== undefined) alarms.onSample(sample);
    }
  }

  latest(point: string): Sample | undefined {
    return this.#parts.pipeline.latest(point);
  }

  status(): AgentStatus {
    const { uplink, configuration, supervisor, alarms, health, faults } = this.#parts;
    const { pipeline, backFill, outbox, commands, linkage, blobs, video, northbound } = this.#parts;
    return {
      connected: uplink.connected,
      configVersion: configuration.version,
      channels: supervisor.status(),
      openAlarms: alarms.open().length,
      health: health.read(),
      counters: {
        agent: { faults: faults.faults },
        pipeline: pipeline.counters,
        backFill: backFill.counters,
        alarms: alarms.counters,
        outbox: outbox.counters,
        commands: commands.counters,
        linkage: linkage.counters,
        blobs: blobs.counters,
        video: video.counters,
        uplink: uplink.counters,
        ...(northbound === undefined ? {} : { northbound: northbound.counters }),
      },
    };
  }

  async stop(): Promise<void> {
    const { configuration, writes, ruleWrites, linkage, video, supervisor, alarms, blobs } = this.#parts;
    const { grace, clock, lastValues, faults, outbox, uplink, northbound } = this.#parts;
    await configuration.stop();
    await northbound?.stop();
    writes.stop();
    ruleWrites.stop();
    await linkage.stop();
    await video.stop();
    await supervisor.stop();
    alarms.stop();
    await blobs.stop();
    for (const cancel of this.#cancels) cancel();
    grace.stop();
    clock.stop();
    lastValues.keep(Number.POSITIVE_INFINITY);
    if (!faults.fatal) outbox.commit();
    await uplink.stop();
    outbox.close();
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
