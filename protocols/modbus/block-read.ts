import type { PointId } from "#core/ids.ts";
import type { Sample, Value } from "#core/model/sample.ts";
import type { Backoff } from "./backoff.ts";
import { bitAt, encodeRequest, isBitTable, type Request } from "./codec/pdu.ts";
import type { Ask, Outcome } from "./exchange.ts";
import { compileDecoder, type Decoder, type Total } from "./map.ts";
import { addressLength, type Block, splitBlock } from "./planning.ts";
import type { PollClass } from "./vocabulary.ts";

/** What a block's reads are for. */
export interface BlockOwner {
  readonly unitId: number;
  /** Told of each outcome of a read of this block. */
  settled(read: BlockRead, outcome: Outcome): void;
  /** What continues a point's counter over its roll-over. */
  totalOf(point: PointId, rollover: number): Total;
}

interface Place {
  readonly point: PointId;
  /** Byte or bit in the data. */
  readonly at: number;
  /** Absent for a bit table. */
  readonly decode: Decoder | undefined;
  /** What was told last where it was good. */
  value: Value;
  /** Number of the answer that it was told from, so that a value of several registers is told once. */
  answer: number;
}

/** One read that is done again and again, with what it gave last: a register that has not changed costs one comparison. */
export class BlockRead implements Ask {
  readonly block: Block;
  readonly pollClass: PollClass;
  readonly unitId: number;
  readonly request: Request;
  readonly pdu: Uint8Array;
  readonly #owner: BlockOwner;
  readonly #places: readonly Place[];
  /** Places by bit or register of the data. */
  readonly #covering: readonly (readonly Place[] | undefined)[];
  readonly #bits: boolean;
  #last: Uint8Array | undefined;
  #answers = 0;
  /** Monotonic ms when all its points were told last. */
  toldAt = Number.NEGATIVE_INFINITY;
  /** Monotonic ms of its last answer. */
  answeredAt = Number.NEGATIVE_INFINITY;
  /** Grows while the device is silent about it or refuses it; it is left alone until `retryAt` (monotonic ms). */
  trouble: { readonly reason: "commLost" | "configError"; readonly backoff: Backoff } | undefined;
  retryAt = 0;

  constructor(block: Block, pollClass: PollClass, owner: BlockOwner) {
    this.block = block;
    this.pollClass = pollClass;
    this.unitId = owner.unitId;
    this.request = { kind: "read", table: block.table, address: block.address, quantity: block.quantity };
    this.pdu = encodeRequest(this.request);
    this.#owner = owner;
    this.#bits = isBitTable(block.table);
    const covering: Place[][] = Array.from({ length: block.quantity }, () => []);
    this.#places = block.points.map(({ point, address }) => {
      const offset = address.register - block.address;
      const total = address.rollover === undefined ? undefined : owner.totalOf(point, address.rollover);
      const decode = this.#bits ? undefined : compileDecoder(address, total);
      const place: Place = { point, at: this.#bits ? offset : offset * 2, decode, value: null, answer: 0 };
      for (let at = offset; at < offset + addressLength(address); at++) covering[at]?.push(place);
      return place;
    });
    this.#covering = covering.map((places) => (places.length === 0 ? undefined : places));
  }

  get points(): readonly PointId[] {
    return this.#places.map(({ point }) => point);
  }

  settle(outcome: Outcome): void {
    this.#owner.settled(this, outcome);
  }

  /** Two reads in place of this one. @throws RangeError for a block of one point */
  split(): readonly BlockRead[] {
    return splitBlock(this.block).map((block) => new BlockRead(block, this.pollClass, this.#owner));
  }

  /** The next answer tells every point. */
  forget(): void {
    this.#last = undefined;
  }

  /** Samples of what is new in an answer, or of every point where `all` or nothing is known of it. */
  take(data: Uint8Array, observedAt: number, all: boolean): readonly Sample[] {
    const last = this.#last;
    this.#last = data;
    if (all || last === undefined || last.length !== data.length) return this.#tellAll(data, observedAt);
    if (Buffer.compare(last, data) === 0) return [];
    return this.#bits ? this.#tellBits(last, data, observedAt) : this.#tellRegisters(last, data, observedAt);
  }

  /** Did the answer before tell everything? */
  get known(): boolean {
    return this.#last !== undefined;
  }

  #tellAll(data: Uint8Array, observedAt: number): Sample[] {
    const view = viewOf(data);
    const samples: Sample[] = [];
    for (const place of this.#places) samples.push(this.#read(place, data, view, observedAt));
    return samples;
  }

  #tellRegisters(last: Uint8Array, data: Uint8Array, observedAt: number): Sample[] {
    const view = viewOf(data);
    const samples: Sample[] = [];
    const answer = ++this.#answers;
    for (let at = 0; at < data.length; at += 2) {
      if (data[at] === last[at] && data[at + 1] === last[at + 1]) continue;
      const places = this.#covering[at >> 1];
      if (places === undefined) continue;
      for (const place of places) {
        if (place.answer === answer) continue;
        place.answer = answer;
        this.#tellNew(place, data, view, observedAt, samples);
      }
    }
    return samples;
  }

  #tellBits(last: Uint8Array, data: Uint8Array, observedAt: number): Sample[] {
    const view = viewOf(data);
    const samples: Sample[] = [];
    for (let at = 0; at < data.length; at++) {
      const changed = (data[at] ?? 0) ^ (last[at] ?? 0);
      for (let bit = 0; changed >> bit > 0; bit++) {
        if (((changed >> bit) & 1) === 0) continue;
        for (const place of this.#covering[at * 8 + bit] ?? []) this.#tellNew(place, data, view, observedAt, samples);
      }
    }
    return samples;
  }

  /** Other bits of its register may have changed alone. */
  #tellNew(place: Place, data: Uint8Array, view: DataView, observedAt: number, samples: Sample[]): void {
    const before = place.value;
    const sample = this.#read(place, data, view, observedAt);
    if (before === null || sample.value !== before || sample.quality !== "good") samples.push(sample);
  }

  #read(place: Place, data: Uint8Array, view: DataView, observedAt: number): Sample {
    const { point, at, decode } = place;
    const reading = decode === undefined ? bitAt(data, at) : decode(view, at);
    if (typeof reading !== "object") {
      place.value = reading;
      return { point, value: reading, quality: "good", observedAt };
    }
    place.value = null;
    return { point, value: reading.value, quality: reading.quality, reason: reading.reason, observedAt };
  }
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}
