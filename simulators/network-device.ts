import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { FieldServer, SignalValue } from "./device.ts";
import type { DeviceView } from "./device-view.ts";
import type { FieldSecrets, PortsFile } from "./kept-files.ts";
import type { Recorder } from "./recorder.ts";

/** One device of the park on its network. Devices behind one gateway share a server. */
export interface NetworkDevice {
  readonly view: DeviceView;
  readonly protocol: "bacnet" | "modbus" | "onvif" | "opcua" | "sia-dc09";
  readonly server: FieldServer;
  /** Further servers of the same device: the video of a camera. */
  readonly others?: readonly FieldServer[];
  /** BACnet device instance. */
  readonly instance?: number;
  /** Modbus unit id. */
  readonly unitId?: number;
  /** Priority arrays of the commandable signals. [BACnet 19.2] */
  priorityArrays?(): Readonly<Record<string, readonly (SignalValue | null)[]>>;
}

/** What a network is built with. */
export interface NetworkDeps {
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ports: PortsFile;
  readonly secrets: FieldSecrets;
  /** Folder of certificates that devices keep. */
  readonly dataDir: string;
}

/** Every server of a device. */
export function serversOf({ server, others }: NetworkDevice): readonly FieldServer[] {
  return [server, ...(others ?? [])];
}
