import type { Clock } from "#core/clock.ts";
import type { Apdu, ConfirmedRequest } from "../codec/apdu.ts";

// reading and subscribing twice does no harm, and an old answer to a new reading would
const HARMLESS_TWICE: ReadonlySet<number> = new Set([
  3, // GetAlarmSummary
  4, // GetEnrollmentSummary
  5, // SubscribeCOV
  6, // AtomicReadFile
  12, // ReadProperty
  13, // ReadPropertyConditional
  14, // ReadPropertyMultiple
  26, // ReadRange
  28, // SubscribeCOVProperty
  29, // GetEventInformation
  30, // SubscribeCOVPropertyMultiple
]);
const KEPT_MS = 10_000;
const MAX_KEPT = 1024;
const MAX_KEPT_BYTES = 1024 * 1024;

interface Answered {
  readonly service: number;
  readonly body: Uint8Array;
  readonly answer: Apdu;
  /** The request came in segments. */
  readonly inSegments: boolean;
  readonly until: number;
}

/**
 * The last answers to requests that change something. A repetition of such a request, because its answer was lost, is answered
 * once more and not performed twice. [BACnet 5.4.5]
 */
export class AnsweredRequests {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Answered>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer that this very request got a moment ago. */
  find(key: string, { service, body }: ConfirmedRequest): Apdu | undefined {
    const known = this.#kept.get(key);
    if (known === undefined) return undefined;
    const same = known.service === service && sameBytes(known.body, body);
    if (same && known.until > this.#clock.monotonic()) return known.answer;
    this.#drop(key, known);
    return undefined;
  }

  /** The answer to the request of which this segment seems to be one of the last: the sender missed our SegmentACK. */
  findBySegment(key: string, { service }: ConfirmedRequest): Apdu | undefined {
    const known = this.#kept.get(key);
    const fits = known?.inSegments === true && known.service === service && known.until > this.#clock.monotonic();
    return fits ? known.answer : undefined;
  }

  keep(key: string, { service, body, segment }: ConfirmedRequest, answer: Apdu): void {
    if (HARMLESS_TWICE.has(service)) return;
    const before = this.#kept.get(key);
    if (before !== undefined) this.#drop(key, before);
    const now = this.#clock.monotonic();
    this.#kept.set(key, { service, body, answer, inSegments: segment !== undefined, until: now + KEPT_MS });
    this.#bytes += sizeOf(body, answer);
    // a Map keeps the order of insertion: the first is the oldest
    for (const [other, known] of this.#kept) {
      if (known.until > now && this.#kept.size <= MAX_KEPT && this.#bytes <= MAX_KEPT_BYTES) break;
      this.#drop(other, known);
    }
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  #drop(key: string, { body, answer }: Answered): void {
    this.#kept.delete(key);
    this.#bytes -= sizeOf(body, answer);
  }
}

function sizeOf(body: Uint8Array, answer: Apdu): number {
  return body.length + ("body" in answer ? answer.body.length : 0);
}

/** The very same bytes? */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
