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
import type { ModbusCounters } from "./connection.ts";
import { DevicePoll } from "./device-poll.ts";
import type { ModbusAddress, ModbusConfig, ModbusDevice } from "./index.ts";
import { ModbusLink } from "./link.ts";
import { encodeWrite, performWrite, rejected } from "./write.ts";

const DEFAULTS: Required<ModbusConfig> = {
  timeoutMs: 1000,
  pollMs: 1000,
  retries: 1,
  reconnectMinMs: 500,
  reconnectMaxMs: 30_000,
  gapTolerance: 8,
  maxRegisters: 125,
};
const DEFAULT_PORT = 502;
const DEFAULT_UNIT_ID = 1;
/** A write that has waited for so many time-outs behind others is given up before it is sent. */
const WRITE_WAIT_TIMEOUTS = 5;

interface SharedLink {
  readonly link: ModbusLink;
  readonly polls: Set<DevicePoll>;
}

interface KnownPoint {
  readonly poll: DevicePoll;
  readonly link: ModbusLink;
  readonly unitId: number;
  readonly address: ModbusAddress;
  readonly writable: boolean;
}

/** Modbus TCP client of any number of end points, each with the units behind it. */
export class ModbusDriver implements ProtocolDriver<ModbusDevice, ModbusAddress> {
  readonly #config: Required<ModbusConfig>;
  readonly #deps: DriverDeps;
  readonly #counters: ModbusCounters = {
    requests: 0,
    timeouts: 0,
    late: 0,
    malformed: 0,
    exceptions: 0,
    reconnects: 0,
  };
  /** By `host:port`. */
  #links = new Map<string, SharedLink>();
  #points = new Map<PointId, KnownPoint>();

  constructor(config: ModbusConfig, deps: DriverDeps) {
    this.#config = { ...DEFAULTS, ...config };
    this.#deps = deps;
  }

  /** A channel of TCP clients needs nothing before its devices are known. */
  async start(): Promise<void> {}

  async bind(devices: readonly DeviceBinding<ModbusDevice, ModbusAddress>[]): Promise<void> {
    const before = this.#links;
    for (const { polls } of before.values()) for (const poll of polls) poll.close();
    this.#links = new Map();
    this.#points = new Map();
    const polls = devices.map((device) => this.#observe(device, before));
    for (const [key, { link }] of before) if (!this.#links.has(key)) link.close();
    for (const poll of polls) poll.start();
  }

  async write(request: WriteRequest, signal: AbortSignal): Promise<WriteResult> {
    const known = this.#points.get(request.point);
    if (known === undefined) return rejected("MODBUS_POINT_UNKNOWN", `point ${request.point} is not bound`);
    if (!known.writable) return rejected("MODBUS_READ_ONLY", `point ${request.point} is not writable`);
    const { poll, link, unitId, address } = known;
    const encoded = encodeWrite(address, request.value);
    if ("status" in encoded) return encoded;
    const waitMs = WRITE_WAIT_TIMEOUTS * this.#config.timeoutMs;
    const task = link.run("write", (send) => performWrite(send, unitId, address, encoded), { signal, waitMs });
    const result = await task;
    if (result === undefined) {
      return rejected("MODBUS_NOT_SENT", `not sent: ${signal.aborted ? "aborted" : `waited longer than ${waitMs} ms`}`);
    }
    if (result.status === "done") {
      const observedAt = this.#deps.clock.now();
      poll.deliver([{ point: request.point, value: result.readBack, quality: "good", observedAt }]);
    }
    return result;
  }

  async act(request: ActionRequest): Promise<ActionResult> {
    return { status: "rejected", code: "ACTION_UNKNOWN", message: `Modbus knows no action ${request.action}` };
  }

  counters(): DriverCounters {
    return { ...this.#counters };
  }

  async stop(): Promise<void> {
    for (const { link, polls } of this.#links.values()) {
      for (const poll of polls) poll.close();
      link.close();
    }
    this.#links = new Map();
    this.#points = new Map();
  }

  #observe(binding: DeviceBinding<ModbusDevice, ModbusAddress>, before: ReadonlyMap<string, SharedLink>): DevicePoll {
    const { host, port = DEFAULT_PORT, unitId = DEFAULT_UNIT_ID, pollMs = this.#config.pollMs } = binding.config;
    const shared = this.#linkTo(host, port, before);
    const { device, points } = binding;
    const poll = new DevicePoll({ ...this.#config, device, unitId, pollMs }, points, shared.link, this.#deps);
    shared.polls.add(poll);
    for (const { point, address, writable } of points) {
      this.#points.set(point, { poll, link: shared.link, unitId, address, writable });
    }
    return poll;
  }

  #linkTo(host: string, port: number, before: ReadonlyMap<string, SharedLink>): SharedLink {
    const key = `${host}:${port}`;
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    const { clock, logger } = this.#deps;
    const wakeAll = (): void => {
      for (const poll of this.#links.get(key)?.polls ?? []) poll.wake();
    };
    const link =
      before.get(key)?.link ?? new ModbusLink({ ...this.#config, host, port }, clock, logger, this.#counters, wakeAll);
    const shared: SharedLink = { link, polls: new Set() };
    this.#links.set(key, shared);
    return shared;
  }
}

/** What a driver thread calls; see `CreateDriver`. */
export function create(config: ModbusConfig, deps: DriverDeps): ModbusDriver {
  return new ModbusDriver(config, deps);
}
