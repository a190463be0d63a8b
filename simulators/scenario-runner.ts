import type { Clock } from "#core/clock.ts";
import { errorMessage, InvalidInputError } from "#core/errors.ts";
import type { FaultOptions, SignalValue } from "./device.ts";
import type { CutMode } from "./relay.ts";
import { type Scenario, type ScenarioStep, type ScenarioValues, scenarioValues } from "./scenario.ts";

/** What a scenario can do to the field. `cause` names the run, so that two stories do not undo each other's cut. */
export interface ScenarioField {
  set(device: string, signal: string, value: SignalValue): void;
  hold(device: string, signal: string, value: SignalValue): void;
  release(device: string, signal: string): void;
  /** Every device when absent. @throws SIM_DEVICE_UNKNOWN */
  silence(device: string | undefined, cause: string): void;
  restore(device: string | undefined, cause: string): void;
  reboot(device: string | undefined, downMs: number): void;
  /** @throws SIM_DEVICE_UNKNOWN, SIM_FAULT_UNKNOWN, SIM_FAULT_OPTION_INVALID */
  fault(device: string, kind: string, options?: FaultOptions): void;
  clearFault(device: string, kind: string): void;
  /** @throws SIM_DEVICE_UNKNOWN, SIM_FAULT_UNKNOWN */
  checkFault(device: string, kind: string): void;
  cut(mode: CutMode, cause: string): void;
  rejoin(cause: string): void;
  /** Boolean signals whose `<device>/<signal>` matches one of the expressions, in a fixed order. */
  conditions(expressions: readonly string[]): readonly { readonly device: string; readonly signal: string }[];
  /** @throws SIM_DEVICE_UNKNOWN */
  checkDevice(device: string): void;
  note(scenario: string, detail: string): void;
}

/** A run of a scenario. Times are Unix ms. */
export interface ScenarioRun {
  readonly name: string;
  readonly params: ScenarioValues;
  readonly startedAt: number;
  readonly endsAt: number;
}

interface LiveRun {
  readonly run: ScenarioRun;
  readonly cancels: Set<() => void>;
  /** What must still be undone, newest last. */
  readonly undo: Set<() => void>;
}

/** How often a storm looks at what is due, ms. */
const STORM_TICK_MS = 10;

/** Plays scenarios. Each ends by itself; starting one that runs ends it and begins anew. */
export class ScenarioRunner {
  readonly #scenarios: ReadonlyMap<string, Scenario>;
  readonly #field: ScenarioField;
  readonly #clock: Clock;
  readonly #live = new Map<string, LiveRun>();

  constructor(scenarios: ReadonlyMap<string, Scenario>, field: ScenarioField, clock: Clock) {
    this.#scenarios = scenarios;
    this.#field = field;
    this.#clock = clock;
  }

  get scenarios(): ReadonlyMap<string, Scenario> {
    return this.#scenarios;
  }

  /** Runs that have not ended. */
  get running(): readonly ScenarioRun[] {
    return [...this.#live.values()].map(({ run }) => run);
  }

  /** @throws SIM_SCENARIO_UNKNOWN, SIM_PARAM_INVALID, SIM_DEVICE_UNKNOWN */
  start(name: string, given: Readonly<Record<string, unknown>> = {}): ScenarioRun {
    const scenario = this.#scenarios.get(name);
    if (scenario === undefined) {
      const known = [...this.#scenarios.keys()].join(", ");
      throw new InvalidInputError("SIM_SCENARIO_UNKNOWN", `no scenario "${name}"; there are ${known}`);
    }
    const params = scenarioValues(scenario, given);
    for (const step of scenario.steps) {
      const device = "device" in step ? resolve(step.device, params) : undefined;
      if (device !== undefined) this.#field.checkDevice(String(device));
      if (step.do === "fault") this.#field.checkFault(step.device, step.kind);
    }
    this.stop(name);
    const seconds = Math.max(...scenario.steps.map((step) => startOf(step, params) + lengthOf(step, params)));
    const startedAt = this.#clock.now();
    const live: LiveRun = {
      run: { name, params, startedAt, endsAt: startedAt + seconds * 1000 },
      cancels: new Set(),
      undo: new Set(),
    };
    this.#live.set(name, live);
    this.#field.note(name, `started ${JSON.stringify(params)}`);
    for (const step of scenario.steps)
      this.#after(live, startOf(step, params), () => this.#perform(live, step, params));
    this.#after(live, seconds, () => this.stop(name));
    return live.run;
  }

  /** Ends a run now and undoes what it did; false when it does not run. */
  stop(name: string): boolean {
    const live = this.#live.get(name);
    if (live === undefined) return false;
    this.#live.delete(name);
    for (const cancel of live.cancels) cancel();
    for (const undo of [...live.undo].reverse()) undo();
    this.#field.note(name, "ended");
    return true;
  }

  /** Ends every run. */
  close(): void {
    for (const name of [...this.#live.keys()]) this.stop(name);
  }

  #after(live: LiveRun, seconds: number, action: () => void): void {
    if (seconds === 0) {
      action();
      return;
    }
    const cancel = this.#clock.after(seconds * 1000, () => {
      live.cancels.delete(cancel);
      action();
    });
    live.cancels.add(cancel);
  }

  #perform(live: LiveRun, step: ScenarioStep, params: ScenarioValues): void {
    const seconds = lengthOf(step, params);
    const undo = this.#begin(live, step, params, seconds);
    if (undo === undefined) return;
    live.undo.add(undo);
    this.#after(live, seconds, () => {
      if (live.undo.delete(undo)) undo();
    });
  }

  /** Does what the step says; gives what undoes it. */
  #begin(live: LiveRun, step: ScenarioStep, params: ScenarioValues, seconds: number): (() => void) | undefined {
    const field = this.#field;
    const cause = live.run.name;
    switch (step.do) {
      case "set":
        field.set(step.device, step.signal, step.value);
        return () => field.set(step.device, step.signal, step.then);
      case "silence": {
        const device = deviceOf(step.device, params);
        field.silence(device, cause);
        return () => field.restore(device, cause);
      }
      case "reboot":
        field.reboot(deviceOf(step.device, params), seconds * 1000);
        return undefined;
      case "fault": {
        const { device, kind, options } = step;
        try {
          field.fault(device, kind, options);
        } catch (error) {
          // a story that has begun is told to the end
          field.note(cause, errorMessage(error));
          return undefined;
        }
        return () => field.clearFault(device, kind);
      }
      case "cut":
        field.cut(resolve(step.mode, params) === "silent" ? "silent" : "reset", cause);
        return () => field.rejoin(cause);
      case "storm":
        return this.#storm(live, step.signals, Number(resolve(step.count, params)), seconds);
      default:
        step satisfies never;
        return undefined;
    }
  }

  /**
   * Raises the conditions one after the other, evenly over the time, each for half a round. Runs on the clock's tick: what is
   * due within one tick comes in one burst, in order.
   */
  #storm(live: LiveRun, expressions: readonly string[], count: number, seconds: number): () => void {
    const field = this.#field;
    const conditions = field.conditions(expressions);
    const periodMs = (seconds * 1000) / count;
    const onMs = (Math.min(count, conditions.length) * periodMs) / 2;
    const began = this.#clock.monotonic();
    const active = new Map<number, number>();
    let raised = 0;
    const lower = (dueBefore: number): void => {
      for (const [index, until] of active) {
        if (until > dueBefore) continue;
        active.delete(index);
        const condition = conditions[index];
        if (condition !== undefined) field.release(condition.device, condition.signal);
      }
    };
    const tick = (): void => {
      const elapsed = this.#clock.monotonic() - began;
      while (raised < count && raised * periodMs <= elapsed) {
        const at = raised * periodMs;
        lower(at);
        const index = raised % conditions.length;
        const condition = conditions[index];
        if (condition !== undefined) field.hold(condition.device, condition.signal, true);
        active.set(index, at + onMs);
        raised++;
      }
      lower(elapsed);
    };
    tick();
    const cancel = this.#clock.every(STORM_TICK_MS, tick);
    live.cancels.add(cancel);
    return () => {
      // What the last tick had not reached yet: the count is kept.
      while (raised < count) {
        const condition = conditions[raised++ % conditions.length];
        if (condition === undefined) break;
        field.release(condition.device, condition.signal);
        field.hold(condition.device, condition.signal, true);
        field.release(condition.device, condition.signal);
      }
      cancel();
      lower(Infinity);
    };
  }
}

function resolve(value: number | string, params: ScenarioValues): number | string | undefined {
  return typeof value === "string" && value.startsWith("$") ? params[value.slice(1)] : value;
}

function deviceOf(device: string, params: ScenarioValues): string | undefined {
  const resolved = resolve(device, params);
  return resolved === undefined ? undefined : String(resolved);
}

function startOf(step: ScenarioStep, params: ScenarioValues): number {
  return Number(resolve(step.at ?? 0, params) ?? 0);
}

function lengthOf(step: ScenarioStep, params: ScenarioValues): number {
  return Number(resolve(step.for, params) ?? 0);
}
