import { InvalidInputError } from "#core/errors.ts";
import type { FaultMenu, FaultOptions } from "../../device.ts";

/** Every fault with its options and what holds where one is not given. */
const FAULTS = {
  /** Nothing comes in and nothing goes out, as with a cut cable. */
  silent: {},
  /** So many of a hundred datagrams are lost, in either direction. */
  loss: { percent: 30 },
  /** Every answer comes so much later; what was asked is done at once. */
  late: { ms: 2000 },
  /** The segments of an answer overtake each other. */
  "reordered-segments": {},
  /** Power cycle now; `cold` also empties the trend logs and the recipient lists. */
  restart: { downMs: 2000, cold: false },
  /** Takes and sends no larger APDU. */
  "small-apdu": { bytes: 206 },
  /** Takes and sends no segments. */
  "no-segmentation": {},
  /** Does not know ReadPropertyMultiple. */
  "no-rpm": {},
  /** Aborts a ReadPropertyMultiple of more properties (buffer-overflow). */
  "rpm-abort": { above: 10 },
  /** Every subscription is refused for want of space. */
  "cov-refused": {},
  /** Subscriptions are kept and acknowledged, and after so long nothing is told any more. */
  "cov-death": { afterS: 0 },
  /** Analog objects have these BACnetEngineeringUnits. */
  "wrong-units": { units: 64 },
  /** Says that it is the device of this instance. */
  "duplicate-instance": { instance: 1 },
  /** Performs so many requests in a second, one after the other, as a station behind an MS/TP router. */
  slow: { perSecond: 2 },
  /** The device's clock is off, and runs away by `secondsPerHour`. */
  "clock-skew": { seconds: 3600, secondsPerHour: 0 },
  /** Texts in another character set, or in GBK that is declared as another. */
  charset: { as: "gbk" },
  /** Analog values are NaN; `flagged`: with Reliability no-sensor. */
  nan: { flagged: true },
} as const satisfies Readonly<Record<string, FaultOptions>>;

/** Name of a fault. */
export type BacnetFault = keyof typeof FAULTS;

/** Options of a fault, all of them given. */
export type OptionsOf<K extends BacnetFault> = {
  readonly [Name in keyof (typeof FAULTS)[K]]: (typeof FAULTS)[K][Name] extends number
    ? number
    : (typeof FAULTS)[K][Name] extends boolean
      ? boolean
      : string;
};

/** How a text can be put on the wire: declared so, and whether in truth it is GBK. */
export const CHARSETS = ["gbk", "gbk-as-utf-8", "gbk-as-iso-8859-1", "ucs-2"] as const;

const RANGES: Readonly<Record<string, readonly [least: number, most: number]>> = {
  percent: [0, 100],
  ms: [0, 600_000],
  downMs: [0, 3_600_000],
  bytes: [50, 1476],
  above: [0, 10_000],
  afterS: [0, 86_400],
  units: [0, 65_535],
  instance: [0, 4_194_302],
  perSecond: [0.05, 1000],
  seconds: [-1e8, 1e8],
  secondsPerHour: [-3600, 3600],
};

/** Which faults of a simulated BACnet device are switched on. */
export class BacnetFaults implements FaultMenu {
  readonly kinds: readonly string[] = Object.keys(FAULTS);
  readonly #active = new Map<BacnetFault, FaultOptions>();
  readonly #changed: (kind: BacnetFault, on: boolean) => void;

  /** `changed` is told of each fault that is switched on or off, or whose options change. */
  constructor(changed: (kind: BacnetFault, on: boolean) => void) {
    this.#changed = changed;
  }

  get active(): readonly BacnetFault[] {
    return [...this.#active.keys()];
  }

  set(kind: string, options: FaultOptions = {}): void {
    if (!isFault(kind)) {
      throw new InvalidInputError("SIM_FAULT_UNKNOWN", `fault expected one of ${this.kinds.join(", ")}, got "${kind}"`);
    }
    const known: FaultOptions = FAULTS[kind];
    for (const [name, value] of Object.entries(options)) {
      const expected = problem(name, Object.hasOwn(known, name) ? known[name] : undefined, value);
      if (expected === undefined) continue;
      throw new InvalidInputError("SIM_FAULT_OPTION_INVALID", `${kind} ${name}: expected ${expected}, got ${value}`);
    }
    this.#active.set(kind, { ...known, ...options });
    this.#changed(kind, true);
  }

  clear(kind?: string): void {
    for (const active of this.active) {
      if (kind !== undefined && kind !== active) continue;
      this.#active.delete(active);
      this.#changed(active, false);
    }
  }

  /** Options of a fault that is switched on; undefined: it is off. */
  of<K extends BacnetFault>(kind: K): OptionsOf<K> | undefined {
    return this.#active.get(kind) as OptionsOf<K> | undefined;
  }

  has(kind: BacnetFault): boolean {
    return this.#active.has(kind);
  }
}

function isFault(kind: string): kind is BacnetFault {
  return Object.hasOwn(FAULTS, kind);
}

function problem(name: string, like: unknown, value: number | string | boolean): string | undefined {
  if (like === undefined) return "no such option";
  if (typeof value !== typeof like) return `a ${typeof like}`;
  if (name === "as" && !CHARSETS.some((charset) => charset === value)) return `one of ${CHARSETS.join(", ")}`;
  const [least, most] = RANGES[name] ?? [-Infinity, Infinity];
  if (typeof value === "number" && !(value >= least && value <= most)) return `a number from ${least} to ${most}`;
  return undefined;
}
