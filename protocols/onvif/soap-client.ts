import { randomBytes, randomUUID } from "node:crypto";
import type { Clock } from "#core/clock.ts";
import { errorCode, InvalidInputError } from "#core/errors.ts";
import { isForeign } from "./address-fence.ts";
import { addressingHeader, buildEnvelope, parseEnvelope, type SoapMessage } from "./codec/envelope.ts";
import { chooseChallenge, type DigestChallenge, digestAuthorization } from "./codec/http-digest.ts";
import { formatDateTime, parseSystemDateAndTime } from "./codec/time.ts";
import { securityHeader } from "./codec/username-token.ts";
import { MAX_XML_CHARACTERS, type XmlElement } from "./codec/xml.ts";
import type { OnvifCounters } from "./counters.ts";
import { OnvifFault, OversizedError, UnauthorizedError } from "./errors.ts";
import { type HttpAnswer, type HttpRequest, HttpTransport } from "./http-transport.ts";
import type { TlsTrust } from "./tls.ts";

/** How to reach one device. */
export interface SoapTarget {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly timeoutMs: number;
  readonly tls?: TlsTrust;
}

/** One call of an operation. */
export interface SoapCall {
  readonly url: URL;
  /** Content of the body, with prefixes of NAMESPACES. */
  readonly body: string;
  /** Name of the element expected in return, e.g. `GetProfilesResponse`. */
  readonly expects: string;
  /** Event endpoints need the action, the address as the device wrote it, and its reference parameters. */
  readonly addressing?: { readonly action: string; readonly to: string; readonly parameters?: string };
  /** Longer than usual, for calls that the device holds. */
  readonly timeoutMs?: number;
  /** For what must not be done twice: moving a door, switching, taking events out of a queue. See HttpRequest. */
  readonly once?: boolean;
  readonly signal: AbortSignal;
}

/** The server's last demand for HTTP digest, and how often it was answered. */
interface DigestState {
  challenge: DigestChallenge | undefined;
  count: number;
}

/** A clock that is off by less says nothing about why a token was refused. */
const CLOCK_CHANGE_MS = 2000;

/**
 * SOAP to one device. Signs with a WS-UsernameToken in the device's own time; answers HTTP digest where the device asks for
 * it. Everything is sent to the configured host and to no other.
 */
export class SoapClient {
  readonly #target: SoapTarget;
  readonly #base: URL;
  readonly #clock: Clock;
  readonly #counters: OnvifCounters;
  readonly #transport: HttpTransport;
  #offsetMs: number | undefined;
  /** Of the services: once the device has asked for HTTP digest there, tokens are not sent any more. */
  readonly #serviceDigest: DigestState = { challenge: undefined, count: 0 };
  /** Of snapshots, which ask for it also where the services take tokens. */
  readonly #fetchDigest: DigestState = { challenge: undefined, count: 0 };

  constructor(target: SoapTarget, clock: Clock, counters: OnvifCounters) {
    this.#target = target;
    this.#base = new URL(target.url);
    this.#clock = clock;
    this.#counters = counters;
    this.#transport = new HttpTransport(clock, target.tls ?? {});
  }

  get url(): URL {
    return this.#base;
  }

  /** Device clock minus ours, ms; undefined before the first answer. Its resolution is one second. */
  get clockOffsetMs(): number | undefined {
    return this.#offsetMs;
  }

  /** Device's present time as far as known, Unix ms. */
  deviceNow(): number {
    return this.#clock.now() + (this.#offsetMs ?? 0);
  }

  /**
   * The address a device gave, made safe: on the configured host, or else its path on the configured host and port. A device
   * can so never make the hub talk to somebody else (SSRF), and addresses behind NAT work too.
   * @throws ONVIF_MALFORMED where it is no http(s) address
   */
  resolve(address: string): URL {
    let given: URL;
    try {
      given = new URL(address, this.#base);
    } catch (cause) {
      throw new InvalidInputError("ONVIF_MALFORMED", `not an address: ${address.slice(0, 200)}`, { cause });
    }
    const sameHost = given.hostname === this.#base.hostname && given.protocol === this.#base.protocol;
    if (sameHost && given.username === "" && given.password === "") return given;
    const safe = new URL(this.#base);
    safe.pathname = given.pathname;
    safe.search = given.search;
    return safe;
  }

  /**
   * As `resolve`, for where a picture is fetched: an address of another host is refused, but for a private one, which is the
   * device's own behind an address translation.
   * @throws ONVIF_MALFORMED, ONVIF_FOREIGN_ADDRESS
   */
  resolveOwn(address: string): URL {
    this.#refuseForeign(address, ["http:", "https:"]);
    return this.resolve(address);
  }

  /**
   * The address of a stream, without user information, on the configured host; its port stays.
   * @throws ONVIF_MALFORMED where it is no RTSP address, ONVIF_FOREIGN_ADDRESS
   */
  resolveStream(address: string): URL {
    const given = this.#refuseForeign(address, ["rtsp:", "rtsps:"]);
    given.username = "";
    given.password = "";
    given.hostname = this.#base.hostname;
    return given;
  }

  #refuseForeign(address: string, protocols: readonly string[]): URL {
    const given = URL.parse(address, this.#base.href);
    if (given === null || !protocols.includes(given.protocol))
      throw new InvalidInputError("ONVIF_MALFORMED", `expected an address by ${protocols.join(" or ")}, got another`);
    if (isForeign(given.hostname, this.#base.hostname)) {
      this.#counters.foreignAddresses++;
      throw new InvalidInputError(
        "ONVIF_FOREIGN_ADDRESS",
        `device at ${this.#base.host} gave an address at ${given.host}: expected its own`,
      );
    }
    return given;
  }

  /** Reads the device's clock, which needs no password. [ONVIF Core 5.9.1, 8.3.5] @throws as `call` */
  async synchroniseClock(signal: AbortSignal): Promise<void> {
    const sentAt = this.#clock.now();
    const message = await this.#send({
      url: this.#base,
      body: "<tds:GetSystemDateAndTime/>",
      expects: "GetSystemDateAndTimeResponse",
      signal,
    });
    const response = expected("GetSystemDateAndTimeResponse", message);
    const deviceTime = parseSystemDateAndTime(response);
    if (deviceTime === undefined) return;
    // Half the round trip, and half the second that the answer's resolution cuts off.
    this.#offsetMs = deviceTime + 500 - (sentAt + this.#clock.now()) / 2;
  }

  /**
   * Calls an operation and gives the element of the answer's body.
   * @throws ONVIF_TIMEOUT, ONVIF_UNREACHABLE, ONVIF_TLS_UNTRUSTED, ONVIF_MALFORMED, ONVIF_REDIRECTED, ONVIF_FAULT, ONVIF_UNAUTHORIZED
   */
  async call(call: SoapCall): Promise<XmlElement> {
    const first = await this.#send(call, this.#securityHeader());
    if (!isNotAuthorized(first)) return expected(call.expects, first);
    // The token may have been too old: a clock was set, or the device has started without its time.
    const before = this.#offsetMs;
    await this.trySynchroniseClock(call.signal);
    const moved = Math.abs((this.#offsetMs ?? 0) - (before ?? 0));
    if (before !== undefined && moved < CLOCK_CHANGE_MS) throw this.#refused(call.expects);
    const second = await this.#send(call, this.#securityHeader());
    if (isNotAuthorized(second)) throw this.#refused(call.expects);
    return expected(call.expects, second);
  }

  /** Fetches what an address of the device gives. @throws as `call`, without ONVIF_FAULT */
  async fetch(url: URL, maxBytes: number, signal: AbortSignal): Promise<HttpAnswer> {
    const headers = { accept: "image/jpeg" };
    const { timeoutMs } = this.#target;
    const answer = await this.#exchange({ url, method: "GET", headers, maxBytes, timeoutMs, signal });
    if (answer.status === 401 || answer.status === 403) throw this.#refused(url.pathname);
    return answer;
  }

  close(): void {
    this.#transport.close();
  }

  #refused(what: string): UnauthorizedError {
    this.#counters.unauthorized++;
    return new UnauthorizedError(`${what} at ${this.#base.host}`);
  }

  /** As `synchroniseClock`, for devices that guard even their clock: what they refuse is done without. */
  async trySynchroniseClock(signal: AbortSignal): Promise<void> {
    try {
      await this.synchroniseClock(signal);
    } catch (error) {
      if (errorCode(error) !== "ONVIF_FAULT" && errorCode(error) !== "ONVIF_UNAUTHORIZED") throw error;
    }
  }

  #securityHeader(): string {
    const { username, password } = this.#target;
    if (username === "" || this.#serviceDigest.challenge !== undefined) return "";
    return securityHeader(username, password, randomBytes(16), formatDateTime(this.deviceNow()));
  }

  async #send(call: SoapCall, security = ""): Promise<SoapMessage> {
    const { addressing } = call;
    const address =
      addressing === undefined
        ? ""
        : addressingHeader(addressing.action, addressing.to, randomUUID()) + (addressing.parameters ?? "");
    const action = addressing === undefined ? "" : `; action="${addressing.action}"`;
    const answer = await this.#exchange({
      url: call.url,
      method: "POST",
      body: buildEnvelope(call.body, address + security),
      headers: { "content-type": `application/soap+xml; charset=utf-8${action}` },
      maxBytes: MAX_XML_CHARACTERS,
      timeoutMs: call.timeoutMs ?? this.#target.timeoutMs,
      once: call.once === true,
      signal: call.signal,
    });
    return this.#read(call, answer);
  }

  #read(call: SoapCall, answer: HttpAnswer): SoapMessage {
    let message: SoapMessage;
    if (isRedirect(answer))
      throw new InvalidInputError("ONVIF_REDIRECTED", `${call.expects}: redirects are not followed`);
    try {
      message = parseEnvelope(answer.body.toString("utf8"));
    } catch (error) {
      // A 401 mostly carries a page for people, not an envelope.
      if (answer.status === 401 || answer.status === 403) throw this.#refused(call.expects);
      this.#counters.malformed++;
      throw error;
    }
    if (message.kind === "fault") this.#counters.faults++;
    else if (message.body.name !== call.expects || answer.status >= 400) {
      this.#counters.malformed++;
      throw new InvalidInputError(
        "ONVIF_MALFORMED",
        `expected ${call.expects}, got ${message.body.name} with status ${answer.status}`,
      );
    }
    return message;
  }

  async #exchange(request: HttpRequest): Promise<HttpAnswer> {
    const { url, method, headers } = request;
    const digest = method === "GET" ? this.#fetchDigest : this.#serviceDigest;
    const once = async (): Promise<HttpAnswer> => {
      const authorization = this.#authorization(digest, url, method);
      this.#counters.requests++;
      try {
        return await this.#transport.exchange({
          ...request,
          headers: authorization === undefined ? headers : { ...headers, authorization },
        });
      } catch (error) {
        const code = errorCode(error);
        if (code === "ONVIF_TIMEOUT") this.#counters.timeouts++;
        else if (code === "ONVIF_MALFORMED") this.#counters.malformed++;
        if (error instanceof OversizedError) this.#counters.oversized++;
        throw error;
      }
    };
    const answer = await once();
    if (isRedirect(answer)) this.#counters.redirects++;
    const challenge = answer.status === 401 ? chooseChallenge(answer.challenges) : undefined;
    if (challenge === undefined || this.#target.username === "") return answer;
    // First demand, or the nonce is used up: one attempt with the new one.
    digest.challenge = challenge;
    digest.count = 0;
    const second = await once();
    // With a refused digest the next call tries the token again, so that a corrected password is found by either way.
    if (second.status === 401) digest.challenge = undefined;
    return second;
  }

  #authorization(digest: DigestState, url: URL, method: string): string | undefined {
    if (digest.challenge === undefined) return undefined;
    digest.count++;
    return digestAuthorization({
      challenge: digest.challenge,
      username: this.#target.username,
      password: this.#target.password,
      method,
      uri: url.pathname + url.search,
      count: digest.count,
      clientNonce: randomBytes(8).toString("hex"),
    });
  }
}

function isRedirect(answer: HttpAnswer): boolean {
  return answer.status >= 300 && answer.status < 400;
}

function isNotAuthorized(message: SoapMessage): boolean {
  if (message.kind !== "fault") return false;
  const names = [message.fault.code, ...message.fault.subcodes];
  // [WSS SOAP Message Security 1.1 §12] some firmware answers with the names of that standard
  return names.some(
    (name) => name === "NotAuthorized" || name === "FailedAuthentication" || name === "InvalidSecurity",
  );
}

function expected(operation: string, message: SoapMessage): XmlElement {
  if (message.kind === "body") return message.body;
  if (isNotAuthorized(message)) throw new UnauthorizedError(operation);
  throw new OnvifFault(operation, message.fault);
}
