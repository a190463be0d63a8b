import type { AlarmView } from "#core/contracts/http.ts";

/** A flood begins above so many alarms in ten minutes and ends below the other. @see ISA-18.2 */
export const FLOOD_BEGINS_ABOVE = 10;
export const FLOOD_ENDS_BELOW = 5;
export const FLOOD_WINDOW_MS = 600_000;
/** So many raises are remembered at most: far more than a flood needs to be one. */
const MOST_REMEMBERED = 20_000;

/** Is this more than a person can follow? */
export interface FloodState {
  readonly flooding: boolean;
  /** Raised in the last ten minutes. */
  readonly raised: number;
}

/** No flood, nothing raised. */
export const NO_FLOOD: FloodState = { flooding: false, raised: 0 };

/** Tells a flood from what comes to this console. What was raised counts also when it has closed since. */
export class FloodWatch {
  readonly #raised = new Map<string, number>();
  /** Views already counted: of ten thousand rows only what changed is looked at. */
  readonly #seen = new WeakSet<AlarmView>();
  #flooding = false;

  /** Takes the open alarms as they stand; `nowMs` is Unix ms. Suppressed ones were not annunciated and do not count. [KP-02] */
  update(alarms: readonly AlarmView[], nowMs: number): FloodState {
    for (const alarm of alarms) {
      if (alarm.suppression.length > 0 || this.#seen.has(alarm)) continue;
      this.#seen.add(alarm);
      const at = Date.parse(alarm.receivedAt);
      if (nowMs - at < FLOOD_WINDOW_MS && this.#raised.size < MOST_REMEMBERED)
        this.#raised.set(`${alarm.id}#${alarm.occurrence}`, at);
    }
    for (const [key, at] of this.#raised) if (nowMs - at >= FLOOD_WINDOW_MS) this.#raised.delete(key);
    const raised = this.#raised.size;
    this.#flooding = this.#flooding ? raised >= FLOOD_ENDS_BELOW : raised > FLOOD_BEGINS_ABOVE;
    return { flooding: this.#flooding, raised };
  }
}
