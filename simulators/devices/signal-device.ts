import { InvalidInputError } from "#core/errors.ts";
import type { Signal, SignalValue, SimulatedDevice } from "../device.ts";
import { clamp, Random, type Surroundings, seedOf, surroundingsAt } from "./physics.ts";

/** Names and seed of one device of the park. */
export interface DeviceIdentity {
  readonly id: string;
  readonly name: string;
  readonly nameEn: string;
  /** The park's seed; 1 when absent. Each device makes its own of it. */
  readonly seed?: number;
  /** Offset of the site's local time from UTC, minutes; 480 (China) when absent. */
  readonly utcOffsetMinutes?: number;
}

/** A signal with the value it starts from and the decimals its sensor resolves. */
export interface SignalSpec extends Signal {
  readonly initial: SignalValue;
  readonly decimals?: number;
  /** A counter that survives a power loss. */
  readonly retained?: true;
}

type States = readonly (readonly [string, string])[];

export const OFF_ON: States = [
  ["停止", "off"],
  ["运行", "on"],
];
export const NORMAL_ALARM: States = [
  ["正常", "normal"],
  ["报警", "alarm"],
];
export const NORMAL_FAULT: States = [
  ["正常", "normal"],
  ["故障", "fault"],
];
export const NO_YES: States = [
  ["否", "no"],
  ["是", "yes"],
];

type NumberExtras = Partial<Pick<SignalSpec, "min" | "max" | "writable" | "decimals" | "covIncrement" | "retained">>;

/** A measured or commanded number; one decimal unless told otherwise. */
export function numberSignal(
  name: string,
  label: string,
  labelEn: string,
  unit: string | undefined,
  initial: number,
  extras: NumberExtras = {},
): SignalSpec {
  const decimals = extras.decimals ?? 1;
  return {
    name,
    label,
    labelEn,
    kind: "number",
    ...(unit === undefined ? {} : { unit }),
    writable: false,
    initial,
    covIncrement: 2 * 10 ** -decimals,
    ...extras,
    decimals,
  };
}

/** A number that people or the hub set. */
export function setting(
  name: string,
  label: string,
  labelEn: string,
  unit: string,
  initial: number,
  [min, max]: readonly [number, number],
): SignalSpec {
  return numberSignal(name, label, labelEn, unit, initial, { min, max, writable: true, covIncrement: 0.1 });
}

/** A state of two; `states` are the texts of false and true. */
export function flagSignal(name: string, label: string, labelEn: string, states: States, initial = false): SignalSpec {
  return { name, label, labelEn, kind: "boolean", states, writable: false, initial };
}

/** A switch that people or the hub set. */
export function commandSignal(name: string, label: string, labelEn: string, initial = false): SignalSpec {
  return { ...flagSignal(name, label, labelEn, OFF_ON, initial), writable: true };
}

/** One of several states, counted from 1. */
export function stateSignal(
  name: string,
  label: string,
  labelEn: string,
  states: States,
  initial: number,
  writable = false,
): SignalSpec {
  return { name, label, labelEn, kind: "enum", states, writable, initial };
}

/** Longest step of the physics; a longer one is walked in several. */
const MAX_STEP_SECONDS = 2;

/** What the kinds of devices have in common: a table of signals, who commands an output, and time in small steps. */
export abstract class SignalDevice implements SimulatedDevice {
  readonly id: string;
  readonly name: string;
  readonly nameEn: string;
  readonly signals: readonly SignalSpec[];
  protected readonly random: Random;
  readonly #utcOffsetMinutes: number | undefined;
  readonly #specs: ReadonlyMap<string, SignalSpec>;
  readonly #values = new Map<string, SignalValue>();
  /** Outputs that somebody has written: the device's own control keeps its hands off them. */
  readonly #commanded = new Set<string>();

  protected constructor(identity: DeviceIdentity, signals: readonly SignalSpec[]) {
    this.id = identity.id;
    this.name = identity.name;
    this.nameEn = identity.nameEn;
    this.signals = signals;
    this.random = new Random(seedOf(identity.seed ?? 1, identity.id));
    this.#utcOffsetMinutes = identity.utcOffsetMinutes;
    this.#specs = new Map(signals.map((signal) => [signal.name, signal]));
    for (const signal of signals) this.#values.set(signal.name, signal.initial);
  }

  read(signal: string): SignalValue {
    const spec = this.#spec(signal);
    const value = this.#values.get(signal) ?? spec.initial;
    if (typeof value !== "number" || spec.kind !== "number") return value;
    const factor = 10 ** (spec.decimals ?? 1);
    return Math.round(value * factor) / factor;
  }

  write(signal: string, value: SignalValue): void {
    const spec = this.#spec(signal);
    const accepted = accept(spec, value);
    if (accepted === undefined) return;
    this.#values.set(signal, accepted);
    if (spec.writable) this.#commanded.add(signal);
    this.written(signal, accepted);
  }

  relinquish(signal: string): void {
    const { initial } = this.#spec(signal);
    this.#commanded.delete(signal);
    this.#values.set(signal, initial);
    this.written(signal, initial);
  }

  step(seconds: number, nowMs: number): void {
    const steps = Math.max(1, Math.ceil(seconds / MAX_STEP_SECONDS));
    const each = seconds / steps;
    for (let i = 1; i <= steps; i++) {
      this.advance(each, surroundingsAt(nowMs - (steps - i) * each * 1000, this.#utcOffsetMinutes));
    }
  }

  /** The physics of one short step. */
  protected abstract advance(seconds: number, surroundings: Surroundings): void;

  /** A kind that reacts at once to a written signal overrides this. */
  protected written(_signal: string, _value: SignalValue): void {}

  /** A number in full resolution. */
  protected number(signal: string): number {
    return Number(this.#values.get(signal));
  }

  protected flag(signal: string): boolean {
    return this.#values.get(signal) === true;
  }

  protected set(signal: string, value: SignalValue): void {
    this.#values.set(signal, value);
  }

  /** Sets an output from the device's own control, unless somebody commands it. */
  protected control(signal: string, value: SignalValue): void {
    if (!this.#commanded.has(signal)) this.#values.set(signal, value);
  }

  #spec(signal: string): SignalSpec {
    const spec = this.#specs.get(signal);
    if (spec !== undefined) return spec;
    throw new InvalidInputError("SIM_SIGNAL_UNKNOWN", `${this.id} has no signal "${signal}"`);
  }
}

/** The value as the signal can hold it: numbers held inside the range, 0 and 1 as false and true; undefined: not at all. */
function accept(spec: Signal, value: SignalValue): SignalValue | undefined {
  switch (spec.kind) {
    case "boolean":
      return typeof value === "string" ? undefined : Boolean(value);
    case "string":
      return String(value);
    case "enum":
      return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= (spec.states?.length ?? Infinity)
        ? value
        : undefined;
    case "number": {
      const number = Number(value);
      if (!Number.isFinite(number)) return undefined;
      return clamp(number, spec.min ?? -Infinity, spec.max ?? Infinity);
    }
    default:
      return spec.kind satisfies never;
  }
}
