import { ERROR_CLASS, ERROR_CODE, REJECT } from "../../codec/enums.ts";
import {
  COMMUNICATION,
  decodeDeviceCommunicationControl,
  decodeReinitializeDevice,
  REINITIALIZE,
} from "../../codec/services/device-control.ts";
import type { Communication } from "../lifecycle.ts";
import { DONE, failed, rejected, type ServiceHandler } from "./context.ts";

const COMMUNICATIONS: ReadonlyMap<number, Communication> = new Map([
  [COMMUNICATION.enable, "enabled"],
  [COMMUNICATION.disable, "disabled"],
  [COMMUNICATION.disableInitiation, "initiationDisabled"],
]);

/** [BACnet 16.1] */
export const deviceCommunicationControl: ServiceHandler = ({ lifecycle }, { body }) => {
  const { enableDisable, password, timeDurationMin } = decodeDeviceCommunicationControl(body);
  const communication = COMMUNICATIONS.get(enableDisable);
  if (communication === undefined) return rejected(REJECT.undefinedEnumeration);
  const refused = lifecycle.refuses(password);
  if (refused !== undefined) return failed(refused);
  lifecycle.communicate(communication, timeDurationMin);
  return DONE;
};

/** Starts the device again after the answer; the steps of a backup are not supported. [BACnet 16.4] */
export const reinitializeDevice: ServiceHandler = ({ lifecycle, restart }, { body }) => {
  const { state, password } = decodeReinitializeDevice(body);
  const refused = lifecycle.refuses(password);
  if (refused !== undefined) return failed(refused);
  if (state !== REINITIALIZE.coldstart && state !== REINITIALIZE.warmstart) {
    return failed({
      errorClass: ERROR_CLASS.services,
      errorCode: ERROR_CODE.optionalFunctionalityNotSupported,
    });
  }
  restart(state === REINITIALIZE.coldstart ? "cold" : "warm");
  return DONE;
};
