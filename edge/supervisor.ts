import { join } from "node:path";
import { schemaProblems } from "#config/yaml-file.ts";
import type { Clock } from "#core/clock.ts";
import { ConfigError, errorCode, errorMessage, HubError } from "#core/errors.ts";
import { type DeviceId, deviceOf, type PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { FieldCertificate } from "#core/model/certificate.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { ConditionReport } from "#core/model/field-condition.ts";
import type { Sample } from "#core/model/sample.ts";
import type {
  ActionRequest,
  ActionResult,
  DeviceBinding,
  DeviceState,
  DriverCounters,
  WriteRequest,
  WriteResult,
} from "#protocols/driver.ts";
import { Backoff } from "./backoff.ts";
import { DEFAULT_HOST_TIMES, DriverHost, type HostTimes } from "./driver-host.ts";
import type { DriverSource } from "./driver-modules.ts";

/** One channel as the bundle has it: sections still with their references. */
export interface ChannelPlan {
  readonly id: string;
  readonly protocol: string;
  readonly config: unknown;
  readonly devices: readonly DeviceBinding[];
}

/** What the drivers tell, and what the supervisor tells in their place while they are down. */
export interface SupervisorSinks {
  onSamples(samples: readonly Sample[]): void;
  /** `stored` is to be told when the event is on the disk, or that it will not be; absent where nobody waits. */
  onEvent(event: DeviceEvent, stored?: (stored: boolean) => void): void;
  onConditions(report: ConditionReport): void;
  onHistory(samples: readonly Sample[]): void;
  onCertificates(channel: string, certificates: readonly FieldCertificate[]): void;
  /** Only changes. */
  onDevice(state: DeviceState): void;
  /** These points have no driver now. */
  onPointsFailed(points: readonly PointId[], reason: "driverFailed"): void;
}

export interface SupervisorOptions {
  readonly sources: ReadonlyMap<string, DriverSource>;
  /** Fills references in; called anew for each start, so that a new port or secret is taken over. @throws CONFIG_REFERENCE_UNKNOWN */
  readonly resolve: (section: unknown) => unknown;
  readonly sinks: SupervisorSinks;
  /** `<site>/<gateway>`: a channel is addressed as `<site>/<gateway>/<channel>`. */
  readonly gateway: string;
  /** Where channels have their folders. */
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: () => number;
  readonly times?: Partial<SupervisorTimes>;
}

/** Times of supervision, ms. */
export interface SupervisorTimes extends HostTimes {
  readonly firstRestartMs: number;
  readonly longestRestartMs: number;
  /** A driver that ran for so long starts its back-off anew. */
  readonly steadyMs: number;
}

/** Action of drivers that keep what they wrote until it is given back. */
const RELEASE_WRITES = "releaseWrites";

const DEFAULT_TIMES: SupervisorTimes = {
  ...DEFAULT_HOST_TIMES,
  firstRestartMs: 500,
  longestRestartMs: 60_000,
  steadyMs: 60_000,
};

/** How one channel is doing. */
export interface ChannelStatus {
  readonly channel: string;
  readonly protocol: string;
  readonly running: boolean;
  readonly restarts: number;
  /** Code of the last failure, absent while all is well. */
  readonly code?: string;
  readonly counters: DriverCounters;
}

interface Context extends Omit<SupervisorOptions, "times" | "random"> {
  readonly times: SupervisorTimes;
  readonly random: () => number;
}

/** One channel: its driver, its restarts and what is told while it is down. */
class Channel {
  readonly #context: Context;
  readonly #backoff: Backoff;
  readonly #online = new Map<DeviceId, boolean>();
  #plan: ChannelPlan;
  #host: DriverHost | undefined;
  #startedAt: number | undefined;
  #cancelRestart: (() => void) | undefined;
  #restarts = 0;
  #code: string | undefined;
  #stopped = false;

  constructor(plan: ChannelPlan, context: Context) {
    this.#plan = plan;
    this.#context = context;
    const { firstRestartMs, longestRestartMs } = context.times;
    this.#backoff = new Backoff({ firstMs: firstRestartMs, longestMs: longestRestartMs, random: context.random });
    this.#start();
  }

  get plan(): ChannelPlan {
    return this.#plan;
  }
  get host(): DriverHost | undefined {
    return this.#host;
  }
  get status(): ChannelStatus {
    return {
      channel: this.#plan.id,
      protocol: this.#plan.protocol,
      running: this.#host?.running ?? false,
      restarts: this.#restarts,
      ...(this.#code === undefined ? {} : { code: this.#code }),
      counters: this.#host?.counters ?? {},
    };
  }

  /** A section with its references and defaults filled in, checked once more: now with the real values. */
  #resolved(source: DriverSource, part: "config" | "device" | "address", section: unknown): unknown {
    const resolved = structuredClone(this.#context.resolve(section));
    const problems = schemaProblems(source.descriptor[part], resolved).map(({ text }) => text);
    if (problems.length > 0) throw new ConfigError("CONFIG_INVALID", problems);
    return resolved;
  }

  #source(): DriverSource {
    const { protocol } = this.#plan;
    const source = this.#context.sources.get(protocol);
    if (source === undefined) throw new HubError("DRIVER_UNKNOWN", `no driver of kind "${protocol}"`);
    return source;
  }

  #bindings(source: DriverSource): DeviceBinding[] {
    return this.#plan.devices.map((binding) => ({
      ...binding,
      config: this.#resolved(source, "device", binding.config),
      points: binding.points.map((point) => ({ ...point, address: this.#resolved(source, "address", point.address) })),
    }));
  }

  #start(): void {
    const { sinks, clock, logger, times } = this.#context;
    const { id, protocol, config } = this.#plan;
    try {
      const source = this.#source();
      this.#host = new DriverHost({
        data: {
          module: source.module,
          kind: protocol,
          channel: id,
          config: this.#resolved(source, "config", config),
          folder: join(this.#context.folder, id),
        },
        ...(source.descriptor.heapMb === undefined ? {} : { heapMb: source.descriptor.heapMb }),
        devices: this.#bindings(source),
        clock,
        logger,
        times,
        sinks: {
          onSamples: (samples) => sinks.onSamples(samples),
          onEvent: (event, stored) => sinks.onEvent(event, stored),
          onConditions: (report) => sinks.onConditions(report),
          onHistory: (samples) => sinks.onHistory(samples),
          onCertificates: (certificates) => sinks.onCertificates(id, certificates),
          onDevice: (state) => this.#tellDevice(state),
          onStarted: () => this.#running(),
          onEnd: (code, message) => this.#failed(code, message),
        },
      });
    } catch (error) {
      this.#failed(errorCode(error), errorMessage(error));
    }
  }

  #running(): void {
    this.#startedAt = this.#context.clock.monotonic();
    if (this.#code !== undefined) this.#context.logger.info({ channel: this.#plan.id }, "driver runs again");
    this.#code = undefined;
  }

  #failed(code: string, message: string): void {
    if (this.#stopped) return;
    const { clock, logger, times } = this.#context;
    if (this.#startedAt !== undefined && clock.monotonic() - this.#startedAt >= times.steadyMs) this.#backoff.reset();
    this.#startedAt = undefined;
    this.#host = undefined;
    const delayMs = Math.round(this.#backoff.next());
    if (this.#code !== code)
      logger.warn({ channel: this.#plan.id, code, cause: message, delayMs }, "driver down, restarting it");
    this.#code = code;
    this.#tellDown();
    this.#cancelRestart = clock.after(delayMs, () => {
      this.#restarts++;
      this.#start();
    });
  }

  #tellDown(): void {
    const at = this.#context.clock.now();
    const points = this.#plan.devices.flatMap((device) => device.points.map((binding) => binding.point));
    this.#context.sinks.onPointsFailed(points, "driverFailed");
    for (const { device } of this.#plan.devices)
      this.#tellDevice({ device, online: false, reason: "driverFailed", at });
  }

  #tellDevice(state: DeviceState): void {
    if (this.#online.get(state.device) === state.online) return;
    this.#online.set(state.device, state.online);
    this.#context.sinks.onDevice(state);
  }

  /** Takes over other devices without ending the driver. */
  rebind(plan: ChannelPlan): void {
    this.#plan = plan;
    const kept = new Set<string>(plan.devices.map((device) => device.device));
    for (const device of this.#online.keys()) if (!kept.has(device)) this.#online.delete(device);
    try {
      this.#host?.bind(this.#bindings(this.#source()));
    } catch (error) {
      const host = this.#host;
      this.#failed(errorCode(error), errorMessage(error));
      host?.stop().catch((cause: unknown) => this.#context.logger.error({ cause: errorMessage(cause) }, "driver stop"));
    }
  }

  /** `forGood`: the channel has left the configuration, so its driver lets go of all devices first and gives back what it wrote. */
  async stop(forGood = false): Promise<void> {
    this.#stopped = true;
    this.#cancelRestart?.();
    if (forGood) this.#host?.bind([]);
    await this.#host?.stop();
  }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * Keeps one driver thread a channel alive. A driver that throws, hangs, ends or cannot start is down: its points turn bad
 * (`driverFailed`), its devices offline, and it is started again with jittered exponential back-off. The others never notice.
 */
export class Supervisor {
  readonly #context: Context;
  readonly #channels = new Map<string, Channel>();
  readonly #channelOf = new Map<string, string>();

  constructor(options: SupervisorOptions) {
    this.#context = {
      ...options,
      random: options.random ?? Math.random,
      times: { ...DEFAULT_TIMES, ...options.times },
    };
  }

  /** Starts, stops and rebinds until exactly these channels run. A channel whose own section is unchanged keeps its driver. */
  async apply(plans: readonly ChannelPlan[]): Promise<void> {
    const wanted = new Map(plans.map((plan) => [plan.id, plan]));
    const ending = [...this.#channels].filter(([id, channel]) => {
      const plan = wanted.get(id);
      return plan?.protocol !== channel.plan.protocol || !same(plan.config, channel.plan.config);
    });
    for (const [id] of ending) this.#channels.delete(id);
    // a port is free only when its old holder has ended
    await Promise.all(ending.map(([id, channel]) => channel.stop(!wanted.has(id))));
    this.#channelOf.clear();
    for (const plan of plans) {
      this.#channelOf.set(`${this.#context.gateway}/${plan.id}`, plan.id);
      for (const { device } of plan.devices) this.#channelOf.set(device, plan.id);
      const running = this.#channels.get(plan.id);
      if (running === undefined) this.#channels.set(plan.id, new Channel(plan, this.#context));
      else if (!same(plan.devices, running.plan.devices)) running.rebind(plan);
    }
  }

  /** How every channel is doing. */
  status(): ChannelStatus[] {
    return [...this.#channels.values()].map((channel) => channel.status);
  }

  /** Writes through the driver of the point's device. Never throws. */
  async write(request: WriteRequest, timeoutMs: number): Promise<WriteResult> {
    const host = this.#hostOf(deviceOf(request.point));
    return host === undefined ? notRunning(request.point) : host.write(request, timeoutMs);
  }

  /**
   * Has each driver that can give back what was written for this owner, e.g. `rule:<id>` of a rule that is gone. False when one of
   * them could not be asked. Never throws.
   */
  async releaseWrites(owner: string, timeoutMs: number): Promise<boolean> {
    const { sources, gateway } = this.#context;
    const able = [...this.#channels].filter(([, { plan }]) =>
      sources.get(plan.protocol)?.descriptor.actions.includes(RELEASE_WRITES),
    );
    const requests = able.map(([id]) => ({
      device: `${gateway}/${id}` as DeviceId,
      action: RELEASE_WRITES,
      params: { owner },
    }));
    const results = await Promise.all(requests.map((request) => this.act(request, timeoutMs)));
    return results.every(({ status }) => status === "done");
  }

  /** Acts through the driver of the device, or of the channel that is named like one. Never throws. */
  async act(request: ActionRequest, timeoutMs: number): Promise<ActionResult> {
    const host = this.#hostOf(request.device);
    return host === undefined ? notRunning(request.device) : host.act(request, timeoutMs);
  }

  #hostOf(device: DeviceId): DriverHost | undefined {
    const channel = this.#channelOf.get(device);
    return channel === undefined ? undefined : this.#channels.get(channel)?.host;
  }

  /** Ends every driver. */
  async stop(): Promise<void> {
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    await Promise.all(channels.map((channel) => channel.stop()));
  }
}

function notRunning(target: string): { status: "rejected"; code: string; message: string } {
  return { status: "rejected", code: "DRIVER_NOT_RUNNING", message: `the driver of ${target} is not running` };
}
