import type { Clock } from "#core/clock.ts";
import type { GatewayId } from "#core/ids.ts";

/** A clock that moved by more than this against ours has jumped. */
const JUMP_MS = 5000;
/**
 * How long the new offset must hold. Messages that waited (a full queue, a suspended process) look like a clock set back,
 * but they catch up.
 */
const CONFIRM_MS = 3000;

interface Offset {
  /** Their clock minus ours, ms. */
  trusted: number;
  /** A new offset and since when, monotonic ms. */
  doubted: { readonly offset: number; readonly since: number } | undefined;
}

/** Compares the clocks of gateways with ours, by the time stamps of what they publish. */
export class ClockWatch {
  readonly #clock: Clock;
  readonly #offsets = new Map<GatewayId, Offset>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Clock of a gateway minus ours, ms, with the way of its last message; undefined before one has come. */
  offsetOf(gateway: string): number | undefined {
    return this.#offsets.get(gateway as GatewayId)?.trusted;
  }

  /** Takes the time at which a live message was published. Gives by how much the gateway's clock has jumped, once that is sure. */
  take(gateway: GatewayId, timestamp: number): number | undefined {
    const offset = timestamp - this.#clock.now();
    const known = this.#offsets.get(gateway);
    if (known === undefined) {
      this.#offsets.set(gateway, { trusted: offset, doubted: undefined });
      return undefined;
    }
    if (Math.abs(offset - known.trusted) <= JUMP_MS) {
      known.doubted = undefined;
      known.trusted = offset;
      return undefined;
    }
    const now = this.#clock.monotonic();
    if (known.doubted === undefined || Math.abs(offset - known.doubted.offset) > JUMP_MS) {
      known.doubted = { offset, since: now };
      return undefined;
    }
    if (now - known.doubted.since < CONFIRM_MS) return undefined;
    const byMs = offset - known.trusted;
    this.#offsets.set(gateway, { trusted: offset, doubted: undefined });
    return byMs;
  }
}
