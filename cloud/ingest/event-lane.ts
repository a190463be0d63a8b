import type { LaneItem } from "#core/contracts/lanes.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../db/database.ts";
import type { Range } from "../db/ranges.ts";
import type { GatewayLink, GatewayMessage, IngestSinks } from "../ports.ts";
import type { CursorChanges, CursorKey, LaneCursors } from "./cursors.ts";
import { parseEventBatch, type ReceivedBatch } from "./event-batch.ts";
import type { GapStore } from "./gap-store.ts";
import type { GatewayRows } from "./gateway-rows.ts";
import { checkItem } from "./item-check.ts";
import type { Offers } from "./offers.ts";
import type { Quarantine } from "./quarantine.ts";
import { isStoreTrouble } from "./trouble.ts";

/** What the lane works with. */
export interface EventLaneDeps {
  readonly db: Db;
  readonly cursors: LaneCursors;
  readonly offers: Offers;
  readonly gaps: GapStore;
  readonly rows: GatewayRows;
  readonly quarantine: Quarantine;
  readonly sinks: IngestSinks;
  readonly link: GatewayLink;
  readonly logger: Logger;
  /** What is shown of the gateway has changed. */
  readonly changed: (gateway: GatewayId) => void;
}

/**
 * The events and ledger lanes: items are applied once each, in the order of their offsets, in the transaction that also
 * moves the cursor. What can never be applied is put aside one by one and acknowledged with the rest.
 */
export class EventLane {
  readonly #deps: EventLaneDeps;
  readonly #failing = new Set<GatewayId>();

  constructor(deps: EventLaneDeps) {
    this.#deps = deps;
  }

  /** Takes one message of the events topic, whole, in this tick. */
  receive(message: GatewayMessage): void {
    const parsed = parseEventBatch(message.payload);
    const place = parsed.ok ? { lane: parsed.batch.lane, epoch: parsed.batch.epoch } : parsed.place;
    try {
      if (parsed.ok) this.#take(message, parsed.batch);
      else this.#reject(message, parsed.code, parsed.reason, parsed.place);
      this.#failing.delete(message.gateway);
    } catch (error) {
      // No acknowledgement: the gateway keeps the items and offers them again.
      if (!this.#failing.has(message.gateway))
        this.#deps.logger.error({ gateway: message.gateway, err: error }, "events cannot be stored");
      this.#failing.add(message.gateway);
      return;
    }
    if (place !== undefined) this.#acknowledge({ gateway: message.gateway, lane: place.lane, epoch: place.epoch });
  }

  #acknowledge(key: CursorKey): void {
    const cursor = this.#deps.cursors.get(key);
    // Also when nothing moved: it tells a gateway that offers too much, or a restored one, where we are.
    // 0 also when nothing is known yet: a gateway opens its window at the first answer.
    const upTo = cursor?.upTo ?? 0;
    if (upTo >= 0) this.#deps.link.sendAck(key.gateway, { lane: key.lane, epoch: key.epoch, upTo });
  }

  #reject(
    { gateway, topic, payload }: GatewayMessage,
    code: string,
    reason: string,
    place: { readonly lane: CursorKey["lane"]; readonly epoch: string; readonly range: Range } | undefined,
  ): void {
    const { quarantine, cursors, gaps } = this.#deps;
    if (place === undefined) {
      quarantine.add({ gateway, topic, code, reason, bytes: payload });
      return;
    }
    const key = { gateway, lane: place.lane, epoch: place.epoch };
    cursors.change((changes) => {
      if (!gaps.add(changes, key, place.range, `quarantined ${code}`)) return;
      const position = { lane: key.lane, epoch: key.epoch, offset: place.range.from };
      quarantine.add({ gateway, topic, code, reason, bytes: payload, position });
    });
  }

  #take(message: GatewayMessage, batch: ReceivedBatch): void {
    const { cursors, offers } = this.#deps;
    offers.during(() =>
      cursors.change(
        (changes) => this.#applyAll(message, batch, changes),
        (callbacks) => this.#followUp(message, callbacks),
      ),
    );
  }

  #followUp({ gateway }: GatewayMessage, callbacks: readonly (() => void)[]): void {
    for (const callback of callbacks) {
      try {
        callback();
      } catch (error) {
        this.#deps.logger.error({ gateway, err: error }, "following up on a stored item failed");
      }
    }
  }

  #applyAll(message: GatewayMessage, batch: ReceivedBatch, changes: CursorChanges): (() => void)[] {
    const { offers, gaps } = this.#deps;
    const key = { gateway: message.gateway, lane: batch.lane, epoch: batch.epoch };
    const callbacks: (() => void)[] = [];
    const first = batch.items[0]?.offset;
    if (first === undefined) return callbacks;
    offers.note(changes, key, message.session, first);
    let next = (changes.get(key)?.upTo ?? Math.min(first, 1) - 1) + 1;
    // A hole in front of the batch: order is by offset, so it waits until it is offered again after what is missing.
    if (first > next) return callbacks;
    for (const { offset, item } of batch.items) {
      // A hole inside a batch will not be filled: who sent it has nothing there.
      if (offset > next) gaps.add(changes, key, { from: next, to: offset - 1 }, "notOffered");
      next = Math.max(next, offset + 1);
      if (changes.store(key, { from: offset, to: offset }).length === 0) continue;
      const after = this.#apply(message, key, changes, offset, item);
      if (after !== undefined) callbacks.push(after);
    }
    return callbacks;
  }

  #apply(
    message: GatewayMessage,
    key: CursorKey,
    changes: CursorChanges,
    offset: number,
    raw: Readonly<Record<string, unknown>>,
  ): (() => void) | undefined {
    const checked = checkItem({ ...raw, offset });
    if (!checked.ok) {
      this.#condemn(message, key, offset, raw, checked);
      return undefined;
    }
    try {
      // A savepoint: what a failing item already wrote goes, the items before it stay.
      return this.#deps.db.sync.attempt(() => this.#effect(key, changes, checked.item));
    } catch (error) {
      if (isStoreTrouble(error)) throw error;
      const code = errorCode(error);
      if (code === "UNEXPECTED") this.#deps.logger.error({ ...key, offset, err: error }, "item handler failed");
      this.#condemn(message, key, offset, raw, { code, reason: errorMessage(error) });
      return undefined;
    }
  }

  #effect(key: CursorKey, changes: CursorChanges, item: LaneItem): (() => void) | undefined {
    const { gaps, rows, sinks } = this.#deps;
    const { gateway } = key;
    if (item.kind === "gap" && item.from <= item.to) gaps.told(changes, key, item);
    if (item.kind === "configApplied") rows.configApplied(gateway, item.version, item.errors);
    const after = sinks.onItem(gateway, item);
    if (item.kind !== "gap" && item.kind !== "configApplied") return after;
    return () => {
      this.#deps.changed(gateway);
      after?.();
    };
  }

  #condemn(
    { gateway, topic }: GatewayMessage,
    { lane, epoch }: CursorKey,
    offset: number,
    raw: unknown,
    { code, reason }: { readonly code: string; readonly reason: string },
  ): void {
    const bytes = Buffer.from(JSON.stringify(raw));
    this.#deps.quarantine.add({ gateway, topic, code, reason, bytes, position: { lane, epoch, offset } });
  }
}
