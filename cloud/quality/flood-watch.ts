import { JournalReader } from "#core/alarm/annunciations.ts";
import { type Flood, FloodMeter } from "#core/alarm/flood.ts";
import { BUCKET_MS } from "#core/alarm/kpi-numbers.ts";
import type { Clock } from "#core/clock.ts";
import type { LoadNow } from "#core/contracts/alarm-quality.ts";
import type { Logger } from "#core/logger.ts";
import type { Alarm, AlarmTransition } from "#core/model/alarm.ts";
import type {
  AlarmListener,
  OperatorPosition,
  PermitDirectory,
  PermitTimes,
  PositionDirectory,
} from "../alarm-ports.ts";
import type { Db } from "../db/database.ts";
import type { LiveBus, Visible } from "../ports.ts";
import { iso } from "../time.ts";
import { JournalRows, LEAD_IN_MS } from "./journal-rows.ts";
import { QualityStore } from "./quality-store.ts";

/** The whole site, beside its operator positions. */
export const SITE_SCOPE = "site";
const TICK_MS = 1000;
/** Entries with which a new process looks back. */
const LOOK_BACK = 20_000;

const SITE: OperatorPosition = { id: SITE_SCOPE, name: "全园区", nameEn: "Whole site", areas: [], categories: [] };
const LIFTED: ReadonlySet<AlarmTransition> = new Set(["unshelved", "unsuppressed", "returnedToService"]);

interface Scope {
  meter: FloodMeter;
  /** What was told last, to tell only what is new. */
  told: string;
}

/** Does the transition call an operator? [KP-02, AL-09, AL-13] */
export function calls(alarm: Alarm, transition: AlarmTransition): boolean {
  if (alarm.suppression.length > 0) return false;
  if (transition === "raised" || transition === "reAlarmed") return true;
  return LIFTED.has(transition) && alarm.condition === "active" && !alarm.acknowledged;
}

/** Watches the load of the whole site and of each operator position, and tells who looks. Floods outlive a restart. */
export class FloodWatch {
  readonly #positions: PositionDirectory;
  readonly #permits: Pick<PermitDirectory, "permitOf"> & PermitTimes;
  readonly #bus: LiveBus;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #store: QualityStore;
  readonly #rows: JournalRows;
  readonly #scopes = new Map<string, Scope>();
  /** Floods that could not be written yet, by scope and beginning: no more than there are scopes, twice. */
  readonly #unsaved = new Map<string, { scope: string; flood: Flood }>();
  #cancel: (() => void) | undefined;
  #failing = false;

  constructor(deps: {
    readonly db: Db;
    readonly positions: PositionDirectory;
    readonly permits: Pick<PermitDirectory, "permitOf"> & PermitTimes;
    readonly bus: LiveBus;
    readonly clock: Clock;
    readonly logger: Logger;
  }) {
    this.#positions = deps.positions;
    this.#permits = deps.permits;
    this.#bus = deps.bus;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#store = new QualityStore(deps.db);
    this.#rows = new JournalRows(deps.db);
  }

  /** Takes up what a former process has left, from the journal of the last ten minutes. */
  async start(): Promise<void> {
    const times = await this.#lately(this.#clock.now());
    const lasting = this.#store.lasting();
    for (const id of new Set([...times.keys(), ...lasting.keys()])) {
      const of = (times.get(id) ?? []).sort((a, b) => a - b);
      const flood = lasting.get(id);
      const scope = this.#scope(id);
      if (flood !== undefined) scope.meter = FloodMeter.flooding(flood, of);
      else for (const at of of) this.#save(id, scope.meter.add(at));
    }
    this.#cancel ??= this.#clock.every(TICK_MS, () => this.#tick());
    this.#tick();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** For the alarms: cheap, and counts only what was committed. What a permit holds back its gateway has yet to hear of. [KP-02] */
  readonly listener: AlarmListener = ({ alarm, transition }) =>
    calls(alarm, transition) && this.#permits.permitOf(alarm) === undefined ? () => this.#came(alarm) : undefined;

  /** The whole site first, then its positions. */
  loads(visible: Visible): readonly LoadNow[] {
    const now = this.#clock.now();
    return this.#all()
      .filter(({ areas }) => visible === "all" || (areas.length > 0 && areas.every((area) => visible.has(area))))
      .map((position) => {
        const scope = this.#scope(position.id);
        this.#save(position.id, scope.meter.advance(now));
        return load(position, scope.meter);
      });
  }

  /** When operators were called in the last ten minutes, by scope. */
  async #lately(now: number): Promise<ReadonlyMap<string, number[]>> {
    const from = now - BUCKET_MS;
    const reader = new JournalReader(from, (permit) => this.#permits.beganAt(permit));
    for await (const entries of this.#rows.hiding(from - LEAD_IN_MS, from))
      for (const entry of entries) reader.take(entry);
    let taken = 0;
    for await (const entries of this.#rows.counted(from, now + 1)) {
      for (const entry of entries) reader.take(entry);
      taken += entries.length;
      if (taken > LOOK_BACK) break;
    }
    const times = new Map<string, number[]>();
    for (const { at, withdrawn, occurrence } of reader.record.annunciations) {
      if (withdrawn) continue;
      const { category, area } = occurrence.kind;
      for (const { id } of this.#scopesOf({ category, ...(area === undefined ? {} : { area }) })) {
        const held = times.get(id);
        if (held === undefined) times.set(id, [at]);
        else held.push(at);
      }
    }
    return times;
  }

  #came(alarm: Alarm): void {
    const now = this.#clock.now();
    for (const { id } of this.#scopesOf(alarm)) {
      const { meter } = this.#scope(id);
      const before = meter.flood?.from;
      this.#save(id, meter.add(now));
      if (before === undefined && meter.flood !== undefined) this.#save(id, meter.flood);
    }
  }

  #all(): readonly OperatorPosition[] {
    return [SITE, ...this.#positions.positions()];
  }

  #scopesOf(alarm: Pick<Alarm, "area" | "category">): readonly OperatorPosition[] {
    return [SITE, ...this.#positions.of(alarm)];
  }

  #scope(id: string): Scope {
    let scope = this.#scopes.get(id);
    if (scope === undefined) {
      scope = { meter: new FloodMeter(), told: "" };
      this.#scopes.set(id, scope);
    }
    return scope;
  }

  #save(scope: string, flood: Flood | undefined): void {
    if (flood !== undefined) this.#unsaved.set(`${scope} ${flood.from}`, { scope, flood });
  }

  #tick(): void {
    try {
      const now = this.#clock.now();
      const positions = new Map(this.#all().map((position) => [position.id, position]));
      for (const [id, { meter }] of this.#scopes) {
        this.#save(id, meter.advance(now));
        if (positions.has(id)) continue;
        // Nobody sits there any more.
        if (meter.flood !== undefined) this.#save(id, { ...meter.flood, to: now });
        this.#scopes.delete(id);
        this.#bus.publish({ kind: "loads", id, item: undefined });
      }
      for (const position of positions.values()) this.#tell(position);
      for (const [key, { scope, flood }] of this.#unsaved) {
        this.#store.saveFlood(scope, flood);
        this.#unsaved.delete(key);
      }
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#logger.warn({ err: error }, "the load of the operators cannot be kept, trying again");
      this.#failing = true;
    }
  }

  #tell(position: OperatorPosition): void {
    const scope = this.#scope(position.id);
    const item = load(position, scope.meter);
    const text = JSON.stringify(item);
    if (text === scope.told) return;
    // What a lasting flood has grown to is kept too: a process may end without a word.
    if (scope.meter.flood !== undefined) this.#save(position.id, scope.meter.flood);
    scope.told = text;
    const [space] = position.areas.length === 1 ? position.areas : [];
    this.#bus.publish({ kind: "loads", id: position.id, ...(space === undefined ? {} : { space }), item });
  }
}

function load({ id, name, nameEn }: OperatorPosition, { count, flood }: FloodMeter): LoadNow {
  return {
    id,
    name,
    nameEn,
    count,
    flood: flood !== undefined,
    ...(flood === undefined ? {} : { since: iso(flood.from), floodCount: flood.count }),
  };
}
