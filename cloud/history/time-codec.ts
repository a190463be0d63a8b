import type { ByteReader, ByteWriter } from "./bytes.ts";
import { planIntegers, readIntegers, writeIntegers, writePlanned } from "./integer-codec.ts";

/*
 * Columns of ascending times. A polled point has a period and some jitter: its times are places on a straight grid plus a
 * small distance from it, and a poll that was left out is a skipped place. A point that reports its changes has none:
 * its times are the steps between them. Both are tried.
 */
const FORM = { steps: 0, grid: 1 } as const;
/** Places a period so short or so long are no grid. */
const MIN_PERIOD_MS = 2;
/** A period is kept to so small a part of a millisecond. */
const PERIOD_PARTS = 4096;

/** What of the columns one way of writing takes. */
interface Grid {
  readonly period: number;
  /** Place i minus place i - 1. */
  readonly places: Float64Array;
  readonly distances: Float64Array;
}

function medianStep(times: Float64Array, n: number): number {
  const step = Math.max(1, Math.floor(n / 63));
  const some: number[] = [];
  for (let i = 1; i < n; i += step) some.push((times[i] ?? 0) - (times[i - 1] ?? 0));
  some.sort((a, b) => a - b);
  return some[some.length >> 1] ?? 0;
}

/** The grid that lies closest to the times (least squares); undefined where there is none. */
function gridOf(times: Float64Array, n: number): Grid | undefined {
  const nominal = medianStep(times, n);
  if (nominal < MIN_PERIOD_MS) return undefined;
  const places = new Float64Array(n - 1);
  const begin = times[0] ?? 0;
  let place = 0;
  let sums = { place: 0, time: 0, square: 0, product: 0 };
  for (let i = 1; i < n; i++) {
    const step = Math.round(((times[i] ?? 0) - (times[i - 1] ?? 0)) / nominal);
    places[i - 1] = step;
    place += step;
    const time = (times[i] ?? 0) - begin;
    sums = {
      place: sums.place + place,
      time: sums.time + time,
      square: sums.square + place * place,
      product: sums.product + place * time,
    };
  }
  const slope = (n * sums.product - sums.place * sums.time) / (n * sums.square - sums.place * sums.place);
  if (!Number.isFinite(slope)) return undefined;
  // A whole period is the rule; the fit is off by a hair, which a longer remainder would pay for.
  const whole = Math.round(slope);
  const period = Math.abs(whole - slope) * place < 1 ? whole : Math.round(slope * PERIOD_PARTS) / PERIOD_PARTS;
  const distances = new Float64Array(n - 1);
  place = 0;
  for (let i = 1; i < n; i++) {
    place += places[i - 1] ?? 0;
    distances[i - 1] = (times[i] ?? 0) - begin - Math.round(place * period);
  }
  return { period, places, distances };
}

/** Writes the first `n` times, n > 0. */
export function writeTimes(w: ByteWriter, times: Float64Array, n: number): void {
  w.integer(times[0] ?? 0);
  if (n === 1) return;
  const steps = new Float64Array(n - 1);
  for (let i = 1; i < n; i++) steps[i - 1] = (times[i] ?? 0) - (times[i - 1] ?? 0);
  const plan = planIntegers(steps, n - 1);
  const start = w.at;
  const grid = gridOf(times, n);
  if (grid !== undefined) {
    w.byte(FORM.grid);
    w.integer(Math.round(grid.period * PERIOD_PARTS));
    writeIntegers(w, grid.places, n - 1);
    writeIntegers(w, grid.distances, n - 1);
    if ((w.at - start) * 8 <= plan.bits) return;
    w.rewind(start);
  }
  w.byte(FORM.steps);
  writePlanned(w, steps, n - 1, plan);
}

let scratch = new Float64Array(1024);

/** Reads `n` times, n > 0. */
export function readTimes(r: ByteReader, times: Float64Array, n: number): void {
  const begin = r.integer();
  times[0] = begin;
  if (n === 1) return;
  if (scratch.length < n) scratch = new Float64Array(n);
  if (r.byte() === FORM.steps) {
    readIntegers(r, scratch, n - 1);
    let time = begin;
    for (let i = 1; i < n; i++) {
      time += scratch[i - 1] ?? 0;
      times[i] = time;
    }
    return;
  }
  const period = r.integer() / PERIOD_PARTS;
  readIntegers(r, scratch, n - 1);
  let place = 0;
  for (let i = 1; i < n; i++) {
    place += scratch[i - 1] ?? 0;
    times[i] = begin + Math.round(place * period);
  }
  readIntegers(r, scratch, n - 1);
  for (let i = 1; i < n; i++) times[i] = (times[i] ?? 0) + (scratch[i - 1] ?? 0);
}
