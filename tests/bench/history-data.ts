import { KIND, newSampleColumns, type SampleColumns } from "#core/model/sample-columns.ts";

/*
 * Telemetry as a park makes it: a mix of polled and reported points, with jitter, outages, float32 values and counters. The
 * shares are those of samples. Every number comes from one seed.
 */

/** One series in order of time. */
export interface TestSeries {
  readonly name: string;
  readonly kind: string;
  readonly time: Float64Array;
  /** Numbers; booleans as 0 and 1. */
  readonly value: Float64Array;
  readonly boolean: boolean;
  /** Places in QUALITIES. */
  readonly quality: Uint8Array;
}

export const QUALITIES = ["good", "uncertain|stale", "bad|commLost"] as const;
export const DATA_START = Date.parse("2026-09-01T00:00:00Z");

/** A sequence of numbers in [0, 1). */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
  /** About normally distributed, mean 0, deviation 1. */
  normal(): number {
    let sum = 0;
    for (let i = 0; i < 6; i++) sum += this.next();
    return (sum - 3) * Math.SQRT2;
  }
}

type Times = (random: Random, spanMs: number) => Float64Array;
type Values = (random: Random, n: number) => Float64Array;

/** Every `periodMs`, up to 30 ms early or late. */
const polled =
  (periodMs: number): Times =>
  (random, spanMs) => {
    const phase = random.next() * periodMs;
    return Float64Array.from({ length: Math.floor(spanMs / periodMs) }, (_, i) =>
      Math.round(DATA_START + phase + i * periodMs + (random.next() * 2 - 1) * 30),
    );
  };
/** When it changes, every `meanMs` on average and never twice in a second. */
const reported =
  (meanMs: number): Times =>
  (random, spanMs) => {
    const times: number[] = [];
    let time = DATA_START;
    for (;;) {
      time += 1000 + Math.round(-Math.log(1 - random.next()) * meanMs);
      if (time >= DATA_START + spanMs) return Float64Array.from(times);
      times.push(time);
    }
  };

const decimal = (value: number, scale: number): number => Math.round(value * scale) / scale;

/** A room: it drifts and follows the day, and the sensor has noise. */
const temperature =
  (shape: (value: number) => number): Values =>
  (random, n) => {
    let value = 22 + random.normal();
    const phase = random.next() * 6;
    return Float64Array.from({ length: n }, (_, i) => {
      value += random.normal() * 0.03 + 0.002 * Math.sin(i / 900 + phase);
      return shape(value + random.normal() * 0.02);
    });
  };
const power =
  (shape: (value: number) => number): Values =>
  (random, n) => {
    let level = 120;
    return Float64Array.from({ length: n }, () => {
      if (random.next() < 0.01) level = 60 + random.next() * 160;
      return shape(level + random.normal() * 0.8);
    });
  };
/** Steps of at least a dead band. */
const stepping =
  (start: number, least: number, spread: number, shape: (value: number) => number): Values =>
  (random, n) => {
    let value = start;
    return Float64Array.from({ length: n }, () => {
      value += (random.next() < 0.5 ? -1 : 1) * (least + Math.floor(random.next() * spread));
      return shape(value);
    });
  };
const counting =
  (start: number, step: number, spread: number, scale: number): Values =>
  (random, n) => {
    let value = start;
    return Float64Array.from({ length: n }, () => {
      value += Math.max(0, Math.round(step + random.normal() * spread));
      return value / scale;
    });
  };
const switching =
  (share: number, states: number): Values =>
  (random, n) => {
    let value = 0;
    return Float64Array.from({ length: n }, () => {
      if (random.next() < share) value = states === 2 ? 1 - value : Math.floor(random.next() * states);
      return value;
    });
  };

interface Kind {
  readonly name: string;
  /** Percent of all samples. */
  readonly share: number;
  readonly perDay: number;
  readonly times: Times;
  readonly values: Values;
  readonly boolean?: true;
}

const TEN_SECONDS = { perDay: 8640, times: polled(10_000) };
const MIX: readonly Kind[] = [
  { name: "temperature 0.1", share: 14, ...TEN_SECONDS, values: temperature((v) => decimal(v, 10)) },
  { name: "temperature float32", share: 6, ...TEN_SECONDS, values: temperature(Math.fround) },
  {
    name: "temperature float32 of 0.1",
    share: 10,
    ...TEN_SECONDS,
    values: temperature((v) => Math.fround(decimal(v, 10))),
  },
  {
    name: "temperature reported",
    share: 5,
    perDay: 1878,
    times: reported(45_000),
    values: stepping(220, 2, 3, (v) => v / 10),
  },
  {
    name: "humidity reported",
    share: 3,
    perDay: 949,
    times: reported(90_000),
    values: stepping(550, 10, 15, (v) => Math.fround(v / 10)),
  },
  { name: "power float32", share: 8, ...TEN_SECONDS, values: power(Math.fround) },
  { name: "power float32 of 0.01", share: 7, ...TEN_SECONDS, values: power((v) => Math.fround(decimal(v, 100))) },
  { name: "energy Wh", share: 6, ...TEN_SECONDS, values: counting(123_456_789, 333, 4, 1) },
  { name: "energy kWh 0.1", share: 4, perDay: 1440, times: polled(60_000), values: counting(1_234_567, 20, 2, 10) },
  { name: "contact", share: 18, ...TEN_SECONDS, values: switching(0.004, 2), boolean: true },
  { name: "contact reported", share: 1, perDay: 287, times: reported(300_000), values: switching(1, 2), boolean: true },
  { name: "mode", share: 8, ...TEN_SECONDS, values: switching(0.01, 6) },
  { name: "set point", share: 10, ...TEN_SECONDS, values: (_random, n) => new Float64Array(n).fill(22.5) },
];

/** A third of the series has an outage of a few samples. */
function qualities(random: Random, n: number): Uint8Array {
  const column = new Uint8Array(n);
  if (random.next() < 0.3) {
    const begin = Math.floor(random.next() * n);
    column.fill(random.next() < 0.5 ? 1 : 2, begin, begin + 5 + Math.floor(random.next() * 60));
  }
  return column;
}

/** `count` series of `spanMs`; at the pace of the mix, or (`periodMs`) polled slowly, which changes what is asked of summaries in nothing. */
export function makeSeries(count: number, spanMs: number, seed: number, periodMs?: number): readonly TestSeries[] {
  const random = new Random(seed);
  const weights = MIX.map(({ share, perDay }) => share / perDay);
  const total = weights.reduce((a, b) => a + b, 0);
  const series: TestSeries[] = [];
  for (const [k, kind] of MIX.entries()) {
    const before = weights.slice(0, k).reduce((a, b) => a + b, 0);
    const from = Math.round((before / total) * count);
    const to = Math.round((((weights[k] ?? 0) + before) / total) * count);
    for (let i = from; i < to; i++) {
      const time = (periodMs === undefined ? kind.times : polled(periodMs))(random, spanMs);
      const value = kind.values(random, time.length);
      const quality = qualities(random, time.length);
      series.push({ name: "", kind: kind.name, time, value, quality, boolean: kind.boolean === true });
    }
  }
  // Neighbours in a building are not of one kind.
  for (let i = series.length - 1; i > 0; i--) {
    const k = Math.floor(random.next() * (i + 1));
    [series[i], series[k]] = [series[k] as TestSeries, series[i] as TestSeries];
  }
  return series.map((one, i) => ({ ...one, name: `park/gw-${i % 20}/d/p-${i}` }));
}

/** What one gateway sends in some time, in order of time: rows `start` to `end` (exclusive) of the columns. */
export interface GatewaySpan {
  readonly gateway: string;
  readonly start: number;
  readonly end: number;
}

interface Arrival {
  readonly gateway: number;
  readonly time: number;
  readonly one: number;
  readonly at: number;
}

/** What comes before `until`, gateway by gateway; `next` goes on. */
function arrivalsBefore(series: readonly TestSeries[], next: Uint32Array, until: number): readonly Arrival[] {
  const rows: Arrival[] = [];
  for (const [one, { time }] of series.entries())
    for (let at = next[one] ?? 0; (time[at] ?? Infinity) < until; next[one] = ++at)
      rows.push({ gateway: one % 20, time: time[at] ?? 0, one, at });
  return rows.sort((a, b) => a.gateway - b.gateway || a.time - b.time);
}

function put(columns: SampleColumns, i: number, { value, quality, time, boolean }: TestSeries, at: number): void {
  columns.time[i] = time[at] ?? 0;
  columns.source[i] = Number.NaN;
  columns.kind[i] = boolean ? (value[at] === 1 ? KIND.true : KIND.false) : KIND.number;
  columns.number[i] = boolean ? 0 : (value[at] ?? 0);
  columns.quality[i] = quality[at] ?? 0;
}

/** All samples in the order they come: window by window, gateway by gateway. `points[i]` is the number of series i. */
export function* arrivals(
  series: readonly TestSeries[],
  points: readonly number[],
  windowMs: number,
): Generator<{ readonly columns: SampleColumns; readonly spans: readonly GatewaySpan[] }> {
  const next = new Uint32Array(series.length);
  const end = series.reduce((last, { time }) => Math.max(last, time.at(-1) ?? 0), 0);
  for (let until = DATA_START + windowMs; until < end + windowMs; until += windowMs) {
    const rows = arrivalsBefore(series, next, until);
    if (rows.length === 0) continue;
    const columns = newSampleColumns(rows.length);
    columns.qualities.push(...QUALITIES);
    columns.length = rows.length;
    const spans: { gateway: string; start: number; end: number }[] = [];
    for (const [i, { gateway, one, at }] of rows.entries()) {
      columns.point[i] = points[one] ?? 0;
      put(columns, i, series[one] as TestSeries, at);
      const name = `park/gw-${gateway}`;
      const last = spans.at(-1);
      if (last?.gateway === name) last.end = i + 1;
      else spans.push({ gateway: name, start: i, end: i + 1 });
    }
    yield { columns, spans };
  }
}
