import { InvalidInputError } from "#core/errors.ts";
import type { FaultMenu, FaultOptions } from "../../device.ts";

/** Every fault with its options and what holds where one is not given. */
const FAULTS = {
  /** The server answers nothing more; connections stay, new ones are accepted. */
  frozen: {},
  /** Every answer comes so much later. */
  slow: { ms: 1000 },
  /** Connections are reset now. */
  "drop-connections": {},
  /** The server closes every session now, without a word. */
  "drop-session": {},
  /** The server forgets every subscription now; sessions stay. */
  "subscription-death": {},
  /** Power cycle now. */
  reboot: { downMs: 2000 },
  /** Values have this status instead of Good; one signal, or all when empty. */
  "bad-status": { status: "BadSensorFailure", signal: "" },
  /** The device's clock is off: source times of values and times of events. */
  "clock-drift": { seconds: 3600 },
  /** Restarts with a certificate that ended so many days ago. */
  "expired-certificate": { daysAgo: 1 },
  /** Restarts with a certificate that ends in so many days. */
  "expiring-certificate": { daysLeft: 10 },
} as const satisfies Readonly<Record<string, FaultOptions>>;

/** Names of the faults. */
export type OpcuaFault = keyof typeof FAULTS;

const RANGES: Readonly<Record<string, readonly [least: number, most: number]>> = {
  ms: [0, 60_000],
  downMs: [0, 3_600_000],
  seconds: [-1e8, 1e8],
  daysAgo: [0, 3650],
  daysLeft: [0, 3650],
};

/** Which faults of an OPC UA server are switched on. */
export class OpcuaFaults implements FaultMenu {
  readonly kinds: readonly string[] = Object.keys(FAULTS);
  readonly #active = new Map<OpcuaFault, FaultOptions>();
  readonly #changed: (kind: OpcuaFault, options: FaultOptions | undefined) => void;

  /** `changed` is told of each fault that is switched on, with all its options, or off. */
  constructor(changed: (kind: OpcuaFault, options: FaultOptions | undefined) => void) {
    this.#changed = changed;
  }

  get active(): readonly string[] {
    return [...this.#active.keys()];
  }

  set(kind: string, options: FaultOptions = {}): void {
    if (!isFault(kind)) {
      throw new InvalidInputError("SIM_FAULT_UNKNOWN", `fault expected one of ${this.kinds.join(", ")}, got "${kind}"`);
    }
    const known: FaultOptions = FAULTS[kind];
    for (const [name, value] of Object.entries(options)) {
      const expected = problem(name, known[name], value);
      if (expected === undefined) continue;
      throw new InvalidInputError("SIM_FAULT_OPTION_INVALID", `${kind} ${name}: expected ${expected}, got ${value}`);
    }
    const whole = { ...known, ...options };
    this.#active.set(kind, whole);
    this.#changed(kind, whole);
  }

  clear(kind?: string): void {
    for (const active of [...this.#active.keys()]) {
      if (kind !== undefined && kind !== active) continue;
      this.#active.delete(active);
      this.#changed(active, undefined);
    }
  }

  /** Options of a fault that is switched on. */
  of(kind: OpcuaFault): FaultOptions | undefined {
    return this.#active.get(kind);
  }
}

function isFault(kind: string): kind is OpcuaFault {
  return Object.hasOwn(FAULTS, kind);
}

function problem(name: string, like: unknown, value: number | string | boolean): string | undefined {
  if (like === undefined) return "no such option";
  if (typeof value !== typeof like) return `a ${typeof like}`;
  const [least, most] = RANGES[name] ?? [-Infinity, Infinity];
  if (typeof value === "number" && !(value >= least && value <= most)) return `a number from ${least} to ${most}`;
  if (name === "status" && !/^(Bad|Uncertain)[A-Za-z]*$/.test(String(value))) return "the name of a bad StatusCode";
  return undefined;
}
