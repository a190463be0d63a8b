import type { Clock } from "#core/clock.ts";
import { errorCode } from "#core/errors.ts";
import { ABORT, abortName, errorName, REJECT, rejectName } from "../codec/enums.ts";
import type { Peer } from "../codec/frame.ts";
import type { Outcome } from "../station/ports.ts";
import type { Abilities } from "./abilities.ts";
import type { Ask, PropertyReader } from "./polling.ts";

/** A device that is in touch: what alarms, clock and schedules need of its session. */
export interface Contact {
  readonly peer: Peer;
  /** Aborts when the device is lost or let go. */
  readonly signal: AbortSignal;
  readonly ask: Ask;
  readonly reader: PropertyReader;
  readonly abilities: Abilities;
  /** When the device said last that it had started, comparable only; undefined where it does not tell that. */
  readonly startedAt: () => string | undefined;
}

/** Runs `work` again and again until the signal aborts, each time `periodMs` after it ended. */
export function repeat(clock: Clock, signal: AbortSignal, periodMs: number, work: () => Promise<void>): void {
  if (signal.aborted) return;
  const cancel = clock.after(periodMs * (0.9 + 0.1 * Math.random()), () => {
    signal.removeEventListener("abort", cancel);
    void work().then(() => repeat(clock, signal, periodMs, work));
  });
  signal.addEventListener("abort", cancel, { once: true });
}

/** Does the device not know the service at all? */
export function isUnknownService(outcome: Outcome): boolean {
  if (outcome.kind === "reject") return outcome.reason === REJECT.unrecognizedService;
  return outcome.kind === "abort" && outcome.reason === ABORT.other;
}

/** What the device gave, or undefined where its bytes do not follow the production. */
export function decodedOr<T>(decode: () => T, malformed: () => void = () => {}): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (errorCode(error) !== "BACNET_MALFORMED") throw error;
    malformed();
    return undefined;
  }
}

/** How a service that gives nothing back ended, as an action's result. `what` names it in the message. */
export type ServiceEnd =
  | { readonly status: "done" }
  | { readonly status: "failed" | "timeout"; readonly code: string; readonly message: string };

/** An outcome as the end of a service. */
export function endOf(outcome: Outcome, what: string): ServiceEnd {
  switch (outcome.kind) {
    case "ack":
      return { status: "done" };
    case "error": {
      const { errorClass, errorCode: code } = outcome.error;
      const message = `${what}: the device refused with ${errorName(errorClass, code)}`;
      return { status: "failed", code: `BACNET_ERROR_${errorClass}_${code}`, message };
    }
    case "reject":
      return {
        status: "failed",
        code: `BACNET_REJECT_${outcome.reason}`,
        message: `${what}: the device rejected it, ${rejectName(outcome.reason)}`,
      };
    case "abort":
      return {
        status: "failed",
        code: `BACNET_ABORT_${outcome.reason}`,
        message: `${what}: the device gave up, ${abortName(outcome.reason)}`,
      };
    case "timeout":
      return { status: "timeout", code: "BACNET_TIMEOUT", message: `${what}: the device does not answer` };
    case "cancelled":
      return { status: "timeout", code: "BACNET_CANCELLED", message: `${what}: given up before the answer` };
    default:
      return outcome satisfies never;
  }
}
