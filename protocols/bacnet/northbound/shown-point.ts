import { pointParts } from "#core/ids.ts";
import type { Point } from "#core/model/point.ts";
import type { Quality } from "#core/model/quality.ts";
import type { Sample, Value } from "#core/model/sample.ts";
import { bacnetOfUnit } from "#core/units.ts";
import { OBJECT_TYPES, RELIABILITY } from "../codec/enums.ts";
import type { ObjectId } from "../codec/values.ts";
import type { PointDefinition, PointSource, PointValue } from "../server/points/definition.ts";

/** A point of the hub that others may see, as plain data. */
export interface ShownPoint
  extends Pick<Point, "name" | "nameEn" | "kind" | "unit" | "states" | "min" | "max" | "precision" | "deadband"> {
  readonly id: string;
  /** Never another point's, 0 to 4194302: the instance of its object for ever. */
  readonly number: number;
}

/** What is known of such a point now. */
export interface ShownValue extends Pick<Sample, "value" | "reason"> {
  readonly number: number;
  readonly quality: Quality;
}

const RELIABILITY_OF: ReadonlyMap<string, number> = new Map([
  ["commLost", RELIABILITY.communicationFailure],
  ["stale", RELIABILITY.communicationFailure],
  ["driverFailed", RELIABILITY.communicationFailure],
  ["configError", RELIABILITY.configurationError],
  ["noValue", RELIABILITY.noSensor],
]);
/** Only the hand of somebody: the value is true. */
const OVERRIDDEN = "overridden";
// value and quality of a point of which nothing is known yet
const UNKNOWN: Omit<ShownValue, "number"> = { value: null, quality: "bad", reason: "stale" };

/** Object that shows a point: inputs, because nobody commands by it, and CharacterString Value for texts. */
export function shownObject({ kind, number, states = [] }: ShownPoint): ObjectId {
  const type = {
    number: OBJECT_TYPES["analog-input"],
    boolean: OBJECT_TYPES["binary-input"],
    enum: states.length > 0 ? OBJECT_TYPES["multi-state-input"] : OBJECT_TYPES["analog-input"],
    string: OBJECT_TYPES["characterstring-value"],
  }[kind];
  return { type, instance: number };
}

/** The last value of a point, as the object that shows it has it: the last one that was there stays while there is none. */
export class PointMirror implements PointSource {
  readonly #point: ShownPoint;
  #value: PointValue;
  #known = UNKNOWN;
  #isState = true;

  constructor(point: ShownPoint) {
    this.#point = point;
    this.#value = { number: Number.NaN, boolean: false, enum: this.#states ? 1 : Number.NaN, string: "" }[point.kind];
  }

  take(known: ShownValue): void {
    this.#known = known;
    if (known.value !== null) this.#value = this.#shown(known.value);
  }

  read(): PointValue {
    return this.#value;
  }

  /** Never called: none of these objects is commandable. */
  write(): void {}

  /** BACnetReliability of the point's quality. */
  reliability(): number {
    const { quality, reason = "" } = this.#known;
    if (!this.#isState) return RELIABILITY.multiStateOutOfRange;
    if (quality === "good" || reason === OVERRIDDEN) return RELIABILITY.noFaultDetected;
    return RELIABILITY_OF.get(reason) ?? RELIABILITY.unreliableOther;
  }

  get #states(): boolean {
    return (this.#point.states ?? []).length > 0;
  }

  #shown(value: NonNullable<Value>): PointValue {
    const { kind, states = [] } = this.#point;
    if (kind === "string") return String(value);
    if (kind === "boolean") return value === true || value === 1;
    if (kind === "number" || states.length === 0) return typeof value === "string" ? Number.NaN : Number(value);
    // [BACnet 12.18] states count from 1
    const at = states.findIndex((state) => state.value === Number(value));
    this.#isState = at >= 0;
    return Math.max(1, at + 1);
  }
}

/** The object of a point. Its Object_Name is `<device>/<point>`, its Description the name in both languages. */
export function definitionOf(point: ShownPoint, source: PointMirror): PointDefinition {
  const { id, name, nameEn, kind, unit, states = [], min, max, precision, deadband = 0 } = point;
  const { device, point: own } = pointParts(id);
  const units = unit === undefined ? undefined : bacnetOfUnit(unit);
  return {
    id: shownObject(point),
    name: `${device}/${own}`,
    description: name === nameEn ? name : `${name} / ${nameEn}`,
    source,
    commandable: false,
    // where nothing says what counts, every change does
    covIncrement: deadband > 0 ? deadband : precision === undefined ? 0 : 10 ** -precision,
    ...(units === undefined ? {} : { units }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(states.length === 0 ? {} : { states: textsOf(kind, states) }),
  };
}

function textsOf(kind: ShownPoint["kind"], states: NonNullable<ShownPoint["states"]>): readonly string[] {
  const text = (state: (typeof states)[number] | undefined): string => state?.name ?? "";
  if (kind !== "boolean") return states.map(text);
  return [0, 1].map((value) => text(states.find((state) => state.value === value)));
}
