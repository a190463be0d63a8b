import { InvalidInputError } from "../errors.ts";
import { AliasIndex } from "./alias-index.ts";
import { type DataType, interpret, type MetricValue } from "./datatype.ts";
import type { DecodedMetric, PropertyValue } from "./metric.ts";

/** A metric with everything its birth says about it. `value` is as the datatype says; null when there is none. */
export interface ResolvedMetric {
  readonly name: string;
  readonly alias: number | undefined;
  readonly datatype: DataType | undefined;
  /** Unix ms; that of the payload, else the host's, where the sender left it out. */
  readonly timestamp: number;
  readonly value: Exclude<MetricValue, undefined>;
  readonly isNull: boolean;
  /** Goes to storage; never changes a live value, an alarm or the time a node was last seen. */
  readonly isHistorical: boolean;
  readonly isTransient: boolean;
  readonly properties: Readonly<Record<string, PropertyValue>> | undefined;
  /** There is a value, but of a kind we do not read (DataSet, Template, array); `value` is null then. */
  readonly skipped: boolean;
}

interface Declared {
  readonly name: string;
  readonly alias: number | undefined;
  readonly datatype: DataType | undefined;
}

/** Completes a decoded metric in place: it is ours, and a copy for each sample would be half of the cost. */
function complete(metric: DecodedMetric, declared: Declared, timestamp: number): ResolvedMetric {
  if (metric.datatype === undefined && declared.datatype !== undefined && metric.skipped !== true) {
    const value = interpret(metric, declared.datatype);
    metric.skipped = value === undefined && metric.value !== undefined;
    metric.value = value;
  }
  metric.name = declared.name;
  metric.alias = declared.alias;
  metric.datatype = declared.datatype ?? metric.datatype;
  metric.timestamp ??= timestamp;
  metric.value ??= null;
  metric.skipped = metric.skipped === true;
  metric.isNull = metric.value === null && !metric.skipped;
  metric.isHistorical = metric.isHistorical === true;
  metric.isTransient = metric.isTransient === true;
  return metric as ResolvedMetric; // every field was just set
}

/** What one birth declared: the metrics of a node or of one of its devices. */
export class MetricTable {
  readonly #byAlias = new Map<number, Declared>();
  readonly #byName = new Map<string, Declared>();
  #index: AliasIndex | undefined;
  #indexed = false;

  /**
   * Takes the metrics of a birth and completes them.
   * @throws SPARKPLUG_BIRTH_INVALID a metric has no name, or two share an alias: later data could go to the wrong metric
   */
  declare(metrics: readonly DecodedMetric[], timestamp: number): ResolvedMetric[] {
    return metrics.map((metric) => {
      const { name, alias, datatype } = metric;
      // [Sparkplug tck-id-payloads-alias-birth-requirement]
      if (name === undefined) throw new InvalidInputError("SPARKPLUG_BIRTH_INVALID", "a birth metric has no name");
      const declared = { name, alias, datatype };
      this.#byName.set(name, declared);
      if (alias !== undefined) {
        const other = this.#byAlias.get(alias);
        if (other !== undefined) {
          const message = `alias ${alias} is declared for "${other.name}" and "${name}"`;
          throw new InvalidInputError("SPARKPLUG_BIRTH_INVALID", message);
        }
        this.#byAlias.set(alias, declared);
      }
      return complete(metric, declared, timestamp);
    });
  }

  /** Everything declared, by alias, for the BatchReader; undefined where that cannot be. Made at the first call. */
  aliasIndex(numberOf: (metric: string) => number): AliasIndex | undefined {
    if (!this.#indexed) this.#index = AliasIndex.of(this.#byAlias.values(), numberOf);
    this.#indexed = true;
    return this.#index;
  }

  /** Completes the metrics of a data message; `unknown` counts those no birth declared, which are left out. */
  resolve(metrics: readonly DecodedMetric[], timestamp: number): { metrics: ResolvedMetric[]; unknown: number } {
    const resolved: ResolvedMetric[] = [];
    for (const metric of metrics) {
      const { name, alias } = metric;
      let declared: Declared | undefined;
      if (name !== undefined) declared = this.#byName.get(name);
      else if (alias !== undefined) declared = this.#byAlias.get(alias);
      if (declared !== undefined) resolved.push(complete(metric, declared, timestamp));
    }
    return { metrics: resolved, unknown: metrics.length - resolved.length };
  }
}
