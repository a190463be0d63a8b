import type { Clock } from "#core/clock.ts";
import type { CameraClient, CameraFacts } from "./camera-client.ts";
import type { PtzPreset, PtzStatus } from "./codec/services.ts";
import { isAt } from "./point-values.ts";
import { sleep } from "./sleep.ts";

const STATUS_PERIOD_MS = 200;
/** A camera that reports "idle" has had so many looks to begin to move. */
const IDLE_LOOKS = 3;

/** How a move ended. */
export type MoveOutcome = "reached" | "unconfirmed" | "timeout" | "superseded";

/** One move to a preset. */
export interface Move {
  readonly client: CameraClient;
  readonly ptz: NonNullable<CameraFacts["ptz"]>;
  readonly preset: PtzPreset;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told each status on the way. */
  readonly onStatus: (status: PtzStatus) => void;
  /** True once a later move has taken over. */
  readonly superseded: () => boolean;
}

/**
 * Sends the camera to a preset and watches until it is there: the position is the preset's, or it has moved and come to
 * rest. `unconfirmed` where the camera tells neither position nor movement. @throws as CameraClient
 */
export async function moveToPreset(move: Move): Promise<MoveOutcome> {
  const { client, ptz, preset, clock, signal } = move;
  const deadline = clock.monotonic() + move.timeoutMs;
  await client.gotoPreset(ptz, preset.token, signal);
  let hasMoved = false;
  let idleLooks = 0;
  while (clock.monotonic() < deadline && !signal.aborted) {
    const status = await client.status(ptz, signal);
    if (move.superseded()) return "superseded";
    move.onStatus(status);
    if (status.moving === undefined && (status.position === undefined || preset.position === undefined)) {
      return "unconfirmed";
    }
    if (status.moving === true) {
      hasMoved = true;
      idleLooks = 0;
    } else {
      if (isAt(status.position, preset.position)) return "reached";
      idleLooks++;
      // Without positions, resting is all there is to see; with them, resting elsewhere counts only after a movement.
      const restIsEnough = hasMoved || preset.position === undefined || status.position === undefined;
      if (status.moving === false && restIsEnough && idleLooks >= IDLE_LOOKS) return "reached";
    }
    await sleep(clock, STATUS_PERIOD_MS, signal);
  }
  return "timeout";
}
