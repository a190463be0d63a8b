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
import type { OnvifAddress, OnvifConfig, OnvifDevice, OnvifSettings } from "./config.ts";
import { newCounters } from "./counters.ts";
import { discoverDevices } from "./discovery.ts";
import { doneWithJson, rejected } from "./results.ts";
import { DeviceSession } from "./session.ts";
import { ONVIF_ACTIONS, ONVIF_DEFAULTS, ONVIF_INTERNAL_ACTIONS } from "./vocabulary.ts";

interface Running {
  /** The connection section as text: a device that is configured otherwise is another one. */
  readonly connection: string;
  readonly session: DeviceSession;
}

const ACTIONS: readonly string[] = [...ONVIF_ACTIONS, ...ONVIF_INTERNAL_ACTIONS];

/** Cameras and access controllers by ONVIF. Each runs on its own, so that a dead one starves nobody. */
export class OnvifDriver implements ProtocolDriver<OnvifDevice, OnvifAddress> {
  readonly #config: OnvifSettings;
  readonly #deps: DriverDeps;
  readonly #counters = newCounters();
  readonly #running = new Map<string, Running>();
  readonly #ended = new AbortController();
  /** The newest set of devices. */
  #wanted: ReadonlyMap<string, DeviceBinding<OnvifDevice, OnvifAddress>> = new Map();
  #discovering: Promise<ActionResult> | undefined;

  constructor(config: OnvifConfig, deps: DriverDeps) {
    this.#config = { ...ONVIF_DEFAULTS, discoveryInterfaces: [], discoveryTargets: [], ...config };
    this.#deps = deps;
  }

  /** The channel itself opens nothing: every device has its own connections. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
  }

  async bind(devices: readonly DeviceBinding<OnvifDevice, OnvifAddress>[]): Promise<void> {
    const wanted = new Map(devices.map((binding) => [binding.device as string, binding]));
    this.#wanted = wanted;
    const leaving: Promise<void>[] = [];
    for (const [device, { connection, session }] of this.#running) {
      const binding = wanted.get(device);
      if (binding !== undefined && JSON.stringify(binding.config) === connection) continue;
      this.#running.delete(device);
      leaving.push(session.stop());
    }
    await Promise.all(leaving);
    // another set may have come meanwhile
    if (this.#ended.signal.aborted || this.#wanted !== wanted) return;
    for (const [device, binding] of wanted) {
      const known = this.#running.get(device);
      if (known !== undefined) {
        known.session.rebind(binding.points);
        continue;
      }
      const session = new DeviceSession(binding, this.#config, this.#deps, this.#counters);
      this.#running.set(device, { connection: JSON.stringify(binding.config), session });
      session.start();
    }
  }

  async write(request: WriteRequest, signal: AbortSignal): Promise<WriteResult> {
    const known = [...this.#running.values()].find(({ session }) => session.has(request.point));
    if (known === undefined) return rejected("ONVIF_POINT_UNKNOWN", `${request.point} is not bound to this channel`);
    return await known.session.write(request, signal);
  }

  async act(request: ActionRequest, signal: AbortSignal): Promise<ActionResult> {
    if (!ACTIONS.includes(request.action))
      return rejected("ACTION_UNKNOWN", `ONVIF devices have no action "${request.action}"`);
    const running = this.#running.get(request.device);
    if (running !== undefined) return await running.session.act(request, signal);
    // Whoever is none of the devices is the channel itself.
    if (request.action === "discover") return await this.#discover(signal);
    return rejected("ONVIF_DEVICE_UNKNOWN", `${request.device} is not on this channel`);
  }

  /** One search at a time: whoever asks meanwhile gets the same answer. */
  async #discover(signal: AbortSignal): Promise<ActionResult> {
    this.#discovering ??= this.#search(signal).finally(() => {
      this.#discovering = undefined;
    });
    return await this.#discovering;
  }

  async #search(signal: AbortSignal): Promise<ActionResult> {
    const both = AbortSignal.any([signal, this.#ended.signal]);
    return doneWithJson(await discoverDevices(this.#config, this.#deps.clock, both));
  }

  counters(): DriverCounters {
    return { ...this.#counters };
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    const sessions = [...this.#running.values()];
    this.#running.clear();
    await Promise.all([...sessions.map(({ session }) => session.stop()), this.#discovering]);
  }
}

/** What a driver thread calls; see `CreateDriver`. */
export function create(config: OnvifConfig, deps: DriverDeps): OnvifDriver {
  return new OnvifDriver(config, deps);
}
