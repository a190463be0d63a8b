import { POLL_CLASSES, type PollClass } from "./vocabulary.ts";

/** Who has something to read. */
export interface PollSource<T> {
  /** The next thing to do in this class; undefined when there is nothing (more), until `ready` is called again. */
  take(pollClass: PollClass): T | undefined;
}

/** What a line may do next, most urgent first. */
export type Turn = "write" | PollClass;
const TURNS: readonly Turn[] = ["write", ...POLL_CLASSES];

/** So often in a row more urgent work may go before what waits: the least urgent still gets a share of the line. */
const PATIENCE = 8;

/**
 * Whose turn it is on a line: writes before alarm polls before normal before slow ones, and inside a class one device after the
 * other. What was passed over `PATIENCE` times goes next, so that no class starves another.
 */
export class Turns<T> {
  readonly #rings: Readonly<Record<PollClass, Set<PollSource<T>>>> = {
    alarm: new Set(),
    normal: new Set(),
    slow: new Set(),
  };
  readonly #passed: Record<Turn, number> = { write: 0, alarm: 0, normal: 0, slow: 0 };

  /** The source has something to do in this class. */
  ready(source: PollSource<T>, pollClass: PollClass): void {
    this.#rings[pollClass].add(source);
  }

  /** The source is gone. */
  remove(source: PollSource<T>): void {
    for (const pollClass of POLL_CLASSES) this.#rings[pollClass].delete(source);
  }

  /** Whether anybody has said to be ready. */
  get waiting(): boolean {
    return POLL_CLASSES.some((pollClass) => this.#rings[pollClass].size > 0);
  }

  /** The class whose turn it is; undefined when nobody waits. `writes`: a write waits. */
  next(writes: boolean): Turn | undefined {
    let urgent: Turn | undefined;
    let starved: Turn | undefined;
    for (const turn of TURNS) {
      if (!(turn === "write" ? writes : this.#rings[turn].size > 0)) continue;
      urgent ??= turn;
      if (this.#passed[turn] >= PATIENCE) starved = turn;
    }
    return starved ?? urgent;
  }

  /** The turn was used: whoever waits less urgently was passed over once more. */
  used(turn: Turn): void {
    for (const other of TURNS) {
      if (other !== turn && other !== "write" && this.#rings[other].size > 0) this.#passed[other]++;
    }
    this.#passed[turn] = 0;
  }

  /** What the next device of a class has to do; undefined when none of them has anything. */
  take(pollClass: PollClass): T | undefined {
    const ring = this.#rings[pollClass];
    for (const source of ring) {
      ring.delete(source);
      const taken = source.take(pollClass);
      if (taken === undefined) continue;
      // at the end of the ring: the others come first
      ring.add(source);
      return taken;
    }
    return undefined;
  }
}
