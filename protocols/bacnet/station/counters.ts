/** What a station counts; each only grows. */
export const STATION_COUNTERS = [
  "requests",
  "retries",
  "timeouts",
  "late",
  "unexpected",
  "questions",
  "repeated",
  "overloaded",
  "handlerErrors",
  "malformed",
  "malformedLink",
  "malformedNetwork",
  "malformedApdu",
  "malformedService",
  "sendErrors",
  "networkMessages",
  "notForUs",
  "linkMessages",
  "echoes",
  "routesLost",
  "networksBusy",
  "foreignRegistrations",
  "foreignRefusals",
  "foreignSilences",
] as const;
export type StationCounter = (typeof STATION_COUNTERS)[number];

/** Where a station counts. */
export interface StationCounting {
  add(name: StationCounter): void;
}

/** A count for each name. */
export class StationCounters implements StationCounting {
  readonly #counts = new Map<StationCounter, number>(STATION_COUNTERS.map((name) => [name, 0]));

  add(name: StationCounter): void {
    this.#counts.set(name, this.get(name) + 1);
  }

  get(name: StationCounter): number {
    return this.#counts.get(name) ?? 0;
  }
}
