import type { Clock } from "#core/clock.ts";
import type { ActionRequest, ActionResult } from "../../../driver.ts";
import { CONFIRMED } from "../../codec/enums.ts";
import type { Peer } from "../../codec/frame.ts";
import {
  COMMUNICATION,
  encodeDeviceCommunicationControl,
  encodeReinitializeDevice,
  REINITIALIZE,
} from "../../codec/services/device-control.ts";
import type { Station } from "../../station/ports.ts";
import { endOf } from "../contact.ts";

/** What controlling a device as a whole needs. */
export interface ControlDeps {
  readonly clock: Clock;
  readonly station: Station;
  /** Where the device is or was last: one that was told to be silent answers these two services all the same. [BACnet 16.1.2] */
  readonly peer: Peer | undefined;
  /** Password of the device's section. */
  readonly password: string | undefined;
}

const LONGEST_MINUTES = 65_535;
const COMMUNICATIONS: ReadonlyMap<unknown, number> = new Map(Object.entries(COMMUNICATION));
/** The steps of a backup are for whoever keeps its files. */
const STATES: ReadonlyMap<unknown, number> = new Map([
  ["coldstart", REINITIALIZE.coldstart],
  ["warmstart", REINITIALIZE.warmstart],
  ["activateChanges", REINITIALIZE.activateChanges],
]);

const invalid = (message: string): ActionResult => ({ status: "rejected", code: "BACNET_PARAMETER_INVALID", message });

/** The password of the device's section. A command holds none: commands are kept, shown and audited. */
function passwordOf({ password }: ControlDeps): { password?: string } {
  return password === undefined ? {} : { password };
}

async function asked(
  { device, action }: ActionRequest,
  { station, peer }: ControlDeps,
  service: number,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<ActionResult> {
  if (peer === undefined) {
    return {
      status: "rejected",
      code: "BACNET_OFFLINE",
      message: `${device} was never heard of: no address to send to`,
    };
  }
  return endOf(await station.request({ peer, service, body, signal }), `${action} of ${device}`);
}

/** `deviceCommunicationControl {state, minutes?}`: what the device may still say. [BACnet 16.1] */
export async function deviceCommunicationControl(
  request: ActionRequest,
  deps: ControlDeps,
  signal: AbortSignal,
): Promise<ActionResult> {
  const { state, minutes } = request.params;
  const enableDisable = COMMUNICATIONS.get(state);
  if (enableDisable === undefined) {
    return invalid(`state: expected one of ${Object.keys(COMMUNICATION).join(", ")}, got ${JSON.stringify(state)}`);
  }
  const isMinutes = typeof minutes === "number" && Number.isInteger(minutes) && minutes >= 1;
  if (minutes !== undefined && !(isMinutes && minutes <= LONGEST_MINUTES)) {
    return invalid(`minutes: expected a whole number, 1 to ${LONGEST_MINUTES}, got ${JSON.stringify(minutes)}`);
  }
  // a device that nobody can reach any more could only be freed at the device itself
  if (minutes === undefined && enableDisable !== COMMUNICATION.enable) {
    return invalid("minutes: expected, because a device that is silent without an end may stay so for ever");
  }
  const body = encodeDeviceCommunicationControl({
    enableDisable,
    ...passwordOf(deps),
    ...(typeof minutes === "number" && enableDisable !== COMMUNICATION.enable ? { timeDurationMin: minutes } : {}),
  });
  return asked(request, deps, CONFIRMED.deviceCommunicationControl, body, signal);
}

/** `reinitializeDevice {state}`: starts the device again. [BACnet 16.4] */
export async function reinitializeDevice(
  request: ActionRequest,
  deps: ControlDeps,
  signal: AbortSignal,
): Promise<ActionResult> {
  const { state: wanted } = request.params;
  const state = STATES.get(wanted);
  if (state === undefined) {
    return invalid(`state: expected one of ${[...STATES.keys()].join(", ")}, got ${JSON.stringify(wanted)}`);
  }
  const body = encodeReinitializeDevice({ state, ...passwordOf(deps) });
  return asked(request, deps, CONFIRMED.reinitializeDevice, body, signal);
}
