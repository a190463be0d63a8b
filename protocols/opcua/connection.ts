import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  type ClientSession,
  coerceMessageSecurityMode,
  defaultClientTransportFactory,
  type EndpointDescription,
  type IClientTransport,
  OPCUAClient,
  type OPCUAClientOptions,
  type UserIdentityInfo,
  UserTokenType,
} from "node-opcua";
import type { Clock } from "#core/clock.ts";
import { errorMessage, HubError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { OpcuaDevice } from "./config.ts";
import type { OpcuaCounters } from "./counters.ts";
import { CertificateError, OpcuaFault, timeoutError, translated, unreachableError } from "./errors.ts";
import { timeOf } from "./map.ts";
import { within } from "./pause.ts";
import type { Pki } from "./pki.ts";
import type { Settings } from "./settings.ts";

/** How long a clean good-bye may take; afterwards the socket is cut. */
const GOODBYE_MS = 1000;
/** The library ends a connection that was idle for half of it; publishing is never idle for so long. */
const TRANSPORT_TIMEOUT_MS = 240_000;
const POLICY_PREFIX = "http://opcfoundation.org/UA/SecurityPolicy#";

/** What every connection to a server needs. */
export interface ConnectionDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: OpcuaCounters;
  readonly settings: Settings;
  readonly pki: Pki;
}

/** A service request of the library. */
interface Request {
  readonly requestHeader: { authenticationToken: ClientSession["authenticationToken"]; timeoutHint: number };
}
/**
 * The part of the library's client that its public type does not show. Requests go to the client and not to the session, because
 * the session would repair itself behind our back: with retries of its own, and while the caller waits.
 */
interface RawClient {
  performMessageTransaction(request: Request, callback: (error: Error | null, response?: unknown) => void): void;
  reactivateSession(session: ClientSession): Promise<void>;
}

/** A transport whose socket can be cut at once, whatever the library is doing. */
class Breaker {
  readonly #transports = new Set<IClientTransport>();

  readonly factory = {
    create: (settings?: Parameters<typeof defaultClientTransportFactory.create>[0]): IClientTransport => {
      const transport = defaultClientTransportFactory.create(settings);
      this.#transports.add(transport);
      return transport;
    },
  };

  cut(): void {
    for (const transport of this.#transports) transport.forceConnectionBreak();
  }
}

function clientOptions({ pki, settings }: ConnectionDeps, breaker: Breaker): OPCUAClientOptions {
  return {
    applicationName: pki.applicationName,
    applicationUri: pki.applicationUri,
    clientName: pki.applicationName,
    certificateFile: pki.certificateFile,
    privateKeyFile: pki.privateKeyFile,
    clientCertificateManager: pki.manager,
    // reconnecting is the server link's: bounded, and visible
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 100 },
    keepPendingSessionsOnDisconnect: true,
    keepSessionAlive: false,
    endpointMustExist: false,
    requestedSessionTimeout: settings.sessionTimeoutMs,
    transportTimeout: TRANSPORT_TIMEOUT_MS,
    transportFactory: breaker.factory,
  };
}

/** Ends a client whatever state it is in; in the background where the other side does not answer. */
async function dispose(client: OPCUAClient, breaker: Breaker, { clock, logger }: ConnectionDeps): Promise<void> {
  const leaving = client.disconnect();
  try {
    await within(clock, GOODBYE_MS, leaving, () => timeoutError("disconnect", GOODBYE_MS));
  } catch (error) {
    logger.debug({ error: errorMessage(error) }, "OPC UA connection was cut instead of closed");
    leaving.catch(() => undefined);
  }
  breaker.cut();
}

/** Runs `work` with a client that asks without security, as discovery must. [OPC 10000-4 §5.5] @throws OPCUA_UNREACHABLE, OPCUA_TIMEOUT */
export async function asking<T>(
  url: string,
  deps: ConnectionDeps,
  signal: AbortSignal,
  work: (client: OPCUAClient) => Promise<T>,
): Promise<T> {
  const breaker = new Breaker();
  const client = OPCUAClient.create(clientOptions(deps, breaker));
  const cut = (): void => breaker.cut();
  signal.addEventListener("abort", cut);
  const { connectTimeoutMs } = deps.settings;
  try {
    const asked = client.connect(url).then(() => work(client));
    return await within(deps.clock, connectTimeoutMs, asked, () =>
      timeoutError(`discovery at ${url}`, connectTimeoutMs),
    );
  } catch (error) {
    breaker.cut();
    throw translated(`discovery at ${url}`, error);
  } finally {
    signal.removeEventListener("abort", cut);
    await dispose(client, breaker, deps);
  }
}

/** The endpoint of a server that fits the device's section. */
export interface Endpoint {
  /** The server's certificate, with those of its issuers where it shows them, DER form; undefined without security. */
  readonly chain: Buffer | undefined;
}

/** The server's own certificate of a chain, which is a sequence of DER certificates. */
export function leafOf(chain: Uint8Array): Buffer {
  return Buffer.from(new X509Certificate(chain).raw);
}

/** Asks the server for its endpoints. @throws OPCUA_INSECURE, OPCUA_ENDPOINT_MISSING, OPCUA_WRONG_SERVER, OPCUA_UNREACHABLE, OPCUA_TIMEOUT */
export async function findEndpoint(
  device: string,
  config: OpcuaDevice,
  deps: ConnectionDeps,
  signal: AbortSignal,
): Promise<Endpoint> {
  const mode = config.securityMode ?? "SignAndEncrypt";
  if (mode === "None" && config.allowInsecure !== true) {
    throw new HubError("OPCUA_INSECURE", `${device}: security mode None needs allowInsecure`);
  }
  const policy = mode === "None" ? "None" : (config.securityPolicy ?? "Basic256Sha256");
  const endpoints = await asking(config.endpointUrl, deps, signal, (client) => client.getEndpoints());
  const fits = ({ securityMode, securityPolicyUri }: EndpointDescription): boolean =>
    securityMode === coerceMessageSecurityMode(mode) && securityPolicyUri === `${POLICY_PREFIX}${policy}`;
  const endpoint = endpoints.find(fits);
  if (endpoint === undefined) {
    const offered = endpoints.map((one) => one.securityPolicyUri?.replace(POLICY_PREFIX, "")).join(", ");
    throw new HubError("OPCUA_ENDPOINT_MISSING", `${device}: no endpoint with ${mode} ${policy}, only ${offered}`);
  }
  const uri = endpoint.server.applicationUri;
  if (config.applicationUri !== undefined && uri !== config.applicationUri) {
    const text = `${device}: expected ${config.applicationUri}, found ${uri}`;
    throw new CertificateError("OPCUA_WRONG_SERVER", text);
  }
  return { chain: mode === "None" ? undefined : endpoint.serverCertificate };
}

/** @throws OPCUA_USER_INVALID where the certificate or its key cannot be read, or do not belong together */
function userOf(config: OpcuaDevice): UserIdentityInfo {
  const { username, password, userCertificate, userPrivateKey } = config;
  if (userCertificate !== undefined || userPrivateKey !== undefined) {
    const certificateData = userCertificateOf(userCertificate ?? "", userPrivateKey ?? "");
    return { type: UserTokenType.Certificate, certificateData, privateKey: userPrivateKey ?? "" };
  }
  if (username === undefined) return { type: UserTokenType.Anonymous };
  return { type: UserTokenType.UserName, userName: username, password: password ?? "" };
}

function userCertificateOf(certificate: string, key: string): Buffer {
  let fits: X509Certificate | undefined;
  try {
    const user = new X509Certificate(certificate);
    fits = user.checkPrivateKey(createPrivateKey(key)) ? user : undefined;
  } catch {
    // what the library says of a key it cannot read may hold a part of it
    throw new HubError("OPCUA_USER_INVALID", "the user's certificate or its private key cannot be read (PEM)");
  }
  if (fits === undefined)
    throw new HubError("OPCUA_USER_INVALID", "the private key is not that of the user's certificate");
  return Buffer.from(fits.raw);
}

/** Clocks when a server was last heard: its own, Unix ms, and our monotonic one. */
export interface Heard {
  readonly serverTime: number;
  readonly at: number;
}

/** A session with a server over one secure channel, until it breaks. */
export class Connection {
  readonly #client: OPCUAClient;
  readonly #raw: RawClient;
  readonly #breaker: Breaker;
  readonly #deps: ConnectionDeps;
  readonly #broken = Promise.withResolvers<HubError>();
  #session: ClientSession | undefined;
  #over = false;
  #heard: Heard | undefined;

  private constructor(client: OPCUAClient, breaker: Breaker, deps: ConnectionDeps) {
    this.#client = client;
    this.#raw = client as unknown as RawClient;
    this.#breaker = breaker;
    this.#deps = deps;
    const lost = (error?: Error | null): void => this.end(unreachableError("connection", error ?? "closed"));
    client.on("close", lost);
    client.on("connection_lost", lost);
  }

  /** Connects with the endpoint's security. @throws OPCUA_UNREACHABLE, OPCUA_TIMEOUT, OPCUA_FAULT */
  static async open(
    config: OpcuaDevice,
    endpoint: Endpoint,
    deps: ConnectionDeps,
    signal: AbortSignal,
  ): Promise<Connection> {
    const breaker = new Breaker();
    const certificate = endpoint.chain === undefined ? undefined : leafOf(endpoint.chain);
    const policy = certificate === undefined ? "None" : (config.securityPolicy ?? "Basic256Sha256");
    const client = OPCUAClient.create({
      ...clientOptions(deps, breaker),
      securityMode: coerceMessageSecurityMode(
        certificate === undefined ? "None" : (config.securityMode ?? "SignAndEncrypt"),
      ),
      securityPolicy: `${POLICY_PREFIX}${policy}`,
      ...(certificate === undefined ? {} : { serverCertificate: certificate }),
    });
    const connection = new Connection(client, breaker, deps);
    const cut = (): void => breaker.cut();
    signal.addEventListener("abort", cut);
    try {
      await connection.#step("connect", client.connect(config.endpointUrl));
      return connection;
    } catch (error) {
      await connection.abandon();
      throw error;
    } finally {
      signal.removeEventListener("abort", cut);
    }
  }

  /** Resolves with the cause when the connection is over, however that came. */
  get broken(): Promise<HubError> {
    return this.#broken.promise;
  }
  /** When an answer came last; undefined before the first. */
  get heard(): Heard | undefined {
    return this.#heard;
  }
  get over(): boolean {
    return this.#over;
  }

  /**
   * Takes an earlier session over to this channel, or opens a new one. Gives the session, and whether it is the earlier one.
   * [OPC 10000-4 §5.7.3, 6.7] @throws OPCUA_UNREACHABLE, OPCUA_TIMEOUT, OPCUA_FAULT, OPCUA_USER_INVALID
   */
  async openSession(config: OpcuaDevice, earlier: ClientSession | undefined): Promise<[ClientSession, boolean]> {
    if (earlier !== undefined) {
      try {
        await this.#step("getEndpoints", this.#client.getEndpoints());
        await this.#step("activateSession", this.#raw.reactivateSession(earlier));
        this.#session = earlier;
        return [earlier, true];
      } catch (error) {
        if (!(error instanceof OpcuaFault)) throw error;
        this.#deps.logger.debug({ status: error.status }, "earlier OPC UA session is gone");
      }
    }
    const session = await this.#step("createSession", this.#client.createSession(userOf(config)));
    this.#session = session;
    return [session, false];
  }

  /** Asks and waits for the answer, which is of the type that belongs to the request. @throws OPCUA_FAULT, OPCUA_TIMEOUT, OPCUA_UNREACHABLE */
  ask<R>(request: object, limitMs = this.#deps.settings.requestTimeoutMs): Promise<R> {
    const { clock, counters } = this.#deps;
    const what = request.constructor.name;
    const { requestHeader } = request as Request;
    const token = this.#session?.authenticationToken;
    if (this.#over || token === undefined) return Promise.reject(unreachableError(what, "no session"));
    requestHeader.authenticationToken = token;
    requestHeader.timeoutHint = limitMs;
    counters.requests++;
    return new Promise((resolve, reject) => {
      let waiting = true;
      const cancel = clock.after(limitMs, () => {
        waiting = false;
        counters.timeouts++;
        reject(timeoutError(what, limitMs));
      });
      this.#raw.performMessageTransaction(request as Request, (error, response) => {
        cancel();
        if (!waiting) counters.late++;
        else if (error === null || error === undefined) {
          this.#hear(response);
          resolve(response as R);
        } else {
          const cause = translated(what, error);
          if (cause instanceof OpcuaFault) counters.faults++;
          reject(cause);
        }
      });
    });
  }

  #hear(response: unknown): void {
    const { responseHeader }: { responseHeader?: { timestamp?: Date | null } } = Object(response);
    const serverTime = timeOf(responseHeader?.timestamp);
    if (serverTime !== undefined) this.#heard = { serverTime, at: this.#deps.clock.monotonic() };
  }

  /** Says that the connection is of no use any more. */
  end(cause: HubError): void {
    if (this.#over) return;
    this.#over = true;
    this.#broken.resolve(cause);
  }

  /** Leaves the session to the server, where it can be taken over later, and cuts the connection. */
  async abandon(): Promise<void> {
    this.end(unreachableError("connection", "abandoned"));
    this.#breaker.cut();
    await dispose(this.#client, this.#breaker, this.#deps);
  }

  /** Closes the session with its subscriptions, then the connection; within about two seconds. */
  async close(): Promise<void> {
    const session = this.#session;
    if (!this.#over && session !== undefined) {
      const closing = session.close(true);
      try {
        await within(this.#deps.clock, GOODBYE_MS, closing, () => timeoutError("closeSession", GOODBYE_MS));
      } catch (error) {
        this.#deps.logger.debug({ error: errorMessage(error) }, "OPC UA session not closed");
        closing.catch(() => undefined);
        this.#breaker.cut();
      }
    }
    this.end(unreachableError("connection", "closed by us"));
    await dispose(this.#client, this.#breaker, this.#deps);
  }

  async #step<T>(what: string, work: Promise<T>): Promise<T> {
    const { clock, settings } = this.#deps;
    const limitMs = settings.connectTimeoutMs;
    try {
      return await within(clock, limitMs, work, () => timeoutError(what, limitMs));
    } catch (error) {
      throw translated(what, error);
    }
  }
}
