import { newEpoch } from "#core/ids.ts";
import { eventBatch, eventItem, type WireGateway } from "./ingest-park.ts";

const WINDOW = 8;
const BATCH = 50;

/** Offers both lanes from what is acknowledged on, never more than a window beyond it. */
export class Offering {
  readonly epoch = newEpoch();
  readonly acked = { telemetry: 0, events: 0 };
  readonly #sent = { telemetry: 0, events: 0 };

  /** Offers again what was not acknowledged. */
  rewind(lanes: readonly ("telemetry" | "events")[] = ["telemetry", "events"]): void {
    for (const lane of lanes) this.#sent[lane] = this.acked[lane];
  }

  /** One step: takes the acks in and sends what fits. */
  step(to: WireGateway): void {
    for (const lane of ["telemetry", "events"] as const) {
      this.acked[lane] = Math.max(this.acked[lane], to.ackedUpTo(lane, this.epoch));
      while (this.#sent[lane] + BATCH <= this.acked[lane] + WINDOW * BATCH) {
        const first = this.#sent[lane] + 1;
        const last = this.#sent[lane] + BATCH;
        if (lane === "telemetry") to.batch(this.epoch, first, last);
        else
          to.events(
            eventBatch(
              this.epoch,
              Array.from({ length: BATCH }, (_, i) => eventItem(first + i)),
            ),
          );
        this.#sent[lane] = last;
      }
    }
  }
}
