import { InvalidInputError } from "#core/errors.ts";
import type { FaultMenu } from "../../device.ts";
import { Random } from "../../devices/physics.ts";

/** A number that a fault can be given, with its bounds and what holds when it is not given. */
interface OptionSpec {
  readonly min: number;
  readonly max: number;
  readonly otherwise: number;
}

/** Which part of the answers a fault hits. */
const SHARE: OptionSpec = { min: 0, max: 1, otherwise: 1 };
const MS: OptionSpec = { min: 1, max: 600_000, otherwise: 1500 };
const ADDRESS: OptionSpec = { min: 0, max: 65_535, otherwise: 0 };

/**
 * late: answers after `ms`. reordered: an answer waits for the next one, at most `ms`. dropped: no answer. half-open: connections
 * that are open now are dead without being closed. crc-error: a wrong CRC (RTU). exception: `code` to whatever touches addresses
 * `from` to `to`. slow-bytes: `ms` between the bytes of an answer. wrong-unit, wrong-length: answers of the next unit, or with two
 * bytes more than asked. frozen: values stand still and writes have no effect.
 */
const FAULTS = {
  late: { share: SHARE, ms: MS },
  reordered: { share: SHARE, ms: { ...MS, otherwise: 500 } },
  dropped: { share: SHARE },
  "half-open": {},
  "crc-error": { share: SHARE },
  exception: {
    share: SHARE,
    code: { min: 1, max: 255, otherwise: 4 },
    from: ADDRESS,
    to: { ...ADDRESS, otherwise: 65_535 },
  },
  "slow-bytes": { share: SHARE, ms: { ...MS, otherwise: 10 } },
  "wrong-unit": { share: SHARE },
  "wrong-length": { share: SHARE },
  frozen: {},
} as const satisfies Readonly<Record<string, Readonly<Record<string, OptionSpec>>>>;

/** Name of a fault. */
export type ModbusFault = keyof typeof FAULTS;
type Options = Readonly<Record<string, number>>;

/** The fault menu of one simulated Modbus server. */
export class ModbusFaults implements FaultMenu {
  readonly kinds: readonly ModbusFault[];
  readonly #active = new Map<ModbusFault, Options>();
  readonly #onChange: (kind: ModbusFault, on: boolean) => void;
  readonly #random: Random;

  /** `rtu`: whether answers carry a CRC. `onChange` is told when a fault is switched on or off. The same seed gives the same hits. */
  constructor(rtu: boolean, seed: number, onChange: (kind: ModbusFault, on: boolean) => void) {
    this.kinds = (Object.keys(FAULTS) as ModbusFault[]).filter((kind) => rtu || kind !== "crc-error");
    this.#onChange = onChange;
    this.#random = new Random(seed);
  }

  get active(): readonly ModbusFault[] {
    return [...this.#active.keys()];
  }

  set(kind: string, options: Readonly<Record<string, number | string | boolean>> = {}): void {
    const known = this.kinds.find((each) => each === kind);
    if (known === undefined) {
      throw new InvalidInputError("SIM_FAULT_UNKNOWN", `expected one of ${this.kinds.join(", ")}, got "${kind}"`);
    }
    this.#active.set(known, checked(known, options));
    this.#onChange(known, true);
  }

  clear(kind?: string): void {
    for (const each of kind === undefined ? this.active : this.active.filter((active) => active === kind)) {
      this.#active.delete(each);
      this.#onChange(each, false);
    }
  }

  /** The options of a fault where it is switched on and hits this time. */
  hits(kind: ModbusFault): Options | undefined {
    const options = this.#active.get(kind);
    if (options === undefined) return undefined;
    return this.#random.next() < (options["share"] ?? 1) ? options : undefined;
  }
}

function checked(kind: ModbusFault, given: Readonly<Record<string, number | string | boolean>>): Options {
  const specs: Readonly<Record<string, OptionSpec>> = FAULTS[kind];
  const problems = Object.entries(given).flatMap(([name, value]) => {
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (spec === undefined)
      return [`${name} is none of ${Object.keys(specs).join(", ") || "its options: it has none"}`];
    const fits = typeof value === "number" && value >= spec.min && value <= spec.max;
    return fits ? [] : [`${name} expected ${spec.min} to ${spec.max}, got ${JSON.stringify(value)}`];
  });
  if (problems.length > 0) throw new InvalidInputError("SIM_FAULT_OPTION_INVALID", `${kind}: ${problems.join("; ")}`);
  return Object.fromEntries(
    Object.entries(specs).map(([name, { otherwise }]) => [name, Number(given[name] ?? otherwise)]),
  );
}
