import { CommunicationError, errorCode, HubError, InvalidInputError } from "#core/errors.ts";
import type { SoapFault } from "./codec/envelope.ts";

/** The device refused with a fault. Code ONVIF_FAULT. */
export class OnvifFault extends HubError {
  readonly fault: SoapFault;
  constructor(operation: string, fault: SoapFault) {
    const names = [fault.code, ...fault.subcodes].filter((name) => name !== "").join("/");
    super("ONVIF_FAULT", `${operation} refused: ${names} ${fault.reason}`.trim());
    this.fault = fault;
  }
}

/** User or password are refused. Code ONVIF_UNAUTHORIZED. */
export class UnauthorizedError extends HubError {
  constructor(what: string) {
    super("ONVIF_UNAUTHORIZED", `${what}: user or password refused`);
  }
}

/** An answer that was cut off because it is larger than any can be. Code ONVIF_MALFORMED. */
export class OversizedError extends InvalidInputError {
  constructor(maxBytes: number) {
    super("ONVIF_MALFORMED", `answer larger than ${maxBytes} bytes`);
  }
}

/** The device's certificate is not the one trusted. Code ONVIF_TLS_UNTRUSTED. */
export function untrustedError(what: string, why: string): CommunicationError {
  return new CommunicationError("ONVIF_TLS_UNTRUSTED", `${what}: certificate refused: ${why}`);
}

/** No answer in time. Code ONVIF_TIMEOUT. */
export function timeoutError(what: string, afterMs: number): CommunicationError {
  return new CommunicationError("ONVIF_TIMEOUT", `${what}: no answer within ${Math.round(afterMs)} ms`);
}

/** No connection, or one that broke. Code ONVIF_UNREACHABLE. */
export function unreachableError(what: string, cause: unknown): CommunicationError {
  return new CommunicationError("ONVIF_UNREACHABLE", `${what}: ${errorCode(cause)}`, { cause });
}

/** Why a device is offline, for its state: `unauthorized`, `wrongDevice`, `untrusted`, `malformed` or `commLost`. */
export function offlineReason(error: unknown): string {
  switch (errorCode(error)) {
    case "ONVIF_UNAUTHORIZED":
      return "unauthorized";
    case "ONVIF_WRONG_DEVICE":
      return "wrongDevice";
    case "ONVIF_TLS_UNTRUSTED":
      return "untrusted";
    case "ONVIF_REDIRECTED":
    case "ONVIF_MALFORMED":
      return "malformed";
    default:
      return "commLost";
  }
}
