import type { PointId } from "#core/ids.ts";
import { PROPERTIES } from "../codec/enums.ts";
import type { CovNotification } from "../codec/services/cov.ts";
import type { PropertyReference, PropertyResult, ReadResult, ReadSpecification } from "../codec/services/property.ts";
import { type BacnetValue, objectIdWord } from "../codec/values.ts";
import type { Abilities } from "./abilities.ts";
import { hasStatus, isAnalog, type Reading, readingOf, readingOfError, type Target } from "./map.ts";

/** One bound point. */
export interface BoundPoint {
  readonly point: PointId;
  readonly target: Target;
  readonly writable: boolean;
}

/** What is known of a point besides its samples. */
interface Knowledge {
  /** Its object. */
  readonly word: number;
  /** What each read asks for, with Reliability and without: made once, as a poll of all points is made of them again and again. */
  readonly references: readonly PropertyReference[];
  readonly withReliability: readonly PropertyReference[];
  lastRead: BacnetValue | undefined;
  covIncrement: number | undefined;
  /** Value that COV told last, undefined before the first notification of this session. */
  told: Reading["value"] | undefined;
  /** Number of the last notification, to see that a read is older than it. */
  toldAt: number;
}

/** Results by object: each has few, which are looked through. */
type Results = ReadonlyMap<number, readonly PropertyResult[]>;
/** What is to be asked for some points, for as long as it stays the same. */
interface Plan {
  readonly points: readonly BoundPoint[];
  readonly first: boolean;
  readonly revision: number;
  readonly specifications: readonly ReadSpecification[];
}

type Deliver = (point: BoundPoint, reading: Reading) => void;

/** The points of one device in one session: what is to be read for them, and what answers and notifications mean for them. */
export class PointBoard {
  readonly points: readonly BoundPoint[];
  readonly #abilities: Abilities;
  readonly #deliver: Deliver;
  readonly #known = new Map<BoundPoint, Knowledge>();
  /** Points that COV may tell, by object. */
  readonly #watched: ReadonlyMap<number, readonly BoundPoint[]>;
  #notifications = 0;
  #plan: Plan | undefined;

  constructor(points: readonly BoundPoint[], abilities: Abilities, deliver: Deliver) {
    this.points = points;
    this.#abilities = abilities;
    this.#deliver = deliver;
    for (const point of points) this.#known.set(point, knowledgeOf(point));
    const watched = points.filter(({ target }) => target.cov);
    this.#watched = Map.groupBy(watched, ({ target }) => objectIdWord(target.object));
  }

  /** Moment of a read that is about to be sent: what is notified after it is newer than its answer. */
  get moment(): number {
    return this.#notifications;
  }

  /** When COV last told a point. */
  toldAt(point: BoundPoint): number | undefined {
    return this.#known.get(point)?.toldAt;
  }

  /** Type of the value last read. */
  lastRead(point: BoundPoint): BacnetValue | undefined {
    return this.#known.get(point)?.lastRead;
  }

  /** What is to be asked for these points, the same array for the same points; `first` asks for what never changes too. */
  specifications(points: readonly BoundPoint[], first: boolean): readonly ReadSpecification[] {
    const revision = this.#abilities.reliabilityRevision;
    const plan = this.#plan;
    if (plan?.revision === revision && plan.first === first && isSame(plan.points, points)) return plan.specifications;
    const specifications = this.#specifications(points, first);
    this.#plan = { points, first, revision, specifications };
    return specifications;
  }

  #specifications(points: readonly BoundPoint[], first: boolean): readonly ReadSpecification[] {
    const objects = new Map<number, ReadSpecification>();
    for (const point of points) {
      const known = this.#known.get(point);
      if (known === undefined) continue;
      const { word } = known;
      const { object } = point.target;
      const properties = this.#references(point, known, first);
      const others = objects.get(word);
      objects.set(word, {
        object,
        properties: others === undefined ? properties : joined(others.properties, properties),
      });
    }
    return [...objects.values()];
  }

  #references({ target }: BoundPoint, known: Knowledge, first: boolean): readonly PropertyReference[] {
    const references = this.#abilities.hasReliability(known.word) ? known.withReliability : known.references;
    const ownIncrement = first && target.cov && target.covIncrement === undefined && isAnalog(target.object);
    return ownIncrement ? [...references, { property: PROPERTIES.covIncrement }] : references;
  }

  /** Delivers what was read at `moment`. */
  take(points: readonly BoundPoint[], answers: readonly ReadResult[], moment: number): void {
    let results: Results | undefined;
    // an object whose properties were asked for apart has several results
    const inOrder = !this.#abilities.quarantines;
    let place = 0;
    for (const point of points) {
      const answer = answers[place];
      place += 1;
      if (inOrder && answer !== undefined && isOf(answer, point)) this.#take(point, answer.results, moment);
      else {
        results ??= indexed(answers);
        this.#take(point, results.get(objectIdWord(point.target.object)) ?? [], moment);
      }
    }
  }

  #take(point: BoundPoint, of: readonly PropertyResult[], moment: number): void {
    const { target } = point;
    const known = this.#known.get(point);
    if (known === undefined) return;
    const { word } = known;
    const increment = single(of, PROPERTIES.covIncrement);
    if (target.covIncrement === undefined && increment?.type === "real") known.covIncrement = increment.value;
    const result = find(of, target.property, target.index);
    const reliability = find(of, PROPERTIES.reliability);
    // optional in the standard: not asked again where the object is there and has none
    const missing = reliability !== undefined && "error" in reliability && result !== undefined && "values" in result;
    if (missing) this.#abilities.lacksReliability(word);
    if (result !== undefined && "values" in result) known.lastRead = result.values[0];
    // a notification came after this read was sent: it is the newer one
    if (known.toldAt > moment) return;
    this.#deliver(point, readingFrom(target, result, of));
  }

  /** Delivers a notification; false when none of the points is meant. */
  notified(notification: CovNotification): boolean {
    const flags = notification.values.find(({ property }) => property === PROPERTIES.statusFlags)?.values[0];
    const points = this.#watched.get(objectIdWord(notification.object)) ?? [];
    let taken = false;
    for (const point of points) {
      const { target } = point;
      const value = notification.values.find(
        ({ property, index }) => property === target.property && index === target.index,
      );
      if (value === undefined) continue;
      if (!taken) this.#notifications += 1;
      taken = true;
      const reading = readingOf(target, value.values, hasStatus(target) ? flags : undefined);
      const known = this.#known.get(point);
      if (known !== undefined) {
        known.told = reading.value;
        known.toldAt = this.#notifications;
      }
      this.#deliver(point, reading);
    }
    return taken;
  }

  /** Does what was read say that COV should have told more? The subscription is gone then, e.g. after a restart. */
  missed(point: BoundPoint): boolean {
    const known = this.#known.get(point);
    if (known?.lastRead === undefined) return false;
    const { told, lastRead, covIncrement } = known;
    const { target } = point;
    if (told === undefined) return true;
    const { value } = readingOf(target, [lastRead]);
    const whole = !isAnalog(target.object) && target.covIncrement === undefined;
    if (whole || typeof value !== "number" || typeof told !== "number") return value !== told;
    return covIncrement !== undefined && Math.abs(value - told) >= covIncrement && value !== told;
  }
}

function knowledgeOf({ target }: BoundPoint): Knowledge {
  const { property, index, covIncrement } = target;
  const value: PropertyReference = { property, ...(index === undefined ? {} : { index }) };
  const references = hasStatus(target) ? [value, { property: PROPERTIES.statusFlags }] : [value];
  const withReliability = hasStatus(target) ? [...references, { property: PROPERTIES.reliability }] : references;
  const word = objectIdWord(target.object);
  return { word, references, withReliability, lastRead: undefined, covIncrement, told: undefined, toldAt: 0 };
}

/** Both, each property once. */
function joined(
  some: readonly PropertyReference[],
  others: readonly PropertyReference[],
): readonly PropertyReference[] {
  const isNew = ({ property, index }: PropertyReference): boolean =>
    !some.some((one) => one.property === property && one.index === index);
  return [...some, ...others.filter(isNew)];
}

function isSame(some: readonly BoundPoint[], others: readonly BoundPoint[]): boolean {
  return some === others || (some.length === others.length && some.every((point, i) => point === others[i]));
}

function isOf({ object }: ReadResult, { target }: BoundPoint): boolean {
  return object.instance === target.object.instance && object.type === target.object.type;
}

/** What was read of a property, as a whole where no index is given. */
function find(results: readonly PropertyResult[], property: number, index?: number): PropertyResult | undefined {
  for (const result of results) if (result.property === property && result.index === index) return result;
  return undefined;
}

function single(results: readonly PropertyResult[], property: number): BacnetValue | undefined {
  const result = find(results, property);
  return result !== undefined && "values" in result ? result.values[0] : undefined;
}

function readingFrom(target: Target, result: PropertyResult | undefined, results: readonly PropertyResult[]): Reading {
  if (result === undefined) return { value: null, quality: "bad", reason: "noValue" };
  if ("error" in result) return readingOfError(result.error);
  // the status is that of the present value, not of the object's other properties
  if (!hasStatus(target)) return readingOf(target, result.values);
  const flags = single(results, PROPERTIES.statusFlags);
  return readingOf(target, result.values, flags, single(results, PROPERTIES.reliability));
}

// what was asked for in two requests, or by itself, comes as two results of one object
function indexed(answers: readonly ReadResult[]): Results {
  const byObject = new Map<number, readonly PropertyResult[]>();
  for (const { object, results } of answers) {
    const word = objectIdWord(object);
    const others = byObject.get(word);
    byObject.set(word, others === undefined ? results : [...others, ...results]);
  }
  return byObject;
}
