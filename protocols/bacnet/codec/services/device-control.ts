import { text, unsigned } from "../context.ts";
import { decodeBody, encodeBody, type Field, optional, sequence } from "../fields.ts";

/** What a device may still say. [BACnet 16.1] */
export const COMMUNICATION = { enable: 0, disable: 1, disableInitiation: 2 } as const satisfies Record<string, number>;

/** DeviceCommunicationControl (17); answered by a SimpleACK. [BACnet 16.1] */
export interface DeviceCommunicationControl {
  /** Minutes until it is enabled again by itself; for ever where absent. */
  readonly timeDurationMin?: number;
  /** COMMUNICATION. */
  readonly enableDisable: number;
  /** At most 20 characters. */
  readonly password?: string;
}

const communicationControl: Field<DeviceCommunicationControl> = sequence<DeviceCommunicationControl>({
  timeDurationMin: optional(unsigned(0)),
  enableDisable: unsigned(1),
  password: optional(text(2)),
});

/** Body of a DeviceCommunicationControl request. @throws BACNET_MALFORMED */
export function encodeDeviceCommunicationControl(request: DeviceCommunicationControl): Uint8Array {
  return encodeBody(communicationControl, request);
}

/** @throws BACNET_MALFORMED */
export function decodeDeviceCommunicationControl(body: Uint8Array): DeviceCommunicationControl {
  return decodeBody(communicationControl, body);
}

/** What a device is to do. [BACnet 16.4] */
export const REINITIALIZE = {
  coldstart: 0,
  warmstart: 1,
  startBackup: 2,
  endBackup: 3,
  startRestore: 4,
  endRestore: 5,
  abortRestore: 6,
  activateChanges: 7,
} as const satisfies Record<string, number>;

/** ReinitializeDevice (20); answered by a SimpleACK. [BACnet 16.4] */
export interface ReinitializeDevice {
  /** REINITIALIZE. */
  readonly state: number;
  /** At most 20 characters. */
  readonly password?: string;
}

const reinitializeDevice: Field<ReinitializeDevice> = sequence<ReinitializeDevice>({
  state: unsigned(0),
  password: optional(text(1)),
});

/** Body of a ReinitializeDevice request. @throws BACNET_MALFORMED */
export function encodeReinitializeDevice(request: ReinitializeDevice): Uint8Array {
  return encodeBody(reinitializeDevice, request);
}

/** @throws BACNET_MALFORMED */
export function decodeReinitializeDevice(body: Uint8Array): ReinitializeDevice {
  return decodeBody(reinitializeDevice, body);
}
