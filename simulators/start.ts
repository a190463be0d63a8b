import { mkdirSync } from "node:fs";
import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import { openControl } from "./control.ts";
import { countersFile, fieldSecrets, PortsFile } from "./kept-files.ts";
import { ParkField } from "./park.ts";
import type { ParkState } from "./park-state.ts";
import type { ScenarioRun } from "./scenario-runner.ts";

/** What a whole simulated park is started with. */
export interface ParkOptions {
  /** Folder of `sim-ports.json`, `sim-secrets.json` and `sim-opcua/`. */
  readonly dataDir: string;
  /** Loopback address of the control port. */
  readonly controlHost: string;
  /** 0: a free port. */
  readonly controlPort: number;
  /** Broker that the relay forwards to. */
  readonly mqttTarget: { readonly host: string; readonly port: number };
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly seed?: number;
}

/** A running park. */
export interface Park {
  /** Ports by device, `power-meters`, `relay`, `control` and so on; as in `sim-ports.json`. */
  readonly ports: Readonly<Record<string, number>>;
  readonly controlUrl: string;
  readonly pointCount: number;
  readonly field: ParkField;
  state(): ParkState;
  /** Starts a scenario. @throws SIM_SCENARIO_UNKNOWN, SIM_PARAM_INVALID, SIM_DEVICE_UNKNOWN */
  scenario(name: string, params?: Readonly<Record<string, unknown>>): ScenarioRun;
  close(): Promise<void>;
}

/**
 * Starts the demo park: devices on their wires, relay and control port; writes `sim-ports.json` when all of them listen.
 * @throws SIM_CONTROL_PORT_IN_USE and the other codes of `openControl` and `ParkField.open`
 */
export async function startPark(options: ParkOptions): Promise<Park> {
  const { dataDir, logger } = options;
  mkdirSync(dataDir, { recursive: true });
  const ports = new PortsFile(dataDir);
  const field = await ParkField.open({
    ...options,
    ports,
    secrets: fieldSecrets(dataDir),
    counters: countersFile(dataDir),
  });
  try {
    const control = await openControl(field, { host: options.controlHost, port: options.controlPort }, logger);
    ports.add("control", control.port);
    ports.save();
    return {
      ports: ports.ports,
      controlUrl: control.url,
      pointCount: field.pointCount,
      field,
      state: () => field.state(),
      scenario: (name, params) => field.scenario(name, params),
      close: async () => {
        await control.close();
        await field.close();
      },
    };
  } catch (error) {
    await field.close();
    throw error;
  }
}
