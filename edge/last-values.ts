import { Buffer } from "node:buffer";
import { errorMessage } from "#core/errors.ts";
import type { PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Point } from "#core/model/point.ts";
import type { Sample } from "#core/model/sample.ts";
import type { Outbox } from "./outbox.ts";
import type { Pipeline } from "./pipeline.ts";
import { type PackedSample, packSamples, unpackSamples } from "./sample-packing.ts";

const TABLE = "lastValue";
/** Points kept in one record, by their numbers. */
const CHUNK_BITS = 6;
/** Records written at most with each `keep`, so that values that change all the time cost little: about 1 kB each. */
const CHUNKS_AT_ONCE = 10;

interface Kept {
  /** Packed samples, base64. */
  readonly samples: string;
  /** Revision of each one's point. */
  readonly revisions: readonly number[];
}

/**
 * The last value of each point over a restart, for births: until its driver has read it anew a point shows what it had, marked
 * as stale and with its time. Alarms and linkages never see it.
 */
export class LastValues {
  readonly #outbox: Outbox;
  readonly #pipeline: Pipeline;
  readonly #changed = new Set<number>();
  readonly #restored = new Map<string, { readonly sample: Sample; readonly revision: number }>();

  constructor(outbox: Outbox, pipeline: Pipeline, logger: Logger) {
    this.#outbox = outbox;
    this.#pipeline = pipeline;
    for (const [key, value] of outbox.records(TABLE)) {
      try {
        this.#restore(value as Kept);
      } catch (error) {
        logger.warn({ key, cause: errorMessage(error) }, "kept values unreadable");
      }
    }
  }

  // our own record: its shape is what #write put there
  #restore({ samples, revisions }: Kept): void {
    for (const [at, packed] of unpackSamples(Buffer.from(samples, "base64")).entries()) {
      const point = this.#outbox.numbers.idOf(packed.number);
      const revision = revisions[at];
      if (point !== undefined && revision !== undefined)
        this.#restored.set(point, { sample: staleOf(point, packed), revision });
    }
  }

  /** What a birth tells of a point; undefined when nothing was ever known. */
  get(id: string): Sample | undefined {
    const live = this.#pipeline.latest(id);
    if (live !== undefined) return live;
    const kept = this.#restored.get(id);
    return kept !== undefined && kept.revision === this.#pipeline.point(id)?.revision ? kept.sample : undefined;
  }

  /** These were told to the cloud. */
  note(samples: readonly Sample[]): void {
    for (const { point } of samples) {
      this.#changed.add(this.#outbox.numbers.numberOf(point) >> CHUNK_BITS);
      if (this.#restored.size > 0) this.#restored.delete(point);
    }
  }

  /** Queues some of what changed, longest waiting first: called about once a second. All of it at the end. */
  keep(chunks = CHUNKS_AT_ONCE): void {
    let left = chunks;
    for (const chunk of this.#changed) {
      if (left-- <= 0) break;
      this.#changed.delete(chunk);
      this.#write(chunk);
    }
  }

  #write(chunk: number): void {
    const { numbers } = this.#outbox;
    const first = chunk << CHUNK_BITS;
    const known: { readonly number: number; readonly sample: Sample; readonly point: Point }[] = [];
    for (let number = first; number < first + (1 << CHUNK_BITS); number++) {
      const id = numbers.idOf(number);
      const point = id === undefined ? undefined : this.#pipeline.point(id);
      const sample = id === undefined ? undefined : this.get(id);
      if (point !== undefined && sample !== undefined) known.push({ number, sample, point });
    }
    const packed = packSamples(
      known.map(({ sample, number }) => ({ ...sample, number })),
      ({ number }) => number,
    );
    const kept: Kept = {
      samples: Buffer.from(packed).toString("base64"),
      revisions: known.map(({ point }) => point.revision),
    };
    this.#outbox.put(TABLE, String(chunk), kept);
  }
}

function staleOf(point: PointId, packed: PackedSample): Sample {
  const { value, quality, reason, sourceTime, observedAt } = packed;
  const source = sourceTime === undefined ? {} : { sourceTime };
  // what was bad stays so, with its better reason
  if (quality === "good") return { point, value, quality: "uncertain", reason: "stale", ...source, observedAt };
  return { point, value, quality, ...(reason === undefined ? {} : { reason }), ...source, observedAt };
}
