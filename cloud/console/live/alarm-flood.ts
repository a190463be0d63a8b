import type { AlarmView } from "#core/contracts/alarms.ts";

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
  /** No raise that is remembered is older: before it leaves the window none needs to be looked at. Unix ms. */
  #oldest = Number.POSITIVE_INFINITY;
  #flooding = false;

  /**
   * Takes alarms that are new or have changed, as they stand; others do no harm. `nowMs` is Unix ms. Suppressed ones were not
   * annunciated and do not count. [KP-02]
   */
  update(alarms: readonly AlarmView[], nowMs: number): FloodState {
    for (const alarm of alarms) {
      if (alarm.suppression.length > 0) continue;
      const at = Date.parse(alarm.receivedAt);
      if (nowMs - at >= FLOOD_WINDOW_MS || this.#raised.size >= MOST_REMEMBERED) continue;
      this.#raised.set(`${alarm.id}#${alarm.occurrence}`, at);
      this.#oldest = Math.min(this.#oldest, at);
    }
    if (nowMs - this.#oldest >= FLOOD_WINDOW_MS) this.#forget(nowMs);
    const raised = this.#raised.size;
    this.#flooding = this.#flooding ? raised >= FLOOD_ENDS_BELOW : raised > FLOOD_BEGINS_ABOVE;
    return { flooding: this.#flooding, raised };
  }

  #forget(nowMs: number): void {
    this.#oldest = Number.POSITIVE_INFINITY;
    for (const [key, at] of this.#raised)
      if (nowMs - at >= FLOOD_WINDOW_MS) this.#raised.delete(key);
      else this.#oldest = Math.min(this.#oldest, at);
  }
}
