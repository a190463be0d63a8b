import { type Clock, systemClock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { FaultOptions, FieldServer, SignalValue } from "../device.ts";
import { keptCertificate, otherCertificate, type ServerCertificate } from "./opcua/certificate.ts";
import type { OpcuaEngine } from "./opcua/engine.ts";
import { type OpcuaFault, OpcuaFaults } from "./opcua/faults.ts";
import { opcuaUri } from "./opcua/mapping.ts";
import type { ServerPlan, Told } from "./opcua/messages.ts";
import type { OpcuaServed } from "./opcua/space.ts";
import { Wire } from "./opcua/wire.ts";

export { OpcuaEngine } from "./opcua/engine.ts";
export { conditionNameOf, enumIndex, type OpcuaMapping, opcuaNodesOf, opcuaUri } from "./opcua/mapping.ts";
export type { OpcuaServed } from "./opcua/space.ts";

/** How simulated devices are put on OPC UA. */
export interface OpcuaServerOptions {
  /** Name of the server; part of its application URI and of its namespace's. */
  readonly name: string;
  /** The thread in which it runs. */
  readonly engine: OpcuaEngine;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** Folder of its certificate, private key and known client certificates. */
  readonly folder: string;
  readonly username: string;
  readonly password: string;
  /** Told of what an operator did through the wire: acknowledged a condition, called a method. */
  readonly onAct?: (device: string, detail: string) => void;
  readonly clock?: Clock;
}

/** A simulated OPC UA server. It starts when the first client comes, which waits for it; until then it costs a listening port. */
export interface OpcuaFieldServer extends FieldServer {
  readonly faults: OpcuaFaults;
  /** `opc.tcp://host:port` */
  readonly url: string;
  /** SHA-1 of its kept certificate, hexadecimal. */
  readonly thumbprint: string;
  /** Starts it before anybody comes. @throws SIM_OPCUA_START_FAILED */
  warmUp(): Promise<void>;
}

/** Hears of a fault that is switched on, with its options, or off. */
type FaultHandler = (options: FaultOptions | undefined) => void;

const SCAN_MS = 100;

class SimulatedOpcuaServer implements OpcuaFieldServer {
  readonly faults: OpcuaFaults;
  readonly #served: readonly OpcuaServed[];
  readonly #options: OpcuaServerOptions;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #host: string;
  readonly #kept: ServerCertificate;
  readonly #wire: Wire;
  /** Values last told, by `<device>/<signal>`. */
  readonly #told = new Map<string, SignalValue>();
  #certificate: ServerCertificate;
  #running: Promise<number> | undefined;
  #cancelScan: () => void = () => undefined;
  #silent = false;
  #closed = false;
  #restarting: Promise<void> = Promise.resolve();

  constructor(served: readonly OpcuaServed[], options: OpcuaServerOptions, kept: ServerCertificate, logger: Logger) {
    this.#served = served;
    this.#options = options;
    this.#kept = kept;
    this.#certificate = kept;
    this.#logger = logger.child({ opcua: options.name });
    this.#clock = options.clock ?? systemClock;
    this.#host = options.host ?? "127.0.0.1";
    const handlers = this.#handlers();
    this.faults = new OpcuaFaults((kind, given) => handlers[kind](given));
    this.#wire = new Wire({
      host: this.#host,
      port: options.port ?? 0,
      clock: this.#clock,
      serverPort: () => this.#start(),
    });
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: this.#host, port: this.#wire.port };
  }
  get url(): string {
    return `opc.tcp://${this.#host}:${this.#wire.port}`;
  }
  get thumbprint(): string {
    return this.#kept.thumbprint;
  }

  open(): Promise<void> {
    return this.#wire.open();
  }

  async warmUp(): Promise<void> {
    await this.#start();
  }

  silence(): void {
    this.#silent = true;
    this.#hold();
  }

  restore(): void {
    this.#silent = false;
    this.#hold();
  }

  async reboot(downMs: number): Promise<void> {
    await this.#wire.close();
    await this.#stop();
    await new Promise<void>((resolve) => this.#clock.after(downMs, resolve));
    // closed meanwhile, or already up after an overlapping reboot
    if (!this.#closed && !this.#wire.listening) await this.#wire.open();
    this.#hold();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#wire.close();
    await this.#stop();
    await this.#options.engine.leave();
  }

  #hold(): void {
    this.#wire.hold(this.#silent || this.faults.of("frozen") !== undefined);
  }

  #start(): Promise<number> {
    if (this.#running === undefined) {
      const running = this.#launch();
      this.#running = running;
      running.catch((error: unknown) => {
        if (this.#running === running) this.#running = undefined;
        this.#cancelScan();
        if (!this.#closed) this.#logger.error({ code: errorCode(error), error: errorMessage(error) }, "no OPC UA");
      });
    }
    return this.#running;
  }

  async #launch(): Promise<number> {
    const { name, folder, username, password, engine } = this.#options;
    const plan: ServerPlan = {
      name,
      host: this.#host,
      publicPort: this.#wire.port,
      certificateFile: this.#certificate.certificateFile,
      privateKeyFile: this.#certificate.privateKeyFile,
      folder,
      username,
      password,
      devices: this.#served.map(({ device: { id, name: label, nameEn, signals }, mapping }) => ({
        device: { id, name: label, nameEn, signals: [...signals] },
        mapping,
      })),
    };
    this.#told.clear();
    const port = await engine.start(plan, this.#changed(), this.#offsetMs(), {
      onWrite: (told) => this.#write(told),
      onAct: (device, detail) => this.#options.onAct?.(device, detail),
      onLost: () => this.#lost(),
    });
    this.#status();
    this.#cancelScan = this.#clock.every(SCAN_MS, () => this.#scan());
    return port;
  }

  async #stop(): Promise<void> {
    if (this.#running === undefined) return;
    await this.#running.catch(() => undefined);
    this.#running = undefined;
    this.#cancelScan();
    await this.#options.engine.stop(this.#options.name);
  }

  /** The thread is gone: clients are cut off, and the next one starts it anew. */
  #lost(): void {
    this.#running = undefined;
    this.#cancelScan();
    this.#wire.drop();
  }

  #write([id, signal, value]: Told): void {
    const device = this.#served.find((one) => one.device.id === id)?.device;
    device?.write(signal, value);
    // what the device made of it is told whatever it was before
    this.#told.delete(`${id}/${signal}`);
    this.#scan();
  }

  #scan(): void {
    const values = this.#changed();
    if (values.length > 0) this.#tell(values);
  }

  #tell(values: readonly Told[]): void {
    this.#options.engine.tell({ type: "values", server: this.#options.name, values, offsetMs: this.#offsetMs() });
  }

  /** Values that are not as they were told. */
  #changed(): readonly Told[] {
    const changed: Told[] = [];
    for (const { device } of this.#served) {
      for (const { name } of device.signals) {
        const value = device.read(name);
        const key = `${device.id}/${name}`;
        if (this.#told.get(key) === value) continue;
        this.#told.set(key, value);
        changed.push([device.id, name, value]);
      }
    }
    return changed;
  }

  /** How far the devices' clock runs ahead of that of this machine. */
  #offsetMs(): number {
    const drift = Number(this.faults.of("clock-drift")?.["seconds"] ?? 0) * 1000;
    return Math.round(this.#clock.now() - systemClock.now()) + drift;
  }

  #status(): void {
    const fault = this.faults.of("bad-status");
    const { engine, name } = this.#options;
    const status = fault === undefined ? {} : { status: String(fault["status"]) };
    engine.tell({ type: "status", server: name, signal: String(fault?.["signal"] ?? ""), ...status });
  }

  #handlers(): Readonly<Record<OpcuaFault, FaultHandler>> {
    const once =
      (act: (options: FaultOptions) => void): FaultHandler =>
      (options) => {
        if (options !== undefined) act(options);
      };
    const drop = (what: "sessions" | "subscriptions"): void =>
      this.#options.engine.tell({ type: "drop", server: this.#options.name, what });
    return {
      frozen: () => this.#hold(),
      slow: (options) => this.#wire.delay(Number(options?.["ms"] ?? 0)),
      "drop-connections": once(() => this.#wire.drop()),
      "drop-session": once(() => drop("sessions")),
      "subscription-death": once(() => drop("subscriptions")),
      reboot: once((options) => this.#again(() => this.reboot(Number(options["downMs"])))),
      "bad-status": () => this.#status(),
      "clock-drift": () => this.#tell([]),
      "expired-certificate": (options) => this.#present(options && -Number(options["daysAgo"])),
      "expiring-certificate": (options) => this.#present(options && Number(options["daysLeft"])),
    };
  }

  /** Starts anew with a certificate that ends in so many days, or with the kept one. */
  #present(daysLeft: number | undefined): void {
    const content = { commonName: this.#options.name, applicationUri: opcuaUri(this.#options.name) };
    this.#certificate =
      daysLeft === undefined ? this.#kept : otherCertificate(this.#kept, content, this.#clock.now(), daysLeft);
    this.#again(() => this.reboot(0));
  }

  #again(restart: () => Promise<void>): void {
    this.#restarting = this.#restarting.then(restart).catch((error: unknown) => {
      this.#logger.error({ code: errorCode(error), error: errorMessage(error) }, "OPC UA server did not come back");
    });
  }
}

/** Puts devices on OPC UA, sign and encrypt only, behind one server. @throws SIM_OPCUA_LISTEN_FAILED */
export async function serveOpcua(
  served: readonly OpcuaServed[],
  options: OpcuaServerOptions,
  logger: Logger,
): Promise<OpcuaFieldServer> {
  const { name, folder, clock = systemClock } = options;
  const content = { commonName: name, applicationUri: opcuaUri(name) };
  const certificate = await keptCertificate(folder, content, clock.now());
  const server = new SimulatedOpcuaServer(served, options, certificate, logger);
  await server.open();
  options.engine.enter();
  return server;
}
