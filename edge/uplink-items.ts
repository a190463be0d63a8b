import type { Clock } from "#core/clock.ts";
import type { EventBatch, LaneItem } from "#core/contracts/lanes.ts";
import type { SparkplugMessage } from "#core/sparkplug/message.ts";
import type { Outbox } from "./outbox.ts";
import type { ItemLane } from "./outbox-lanes.ts";
import { LaneWindow } from "./uplink-lane.ts";

const MAX_BATCH_ITEMS = 100;
/** Well below the broker's 1 MiB a packet, whatever the characters. */
const MAX_BATCH_CHARS = 96 * 1024;

/** What the way of a lane of items is made with. */
export interface ItemUplinkOptions {
  readonly lane: ItemLane;
  /** Topic of the batches. */
  readonly topic: string;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly publish: (message: SparkplugMessage) => void;
}

/** A lane of items on its way: items of the outbox in batches, as many under way as its window lets. */
export class ItemUplink {
  readonly window: LaneWindow;
  readonly #options: ItemUplinkOptions;
  #batches = 0;

  constructor(options: ItemUplinkOptions) {
    this.#options = options;
    this.window = new LaneWindow(options.clock);
  }

  /** Batches sent since the start. */
  get batches(): number {
    return this.#batches;
  }

  /** Is there anything that was not sent on this connection? */
  get waits(): boolean {
    const { outbox, lane } = this.#options;
    return this.window.cursor < outbox.state(lane).next - 1;
  }

  /** Sends what there is room for. */
  pump(): void {
    const { lane, topic, outbox, publish } = this.#options;
    const { window } = this;
    while (window.room && this.waits) {
      const items = cut(outbox.itemsAfter(lane, window.cursor, MAX_BATCH_ITEMS));
      const [first] = items;
      const last = items.at(-1);
      if (first === undefined || last === undefined) return;
      const batch: EventBatch = {
        v: 1,
        lane,
        epoch: outbox.epoch,
        firstOffset: first.offset,
        lastOffset: last.offset,
        items,
      };
      const payload = Buffer.from(JSON.stringify(batch));
      publish({ topic, payload, qos: 1, retain: false });
      outbox.markSent(lane, last.offset);
      window.sent(last.offset, payload.length);
      this.#batches++;
    }
  }
}

/** As many leading items as fit one packet; at least one. */
function cut(items: readonly LaneItem[]): LaneItem[] {
  let chars = 0;
  const fitting = items.findIndex((item, at) => {
    chars += JSON.stringify(item).length;
    return at > 0 && chars > MAX_BATCH_CHARS;
  });
  return fitting < 0 ? [...items] : items.slice(0, fitting);
}
