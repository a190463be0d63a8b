import type { LiveMessage } from "#core/contracts/live.ts";

export interface CollectionOptions<T> {
  readonly idOf: (item: T) => string;
  /** A total order but for equal ids: no two different items may be equal. */
  readonly compare: (a: T, b: T) => number;
  /** Items for which this is false are taken as removed. */
  readonly keep?: (item: T) => boolean;
  /** Puts a redraw off, so that many changes are drawn once. Calls back exactly once. */
  readonly schedule: (callback: () => void) => void;
}

/** What became of the items since the readers were last told. */
export interface ItemChanges<T> {
  /** New ones and changed ones, each as it is now. After a snapshot all there are. */
  readonly put: readonly T[];
  /** Ids of those that are no more; none where `all` holds. */
  readonly gone: readonly string[];
  /** A snapshot: what was known before counts no more. */
  readonly all: boolean;
}

/** From this share of changed items on, sorting anew is cheaper than moving one by one. */
const RESORT_SHARE = 1 / 16;

/** Items by id and in order, fed by a live view. Readers get a new array after each change, never a changed one. */
export class LiveCollection<T> {
  readonly #options: CollectionOptions<T>;
  #byId = new Map<string, T>();
  #sorted: T[] = [];
  #shown: readonly T[] = [];
  #loaded = false;
  #pending = false;
  readonly #listeners = new Set<() => void>();
  readonly #followers = new Set<(changes: ItemChanges<T>) => void>();
  /** Ids that the followers have not been told of. */
  readonly #touched = new Set<string>();
  #replaced = false;

  constructor(options: CollectionOptions<T>) {
    this.#options = options;
  }

  /** Has a snapshot arrived? Before it an empty list says nothing. */
  readonly isLoaded = (): boolean => this.#loaded;
  /** The items in order, as last told to the readers. */
  readonly items = (): readonly T[] => this.#shown;
  /** The newest state of one item, also before the readers are told. */
  get(id: string): T | undefined {
    return this.#byId.get(id);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /**
   * Calls back with what has changed each time the readers are told, before them. Who keeps something by alarm needs not read ten
   * thousand of them for twenty that changed.
   */
  readonly follow = (follower: (changes: ItemChanges<T>) => void): (() => void) => {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  };

  /** Takes a message of the server. An error message changes nothing. */
  apply(message: LiveMessage<T>): void {
    if (message.t === "error") return;
    if (message.t === "snap") this.#replace(message.items);
    else this.#change(message.up, message.rm);
    this.#loaded = true;
    this.#tell();
  }

  /** Takes one item that an answer of the API carried, ahead of the live message. */
  upsert(item: T): void {
    this.#change([item], []);
    this.#tell();
  }

  /** Empties it, as before the first snapshot. */
  clear(): void {
    this.#replace([]);
    this.#loaded = false;
    this.#tell();
  }

  #replace(items: readonly T[]): void {
    const { idOf, compare, keep } = this.#options;
    this.#byId = new Map();
    for (const item of items) if (keep === undefined || keep(item)) this.#byId.set(idOf(item), item);
    this.#sorted = [...this.#byId.values()].sort(compare);
    this.#replaced = true;
    this.#touched.clear();
  }

  #change(up: readonly T[], rm: readonly string[]): void {
    if (!this.#replaced) {
      for (const id of rm) this.#touched.add(id);
      for (const item of up) this.#touched.add(this.#options.idOf(item));
    }
    if (up.length + rm.length > 8 + this.#sorted.length * RESORT_SHARE) {
      for (const id of rm) this.#byId.delete(id);
      for (const item of up) this.#put(item);
      this.#sorted = [...this.#byId.values()].sort(this.#options.compare);
      return;
    }
    const sorted = [...this.#sorted];
    for (const id of rm) this.#take(id, sorted);
    for (const item of up) {
      this.#take(this.#options.idOf(item), sorted);
      if (this.#put(item)) sorted.splice(this.#place(item, sorted), 0, item);
    }
    this.#sorted = sorted;
  }

  #put(item: T): boolean {
    const { idOf, keep } = this.#options;
    const kept = keep === undefined || keep(item);
    if (kept) this.#byId.set(idOf(item), item);
    else this.#byId.delete(idOf(item));
    return kept;
  }

  #take(id: string, sorted: T[]): void {
    const known = this.#byId.get(id);
    if (known === undefined) return;
    sorted.splice(this.#place(known, sorted), 1);
    this.#byId.delete(id);
  }

  /** Index of an item, or where it belongs. */
  #place(item: T, sorted: readonly T[]): number {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = sorted[middle];
      if (other !== undefined && this.#options.compare(other, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #changes(): ItemChanges<T> {
    const all = this.#replaced;
    this.#replaced = false;
    if (all) return { put: this.#sorted, gone: [], all };
    const put: T[] = [];
    const gone: string[] = [];
    for (const id of this.#touched) {
      const item = this.#byId.get(id);
      if (item === undefined) gone.push(id);
      else put.push(item);
    }
    this.#touched.clear();
    return { put, gone, all };
  }

  #tell(): void {
    if (this.#pending) return;
    this.#pending = true;
    this.#options.schedule(() => {
      this.#pending = false;
      this.#shown = this.#sorted;
      const changes = this.#changes();
      for (const follower of [...this.#followers]) follower(changes);
      for (const listener of [...this.#listeners]) listener();
    });
  }
}
