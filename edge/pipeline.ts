import type { Clock } from "#core/clock.ts";
import { deviceOf, type PointId, pointId } from "#core/ids.ts";
import type { Point } from "#core/model/point.ts";
import type { Quality } from "#core/model/quality.ts";
import type { Sample, Value } from "#core/model/sample.ts";

/** A point is uncertain (stale) when nothing was heard of it for so long, unless it says otherwise, ms. Drivers repeat within 60 s. */
export const DEFAULT_STALE_AFTER_MS = 180_000;

/** Longest text of a point: the births of a device hold every text at once and must fit one packet. */
export const MAX_TEXT_CHARS = 2_000;

/** Where the pipeline's results go. Both are called in the order of arrival, within the call that brought the samples. */
export interface PipelineSinks {
  /** Every change of value, quality or reason, before the deadband: alarms and linkages see all. */
  readonly onChange: (sample: Sample) => void;
  /** What is worth telling the cloud: changes beyond the deadband, and every change of quality. */
  readonly onReport: (samples: readonly Sample[]) => void;
}

interface Slot {
  point: Point;
  /** Last accepted sample, undefined before the first. */
  last: Sample | undefined;
  /** Last number told to the cloud, for the deadband. */
  reported: Value | undefined;
  /** Monotonic ms of the last sign of life. */
  heardAt: number;
  stale: boolean;
  /** Its device is back and has not told it since: its loss explains the silence no more. */
  awaited: boolean;
}

/** A point of which nothing has been heard. */
const UNHEARD = { last: undefined, reported: undefined, stale: false, awaited: false } as const;

/** What is wrong with a point only while its device is out of reach, or its driver gone. */
const ENDED_BY_RETURN: ReadonlySet<string> = new Set(["commLost", "driverFailed"]);

/** How a write was refused before it reached the driver. */
export interface WriteRefusal {
  readonly code: "POINT_UNKNOWN" | "POINT_READ_ONLY" | "VALUE_KIND" | "VALUE_OUT_OF_RANGE";
  readonly message: string;
}

interface Judged {
  readonly value: Value;
  readonly quality: Quality;
  readonly reason?: string;
}

const bad = (reason: string, value: Value = null): Judged => ({ value, quality: "bad", reason });

/** The beginning of a text that is too long, marked: never a shortened one that looks whole. */
function cut(text: string, told: Judged): Judged {
  const value = text.slice(0, MAX_TEXT_CHARS);
  return told.quality === "good" ? { value, quality: "uncertain", reason: "outOfRange" } : { ...told, value };
}

function toKind(kind: Point["kind"], value: Value): Value | undefined {
  switch (kind) {
    case "number":
      return typeof value === "number" && Number.isFinite(value) ? value : undefined;
    case "enum":
      return typeof value === "number" && Number.isInteger(value) ? value : undefined;
    case "boolean":
      if (typeof value === "boolean") return value;
      return value === 0 || value === 1 ? value === 1 : undefined;
    case "string":
      return typeof value === "string" ? value : undefined;
    default:
      return kind satisfies never;
  }
}

function engineering(point: Point, raw: number): number {
  if (point.scale === undefined && point.offset === undefined) return raw;
  const value = raw * (point.scale ?? 1) + (point.offset ?? 0);
  // 0.1 + 0.2: decimals that only the multiplication made are no change of the value
  return Number(value.toPrecision(15));
}

/** Drivers are programs of others: does this hold what every later step relies on? */
function isWellFormed(sample: Sample | null | undefined): sample is Sample {
  if (typeof sample !== "object" || sample === null) return false;
  const { quality, observedAt, sourceTime } = sample;
  const timed = Number.isFinite(observedAt) && (sourceTime === undefined || Number.isFinite(sourceTime));
  return timed && (quality === "good" || quality === "uncertain" || quality === "bad");
}

/** The engineering value of a good, finite number inside its point's range; undefined for whatever needs more judgement. */
function plainNumber(point: Point, { value, quality }: Sample): number | undefined {
  if (quality !== "good" || typeof value !== "number" || point.kind !== "number" || !Number.isFinite(value)) {
    return undefined;
  }
  const found = engineering(point, value);
  if ((point.min !== undefined && found < point.min) || (point.max !== undefined && found > point.max))
    return undefined;
  return found;
}

/** The engineering value and quality of one raw sample of a point. */
function judge(point: Point, sample: Sample): Judged {
  const told: Judged = {
    value: sample.value,
    quality: sample.quality,
    ...(sample.reason === undefined ? {} : { reason: sample.reason }),
  };
  if (sample.value === null) return sample.quality === "good" ? bad("noValue") : told;
  const kind = toKind(point.kind, sample.value);
  if (kind === undefined) {
    if (sample.quality !== "good") return { ...told, value: null };
    return bad(typeof sample.value === "number" && !Number.isFinite(sample.value) ? "noValue" : "configError");
  }
  if (typeof kind === "string" && kind.length > MAX_TEXT_CHARS) return cut(kind, told);
  if (typeof kind !== "number" || point.kind !== "number") return { ...told, value: kind };
  const value = engineering(point, kind);
  const outside = value < (point.min ?? -Infinity) || value > (point.max ?? Infinity);
  if (outside && sample.quality === "good") return { value, quality: "uncertain", reason: "outOfRange" };
  return { ...told, value };
}

/**
 * From raw protocol values to samples of the hub: scale and offset, kind, believable range, quality, deadband, age. Keeps the
 * last value of every point. Row times (`observedAt`) grow strictly per point, also when the machine's clock is set back.
 */
export class Pipeline {
  readonly #clock: Clock;
  readonly #sinks: PipelineSinks;
  readonly #notBefore: number;
  readonly #slots = new Map<string, Slot>();
  readonly #byDevice = new Map<string, Slot[]>();
  #counters = { received: 0, reported: 0, unknownPoint: 0, malformed: 0, wentStale: 0 };

  /** `notBefore`: row times continue above this one, which is the last committed before the restart (Unix ms). */
  constructor(clock: Clock, sinks: PipelineSinks, notBefore = 0) {
    this.#clock = clock;
    this.#sinks = sinks;
    this.#notBefore = notBefore;
  }

  /** Monotonic counters since the start. */
  get counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }

  /** Replaces the set of points. Points that stay keep their last value. */
  configure(points: readonly Point[]): void {
    const now = this.#clock.monotonic();
    const ids = new Set(points.map((point) => point.id));
    for (const id of this.#slots.keys()) if (!ids.has(id)) this.#slots.delete(id);
    for (const point of points) {
      const slot = this.#slots.get(point.id);
      if (slot === undefined) this.#slots.set(point.id, { ...UNHEARD, point, heardAt: now });
      else {
        // another revision means another unit or scale: the old value would be a lie in the new one
        if (slot.point.revision !== point.revision) slot.last = slot.reported = undefined;
        slot.point = point;
      }
    }
    this.#byDevice.clear();
    for (const [id, slot] of this.#slots) {
      const device = deviceOf(pointId(id));
      const of = this.#byDevice.get(device);
      if (of === undefined) this.#byDevice.set(device, [slot]);
      else of.push(slot);
    }
  }

  /**
   * A device came or fell silent, as its driver tells it: one that is back owes every point that its loss, or its driver's end, has made bad, and has for
   * that as long as for any other sign of life.
   */
  deviceState(device: string, online: boolean): void {
    const now = this.#clock.monotonic();
    for (const slot of this.#byDevice.get(device) ?? []) {
      slot.awaited = online && slot.last?.quality === "bad" && ENDED_BY_RETURN.has(slot.last.reason ?? "");
      if (!slot.awaited) continue;
      slot.heardAt = now;
      slot.stale = false;
    }
  }

  /** The configured point, undefined when it is not of this gateway. */
  point(id: string): Point | undefined {
    return this.#slots.get(id)?.point;
  }
  /** Every configured point. */
  points(): Point[] {
    return [...this.#slots.values()].map((slot) => slot.point);
  }
  /** The last sample of a point; undefined before the first. */
  latest(id: string): Sample | undefined {
    return this.#slots.get(id)?.last;
  }

  /** Takes raw samples from a driver. What is no sample is counted and passed over: it must not harm those beside it. */
  ingest(samples: readonly Sample[]): void {
    const reports: Sample[] = [];
    const now = this.#clock.monotonic();
    for (const sample of samples) {
      this.#counters.received++;
      if (!isWellFormed(sample)) {
        this.#counters.malformed++;
        continue;
      }
      const slot = this.#slots.get(sample.point);
      if (slot === undefined) {
        this.#counters.unknownPoint++;
        continue;
      }
      slot.heardAt = now;
      slot.stale = false;
      slot.awaited = false;
      const { sourceTime, observedAt } = sample;
      const value = plainNumber(slot.point, sample);
      if (value !== undefined && slot.last?.quality === "good") {
        if (slot.last.value !== value) this.#changed(slot, slot.last, value, observedAt, sourceTime, reports);
      } else this.#accept(slot, judge(slot.point, sample), observedAt, sourceTime, reports);
    }
    this.#report(reports);
  }

  /**
   * Samples out of a device's own record in engineering units, each at the time the device gives it (its row time). Those of unknown
   * points, without a time or of the future are counted and left out: a device whose clock is ahead must not push the row times of all
   * that comes after. Live values stay as they are.
   */
  historical(samples: readonly Sample[]): Sample[] {
    const now = this.#clock.now();
    return samples.flatMap((sample) => {
      const slot = isWellFormed(sample) ? this.#slots.get(sample.point) : undefined;
      if (slot === undefined || sample.sourceTime === undefined || sample.sourceTime > now) {
        if (slot === undefined) this.#counters.unknownPoint++;
        else this.#counters.malformed++;
        return [];
      }
      const { value, quality, reason } = judge(slot.point, sample);
      const at = Math.trunc(sample.sourceTime);
      const said = reason === undefined || quality === "good" ? {} : { reason };
      return [{ point: sample.point, value, quality, ...said, sourceTime: at, observedAt: at, historical: true }];
    });
  }

  /** Makes points bad with a reason and keeps their last value: their driver is gone. Unknown ids are passed over. */
  fail(points: readonly string[], reason: string): void {
    const reports: Sample[] = [];
    for (const id of points) {
      const slot = this.#slots.get(id);
      if (slot === undefined) continue;
      // silence is explained from here on, so it does not also turn stale
      slot.stale = true;
      this.#accept(slot, bad(reason, slot.last?.value ?? null), this.#clock.now(), undefined, reports);
    }
    this.#report(reports);
  }

  /** Marks what was not heard of for too long. Called about once a second. */
  sweep(): void {
    const reports: Sample[] = [];
    const now = this.#clock.monotonic();
    for (const slot of this.#slots.values()) {
      if (slot.stale || now - slot.heardAt <= (slot.point.staleAfterMs ?? DEFAULT_STALE_AFTER_MS)) continue;
      slot.stale = true;
      // what is bad already has a better reason than its age, unless that is over
      if (slot.last?.quality === "bad" && !slot.awaited) continue;
      slot.awaited = false;
      this.#counters.wentStale++;
      const value = slot.last?.value ?? null;
      const judged: Judged = value === null ? bad("stale") : { value, quality: "uncertain", reason: "stale" };
      this.#accept(slot, judged, this.#clock.now(), slot.last?.sourceTime, reports);
    }
    this.#report(reports);
  }

  #report(reports: readonly Sample[]): void {
    if (reports.length === 0) return;
    this.#counters.reported += reports.length;
    this.#sinks.onReport(reports);
  }

  #accept(slot: Slot, found: Judged, at: number, sourceTime: number | undefined, reports: Sample[]): void {
    const { last } = slot;
    // a silent device keeps its last state, marked: its points did not become nothing
    const silent = found.value === null && found.reason === "commLost";
    const judged = silent && last !== undefined ? { ...found, value: last.value } : found;
    const sameQuality = last?.quality === judged.quality && last.reason === judged.reason;
    if (sameQuality && last.value === judged.value) return;
    const observedAt = Math.max(Math.trunc(at), (last?.observedAt ?? this.#notBefore) + 1);
    const sample: Sample = {
      point: slot.point.id as PointId,
      value: judged.value,
      quality: judged.quality,
      ...(judged.reason === undefined || judged.quality === "good" ? {} : { reason: judged.reason }),
      // equal times are the mark of what is historical
      ...(sourceTime === undefined || sourceTime === observedAt ? {} : { sourceTime }),
      observedAt,
    };
    slot.last = sample;
    if (!sameQuality || this.#beyondDeadband(slot, judged.value)) {
      slot.reported = judged.value;
      reports.push(sample);
    }
    this.#sinks.onChange(sample);
  }

  /** As `#accept` for the common case: a good number after a good value. */
  #changed(
    slot: Slot,
    last: Sample,
    value: number,
    at: number,
    sourceTime: number | undefined,
    reports: Sample[],
  ): void {
    const point = last.point;
    const observedAt = Math.max(Math.trunc(at), last.observedAt + 1);
    const sample: Sample =
      sourceTime === undefined || sourceTime === observedAt
        ? { point, value, quality: "good", observedAt }
        : { point, value, quality: "good", sourceTime, observedAt };
    slot.last = sample;
    if (this.#beyondDeadband(slot, value)) {
      slot.reported = value;
      reports.push(sample);
    }
    this.#sinks.onChange(sample);
  }

  #beyondDeadband(slot: Slot, value: Value): boolean {
    const { deadband } = slot.point;
    if (deadband === undefined || typeof value !== "number" || typeof slot.reported !== "number") return true;
    return Math.abs(value - slot.reported) >= deadband;
  }

  /** The raw value to write for an engineering value, or why it must not be written. `null` relinquishes and passes. */
  toRaw(id: string, value: Value): { readonly raw: Value } | WriteRefusal {
    const point = this.#slots.get(id)?.point;
    if (point === undefined) return { code: "POINT_UNKNOWN", message: `${id} is no point of this gateway` };
    if (!point.writable) return { code: "POINT_READ_ONLY", message: `${id} is not writable` };
    if (value === null) return { raw: null };
    const kind = toKind(point.kind, value);
    if (kind === undefined)
      return { code: "VALUE_KIND", message: `${id} expected ${point.kind}, got ${JSON.stringify(value)}` };
    if (typeof kind !== "number") return { raw: kind };
    return this.#rawNumber(point, kind);
  }

  #rawNumber(point: Point, value: number): { readonly raw: Value } | WriteRefusal {
    if (point.kind === "enum" && point.states !== undefined && !point.states.some((state) => state.value === value))
      return { code: "VALUE_OUT_OF_RANGE", message: `${point.id} expected one of its states, got ${value}` };
    if (value < (point.min ?? -Infinity) || value > (point.max ?? Infinity))
      return {
        code: "VALUE_OUT_OF_RANGE",
        message: `${point.id} expected ${point.min ?? "-∞"} to ${point.max ?? "∞"}, got ${value}`,
      };
    if (point.kind === "enum") return { raw: value };
    return { raw: Number(((value - (point.offset ?? 0)) / (point.scale ?? 1)).toPrecision(15)) };
  }

  /** The engineering value of a raw read-back. */
  toEngineering(id: string, raw: Value): Value {
    const point = this.#slots.get(id)?.point;
    if (point === undefined || raw === null) return raw;
    const kind = toKind(point.kind, raw);
    if (kind === undefined) return raw;
    return typeof kind === "number" && point.kind === "number" ? engineering(point, kind) : kind;
  }
}
