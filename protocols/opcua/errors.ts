import { CommunicationError, errorCode, errorMessage, HubError } from "#core/errors.ts";

/** The server answered with a StatusCode that is not good. Code OPCUA_FAULT; `status` is the StatusCode's name. */
export class OpcuaFault extends HubError {
  readonly status: string;
  constructor(what: string, status: string) {
    super("OPCUA_FAULT", `${what} refused: ${status}`, { retriable: true });
    this.status = status;
  }
}

/** The server's certificate is not accepted. Code OPCUA_CERTIFICATE_UNTRUSTED, OPCUA_CERTIFICATE_INVALID or OPCUA_WRONG_SERVER. */
export class CertificateError extends HubError {}

/** No answer in time. Code OPCUA_TIMEOUT. */
export function timeoutError(what: string, afterMs: number): CommunicationError {
  return new CommunicationError("OPCUA_TIMEOUT", `${what}: no answer within ${Math.round(afterMs)} ms`);
}

/** No connection, or one that broke. Code OPCUA_UNREACHABLE. */
export function unreachableError(what: string, cause: unknown): CommunicationError {
  return new CommunicationError("OPCUA_UNREACHABLE", `${what}: ${errorMessage(cause)}`, { cause });
}

/** What the library rejects with: the fault's answer hangs at the error. */
interface LibraryError {
  readonly message: string;
  readonly response?: { readonly responseHeader?: { readonly serviceResult?: { readonly name?: string } } };
}

/** Translates what the library threw: a service fault into OpcuaFault, the rest into OPCUA_UNREACHABLE. */
export function translated(what: string, error: unknown): HubError {
  if (error instanceof HubError) return error;
  const { response, message } = error as LibraryError;
  const status = response?.responseHeader?.serviceResult?.name ?? /\bBad[A-Z]\w+/.exec(message ?? "")?.[0];
  return status === undefined ? unreachableError(what, error) : new OpcuaFault(what, status);
}

const REFUSED_USER = [
  "BadUserAccessDenied",
  "BadIdentityTokenRejected",
  "BadIdentityTokenInvalid",
  "BadUserSignatureInvalid",
];
const REFUSED_US = ["BadSecurityChecksFailed", "BadCertificateUntrusted", "BadCertificateUseNotAllowed"];

/**
 * Why a server is offline, for its state: `unauthorized` (user refused, or not to be read), `refused` (the server does not trust our certificate),
 * `certificateUntrusted`, `certificateInvalid` or `wrongDevice` (we do not trust its), `insecure` or `commLost`.
 */
export function offlineReason(error: unknown): string {
  if (error instanceof OpcuaFault) {
    if (REFUSED_USER.includes(error.status)) return "unauthorized";
    if (REFUSED_US.includes(error.status)) return "refused";
  }
  switch (errorCode(error)) {
    case "OPCUA_USER_INVALID":
      return "unauthorized";
    case "OPCUA_CERTIFICATE_UNTRUSTED":
      return "certificateUntrusted";
    case "OPCUA_CERTIFICATE_INVALID":
      return "certificateInvalid";
    case "OPCUA_WRONG_SERVER":
      return "wrongDevice";
    case "OPCUA_INSECURE":
    case "OPCUA_ENDPOINT_MISSING":
      return "insecure";
    default:
      return "commLost";
  }
}
