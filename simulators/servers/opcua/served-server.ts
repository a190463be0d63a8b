import type { OPCUAServer, StatusCode } from "node-opcua";
import type { Library } from "./library.ts";
import { opcuaUri } from "./mapping.ts";
import type { ServerPlan, Told } from "./messages.ts";
import { MirrorDevice } from "./mirror.ts";
import { type DeviceMemory, ServedSpace } from "./space.ts";

const MAX_SESSIONS = 20;
/** A clock that was set, and not only run a little faster. */
const JUMP_MS = 1000;

/** What a server tells about its clients. */
export interface ServedSinks {
  onWrite(told: Told): void;
  onAct(device: string, detail: string): void;
}

/** A running server of the library, inside the library's thread. */
export class ServedServer {
  readonly port: number;
  readonly #library: Library;
  readonly #server: OPCUAServer;
  readonly #space: ServedSpace;
  readonly #devices: ReadonlyMap<string, MirrorDevice>;
  readonly #clock: { offsetMs: number };
  readonly #statuses: Map<string, StatusCode>;

  private constructor(
    parts: {
      library: Library;
      server: OPCUAServer;
      space: ServedSpace;
      devices: ReadonlyMap<string, MirrorDevice>;
      clock: { offsetMs: number };
      statuses: Map<string, StatusCode>;
    },
    port: number,
  ) {
    this.#library = parts.library;
    this.#server = parts.server;
    this.#space = parts.space;
    this.#devices = parts.devices;
    this.#clock = parts.clock;
    this.#statuses = parts.statuses;
    this.port = port;
  }

  static async start(
    library: Library,
    plan: ServerPlan,
    first: { readonly values: readonly Told[]; readonly offsetMs: number },
    memory: DeviceMemory,
    sinks: ServedSinks,
  ): Promise<ServedServer> {
    const server = serverOf(library, plan);
    await server.initialize();
    const clock = { offsetMs: first.offsetMs };
    const statuses = new Map<string, StatusCode>();
    const served = plan.devices.map(({ device, mapping }) => ({
      device: new MirrorDevice(device, (told) => sinks.onWrite(told)),
      mapping,
    }));
    const devices = new Map(served.map(({ device }) => [device.id, device]));
    for (const [device, signal, value] of first.values) devices.get(device)?.tell(signal, value);
    const space = new ServedSpace({
      library,
      server,
      namespaceUri: opcuaUri(plan.name),
      served,
      memory,
      deviceNow: () => Date.now() + clock.offsetMs,
      statusOf: (signal) => statuses.get(signal) ?? statuses.get(""),
      onAct: (device, detail) => sinks.onAct(device, detail),
    });
    const [endpoint] = server.endpoints;
    if (endpoint === undefined) throw new Error("an initialised OPC UA server has an endpoint");
    // any certificate would do as a user: only name and password count
    const { UserName } = library.UserTokenType;
    for (const description of endpoint.endpointDescriptions())
      description.userIdentityTokens =
        description.userIdentityTokens?.filter(({ tokenType }) => tokenType === UserName) ?? null;
    await server.start();
    const { port } = endpoint;
    endpoint.port = plan.publicPort;
    space.scan();
    return new ServedServer({ library, server, space, devices, clock, statuses }, port);
  }

  /** What the devices told. */
  tell(values: readonly Told[], offsetMs: number): void {
    const jumped = Math.abs(offsetMs - this.#clock.offsetMs) > JUMP_MS;
    this.#clock.offsetMs = offsetMs;
    for (const [device, signal, value] of values) this.#devices.get(device)?.tell(signal, value);
    this.#space.scan(jumped);
  }

  /** Gives values a bad status by its name, or the good one back. */
  status(signal: string, name: string | undefined): void {
    const { StatusCodes } = this.#library;
    this.#statuses.clear();
    if (name !== undefined) {
      const code: unknown = Reflect.get(StatusCodes, name);
      this.#statuses.set(signal, (code as StatusCode | undefined) ?? StatusCodes.Bad);
    }
    this.#space.scan();
  }

  dropSessions(): void {
    const { engine } = this.#server;
    for (const { authenticationToken } of engine.getSessions())
      engine.closeSession(authenticationToken, true, "Terminated");
  }

  dropSubscriptions(): void {
    for (const session of this.#server.engine.getSessions())
      for (const { id } of session.publishEngine.subscriptions) session.deleteSubscription(id);
  }

  async stop(): Promise<void> {
    await this.#server.shutdown(0);
  }
}

/** The library's server as the plan wants it: sign and encrypt only, users by name and password. */
function serverOf(library: Library, plan: ServerPlan): OPCUAServer {
  const { MessageSecurityMode, SecurityPolicy, OPCUACertificateManager } = library;
  // a panel has nobody who could look at certificates: it takes every client that knows the password
  const clients = new OPCUACertificateManager({
    rootFolder: plan.folder,
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  });
  return new library.OPCUAServer({
    host: plan.host,
    hostname: plan.host,
    port: 0,
    certificateFile: plan.certificateFile,
    privateKeyFile: plan.privateKeyFile,
    serverCertificateManager: clients,
    userCertificateManager: clients,
    securityModes: [MessageSecurityMode.SignAndEncrypt],
    securityPolicies: [SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256_Sha256_RsaPss],
    allowAnonymous: false,
    userManager: {
      isValidUser: (user: string, secret: string) => user === plan.username && secret === plan.password,
    },
    nodeset_filename: [library.nodesets.standard],
    serverInfo: {
      applicationUri: opcuaUri(plan.name),
      productUri: "urn:parkhub:simulator",
      applicationName: { text: `Parkhub simulator ${plan.name}`, locale: "en" },
    },
    buildInfo: { manufacturerName: "Parkhub", productName: plan.name, softwareVersion: "1.0" },
    serverCapabilities: { maxSessions: MAX_SESSIONS },
  });
}
