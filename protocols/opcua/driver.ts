import { setDebugLogger, setErrorLogger, setWarningLogger } from "node-opcua";
import { CommunicationError, errorMessage } from "#core/errors.ts";
import type {
  ActionRequest,
  ActionResult,
  DeviceBinding,
  DriverCounters,
  DriverDeps,
  ProtocolDriver,
  WriteRequest,
  WriteResult,
} from "../driver.ts";
import { failedAction } from "./calls.ts";
import type { OpcuaAddress, OpcuaConfig, OpcuaDevice } from "./config.ts";
import type { ConnectionDeps } from "./connection.ts";
import { newCounters, type OpcuaCounters } from "./counters.ts";
import { discoverServers } from "./discovery.ts";
import { Pki } from "./pki.ts";
import { ServerLink } from "./server-link.ts";
import { type Settings, settingsOf } from "./settings.ts";
import { CHANNEL_ACTIONS, OPCUA_ACTIONS } from "./vocabulary.ts";

type Binding = DeviceBinding<OpcuaDevice, OpcuaAddress>;

interface Running {
  readonly binding: Binding;
  /** The connection section as text: a server that is configured otherwise is another one. */
  readonly section: string;
  readonly link: ServerLink;
}

/** OPC UA servers. Each runs on its own, so that a dead one starves nobody; they share one certificate and one trust list. */
export class OpcuaDriver implements ProtocolDriver<OpcuaDevice, OpcuaAddress> {
  readonly #settings: Settings;
  readonly #deps: DriverDeps;
  readonly #counters: OpcuaCounters = newCounters();
  readonly #running = new Map<string, Running>();
  #shared: ConnectionDeps | undefined;
  /** The newest set of devices. */
  #wanted: ReadonlyMap<string, Binding> = new Map();
  #stopping = new AbortController();

  constructor(config: OpcuaConfig, deps: DriverDeps) {
    this.#settings = settingsOf(config);
    this.#deps = deps;
    // the library writes what it sees to the console; what matters is told as states, counters and log lines of our own
    const say = (...parts: unknown[]): void => deps.logger.debug({ text: parts.map(String).join(" ") }, "node-opcua");
    setDebugLogger(say);
    setWarningLogger(say);
    setErrorLogger(say);
  }

  /** Makes the own certificate at the first time. @throws OPCUA_PKI_FAILED */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.stop();
    this.#stopping = new AbortController();
    const { clock, logger } = this.#deps;
    const pki = new Pki(this.#deps);
    try {
      await pki.open();
    } catch (cause) {
      const text = `the certificate store ${this.#deps.folder} cannot be used: ${errorMessage(cause)}`;
      throw new CommunicationError("OPCUA_PKI_FAILED", text, { cause });
    }
    this.#shared = { clock, logger, counters: this.#counters, settings: this.#settings, pki };
  }

  /** @throws OPCUA_NOT_STARTED */
  async bind(devices: readonly Binding[]): Promise<void> {
    const shared = this.#shared;
    if (shared === undefined) throw new CommunicationError("OPCUA_NOT_STARTED", "bind came before start");
    const wanted = new Map(devices.map((binding) => [binding.device as string, binding]));
    this.#wanted = wanted;
    const leaving: Promise<void>[] = [];
    for (const [device, { section, link }] of this.#running) {
      const binding = wanted.get(device);
      if (binding !== undefined && JSON.stringify(binding.config) === section) continue;
      this.#running.delete(device);
      leaving.push(link.stop());
    }
    await Promise.all(leaving);
    // another set may have come meanwhile
    if (this.#shared !== shared || this.#wanted !== wanted) return;
    for (const [device, binding] of wanted) this.#bindOne(device, binding, shared);
  }

  #bindOne(device: string, binding: Binding, shared: ConnectionDeps): void {
    const known = this.#running.get(device);
    if (known !== undefined) {
      known.link.rebind(binding.points);
      return;
    }
    const link = new ServerLink(binding, this.#deps, shared);
    this.#running.set(device, { binding, section: JSON.stringify(binding.config), link });
    link.start();
  }

  async write(request: WriteRequest, signal: AbortSignal): Promise<WriteResult> {
    for (const { link } of this.#running.values()) {
      if (link.has(request.point)) return await link.write(request, signal);
    }
    return {
      status: "rejected",
      code: "OPCUA_POINT_UNKNOWN",
      message: `${request.point} is not bound to this channel`,
    };
  }

  async act(request: ActionRequest, signal: AbortSignal): Promise<ActionResult> {
    const { action, device } = request;
    if (!(OPCUA_ACTIONS as readonly string[]).includes(action)) {
      return { status: "rejected", code: "ACTION_UNKNOWN", message: `OPC UA servers have no action "${action}"` };
    }
    const running = this.#running.get(device);
    if (running !== undefined && (action === "discover" || !(CHANNEL_ACTIONS as readonly string[]).includes(action))) {
      return await running.link.act(request);
    }
    if ((CHANNEL_ACTIONS as readonly string[]).includes(action)) return await this.#actOnChannel(request, signal);
    return { status: "rejected", code: "OPCUA_DEVICE_UNKNOWN", message: `${device} is not on this channel` };
  }

  async #actOnChannel({ action, params }: ActionRequest, signal: AbortSignal): Promise<ActionResult> {
    const shared = this.#shared;
    if (shared === undefined)
      return { status: "rejected", code: "OPCUA_NOT_STARTED", message: "the channel is stopped" };
    try {
      if (action === "discover") {
        const urls = [...this.#running.values()].map(({ binding }) => binding.config.endpointUrl);
        const all = [...new Set([...this.#settings.discoveryUrls, ...urls])];
        const found = await discoverServers(all, shared, AbortSignal.any([signal, this.#stopping.signal]));
        const bytes = new TextEncoder().encode(JSON.stringify(found));
        return { status: "done", blob: { contentType: "application/json", bytes } };
      }
      const thumbprint = String(params["thumbprint"] ?? "");
      const to = action === "trustCertificate" ? "trusted" : "rejected";
      const pins = ({ binding }: Running): boolean =>
        binding.config.serverThumbprint?.toLowerCase() === thumbprint.toLowerCase();
      if (to === "rejected" && [...this.#running.values()].some(pins)) {
        const message = `the configuration of a server names the certificate "${thumbprint}": it has to be taken out there`;
        return { status: "rejected", code: "OPCUA_CERTIFICATE_PINNED", message };
      }
      if (!(await shared.pki.move(thumbprint, to))) {
        const message = `no certificate has the thumbprint "${thumbprint}"`;
        return { status: "rejected", code: "OPCUA_CERTIFICATE_UNKNOWN", message };
      }
      for (const { link } of this.#running.values()) link.certificateMoved(thumbprint, to);
      return { status: "done" };
    } catch (error) {
      return failedAction(error);
    }
  }

  counters(): DriverCounters {
    return { ...this.#counters };
  }

  async stop(): Promise<void> {
    const shared = this.#shared;
    this.#shared = undefined;
    this.#stopping.abort();
    const running = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(running.map(({ link }) => link.stop()));
    await shared?.pki.close();
  }
}

/** What a driver thread calls; see `CreateDriver`. */
export function create(config: OpcuaConfig, deps: DriverDeps): OpcuaDriver {
  return new OpcuaDriver(config, deps);
}
