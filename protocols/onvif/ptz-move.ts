import type { Clock } from "#core/clock.ts";
import type { PtzPosition, PtzStatus } from "./codec/services.ts";
import type { PtzClient, PtzStart, PtzTarget } from "./ptz-client.ts";
import { isAt } from "./ptz-position.ts";
import { sleep } from "./sleep.ts";

const STATUS_PERIOD_MS = 200;
/** A camera that reports "idle" has had so many looks to begin to move. */
const IDLE_LOOKS = 3;

/** How a move ended. */
export type MoveOutcome = "reached" | "unconfirmed" | "timeout" | "superseded" | "aborted";

/** One move to somewhere. */
export interface Move {
  readonly client: PtzClient;
  readonly ptz: PtzTarget;
  readonly start: PtzStart;
  /** Where it shall end; undefined where that is the camera's own knowledge. */
  readonly target: PtzPosition | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told each status on the way. */
  readonly onStatus: (status: PtzStatus) => void;
  /** True once a later move has taken over. */
  readonly superseded: () => boolean;
}

/** Judges one move by its looks at the status, one after the other. */
class Watch {
  readonly #target: PtzPosition | undefined;
  #hasMoved = false;
  #idleLooks = 0;

  constructor(target: PtzPosition | undefined) {
    this.#target = target;
  }

  /** The end of the move as far as this look shows; undefined while it goes on. */
  look({ position, moving }: PtzStatus): "reached" | "unconfirmed" | undefined {
    const measured = position !== undefined && this.#target !== undefined;
    if (moving === undefined && !measured) return "unconfirmed";
    if (moving === true) {
      this.#hasMoved = true;
      this.#idleLooks = 0;
      return undefined;
    }
    if (isAt(position, this.#target)) return "reached";
    this.#idleLooks++;
    // Without positions, resting is all there is to see; with them, resting elsewhere counts only after a movement.
    const rests = moving === false && this.#idleLooks >= IDLE_LOOKS;
    return rests && (this.#hasMoved || !measured) ? "reached" : undefined;
  }
}

/**
 * Sends the camera somewhere and watches until it is there: the position is the target's, or it has moved and come to rest.
 * `unconfirmed` where the camera tells neither position nor movement. @throws as PtzClient
 */
export async function followMove(move: Move): Promise<MoveOutcome> {
  const { client, ptz, clock, signal } = move;
  const deadline = clock.monotonic() + move.timeoutMs;
  const watch = new Watch(move.target);
  await client.start(ptz, move.start, signal);
  while (clock.monotonic() < deadline && !signal.aborted) {
    const status = await client.status(ptz, signal);
    if (move.superseded()) return "superseded";
    move.onStatus(status);
    const end = watch.look(status);
    if (end !== undefined) return end;
    await sleep(clock, STATUS_PERIOD_MS, signal);
  }
  return signal.aborted ? "aborted" : "timeout";
}
