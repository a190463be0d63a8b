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
    if (kind === "clock-drift" && typeof options["seconds"] !== "number")
      throw new InvalidInputError("SIM_FAULT_OPTION_INVALID", "clock-drift expected {seconds: a number}");
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
