import type { PointId } from "#core/ids.ts";
import type {
  ActionRequest,
  ActionResult,
  DeviceBinding,
  DriverCounters,
  DriverDeps,
  ProtocolDriver,
  WriteRequest,
  WriteResult,
} from "../driver.ts";
import { streamsClosed } from "./byte-stream.ts";
import type { ModbusAddress, ModbusConfig, ModbusDevice, ModbusSettings } from "./config.ts";
import { endpointName, endpointOf } from "./endpoint.ts";
import { newCounters } from "./exchange.ts";
import { ModbusLine } from "./line.ts";
import { RolloverMemory } from "./rollover.ts";
import { UnitPoll } from "./unit-poll.ts";
import { DEVICE_DEFAULTS, MODBUS_DEFAULTS } from "./vocabulary.ts";
import { encodeWrite, performWrite, rejected } from "./write.ts";

/** A write that has waited for so many time-outs behind others is given up before it is sent. */
const WRITE_WAIT_TIMEOUTS = 5;

interface SharedLine {
  readonly line: ModbusLine;
  readonly polls: Set<UnitPoll>;
}

interface KnownPoint {
  readonly poll: UnitPoll;
  readonly line: ModbusLine;
  readonly device: ModbusDevice;
  readonly address: ModbusAddress;
  readonly writable: boolean;
}

/** Modbus client of any number of end points, each with the units behind it. */
export class ModbusDriver implements ProtocolDriver<ModbusDevice, ModbusAddress> {
  readonly #config: ModbusSettings;
  readonly #deps: DriverDeps;
  readonly #counters = newCounters();
  readonly #rollover: RolloverMemory;
  /** By the end point's name. */
  #lines = new Map<string, SharedLine>();
  #points = new Map<PointId, KnownPoint>();

  constructor(config: ModbusConfig, deps: DriverDeps) {
    this.#config = { ...MODBUS_DEFAULTS, ...config };
    this.#deps = deps;
    this.#rollover = new RolloverMemory(deps.folder, deps.clock, deps.logger);
  }

  /** A channel of clients needs nothing before its devices are known. */
  async start(): Promise<void> {}

  async bind(devices: readonly DeviceBinding<ModbusDevice, ModbusAddress>[]): Promise<void> {
    const before = this.#lines;
    for (const { polls } of before.values()) for (const poll of polls) poll.close();
    this.#lines = new Map();
    this.#points = new Map();
    this.#rollover.keep(new Set(devices.flatMap(({ points }) => points.map(({ point }) => point))));
    const polls: UnitPoll[] = [];
    for (const device of devices) {
      const poll = this.#observe(device, before);
      if (poll === undefined) this.#contradict(device);
      else polls.push(poll);
    }
    for (const [name, { line }] of before) if (this.#lines.get(name)?.line !== line) line.close();
    for (const poll of polls) poll.start();
  }

  async write(request: WriteRequest, signal: AbortSignal): Promise<WriteResult> {
    const known = this.#points.get(request.point);
    if (known === undefined) return rejected("MODBUS_POINT_UNKNOWN", `point ${request.point} is not bound`);
    if (!known.writable) return rejected("MODBUS_READ_ONLY", `point ${request.point} is not writable`);
    const { poll, line, device, address } = known;
    const encoded = encodeWrite(address, request.value);
    if ("status" in encoded) return encoded;
    const waitMs = WRITE_WAIT_TIMEOUTS * this.#config.timeoutMs;
    const result = await line.run((send) => performWrite(send, poll.unitId, address, encoded, device), {
      signal,
      waitMs,
    });
    if (result === undefined) {
      return rejected("MODBUS_NOT_SENT", `not sent: ${signal.aborted ? "aborted" : `waited longer than ${waitMs} ms`}`);
    }
    if (result.status === "done") {
      const observedAt = this.#deps.clock.now();
      poll.told({ point: request.point, value: result.readBack, quality: "good", observedAt });
    }
    return result;
  }

  async act(request: ActionRequest): Promise<ActionResult> {
    return { status: "rejected", code: "ACTION_UNKNOWN", message: `Modbus knows no action ${request.action}` };
  }

  counters(): DriverCounters {
    return { ...this.#counters, counterResets: this.#rollover.resets };
  }

  async stop(): Promise<void> {
    for (const { line, polls } of this.#lines.values()) {
      for (const poll of polls) poll.close();
      line.close();
    }
    this.#lines = new Map();
    this.#points = new Map();
    this.#rollover.close();
    await streamsClosed();
  }

  /** Undefined where the device contradicts those before it on the same serial line. */
  #observe(
    { device, config, points }: DeviceBinding<ModbusDevice, ModbusAddress>,
    before: ReadonlyMap<string, SharedLine>,
  ): UnitPoll | undefined {
    const shared = this.#lineTo(config, before);
    if (shared === undefined) return undefined;
    const { unitId = DEVICE_DEFAULTS.unitId, pollMs = this.#config.pollMs } = config;
    const { alarmPollMs, slowPollMs, maxRegisters, gapTolerance } = this.#config;
    const options = {
      ...this.#config,
      maxRegisters: config.maxRegisters ?? maxRegisters,
      gapTolerance: config.gapTolerance ?? gapTolerance,
      device,
      unitId,
      periodMs: { alarm: Math.min(alarmPollMs, pollMs), normal: pollMs, slow: Math.max(slowPollMs, pollMs) },
    };
    const poll = new UnitPoll(options, points, shared.line, this.#rollover, this.#deps);
    shared.polls.add(poll);
    for (const { point, address, writable } of points) {
      this.#points.set(point, { poll, line: shared.line, device: config, address, writable });
    }
    return poll;
  }

  #lineTo(device: ModbusDevice, before: ReadonlyMap<string, SharedLine>): SharedLine | undefined {
    const endpoint = endpointOf(device);
    const name = endpointName(endpoint);
    const same = (line: ModbusLine): boolean => JSON.stringify(line.endpoint) === JSON.stringify(endpoint);
    const known = this.#lines.get(name);
    if (known !== undefined) return same(known.line) ? known : undefined;
    const { clock, logger } = this.#deps;
    const wakeAll = (): void => {
      for (const poll of this.#lines.get(name)?.polls ?? []) poll.wake();
    };
    const former = before.get(name)?.line;
    const line =
      former !== undefined && same(former)
        ? former
        : new ModbusLine(endpoint, this.#config, clock, logger, this.#counters, wakeAll);
    const shared: SharedLine = { line, polls: new Set() };
    this.#lines.set(name, shared);
    return shared;
  }

  /** One line has one speed and one silence. */
  #contradict({ device, points }: DeviceBinding<ModbusDevice, ModbusAddress>): void {
    const at = this.#deps.clock.now();
    const reason = "its line settings contradict those of another device on the same line";
    this.#deps.logger.error({ device }, "Modbus devices of one line contradict each other");
    this.#deps.onDevice({ device, online: false, reason, at });
    this.#deps.onSamples(
      points.map(({ point }) => ({ point, value: null, quality: "bad", reason: "configError", observedAt: at })),
    );
  }
}

/** What a driver thread calls; see `CreateDriver`. */
export function create(config: ModbusConfig, deps: DriverDeps): ModbusDriver {
  return new ModbusDriver(config, deps);
}
