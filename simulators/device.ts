/**
 * A simulated device: behaviour without protocol. Its state is a flat set of named signals; a server puts them on a wire.
 * Physics runs in `step`; field writes (an operator's command arriving over the wire) go through `write`.
 */
export interface SimulatedDevice {
  /** Id inside the park, e.g. `ahu-1`; the same as the device slot in the site's files. */
  readonly id: string;
  readonly name: string;
  readonly nameEn: string;
  /** Every signal of the device, in a fixed order. */
  readonly signals: readonly Signal[];
  /** Present value of a signal. @throws SIM_SIGNAL_UNKNOWN */
  read(signal: string): SignalValue;
  /** Sets a signal from the wire or from a scenario; the change has its effect at the next `step`. @throws SIM_SIGNAL_UNKNOWN */
  write(signal: string, value: SignalValue): void;
  /**
   * Gives a commanded signal back to the device's own control: a server with command priorities calls it instead of `write`
   * when the last command is relinquished. Absent where the device has no control of its own. @throws SIM_SIGNAL_UNKNOWN
   */
  relinquish?(signal: string): void;
  /** Advances the physics by `seconds` of simulated time. `nowMs` is the simulated time of day, Unix ms. */
  step(seconds: number, nowMs: number): void;
}

export type SignalValue = number | boolean | string;

/** One signal of a simulated device. What a protocol needs beyond it is in the server's own mapping table. */
export interface Signal {
  /** Kebab-case, e.g. `supply-air-temperature`; the same as the point slot in the site's files. */
  readonly name: string;
  readonly label: string;
  readonly labelEn: string;
  readonly kind: "number" | "boolean" | "enum" | "string";
  /** Canonical unit id of core/units.ts. */
  readonly unit?: string;
  /** Texts of states 1..n of an enum, or of false and true of a boolean: [zh, en]. */
  readonly states?: readonly (readonly [string, string])[];
  /** May a client write it over the wire? */
  readonly writable: boolean;
  /** BACnet COV increment and the like: smallest change worth telling. */
  readonly covIncrement?: number;
  readonly min?: number;
  readonly max?: number;
}

/** Options of one fault, e.g. `{delayMs: 500}`. */
export type FaultOptions = Readonly<Record<string, number | string | boolean>>;

/** What can go wrong with a server, switched on and off while it runs. */
export interface FaultMenu {
  /** Kebab-case names of the faults it can show. */
  readonly kinds: readonly string[];
  /** Those that are switched on. */
  readonly active: readonly string[];
  /** Switches a fault on, or changes its options. @throws SIM_FAULT_UNKNOWN, SIM_FAULT_OPTION_INVALID */
  set(kind: string, options?: FaultOptions): void;
  /** Switches one fault off, or all. */
  clear(kind?: string): void;
}

/** A device put on a wire. */
export interface FieldServer {
  /** Faults that it can show; absent where it has none but `silence` and `reboot`. */
  readonly faults?: FaultMenu;
  /** Where clients reach it. */
  readonly address: { readonly host: string; readonly port: number };
  /** Starts what a client would otherwise wait for. Absent where nothing waits. */
  warmUp?(): Promise<void>;
  /** Stops answering (a cut cable: requests vanish, connections hang) until `restore`. */
  silence(): void;
  restore(): void;
  /** Power cycle: connections, subscriptions and volatile state are lost; answers again after `downMs`. */
  reboot(downMs: number): Promise<void>;
  close(): Promise<void>;
}
