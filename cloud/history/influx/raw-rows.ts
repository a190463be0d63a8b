import type { PointId } from "#core/ids.ts";
import type { Value } from "#core/model/sample.ts";
import { KIND, parseQuality } from "#core/model/sample-columns.ts";
import type { HistoryQuery, StoredSample } from "../../telemetry-ports.ts";
import { FARTHEST_MS, MEASUREMENT } from "./line-encoder.ts";
import type { InfluxSeries, QueryClient } from "./query-client.ts";
import { parseRow } from "./row-key.ts";
import { ofPoint, timeIn } from "./set-up.ts";
import { measurementIn } from "./summary-fields.ts";

/** Rows of one answer: few enough that reading them blocks nobody. */
const PAGE_ROWS = 5000;
/** Statements of one request. */
const STATEMENTS = 50;

const FIELDS = ["row", "value", "flag", "text", "badValue", "badFlag", "badText", "quality"] as const;
const COLUMNS = FIELDS.map((name) => `"${name}"`).join(", ");

/** What the readers need to know of the store. */
export interface RawScope {
  readonly client: QueryClient;
  /** Policy of the samples; undefined: the default one. */
  readonly policy: () => string | undefined;
  /** What is older is gone, though the server may still hold some of it. Unix ms. */
  readonly keptFrom: () => number;
}

/** The times that a question may name: InfluxQL refuses what its nanoseconds do not reach. */
export function clampTime(time: number): number {
  return Math.min(FARTHEST_MS, Math.max(-FARTHEST_MS, Math.ceil(time)));
}

function valueIn(kind: number, usable: boolean, row: readonly unknown[], at: (name: string) => number): Value {
  const cell = (name: string, badName: string): unknown => row[at(usable ? name : badName)];
  if (kind === KIND.number) return Number(cell("value", "badValue"));
  if (kind === KIND.text) return String(cell("text", "badText"));
  return kind === KIND.null ? null : kind === KIND.true;
}

/** The samples of an answer; rows that somebody else wrote into our measurement are not among them. */
function samplesOf(point: PointId, series: InfluxSeries | undefined): StoredSample[] {
  const samples: StoredSample[] = [];
  if (series === undefined) return samples;
  const places = new Map(series.columns.map((name, i) => [name, i]));
  const at = (name: string): number => places.get(name) ?? -1;
  for (const row of series.values) {
    const key = parseRow(row[at("row")]);
    if (key === undefined) continue;
    const observedAt = Number(row[at("time")]);
    const quality = row[at("quality")];
    // A row that was bad once and is good now may still have the text of then.
    const told =
      key.quality === "good" || typeof quality !== "string" ? { quality: key.quality } : parseQuality(quality);
    samples.push({
      point,
      value: valueIn(key.kind, key.quality !== "bad", row, at),
      ...told,
      ...(key.source === undefined ? {} : { sourceTime: observedAt + key.source }),
      observedAt,
      epoch: key.epoch,
      offset: key.offset,
    });
  }
  return samples;
}

/** Samples as they were written. */
export class RawRows {
  readonly #scope: RawScope;
  constructor(scope: RawScope) {
    this.#scope = scope;
  }

  /** Pages of samples of one point in order of time. */
  async *pages(query: HistoryQuery): AsyncGenerator<readonly StoredSample[]> {
    const to = clampTime(query.to);
    let left = query.limit;
    for (let from = clampTime(Math.max(query.from, this.#scope.keptFrom())); from < to && left > 0; ) {
      const limit = Math.min(left, PAGE_ROWS);
      const statement = this.#select(`${ofPoint(query.point)} AND ${timeIn(from, to)}`, `LIMIT ${limit}`);
      const [[series] = []] = await this.#scope.client.run([statement]);
      const samples = samplesOf(query.point, series);
      left -= samples.length;
      if (samples.length > 0) yield samples;
      const last = series?.values.at(-1);
      if (series === undefined || last === undefined) return;
      if (series.values.length < limit && !series.partial) return;
      from = Number(last[series.columns.indexOf("time")]) + 1;
    }
  }

  /** Samples of one point, at most `limit`. */
  async read(query: HistoryQuery): Promise<readonly StoredSample[]> {
    const samples: StoredSample[] = [];
    for await (const page of this.pages(query)) for (const sample of page) samples.push(sample);
    return samples;
  }

  /** The newest sample of each point at or before a time. */
  async at(points: readonly PointId[], time: number): Promise<(StoredSample | undefined)[]> {
    return await this.#newest(points, time, "");
  }

  /** The newest usable number or boolean of a point at or before a time. */
  async numberAt(point: PointId, time: number): Promise<StoredSample | undefined> {
    const found = await Promise.all(
      ["value", "flag"].map((field) => this.#newest([point], time, ` AND ${usable(field)}`)),
    );
    return found.flat().reduce((a, b) => ((b?.observedAt ?? -Infinity) > (a?.observedAt ?? -Infinity) ? b : a));
  }

  async #newest(points: readonly PointId[], time: number, and: string): Promise<(StoredSample | undefined)[]> {
    const from = clampTime(this.#scope.keptFrom());
    const to = clampTime(Math.floor(time) + 1);
    if (from >= to) return points.map(() => undefined);
    const found: (StoredSample | undefined)[] = [];
    for (let i = 0; i < points.length; i += STATEMENTS) {
      const some = points.slice(i, i + STATEMENTS);
      const statements = some.map((point) =>
        this.#select(`${ofPoint(point)} AND ${timeIn(from, to)}${and}`, "ORDER BY time DESC LIMIT 1"),
      );
      const answers = await this.#scope.client.run(statements);
      for (const [k, point] of some.entries()) found.push(samplesOf(point, answers[k]?.[0])[0]);
    }
    return found;
  }

  #select(where: string, rest: string): string {
    return `SELECT ${COLUMNS} FROM ${measurementIn(this.#scope.policy(), MEASUREMENT)} WHERE ${where} ${rest}`;
  }
}

/** A condition that holds wherever a numeric field is present: InfluxQL knows no other test. */
function usable(field: string): string {
  return `("${field}" >= 0 OR "${field}" < 0)`;
}
