import type { TelemetryStore, TelemetryWrite } from "#cloud/telemetry-ports.ts";

interface Held {
  readonly write: TelemetryWrite;
  go(): void;
}

/** The way from ingest to a store: what is written can be held up on it, or be refused there. */
export class StoreGate {
  /** Writes that wait, in the order in which they came. */
  readonly held: Held[] = [];
  #closed = false;
  /** Why a write is not let through; undefined lets it. */
  refuses: (write: TelemetryWrite) => Error | undefined = () => undefined;

  /** Holds everything up from now on. */
  close(): void {
    this.#closed = true;
  }

  /** Lets everything through from now on. */
  open(): void {
    this.#closed = false;
    for (const { go } of this.held.splice(0)) go();
  }

  /** The store behind the gate. */
  before(store: TelemetryStore): TelemetryStore {
    return {
      write: async (write) => {
        if (this.#closed) await new Promise<void>((go) => this.held.push({ write, go }));
        const refusal = this.refuses(write);
        if (refusal !== undefined) throw refusal;
        return store.write(write);
      },
      read: (query) => store.read(query),
      at: (points, time) => store.at(points, time),
      aggregate: (query) => store.aggregate(query),
      ranges: (gateway) => store.ranges(gateway),
      maintain: (retention) => store.maintain(retention),
      get status() {
        return store.status;
      },
      close: () => store.close(),
    };
  }
}
