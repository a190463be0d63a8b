import type { LaneItem, LaneRecord } from "#core/contracts/lanes.ts";

/** What is on the disk of a gateway. */
interface Disk {
  readonly epoch: string;
  readonly records: ReadonlyMap<string, string>;
  readonly items: readonly LaneItem[];
  readonly nextOffset: number;
}

/**
 * The durable half of a gateway's outbox as its users see it: what is put and appended is on the disk together at the next commit,
 * or not at all. The real one does the same with a file; a hundred thousand histories need one that lives in memory.
 */
export class ModelOutbox {
  readonly #now: () => number;
  #disk: Disk;
  #queue: ((disk: Disk) => Disk)[] = [];

  constructor(epoch: string, now: () => number, disk?: Disk) {
    this.#now = now;
    this.#disk = disk ?? { epoch, records: new Map(), items: [], nextOffset: 1 };
  }

  get epoch(): string {
    return this.#disk.epoch;
  }
  /** What was committed and not yet acknowledged, in order. */
  get items(): readonly LaneItem[] {
    return this.#disk.items;
  }

  records(kind: string): ReadonlyMap<string, unknown> {
    const prefix = `${kind} `;
    const found = [...this.#disk.records].filter(([key]) => key.startsWith(prefix));
    return new Map(found.map(([key, text]) => [key.slice(prefix.length), JSON.parse(text) as unknown]));
  }

  put(kind: string, key: string, value: unknown): void {
    const text = JSON.stringify(value);
    this.#queue.push((disk) => ({ ...disk, records: new Map(disk.records).set(`${kind} ${key}`, text) }));
  }

  remove(kind: string, key: string): void {
    this.#queue.push((disk) => {
      const records = new Map(disk.records);
      records.delete(`${kind} ${key}`);
      return { ...disk, records };
    });
  }

  append(_lane: "events" | "ledger", record: LaneRecord): boolean {
    const at = this.#now();
    const text = JSON.stringify(record);
    this.#queue.push((disk) => {
      const item = { ...(JSON.parse(text) as LaneRecord), offset: disk.nextOffset, at } as LaneItem;
      return { ...disk, items: [...disk.items, item], nextOffset: disk.nextOffset + 1 };
    });
    return true;
  }

  commit(): void {
    for (const apply of this.#queue.splice(0)) this.#disk = apply(this.#disk);
  }

  /** The cloud has stored everything up to and with this offset. */
  acknowledge(upTo: number): void {
    this.#disk = { ...this.#disk, items: this.#disk.items.filter(({ offset }) => offset > upTo) };
  }

  /** The process is killed: what was not committed is gone. */
  crashed(): ModelOutbox {
    return new ModelOutbox(this.epoch, this.#now, this.#disk);
  }

  /** A copy of the file. */
  copy(): ModelOutbox {
    return this.crashed();
  }

  /** The cloud knows more than this file, which is an older copy: all of it is offered again in an epoch of its own. */
  renumber(epoch: string): void {
    this.#disk = { ...this.#disk, epoch };
  }
}
