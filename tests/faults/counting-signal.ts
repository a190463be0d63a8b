import { setTimeout as sleep } from "node:timers/promises";
import type { HistoryView } from "#core/contracts/history.ts";
import type { SignalChange } from "#simulators/recorder.ts";
import type { ApiClient } from "../e2e/api-client.ts";
import type { Park } from "../e2e/park.ts";

/** One sample of a history, times as Unix ms. */
export interface StoredSample {
  readonly t: number;
  readonly value: unknown;
  readonly quality: string;
}

/** How long a value is held when nothing else is said, ms. */
const HOLD_MS = 200;
/** Larger than the point's deadband and its COV increment. */
const STEP = 20;
const FIRST = 1000;

/**
 * A field signal that counts: each value is held for a while and never comes again, so that its history shows every value that
 * went missing, came twice or came out of order. `ahu-1/return-air-co2` over BACnet, by COV.
 */
export class CountingSignal {
  static readonly device = "ahu-1";
  static readonly signal = "return-air-co2";
  static readonly point: string = `demo-park/gw-1/${CountingSignal.device}/${CountingSignal.signal}`;
  readonly #park: Park;
  readonly #holdMs: number;
  #next = FIRST;
  #running: Promise<void> | undefined;
  #stopping = false;

  /**
   * `holdMs`: how long `start` holds each value. A device tells a change by COV once the one before was confirmed, so a value
   * that is held for less than a busy gateway takes to confirm is never told.
   */
  constructor(park: Park, holdMs = HOLD_MS) {
    this.#park = park;
    this.#holdMs = holdMs;
  }

  /** The value it has now, or last had. */
  get value(): number {
    return this.#next - STEP;
  }

  /** Takes the next value. */
  async step(): Promise<number> {
    const value = this.#next;
    this.#next += STEP;
    await this.#park.hold(CountingSignal.device, CountingSignal.signal, value);
    return value;
  }

  /** Counts on until `stop`. */
  start(): void {
    this.#stopping = false;
    this.#running = this.#run();
  }

  /** Ends counting; the last value stays. Rejects when the simulators could not be reached meanwhile. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  /** What the field itself recorded: every value it took since a time, oldest first. */
  changes(since: number): Promise<readonly SignalChange[]> {
    return this.#park.changes(CountingSignal.device, CountingSignal.signal, since);
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      await this.step();
      await sleep(this.#holdMs);
    }
  }
}

/** Every stored sample of a point since a time, oldest first. */
export async function storedSamples(client: ApiClient, point: string, since: number): Promise<readonly StoredSample[]> {
  const from = new Date(since).toISOString();
  const view = await client.get<HistoryView>(`/points/${encodeURIComponent(point)}/history?from=${from}&limit=20000`);
  if (view.truncated === true) throw new Error(`${point}: more samples than one answer carries`);
  return (view.samples ?? []).map(({ t, value, quality }) => ({ t: Date.parse(t), value, quality }));
}
