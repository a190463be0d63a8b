import { lawOf } from "#core/alarm/law.ts";
import type { DeviceId, PointId } from "#core/ids.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { FieldCondition } from "#core/model/field-condition.ts";
import type { Sample, Value } from "#core/model/sample.ts";
import type { DeviceBinding, DriverDeps, PointBinding } from "../driver.ts";
import type { Content, Report } from "./codec/content.ts";
import type { SiaAccount, SiaAddress } from "./config.ts";
import { type Meaning, meaningOf } from "./event-codes.ts";
import { ACCOUNT_DEFAULTS } from "./vocabulary.ts";

type SiaBinding = DeviceBinding<SiaAccount, SiaAddress>;

/** A point not told for so long is told again: within the contract's 60 s. */
const SIGN_OF_LIFE_MS = 30_000;
/** A panel that is not supervised and was never heard has so long to dial in before it counts as lost. */
const FIRST_CALL_MS = 10_000;
const HEARD = "heardAt";
const RAISED_BY = "raisedBy ";
/** A condition whose end only we tell, as JSON text until it is told: the hub must not wait for it after a restart of ours. */
const WITHOUT_END = "withoutEnd ";
/** States that are kept of one panel, beyond those that points show: who speaks in the clear may name any zone. */
const MAX_STATES = 4_000;

/** An alarm whose end nobody will tell is over after so long; a security alarm stays latched in the hub until a person resets it. */
const MOMENTARY_MS = 5_000;
/** Buttons and codes that panels tell once: there is no end of having been pressed. */
const MOMENTARY: ReadonlySet<string> = new Set(["panic", "duress", "zoneAlarm"]);

/** When an alarm without an end is over, monotonic ms, of which state, and as which condition it was told where no point shows it. */
interface End {
  readonly at: number;
  readonly key: string;
  readonly condition?: FieldCondition;
}

/** By what a frame is known. */
export interface FrameIdentity {
  readonly id: string;
  /** Stays the same when the panel repeats a frame with another time. */
  readonly sequence: string;
}

/** What one frame changes and tells. */
export interface Taken {
  readonly events: readonly DeviceEvent[];
  /** To be kept before anything is told. */
  readonly states: ReadonlyMap<string, Value>;
  /** Tells the samples and conditions. */
  tell(): void;
}

/** One panel: its states, its supervision, the samples of its points. */
export class Panel {
  readonly device: DeviceId;
  readonly account: string;
  readonly key: Uint8Array | undefined;
  readonly #deps: DriverDeps;
  readonly #lostAfterMs: number | undefined;
  readonly #states: Map<string, Value>;
  /** What a frame that is being taken tells, until its states are kept. */
  #held: (() => void)[] | undefined;
  /** By condition; by state where a point shows it. */
  readonly #ends = new Map<string, End>();
  /** Conditions that were told to be over and are still kept; forgotten with the next frame. */
  readonly #ended = new Set<string>();
  readonly #restores: boolean;
  #points: readonly PointBinding<SiaAddress>[];
  #online: boolean | undefined;
  /** Monotonic ms. */
  #deadline: number;
  #toldAt = 0;

  /** `states`: what was known of it before a restart. */
  constructor(binding: SiaBinding, states: ReadonlyMap<string, unknown>, deps: DriverDeps) {
    const { device, config, points } = binding;
    const { supervisionS, graceS, restores } = { ...ACCOUNT_DEFAULTS, ...config };
    this.device = device;
    this.account = config.account.toUpperCase();
    this.key = config.key === undefined ? undefined : Buffer.from(config.key, "hex");
    this.#deps = deps;
    this.#points = points;
    this.#lostAfterMs = supervisionS === 0 ? undefined : (supervisionS + graceS) * 1000;
    this.#restores = restores;
    this.#states = new Map(states) as Map<string, Value>;
    for (const key of this.#states.keys()) if (this.#isMomentary(key)) this.#states.set(key, false);
    this.#endKept();
    const { clock } = deps;
    const heardAt = this.#states.get(HEARD);
    const agoMs = typeof heardAt === "number" ? Math.max(0, clock.now() - heardAt) : undefined;
    this.#deadline = clock.monotonic() + (this.#lostAfterMs ?? FIRST_CALL_MS);
    // it was there a moment ago: a restart of ours is no loss of its
    if (agoMs !== undefined && (this.#lostAfterMs === undefined || agoMs < this.#lostAfterMs)) {
      this.#deadline = this.#lostAfterMs === undefined ? Infinity : this.#deadline - agoMs;
      this.#goOnline();
    }
  }

  /** Takes other points; what is known is told of them. */
  rebind(points: readonly PointBinding<SiaAddress>[]): void {
    this.#points = points;
    if (this.#online === undefined) return;
    this.#tellDevice();
    this.#tellAll();
  }

  has(point: PointId): boolean {
    return this.#points.some((binding) => binding.point === point);
  }

  /** A frame of it was heard that is proved to be its own. */
  heard(): void {
    this.#deadline = this.#deps.clock.monotonic() + (this.#lostAfterMs ?? Infinity);
    if (this.#online !== true) this.#goOnline();
  }

  #isMomentary(key: string): boolean {
    return MOMENTARY.has(key) || (!this.#restores && key.startsWith("zoneAlarm."));
  }

  #endMomentary(now: number): void {
    for (const [name, { at, key, condition }] of this.#ends) {
      if (now < at) continue;
      this.#ends.delete(name);
      const isKept = this.#states.has(key);
      this.#set(new Map(), key, false);
      if (condition === undefined) continue;
      if (isKept) this.#ended.add(name);
      this.#tellCondition({ ...condition, active: false });
    }
  }

  /** What had no end yet when we were stopped is over. To be told so once more changes nothing. */
  #endKept(): void {
    for (const [key, kept] of this.#states) {
      if (!key.startsWith(WITHOUT_END)) continue;
      this.#states.delete(key);
      if (typeof kept !== "string") continue;
      this.#ended.add(key.slice(WITHOUT_END.length));
      // our own record
      this.#tellCondition({ ...(JSON.parse(kept) as FieldCondition), active: false });
    }
  }

  #tellCondition(condition: FieldCondition): void {
    const observedAt = this.#deps.clock.now();
    this.#deps.onConditions({ device: this.device, complete: false, conditions: [{ ...condition, observedAt }] });
  }

  /** Looks whether it is lost, and gives its points a sign of life. About once a second. */
  watch(): void {
    const now = this.#deps.clock.monotonic();
    this.#endMomentary(now);
    if (this.#online !== false && now >= this.#deadline) {
      this.#online = false;
      this.#tellAll();
      this.#tellDevice();
    } else if (this.#online !== undefined && now - this.#toldAt >= SIGN_OF_LIFE_MS) this.#tellAll();
  }

  /** What the reports of a frame mean. Nothing is told yet. */
  take(reports: readonly Report[], content: Content, { id, sequence }: FrameIdentity): Taken {
    const held: (() => void)[] = [];
    this.#held = held;
    const states = new Map<string, Value>([[HEARD, this.#deps.clock.now()]]);
    for (const name of this.#ended) states.set(WITHOUT_END + name, null);
    this.#ended.clear();
    const events = reports.map((report, at) =>
      this.#takeReport(report, content, { id: `${id}.${at}`, sequence }, states),
    );
    this.#held = undefined;
    return {
      events,
      states,
      tell() {
        for (const tell of held) tell();
      },
    };
  }

  #whenKept(tell: () => void): void {
    if (this.#held === undefined) tell();
    else this.#held.push(tell);
  }

  #takeReport(
    report: Report,
    { timestamp }: Content,
    { id, sequence }: FrameIdentity,
    states: Map<string, Value>,
  ): DeviceEvent {
    const { clock } = this.#deps;
    const observedAt = clock.now();
    const meaning = meaningOf(report);
    const { code, format, zone, partition, user, text } = report;
    const time = timestamp === undefined ? {} : { sourceTime: timestamp };
    const changed = changes(report, meaning);
    const again = new Set(changed.map(([key]) => key).filter((key) => this.#isAgain(key, report, meaning, sequence)));
    for (const [key, value] of changed) {
      if (again.has(key)) this.#set(states, key, false, time);
      this.#set(states, key, value, time);
      // by which frame it was told, so that its repeat is none of a new alarm, over a restart too
      if (value && this.#states.has(key)) {
        states.set(RAISED_BY + key, sequence);
        this.#states.set(RAISED_BY + key, sequence);
      }
      if (value && this.#isMomentary(key)) this.#ends.set(key, { at: clock.monotonic() + MOMENTARY_MS, key });
    }
    this.#set(states, "lastReport", `${format} ${code}${zone === undefined ? "" : ` zone ${zone}`}`);
    if (meaning.class === "test") this.#set(states, "lastTestAt", new Date(timestamp ?? observedAt).toISOString());
    this.#tellUnbound(report, meaning, { ...time, observedAt }, again, states);
    return {
      id,
      device: this.device,
      kind: "panelEvent",
      ...(meaning.state === undefined ? {} : { state: meaning.state }),
      ...time,
      observedAt,
      data: {
        code,
        format,
        class: meaning.class,
        qualifier: report.qualifier,
        ...(zone === undefined ? {} : { zone }),
        ...(partition === undefined ? {} : { partition }),
        ...(user === undefined ? {} : { user }),
        ...(text === undefined ? {} : { text }),
      },
    };
  }

  #set(states: Map<string, Value>, key: string, value: Value, time: { readonly sourceTime?: number } = {}): void {
    const points = this.#points.filter(({ address }) => keyOf(address) === key);
    if (points.length === 0 && !this.#states.has(key) && this.#states.size >= MAX_STATES) return;
    states.set(key, value);
    this.#states.set(key, value);
    this.#tell(points, time);
  }

  /**
   * Is it another alarm of a state whose end was never told? Many panels report no restores, and each report of theirs is an alarm. A
   * repeat of the frame that told it is none, nor is what Contact ID calls still present.
   */
  #isAgain(key: string, { qualifier }: Report, { category, state }: Meaning, sequence: string): boolean {
    const isAlarm = state === true && qualifier === "new" && category !== undefined && lawOf(category) === "security";
    return isAlarm && this.#states.get(key) === true && this.#states.get(RAISED_BY + key) !== sequence;
  }

  /** An alarm of a zone that no point of the site shows is an alarm all the same. */
  #tellUnbound(
    report: Report,
    meaning: Meaning,
    seen: Pick<FieldCondition, "sourceTime" | "observedAt">,
    again: ReadonlySet<string>,
    states: Map<string, Value>,
  ): void {
    const { category, state } = meaning;
    if (category === undefined || state === undefined) return;
    const [[key] = []] = changes(report, meaning);
    if (key === undefined || this.#points.some(({ address }) => keyOf(address) === key)) return;
    const message = `${report.format} ${report.code}${report.zone === undefined ? "" : `, zone ${report.zone}`}`;
    // a fire is not the end of a burglary, though neither names a zone
    const condition = key === "zoneAlarm" ? `${key}.${category}` : key;
    const told = { device: this.device, condition, active: state, category, message, ...seen };
    const stands = condition === key || this.#ends.has(condition);
    const conditions = again.has(key) && stands ? [{ ...told, active: false }, told] : [told];
    const ends = this.#ends.get(key);
    this.#ends.delete(key);
    if (ends !== undefined && state) {
      this.#ends.set(condition, { ...ends, condition: told });
      // no more are kept than states
      if (this.#states.has(key)) states.set(WITHOUT_END + condition, JSON.stringify(told));
    } else if (!state && this.#ends.delete(condition) && this.#states.has(key))
      states.set(WITHOUT_END + condition, null);
    this.#whenKept(() => this.#deps.onConditions({ device: this.device, complete: false, conditions }));
  }

  #goOnline(): void {
    this.#online = true;
    this.#tellDevice();
    this.#tellAll();
  }

  #tellDevice(): void {
    const { clock } = this.#deps;
    const online = this.#online === true;
    this.#deps.onDevice({
      device: this.device,
      online,
      ...(online ? {} : { reason: "commLost" }),
      at: clock.now(),
    });
  }

  #tellAll(): void {
    this.#toldAt = this.#deps.clock.monotonic();
    this.#tell(this.#points, {});
  }

  #tell(points: readonly PointBinding<SiaAddress>[], time: { readonly sourceTime?: number }): void {
    if (points.length === 0) return;
    const observedAt = this.#deps.clock.now();
    const samples = points.map((binding) => ({ ...this.#sample(binding), ...time, observedAt }));
    this.#whenKept(() => this.#deps.onSamples(samples));
  }

  #sample({ point, address }: PointBinding<SiaAddress>): Omit<Sample, "observedAt"> {
    const lost = this.#online === false;
    if (address.signal === "online") return { point, value: !lost, quality: "good" };
    const key = keyOf(address);
    const known = this.#states.get(key);
    if (lost) return { point, value: known ?? null, quality: "bad", reason: "commLost" };
    if (known !== undefined) return { point, value: known, quality: "good" };
    // a panel tells what changes: of a supervised zone that never spoke nothing is wrong, of arming nothing is known
    if (TOLD_ONLY.has(address.signal)) return { point, value: null, quality: "uncertain", reason: "noValue" };
    return { point, value: false, quality: "good" };
  }
}

const TOLD_ONLY: ReadonlySet<SiaAddress["signal"]> = new Set(["armed", "lastReport", "lastTestAt"]);

/** Name of a state: of a zone, of a partition or of the panel. */
export function keyOf({ signal, zone, partition }: SiaAddress): string {
  if (zone !== undefined) return `${signal}.${zone.toUpperCase()}`;
  return partition === undefined ? signal : `${signal}.${partition.toUpperCase()}`;
}

const zoned = (signal: SiaAddress["signal"], zone: string): string => keyOf({ signal, zone });

/** Which states a report sets. */
function changes({ zone, partition }: Report, { class: of, state }: Meaning): readonly (readonly [string, boolean])[] {
  if (state === undefined) return [];
  const place = (signal: SiaAddress["signal"], panel: SiaAddress["signal"]): string =>
    zone === undefined ? panel : zoned(signal, zone);
  switch (of) {
    case "alarm":
      return [[place("zoneAlarm", "zoneAlarm"), state]];
    case "tamper":
      return [[place("zoneTamper", "panelTamper"), state]];
    case "trouble":
      return [[place("zoneTrouble", "panelTrouble"), state]];
    case "bypass":
      return zone === undefined ? [] : [[zoned("zoneBypassed", zone), state]];
    case "arm":
      return partition === undefined
        ? [["armed", state]]
        : [
            [keyOf({ signal: "armed", partition }), state],
            ["armed", state],
          ];
    case "mains":
      return [["mainsFault", state]];
    case "battery":
      return [["batteryLow", state]];
    case "panic":
      return zone === undefined
        ? [["panic", state]]
        : [
            [zoned("zoneAlarm", zone), state],
            ["panic", state],
          ];
    case "duress":
      return [["duress", state]];
    case "access":
      return zone === undefined ? [] : [[zoned("zoneAlarm", zone), state]];
    case "test":
    case "other":
      return [];
    default:
      return of satisfies never;
  }
}
