import { type Clock, systemClock } from "#core/clock.ts";
import { errorCode, errorMessage, InvalidInputError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { FaultMenu, FaultOptions, SignalValue } from "./device.ts";
import type { DeviceView } from "./device-view.ts";
import type { SignalDevice } from "./devices/signal-device.ts";
import { KeptCounters } from "./kept-counters.ts";
import type { FieldSecrets, JsonFile, PortsFile } from "./kept-files.ts";
import { type NetworkDevice, serversOf } from "./network-device.ts";
import { buildDevices, type ParkDevices } from "./park-devices.ts";
import { closeNetwork, openNetwork } from "./park-network.ts";
import { type DeviceState, type ParkState, stateOf } from "./park-state.ts";
import { Recorder } from "./recorder.ts";
import { type CutMode, openRelay, type Relay } from "./relay.ts";
import { loadScenarios } from "./scenario.ts";
import { type ScenarioField, type ScenarioRun, ScenarioRunner } from "./scenario-runner.ts";

/** What a park is opened with. */
export interface FieldOptions {
  /** Folder of certificates that devices keep. */
  readonly dataDir: string;
  readonly ports: PortsFile;
  readonly secrets: FieldSecrets;
  /** Where counters are kept. */
  readonly counters: JsonFile;
  /** Broker that the relay forwards to. */
  readonly mqttTarget: { readonly host: string; readonly port: number };
  readonly logger: Logger;
  readonly clock?: Clock;
  /** 1 when absent; the same seed and clock give the same park. */
  readonly seed?: number;
}

/** What people do and what moves is stepped so often, plant and meters in every fourth, ms. */
const TICK_MS = 250;
const SLOW_TICKS = 4;
const FAST: ReadonlySet<NetworkDevice["protocol"]> = new Set(["onvif", "opcua", "sia-dc09"]);

/** How long the plant has been running when the park opens, s: its control loops have settled. */
const SETTLE_SECONDS = 1800;
const SETTLE_STEP_SECONDS = 2;

/** What moves slowly, and what counts. */
function metersAndPlant(devices: ParkDevices): readonly SignalDevice[] {
  const { bacnet, lighting, powerMeters, waterMeters, pumpStation } = devices;
  return [...bacnet, lighting, ...powerMeters, ...waterMeters, pumpStation];
}

function settle(devices: ParkDevices, nowMs: number): void {
  const plant = [...metersAndPlant(devices), ...devices.lifts];
  for (let ahead = SETTLE_SECONDS; ahead > 0; ahead -= SETTLE_STEP_SECONDS) {
    for (const device of plant) device.step(SETTLE_STEP_SECONDS, nowMs - ahead * 1000);
  }
}

/** The simulated field: devices on their wires, their physics, the uplink relay and the stories played on them. */
export class ParkField implements ScenarioField {
  readonly recorder: Recorder;
  readonly relay: Relay;
  readonly scenarios: ScenarioRunner;
  readonly #devices: ParkDevices;
  readonly #counters: KeptCounters;
  readonly #network: readonly NetworkDevice[];
  readonly #byId: ReadonlyMap<string, NetworkDevice>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #cancelTick: () => void;
  /** Why a device is silent: the stories that cut its cable. */
  readonly #silent = new Map<NetworkDevice, Set<string>>();
  readonly #cuts = new Map<string, CutMode>();
  /** Holds that end by themselves. */
  readonly #holds = new Map<string, () => void>();
  #lastTick: number;
  #ticks = 0;
  #slowSeconds = 0;

  private constructor(
    built: {
      devices: ParkDevices;
      recorder: Recorder;
      counters: KeptCounters;
      network: readonly NetworkDevice[];
      relay: Relay;
    },
    clock: Clock,
    logger: Logger,
  ) {
    this.#devices = built.devices;
    this.recorder = built.recorder;
    this.#counters = built.counters;
    this.relay = built.relay;
    this.#network = built.network;
    this.#byId = new Map(built.network.map((entry) => [entry.view.id, entry]));
    this.#clock = clock;
    this.#logger = logger;
    this.scenarios = new ScenarioRunner(loadScenarios(), this, clock);
    this.#lastTick = clock.monotonic();
    this.#cancelTick = clock.every(TICK_MS, () => this.#tick());
  }

  /** Builds the park and puts it on its wires. @throws CONFIG_INVALID for a faulty scenario file, SIM_*_LISTEN_FAILED */
  static async open(options: FieldOptions): Promise<ParkField> {
    const clock = options.clock ?? systemClock;
    const { ports, logger, secrets, dataDir } = options;
    loadScenarios();
    const recorder = new Recorder(clock);
    const devices = buildDevices(options.seed ?? 1, () => clock.now());
    settle(devices, clock.now());
    const metered = [...metersAndPlant(devices), ...devices.lifts];
    const counters = new KeptCounters(metered, options.counters, clock, logger);
    const relay = await ports.open(
      "relay",
      (port) => openRelay({ target: options.mqttTarget, port }, logger),
      (opened) => opened.port,
    );
    try {
      const network = await openNetwork(devices, { recorder, clock, logger, ports, secrets, dataDir });
      return new ParkField({ devices, recorder, counters, network, relay }, clock, logger);
    } catch (error) {
      counters.close();
      await relay.close();
      throw error;
    }
  }

  /** Signals of all devices. */
  get pointCount(): number {
    return this.#network.reduce((sum, { view }) => sum + view.signals.length, 0);
  }

  get serverCount(): number {
    return new Set(this.#network.flatMap(serversOf)).size;
  }

  /** Starts what otherwise starts with the first client. @throws SIM_OPCUA_START_FAILED */
  async warmUp(): Promise<void> {
    await Promise.all([...new Set(this.#network.flatMap(serversOf))].map((server) => server.warmUp?.()));
  }

  get deviceIds(): readonly string[] {
    return [...this.#byId.keys()];
  }

  /** @throws SIM_DEVICE_UNKNOWN */
  view(device: string): DeviceView {
    return this.#entry(device).view;
  }

  state(): ParkState {
    return {
      at: this.#clock.now(),
      seq: this.recorder.seq,
      devices: Object.fromEntries(this.#network.map((entry) => [entry.view.id, this.#stateOf(entry)])),
      relay: { cut: this.relay.cutMode ?? null, ...this.relay.counters() },
      scenarios: this.scenarios.running,
    };
  }

  /** @throws SIM_DEVICE_UNKNOWN */
  deviceState(device: string): DeviceState {
    return this.#stateOf(this.#entry(device));
  }

  scenario(name: string, params: Readonly<Record<string, unknown>> = {}): ScenarioRun {
    return this.scenarios.start(name, params);
  }

  set(device: string, signal: string, value: SignalValue): void {
    this.view(device).set(signal, value);
    this.#devices.couple();
  }

  hold(device: string, signal: string, value: SignalValue): void {
    this.view(device).hold(signal, value);
  }

  release(device: string, signal: string): void {
    this.#holds.get(`${device}/${signal}`)?.();
    this.#holds.delete(`${device}/${signal}`);
    this.view(device).release(signal);
  }

  /** Holds a signal for some seconds; a new hold replaces the former. */
  holdFor(device: string, signal: string, value: SignalValue, seconds: number): void {
    this.hold(device, signal, value);
    this.#holds.get(`${device}/${signal}`)?.();
    this.#holds.set(
      `${device}/${signal}`,
      this.#clock.after(seconds * 1000, () => this.release(device, signal)),
    );
  }

  silence(device: string | undefined, cause: string): void {
    for (const entry of this.#behind(device)) {
      const causes = this.#silent.get(entry) ?? new Set();
      if (causes.size === 0) this.recorder.note({ type: "field", device: entry.view.id, detail: "silent" });
      this.#silent.set(entry, causes.add(cause));
      for (const server of serversOf(entry)) server.silence();
    }
  }

  restore(device: string | undefined, cause: string): void {
    for (const entry of this.#behind(device)) {
      const causes = this.#silent.get(entry);
      if (causes === undefined || !causes.delete(cause) || causes.size > 0) continue;
      this.#silent.delete(entry);
      for (const server of serversOf(entry)) server.restore();
      this.recorder.note({ type: "field", device: entry.view.id, detail: "answers again" });
    }
  }

  reboot(device: string | undefined, downMs: number): void {
    const entries = this.#behind(device);
    for (const entry of entries) this.recorder.note({ type: "field", device: entry.view.id, detail: "reboots" });
    for (const server of new Set(entries.map((entry) => entry.server))) {
      const behind = entries.filter((entry) => entry.server === server);
      const servers = new Set(behind.flatMap(serversOf));
      Promise.all([...servers].map((one) => one.reboot(downMs))).then(
        () => this.#rebooted(behind),
        (error: unknown) =>
          this.#logger.error(
            { code: errorCode(error), error: errorMessage(error), device },
            "device did not come back",
          ),
      );
    }
  }

  /** Faults that the device's servers can show, and those that are switched on. @throws SIM_DEVICE_UNKNOWN */
  faults(device: string): { readonly kinds: readonly string[]; readonly active: readonly string[] } {
    const menus = this.#menus(device);
    const all = (names: (menu: FaultMenu) => readonly string[]): readonly string[] => [
      ...new Set(menus.flatMap(names)),
    ];
    return { kinds: all(({ kinds }) => kinds), active: all(({ active }) => active) };
  }

  fault(device: string, kind: string, options?: FaultOptions): void {
    this.checkFault(device, kind);
    for (const menu of this.#menus(device)) if (menu.kinds.includes(kind)) menu.set(kind, options);
    this.recorder.note({ type: "field", device, detail: `fault ${kind} ${JSON.stringify(options ?? {})}` });
  }

  checkFault(device: string, kind: string): void {
    const { kinds } = this.faults(device);
    if (kinds.includes(kind)) return;
    const known = kinds.join(", ") || "no faults";
    throw new InvalidInputError("SIM_FAULT_UNKNOWN", `${device} has no fault "${kind}"; it has ${known}`);
  }

  /** Switches one fault of the device off, or all. @throws SIM_DEVICE_UNKNOWN */
  clearFault(device: string, kind?: string): void {
    for (const menu of this.#menus(device)) menu.clear(kind);
    this.recorder.note({ type: "field", device, detail: kind === undefined ? "no fault" : `fault ${kind} ends` });
  }

  cut(mode: CutMode, cause: string): void {
    this.#cuts.set(cause, mode);
    this.relay.cut(mode);
    this.recorder.note({ type: "field", detail: `uplink cut (${mode})` });
  }

  rejoin(cause: string): void {
    if (!this.#cuts.delete(cause) || this.#cuts.size > 0) return;
    this.relay.restore();
    this.recorder.note({ type: "field", detail: "uplink restored" });
  }

  conditions(expressions: readonly string[]): readonly { readonly device: string; readonly signal: string }[] {
    const patterns = expressions.map((expression) => new RegExp(expression));
    return this.#network.flatMap(({ view }) =>
      view.signals
        .filter(
          ({ kind, name }) => kind === "boolean" && patterns.some((pattern) => pattern.test(`${view.id}/${name}`)),
        )
        .map(({ name }) => ({ device: view.id, signal: name })),
    );
  }

  checkDevice(device: string): void {
    this.#entry(device);
  }

  note(scenario: string, detail: string): void {
    this.recorder.note({ type: "scenario", detail: `${scenario} ${detail}` });
  }

  /** Ends every story, then every server. */
  async close(): Promise<void> {
    this.scenarios.close();
    this.#cancelTick();
    this.#counters.close();
    for (const cancel of this.#holds.values()) cancel();
    await Promise.all([closeNetwork(this.#network), this.relay.close()]);
  }

  #tick(): void {
    const now = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    // A machine that slept goes on where it was, without racing through the night.
    const seconds = Math.min(5, Math.max(0, (monotonic - this.#lastTick) / 1000));
    this.#lastTick = monotonic;
    this.#ticks++;
    this.#slowSeconds += seconds;
    const slow = this.#ticks % SLOW_TICKS === 0;
    for (const { view, protocol } of this.#network) {
      if (FAST.has(protocol)) view.step(seconds, now);
      else if (slow) view.step(this.#slowSeconds, now);
    }
    if (slow) this.#slowSeconds = 0;
    this.#devices.couple();
  }

  /** A device that came back from a power cycle is still silent when its cable is cut. */
  #rebooted(entries: readonly NetworkDevice[]): void {
    for (const entry of entries) {
      if (this.#silent.has(entry)) for (const server of serversOf(entry)) server.silence();
      this.recorder.note({ type: "field", device: entry.view.id, detail: "is up again" });
    }
  }

  #menus(device: string): readonly FaultMenu[] {
    return serversOf(this.#entry(device)).flatMap(({ faults }) => faults ?? []);
  }

  #stateOf(entry: NetworkDevice): DeviceState {
    return stateOf(entry, this.recorder, this.#silent.has(entry));
  }

  #entry(device: string): NetworkDevice {
    const entry = this.#byId.get(device);
    if (entry !== undefined) return entry;
    throw new InvalidInputError("SIM_DEVICE_UNKNOWN", `no device "${device}"; there are ${this.deviceIds.join(", ")}`);
  }

  /** The device and all others behind the same server: they share its cable. */
  #behind(device: string | undefined): readonly NetworkDevice[] {
    if (device === undefined) return this.#network;
    const { server } = this.#entry(device);
    return this.#network.filter((entry) => entry.server === server);
  }
}
