import type { DeviceMemory } from "../memory.ts";
import type { FoundLog } from "./trend-logs.ts";
import type { Outage } from "./trend-samples.ts";

/** What was found out about the trend logs of a device. */
export interface KnownLogs {
  /** When, Unix ms. */
  readonly at: number;
  /** Database_Revision at that time: another one means other objects. */
  readonly revision?: number;
  readonly logs: readonly FoundLog[];
}

/** What is kept of a device's trend logs over a restart of the gateway. */
export interface TrendState {
  readonly known?: KnownLogs;
  /** Sequence number of the last record looked at, by the log's object word. */
  readonly taken: Readonly<Record<string, number>>;
  /** What is still to be made good, oldest first. */
  readonly outages: readonly Outage[];
  /** Correction of the device's clock with which making good began: the same when it goes on after a crash. */
  readonly correctionMs?: number;
}

const TREND = "trend";
const HEARD = "heard";
const CHANNEL = "channel";

/** Up to where the history of a channel's devices is whole. What the disk refuses is logged; a restart then heals less. */
export class TrendMemory {
  readonly #memory: DeviceMemory;
  #heard: ReadonlyMap<number, number>;

  constructor(memory: DeviceMemory) {
    this.#memory = memory;
    this.#heard = new Map((memory.remembered(HEARD, CHANNEL) ?? []) as readonly (readonly [number, number])[]);
  }

  state(instance: number): TrendState | undefined {
    return this.#memory.remembered(TREND, String(instance)) as TrendState | undefined;
  }

  keep(instance: number, state: TrendState): void {
    this.#memory.remember(TREND, String(instance), state);
  }

  /** When a device was last heard, Unix ms, as it was noted last. */
  heardAt(instance: number): number | undefined {
    return this.#heard.get(instance);
  }

  /** Notes when devices were last heard; one commit for all of them, and none where none was heard since. */
  heard(at: ReadonlyMap<number, number>): void {
    if ([...at].every(([instance, time]) => this.#heard.get(instance) === time)) return;
    this.#heard = new Map([...this.#heard, ...at]);
    this.#memory.remember(HEARD, CHANNEL, [...this.#heard]);
  }

  /** Forgets all other devices: they have left the configuration. */
  keepOnly(instances: ReadonlySet<number>): void {
    for (const [key] of this.#memory.rememberedAll(TREND)) {
      if (!instances.has(Number(key))) this.#memory.forget(TREND, key);
    }
    this.#heard = new Map([...this.#heard].filter(([instance]) => instances.has(instance)));
  }
}
