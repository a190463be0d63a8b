import { STATION_COUNTERS } from "./station/counters.ts";

const NAMES = [
  ...STATION_COUNTERS,
  "covNotifications",
  "covUnknown",
  "covRefused",
  "covMissed",
  "wrongInstance",
  "duplicateInstance",
  "rebinds",
  "reconnects",
  "resyncs",
  "eventNotifications",
  "eventsRepeated",
  "eventsNotStored",
  "eventsUnknown",
  "clockDrifts",
  "timeSynchronizations",
  "leasesReleased",
  "leasesOvertaken",
  "historyValues",
] as const;

/** What a BACnet driver counts; each only grows. */
export type CounterName = (typeof NAMES)[number];

/** Monotonic counters of one driver. */
export class Counters {
  readonly #counts = new Map<CounterName, number>(NAMES.map((name) => [name, 0]));

  add(name: CounterName, count = 1): void {
    this.#counts.set(name, this.get(name) + count);
  }

  get(name: CounterName): number {
    return this.#counts.get(name) ?? 0;
  }

  snapshot(): Readonly<Record<CounterName, number>> {
    return Object.fromEntries(this.#counts) as Record<CounterName, number>;
  }
}
