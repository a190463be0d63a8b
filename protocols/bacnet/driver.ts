import { CommunicationError } from "#core/errors.ts";
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
import { BacnetClient } from "./client/client.ts";
import { REJECT } from "./codec/enums.ts";
import type { BacnetAddress, BacnetConfig, BacnetDevice } from "./config.ts";
import { Counters } from "./counters.ts";
import { type Settings, settingsOf, stationOptionsOf } from "./settings.ts";
import { type BacnetStation, openStation } from "./station/station.ts";

type Binding = DeviceBinding<BacnetDevice, BacnetAddress>;

const NOT_STARTED = { status: "rejected", code: "BACNET_NOT_STARTED", message: "the channel is not started" } as const;

/** A BACnet/IP channel: one station for all its devices. */
export class BacnetDriver implements ProtocolDriver<BacnetDevice, BacnetAddress> {
  readonly #deps: DriverDeps;
  readonly #settings: Settings;
  readonly #counters = new Counters();
  #station: BacnetStation | undefined;
  #client: BacnetClient | undefined;

  constructor(config: BacnetConfig, deps: DriverDeps) {
    this.#settings = settingsOf(config);
    this.#deps = deps;
  }

  /** @throws BACNET_BIND_FAILED, BACNET_START_ABORTED, BACNET_MEMORY_NEWER */
  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new CommunicationError("BACNET_START_ABORTED", "the start was given up");
    await this.stop();
    const { clock, logger } = this.#deps;
    const refused = { kind: "reject", reason: REJECT.unrecognizedService } as const;
    const station = await openStation(stationOptionsOf(this.#settings), {
      clock,
      logger,
      counters: this.#counters,
      handlers: {
        announced: (message) => this.#client?.announced(message),
        asked: (question) => this.#client?.asked(question) ?? refused,
      },
    });
    if (signal.aborted) {
      await station.close();
      throw new CommunicationError("BACNET_START_ABORTED", "the start was given up");
    }
    const counters = this.#counters;
    try {
      this.#client = new BacnetClient({ driver: this.#deps, settings: this.#settings, counters, station });
    } catch (error) {
      await station.close();
      throw error;
    }
    this.#station = station;
  }

  /** @throws BACNET_INSTANCE_DUPLICATE, BACNET_NOT_STARTED */
  async bind(devices: readonly Binding[]): Promise<void> {
    if (this.#client === undefined) throw new CommunicationError("BACNET_NOT_STARTED", "bind came before start");
    this.#client.bind(devices);
  }

  async write(request: WriteRequest, signal: AbortSignal): Promise<WriteResult> {
    return this.#client?.write(request, signal) ?? NOT_STARTED;
  }

  async act(request: ActionRequest, signal: AbortSignal): Promise<ActionResult> {
    return this.#client?.act(request, signal) ?? NOT_STARTED;
  }

  counters(): DriverCounters {
    return this.#counters.snapshot();
  }

  async stop(): Promise<void> {
    const client = this.#client;
    await client?.close();
    this.#client = undefined;
    const station = this.#station;
    this.#station = undefined;
    await station?.close();
  }
}

/** What a driver thread calls; see `CreateDriver`. */
export function create(config: BacnetConfig, deps: DriverDeps): BacnetDriver {
  return new BacnetDriver(config, deps);
}
