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
import type { OnvifAddress, OnvifConfig, OnvifDevice, OnvifSettings } from "./config.ts";
import { newCounters } from "./counters.ts";
import { CameraSession } from "./session.ts";
import { ONVIF_ACTIONS, ONVIF_DEFAULTS } from "./vocabulary.ts";

interface Running {
  /** The connection section as text: a camera that is configured otherwise is another one. */
  readonly connection: string;
  readonly session: CameraSession;
}

/** Cameras by ONVIF. Each runs on its own, so that a dead one starves nobody. */
export class OnvifDriver implements ProtocolDriver<OnvifDevice, OnvifAddress> {
  readonly #config: OnvifSettings;
  readonly #deps: DriverDeps;
  readonly #counters = newCounters();
  readonly #running = new Map<string, Running>();
  #stopped = false;

  constructor(config: OnvifConfig, deps: DriverDeps) {
    this.#config = { ...ONVIF_DEFAULTS, ...config };
    this.#deps = deps;
  }

  /** The channel itself opens nothing: every camera has its own connections. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
  }

  async bind(devices: readonly DeviceBinding<OnvifDevice, OnvifAddress>[]): Promise<void> {
    const wanted = new Map(devices.map((binding) => [binding.device as string, binding]));
    const leaving: Promise<void>[] = [];
    for (const [device, { connection, session }] of this.#running) {
      const binding = wanted.get(device);
      if (binding !== undefined && JSON.stringify(binding.config) === connection) continue;
      this.#running.delete(device);
      leaving.push(session.stop());
    }
    await Promise.all(leaving);
    if (this.#stopped) return;
    for (const [device, binding] of wanted) {
      const known = this.#running.get(device);
      if (known !== undefined) {
        known.session.rebind(binding.points);
        continue;
      }
      const session = new CameraSession(binding, this.#config, this.#deps, this.#counters);
      this.#running.set(device, { connection: JSON.stringify(binding.config), session });
      session.start();
    }
  }

  async write(request: WriteRequest): Promise<WriteResult> {
    const known = [...this.#running.values()].some(({ session }) => session.has(request.point));
    return known
      ? {
          status: "rejected",
          code: "ONVIF_POINT_READ_ONLY",
          message: `${request.point}: a camera's points are read only`,
        }
      : { status: "rejected", code: "ONVIF_POINT_UNKNOWN", message: unknown(request.point) };
  }

  async act(request: ActionRequest, signal: AbortSignal): Promise<ActionResult> {
    if (!(ONVIF_ACTIONS as readonly string[]).includes(request.action)) {
      return { status: "rejected", code: "ACTION_UNKNOWN", message: `cameras have no action "${request.action}"` };
    }
    const running = this.#running.get(request.device);
    if (running === undefined) {
      return { status: "rejected", code: "ONVIF_DEVICE_UNKNOWN", message: `${request.device} is not on this channel` };
    }
    return await running.session.act(request, signal);
  }

  counters(): DriverCounters {
    return { ...this.#counters };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const sessions = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(sessions.map(({ session }) => session.stop()));
  }
}

function unknown(point: PointId): string {
  return `${point} is not bound to this channel`;
}

/** What a driver thread calls; see `CreateDriver`. */
export function create(config: OnvifConfig, deps: DriverDeps): OnvifDriver {
  return new OnvifDriver(config, deps);
}
