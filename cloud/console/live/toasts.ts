import type { Clock } from "#core/clock.ts";
import { Cell } from "./cell.ts";

/** A word on what was just asked for. */
export interface Toast {
  readonly id: number;
  readonly is: "done" | "warning" | "error";
  readonly text: string;
}

/** So long each kind stays, ms: what went wrong is read more slowly. */
const STAYS_MS: Readonly<Record<Toast["is"], number>> = { done: 4000, warning: 7000, error: 9000 };
/** So many at once; older ones give way. */
const MOST_SHOWN = 4;

/** Short words on acts. They go by themselves; what must stay is no toast. */
export class Toasts {
  readonly shown = new Cell<readonly Toast[]>([]);
  readonly #clock: Pick<Clock, "after">;
  #last = 0;

  constructor(clock: Pick<Clock, "after">) {
    this.#clock = clock;
  }

  /** Shows a text for some seconds. */
  show(is: Toast["is"], text: string): void {
    this.#last += 1;
    const toast = { id: this.#last, is, text };
    this.shown.set([...this.shown.get(), toast].slice(-MOST_SHOWN));
    this.#clock.after(STAYS_MS[is], () => this.shown.set(this.shown.get().filter(({ id }) => id !== toast.id)));
  }
}
