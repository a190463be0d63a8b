import type { CompiledQuery } from "kysely";
import type { Compilable } from "./sync.ts";

/** Queries that run thousands of times in a storm, built once each: building costs more than running. */
export class BuiltQueries {
  readonly #built = new Map<string, CompiledQuery<unknown>>();

  /**
   * A query with these values. `key` tells apart what `build` gives; of its keys there must be few. `build` is asked once a key,
   * and what it gives must have one parameter for each value, in their order.
   */
  with<R>(key: string, values: readonly unknown[], build: () => Compilable<R>): Compilable<R> {
    let built = this.#built.get(key) as CompiledQuery<R> | undefined;
    if (built === undefined) {
      built = build().compile();
      this.#built.set(key, built);
    }
    if (built.parameters.length !== values.length)
      throw new RangeError(`${key}: ${built.parameters.length} parameters, ${values.length} values`);
    const compiled = { ...built, parameters: values };
    return { compile: () => compiled };
  }
}

/** Pieces of exactly `size`, and what is left one by one: a statement of its own for each length would be built and prepared anew. */
export function* pieces<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  const whole = all.length - (all.length % size);
  for (let from = 0; from < whole; from += size) yield all.slice(from, from + size);
  for (const one of all.slice(whole)) yield [one];
}

/** As many as `size`, the last one again and again behind them: what a list of a question holds twice changes no answer. */
export function padded<T>(some: readonly T[], size: number): readonly T[] {
  const last = some.at(-1);
  return last === undefined ? some : [...some, ...Array<T>(size - some.length).fill(last)];
}
