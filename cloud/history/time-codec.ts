import type { ByteReader, ByteWriter } from "./bytes.ts";
import { readIntegers, writeIntegers, writePlanned } from "./integer-codec.ts";
import { middleOf, planIntegers } from "./integer-plan.ts";

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

/** Columns of one way of writing, used again for the next series. */
let steps = new Float64Array(2048);
let places = new Float64Array(2048);
let distances = new Float64Array(2048);

function room(n: number): void {
  if (steps.length >= n) return;
  steps = new Float64Array(n * 2);
  places = new Float64Array(n * 2);
  distances = new Float64Array(n * 2);
}

/** Fills `places` (each less the one before) and gives the period that lies closest to the times; undefined where there is none. */
function periodOf(times: Float64Array, n: number, nominal: number): number | undefined {
  const begin = times[0] ?? 0;
  let place = 0;
  let sumPlace = 0;
  let sumTime = 0;
  let square = 0;
  let product = 0;
  for (let i = 1; i < n; i++) {
    const step = Math.round((steps[i - 1] ?? 0) / nominal);
    places[i - 1] = step;
    place += step;
    const time = (times[i] ?? 0) - begin;
    sumPlace += place;
    sumTime += time;
    square += place * place;
    product += place * time;
  }
  // Least squares.
  const slope = (n * product - sumPlace * sumTime) / (n * square - sumPlace * sumPlace);
  if (!Number.isFinite(slope)) return undefined;
  // A whole period is the rule; the fit is off by a hair, which a longer remainder would pay for.
  const whole = Math.round(slope);
  return Math.abs(whole - slope) * place < 1 ? whole : Math.round(slope * PERIOD_PARTS) / PERIOD_PARTS;
}

/** Fills `places` and `distances` and gives the period of the grid; undefined where there is none. */
function gridOf(times: Float64Array, n: number): number | undefined {
  const nominal = middleOf(steps, n - 1);
  const period = nominal < MIN_PERIOD_MS ? undefined : periodOf(times, n, nominal);
  if (period === undefined) return undefined;
  const begin = times[0] ?? 0;
  let place = 0;
  for (let i = 1; i < n; i++) {
    place += places[i - 1] ?? 0;
    distances[i - 1] = (times[i] ?? 0) - begin - Math.round(place * period);
  }
  return period;
}

function writeAnew(w: ByteWriter, times: Float64Array, n: number): void {
  w.integer(times[0] ?? 0);
  if (n === 1) return;
  room(n);
  for (let i = 1; i < n; i++) steps[i - 1] = (times[i] ?? 0) - (times[i - 1] ?? 0);
  const plan = planIntegers(steps, n - 1);
  const start = w.at;
  const period = gridOf(times, n);
  if (period !== undefined) {
    w.byte(FORM.grid);
    w.integer(Math.round(period * PERIOD_PARTS));
    writeIntegers(w, places, n - 1);
    writeIntegers(w, distances, n - 1);
    if ((w.at - start) * 8 <= plan.bits) return;
    w.rewind(start);
  }
  w.byte(FORM.steps);
  writePlanned(w, steps, n - 1, plan);
}

/** The column that was written last, and what became of it. */
let known = new Float64Array(0);
let written = new Uint8Array(0);

function isKnown(times: Float64Array, n: number): boolean {
  if (n !== known.length) return false;
  for (let i = n - 1; i >= 0; i--) if (times[i] !== known[i]) return false;
  return true;
}

/**
 * Writes the first `n` times, n > 0. True when they are the very times of the call before, as those of points are that are
 * polled together: then nothing is worked out again.
 */
export function writeTimes(w: ByteWriter, times: Float64Array, n: number): boolean {
  if (isKnown(times, n)) {
    w.raw(written);
    return true;
  }
  const start = w.at;
  writeAnew(w, times, n);
  known = times.slice(0, n);
  written = w.done().slice(start);
  return false;
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
