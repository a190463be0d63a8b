import { deviceOf } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";

/** Most samples in one row, which is one batch on the wire, and most characters of their texts: a row must fit the broker's packet. */
const MAX_ROW_SAMPLES = 200;
const MAX_ROW_CHARS = 65_536;

/** Samples that wait for the next commit, by device, in the order they came. */
export class PendingSamples {
  #devices = new Map<string, Sample[]>();
  #count = 0;
  /** What the ids of the last sample's device begin with, and its list: a driver tells many points of one device in a row. */
  #prefix = "";
  #list: Sample[] = [];

  /** How many wait. */
  get count(): number {
    return this.#count;
  }

  /** Adds samples behind those of the same device. */
  add(samples: readonly Sample[]): void {
    for (const sample of samples) {
      if (this.#prefix === "" || !sample.point.startsWith(this.#prefix)) this.#select(sample);
      this.#list.push(sample);
    }
    this.#count += samples.length;
  }

  #select({ point }: Sample): void {
    const device = deviceOf(point);
    this.#list = this.#devices.get(device) ?? [];
    this.#devices.set(device, this.#list);
    this.#prefix = `${device}/`;
  }

  /** Forgets all. */
  clear(): void {
    this.#prefix = "";
    this.#devices = new Map();
    this.#count = 0;
  }

  /** All of them as rows of one device each. */
  *rows(): Generator<{ readonly device: string; readonly samples: readonly Sample[] }> {
    for (const [device, samples] of this.#devices) for (const row of cut(samples)) yield { device, samples: row };
  }
}

function* cut(samples: readonly Sample[]): Generator<readonly Sample[]> {
  let start = 0;
  let chars = 0;
  for (let at = 0; at < samples.length; at++) {
    const value = samples[at]?.value;
    const own = typeof value === "string" ? value.length : 0;
    if (at - start >= MAX_ROW_SAMPLES || (at > start && chars + own > MAX_ROW_CHARS)) {
      yield samples.slice(start, at);
      start = at;
      chars = 0;
    }
    chars += own;
  }
  if (start < samples.length) yield samples.slice(start);
}
