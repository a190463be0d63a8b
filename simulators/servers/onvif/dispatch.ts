import { buildEnvelope, buildFault } from "#protocols/onvif/codec/envelope.ts";
import { findUsernameToken } from "#protocols/onvif/codec/username-token.ts";
import type { XmlElement } from "#protocols/onvif/codec/xml.ts";
import { type Answer, SOAP_TYPE } from "./answers.ts";
import type { Guard } from "./security.ts";
import { type Operation, type Service, type ServiceRequest, SoapRefusal } from "./service.ts";

/** One SOAP request with what HTTP says of it. */
export interface SoapRequest extends ServiceRequest {
  readonly headers: readonly XmlElement[];
  readonly method: string;
  /** Path and query as in the request line. */
  readonly url: string;
  /** Value of the Authorization header, or empty. */
  readonly authorization: string;
}

/** How a device lets clients in. */
export interface Door {
  readonly guard: Guard;
  readonly httpDigestOnly: () => boolean;
  readonly lockedOut: () => boolean;
}

/**
 * Told to everybody. [ONVIF Core, access class PRE_AUTH] Without the clock no token can be made. GetServices is of this class too,
 * but many devices ask for a password, and a client has to cope with it.
 */
const PRE_AUTHENTICATION = ["GetSystemDateAndTime", "GetHostname", "GetEndpointReference", "GetServiceCapabilities"];

function refused(status: number, code: "Sender" | "Receiver", subcodes: readonly string[], reason: string): Answer {
  return { status, type: SOAP_TYPE, body: buildFault(code, subcodes, reason) };
}

/** Checks who asks and performs the operation, over all the services of one device. */
export class Dispatcher {
  readonly #operations = new Map<string, Operation>();
  readonly #entrance: Door;

  constructor(services: readonly Service[], entrance: Door) {
    this.#entrance = entrance;
    for (const { namespace, capabilities, operations } of services) {
      const prefix = /^<(\w+):/.exec(capabilities)?.[1] ?? "tds";
      this.#operations.set(
        `${namespace} GetServiceCapabilities`,
        () =>
          `<${prefix}:GetServiceCapabilitiesResponse xmlns:${prefix}="${namespace}">${capabilities}</${prefix}:GetServiceCapabilitiesResponse>`,
      );
      for (const [name, operation] of Object.entries(operations))
        this.#operations.set(`${namespace} ${name}`, operation);
    }
  }

  async answer(request: SoapRequest): Promise<Answer> {
    const operation = request.body.name;
    const refusal = PRE_AUTHENTICATION.includes(operation) ? undefined : this.#refusal(request);
    if (refusal !== undefined) return refusal;
    const perform = this.#operations.get(`${request.body.namespace} ${operation}`);
    if (perform === undefined) {
      return refused(500, "Receiver", ["ActionNotSupported"], `${operation} is not supported`);
    }
    try {
      return { status: 200, type: SOAP_TYPE, body: buildEnvelope(await perform(request)) };
    } catch (error) {
      if (!(error instanceof SoapRefusal)) throw error;
      return refused(error.code === "Sender" ? 400 : 500, error.code, error.subcodes, error.message);
    }
  }

  #refusal({ headers, authorization, method, url }: SoapRequest): Answer | undefined {
    const { guard, httpDigestOnly, lockedOut } = this.#entrance;
    const token = httpDigestOnly() ? undefined : findUsernameToken(headers);
    const digest = guard.acceptsDigest(authorization, method, url);
    if (digest && !lockedOut()) return undefined;
    if (token === undefined) {
      const answer = refused(401, "Sender", ["NotAuthorized"], "the action requires authorization");
      return { ...answer, headers: { "WWW-Authenticate": guard.challenges() } };
    }
    if (guard.acceptsToken(token) && !lockedOut()) return undefined;
    // [ONVIF Core 5.9.1] a refused token is answered with 400 and the fault, not with 401
    return refused(400, "Sender", ["NotAuthorized"], "sender not authorized");
  }
}
