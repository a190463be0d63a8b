import { InvalidInputError } from "#core/errors.ts";
import type { FaultMenu } from "../../device.ts";

/**
 * What can go wrong on a panel's line. `crc-error`, `wrong-length`: the next frames are damaged; `clock-drift {seconds}`;
 * `duplicate`: every frame is sent twice; `unencrypted`: a panel with a key sends plain frames; `wrong-key`; `garbage`: bytes before
 * each frame; `slow-bytes`: one byte at a time; `deaf`: answers are not heard, so that every frame is repeated.
 */
const KINDS = [
  "crc-error",
  "wrong-length",
  "clock-drift",
  "duplicate",
  "unencrypted",
  "wrong-key",
  "garbage",
  "slow-bytes",
  "deaf",
] as const;
export type PanelFault = (typeof KINDS)[number];
const MAX_DRIFT_S = 1e8;

/** The switched-on faults of one panel. */
export class PanelFaults implements FaultMenu {
  readonly kinds: readonly string[] = KINDS;
  readonly #active = new Map<string, Readonly<Record<string, number | string | boolean>>>();

  get active(): readonly string[] {
    return [...this.#active.keys()];
  }

  /** @throws SIM_FAULT_UNKNOWN, SIM_FAULT_OPTION_INVALID */
  set(kind: string, options: Readonly<Record<string, number | string | boolean>> = {}): void {
    if (!this.kinds.includes(kind))
      throw new InvalidInputError("SIM_FAULT_UNKNOWN", `fault expected one of ${KINDS.join(", ")}, got "${kind}"`);
    const { seconds, ...others } = options;
    const [unknown] = Object.keys(kind === "clock-drift" ? others : options);
    if (unknown !== undefined)
      throw new InvalidInputError("SIM_FAULT_OPTION_INVALID", `${kind} has no option "${unknown}"`);
    // beyond this a time is none that a frame can carry
    if (kind === "clock-drift" && !(typeof seconds === "number" && Math.abs(seconds) <= MAX_DRIFT_S)) {
      const text = `clock-drift expected {seconds: -${MAX_DRIFT_S} to ${MAX_DRIFT_S}}, got ${JSON.stringify(seconds)}`;
      throw new InvalidInputError("SIM_FAULT_OPTION_INVALID", text);
    }
    this.#active.set(kind, options);
  }

  clear(kind?: string): void {
    if (kind === undefined) this.#active.clear();
    else this.#active.delete(kind);
  }

  has(kind: PanelFault): boolean {
    return this.#active.has(kind);
  }

  /** How far the panel's clock runs ahead, ms. */
  get driftMs(): number {
    return Number(this.#active.get("clock-drift")?.["seconds"] ?? 0) * 1000;
  }
}
