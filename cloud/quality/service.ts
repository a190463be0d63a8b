import { type AlarmKind, type AlarmRecord, JournalReader, type KpiEntry } from "#core/alarm/annunciations.ts";
import { type ActorFigures, badActorSteps, type DefinitionFacts, proposalAllowed } from "#core/alarm/bad-actors.ts";
import { type KpiResult, kpiSteps } from "#core/alarm/kpi.ts";
import { DAY_MS, HOUR_MS } from "#core/alarm/kpi-numbers.ts";
import type { WallClock } from "#core/alarm/periods.ts";
import type { Clock } from "#core/clock.ts";
import type {
  BadActor,
  BadActorsView,
  CauseGroup,
  KpiFigures,
  KpiSplit,
  KpiView,
  LoadNow,
  ProposalAccept,
  ProposalDecision,
  ProposalKind,
} from "#core/contracts/alarm-quality.ts";
import type { DefinitionChange, DefinitionView } from "#core/contracts/definitions.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { AlarmDefinitionService, PermitTimes, PositionDirectory } from "../alarm-ports.ts";
import type { Db } from "../db/database.ts";
import type { Actor, AlarmService, AuditLog, SiteCatalog, Visible } from "../ports.ts";
import type { AlarmQualityService, QualityQuery, ShiftTimes } from "../quality-ports.ts";
import { momentOf, offsetMs } from "../wall-clock.ts";
import { causeGroups } from "./cause-groups.ts";
import type { FloodWatch } from "./flood-watch.ts";
import { breath, JournalRows, LEAD_IN_MS } from "./journal-rows.ts";
import { kpiCsv, kpiView } from "./kpi-answer.ts";
import { QualityStore } from "./quality-store.ts";

/** Longest stretch, ms: as long as the journal is kept. */
const MAX_SPAN_MS = 400 * DAY_MS;
/** Entries of one answer: what they amount to must fit into memory. */
const MAX_ENTRIES = 500_000;
/** Answers that wait for their turn. */
const MAX_WAITING = 8;
/** What has ended later than this after the stretch is taken for still active at its end, which is all that is asked. */
const TAIL_MS = 31 * DAY_MS;
/** A dismissed proposal comes back after this, or when it has grown by half. */
const DISMISSED_MS = 90 * DAY_MS;

export interface QualityDeps {
  readonly db: Db;
  readonly catalog: Pick<SiteCatalog, "timeZone" | "point">;
  readonly alarms: Pick<AlarmService, "list">;
  readonly positions: PositionDirectory;
  readonly definitions: Pick<AlarmDefinitionService, "get" | "change">;
  readonly shifts: ShiftTimes;
  readonly permits: PermitTimes;
  readonly floods: Pick<FloodWatch, "loads">;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  /** A space and all that lies below it. */
  readonly below: (space: string) => ReadonlySet<string>;
}

/** The quality of the alarm system, found from the journal slice by slice, one answer after the other. */
export class AlarmQuality implements AlarmQualityService {
  readonly #deps: QualityDeps;
  readonly #rows: JournalRows;
  readonly #store: QualityStore;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(deps: QualityDeps) {
    this.#deps = deps;
    this.#rows = new JournalRows(deps.db);
    this.#store = new QualityStore(deps.db);
  }

  async kpi(query: QualityQuery & { readonly by: KpiSplit }): Promise<KpiView> {
    const { timeZone } = this.#deps.catalog;
    return kpiView(await this.#result(query), { ...query, timeZone, clock: this.#wallClock() });
  }

  async kpiCsv(query: QualityQuery & { readonly by: KpiSplit }, language: "zh-CN" | "en"): Promise<string> {
    return kpiCsv(await this.kpi(query), language);
  }

  /** The figures of a stretch alone. */
  async figures(query: QualityQuery): Promise<KpiFigures> {
    const { total } = await this.#result({ ...query, by: "law" });
    return total;
  }

  async badActors(query: QualityQuery & { readonly limit: number }): Promise<BadActorsView> {
    const chosen = this.#chosen(query);
    const found = await this.#inTurn(async () => {
      const record = await this.#record(query);
      const factsOf = (definition: string) => this.#factsOf(definition);
      return stepwise(badActorSteps(record, { span: query, chosen, factsOf, limit: query.limit }), this.#deps.clock);
    });
    const decisions = this.#store.decisions();
    return {
      from: new Date(query.from).toISOString(),
      to: new Date(query.to).toISOString(),
      items: found.map((actor) => this.#badActor(actor, decisions)),
    };
  }

  accept(id: string, proposal: ProposalAccept, actor: Actor): ProposalDecision {
    const { definition } = this.#definition(id);
    const { kind, value, reason } = proposal;
    if (!proposalAllowed(definition.category, kind, value))
      throw new HubError(
        "PROPOSAL_FORBIDDEN",
        `${id}: ${kind} ${value} is not for an alarm of category ${definition.category}`,
      );
    const change = changeOf(definition, kind, value);
    const { status } = this.#deps.definitions.change({ definition: id, change, why: reason, actor });
    const decided = this.#decide(id, { kind, value, reason }, "accepted", actor);
    return status === "pending" ? { ...decided, pending: true } : decided;
  }

  dismiss(
    id: string,
    proposal: { readonly kind: ProposalKind; readonly value: number; readonly reason: string },
    actor: Actor,
  ): ProposalDecision {
    this.#definition(id);
    return this.#decide(id, proposal, "dismissed", actor);
  }

  loads(visible: Visible): readonly LoadNow[] {
    return this.#deps.floods.loads(visible);
  }

  groups(visible: Visible): Promise<readonly CauseGroup[]> {
    return causeGroups(this.#deps.alarms, visible);
  }

  areaOf(id: string): string | undefined {
    return this.#definition(id).area;
  }

  #definition(id: string): DefinitionView {
    const found = this.#deps.definitions.get(id);
    if (found === undefined) throw new HubError("DEFINITION_UNKNOWN", `alarm definition ${id}: no such definition`);
    return found;
  }

  #decide(
    definition: string,
    { kind, value, reason }: { kind: ProposalKind; value: number; reason: string },
    decision: "accepted" | "dismissed",
    actor: Actor,
  ): ProposalDecision {
    const { db, audit, clock } = this.#deps;
    const by = { decided_by: actor.name, decided_at: clock.now() };
    return db.sync.transaction<ProposalDecision>(() => {
      audit.append({
        actor: actor.name,
        action: `alarm.proposal.${decision === "accepted" ? "accept" : "dismiss"}`,
        target: definition,
        result: "ok",
        detail: { kind, value, reason },
        ...(actor.ip === undefined ? {} : { ip: actor.ip }),
      });
      return this.#store.decide({ definition, kind, value, decision, reason, ...by });
    });
  }

  #result(query: QualityQuery & { readonly by: KpiSplit }): Promise<KpiResult> {
    const { positions, shifts } = this.#deps;
    if (query.by === "hour" && query.to - query.from > 1000 * HOUR_MS)
      throw new InvalidInputError("KPI_RANGE_TOO_LARGE", "by hour: expected at most 1000 hours");
    const options = {
      span: { from: query.from, to: query.to },
      by: query.by,
      clock: this.#wallClock(),
      shifts: shifts.starts(),
      chosen: this.#chosen(query),
      positionsOf: (kind: AlarmKind) => positions.of(kind).map(({ id }) => id),
    };
    return this.#inTurn(async () => stepwise(kpiSteps(await this.#record(query), options), this.#deps.clock));
  }

  /** @throws TIME_RANGE_INVALID, KPI_RANGE_TOO_LARGE, POSITION_UNKNOWN */
  #chosen({ from, to, visible, area, position, law, category }: QualityQuery): (kind: AlarmKind) => boolean {
    const { positions, below } = this.#deps;
    if (!(from < to)) throw new InvalidInputError("TIME_RANGE_INVALID", "expected from before to");
    if (to - from > MAX_SPAN_MS) throw new InvalidInputError("KPI_RANGE_TOO_LARGE", "expected at most 400 days");
    if (position !== undefined && !positions.positions().some(({ id }) => id === position))
      throw new HubError("POSITION_UNKNOWN", `operator position ${position}: no such position`);
    const inside = area === undefined ? undefined : below(area);
    return (kind) =>
      (visible === "all" || (kind.area !== undefined && visible.has(kind.area))) &&
      (inside === undefined || (kind.area !== undefined && inside.has(kind.area))) &&
      (law === undefined || kind.law === law) &&
      (category === undefined || kind.category === category) &&
      (position === undefined || positions.of(kind).some(({ id }) => id === position));
  }

  async #record({ from, to }: QualityQuery): Promise<AlarmRecord> {
    const { permits } = this.#deps;
    const reader = new JournalReader(from, (permit) => permits.beganAt(permit));
    let taken = 0;
    const take = async (slices: AsyncIterable<readonly KpiEntry[]>): Promise<void> => {
      for await (const slice of slices) {
        taken += slice.length;
        if (taken > MAX_ENTRIES)
          throw new InvalidInputError("KPI_RANGE_TOO_LARGE", `expected at most ${MAX_ENTRIES} entries of the journal`);
        for (const entry of slice) reader.take(entry);
      }
    };
    for await (const alarms of this.#rows.activeSince(from))
      for (const alarm of alarms)
        reader.standing({ ...alarm, alarm: alarm.id }, alarm.occurrence, alarm.raisedAt, alarm.acknowledgedAt);
    await take(this.#rows.hiding(from - LEAD_IN_MS, from));
    await take(this.#rows.counted(from, to));
    const now = this.#deps.clock.now();
    if (to < now) await take(this.#rows.ends(to, Math.min(now, to + TAIL_MS)));
    return reader.record;
  }

  #wallClock(): WallClock {
    const { timeZone } = this.#deps.catalog;
    const offsets = new Map<number, number>();
    return {
      // It changes at full quarters of an hour, and asking for it costs a hundred times a look into a map.
      offsetMs: (at) => {
        const quarter = Math.floor(at / 900_000);
        const known = offsets.get(quarter);
        if (known !== undefined) return known;
        const found = offsetMs(quarter * 900_000, timeZone);
        offsets.set(quarter, found);
        return found;
      },
      momentOf: (wall) => momentOf(wall, timeZone),
    };
  }

  /** One answer at a time: each holds the record of its stretch. @throws KPI_BUSY */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING)
      throw new HubError("KPI_BUSY", "too many questions about the alarm system wait already", { retriable: true });
    this.#waiting++;
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  #factsOf(id: string): DefinitionFacts | undefined {
    const definition = this.#deps.definitions.get(id)?.definition;
    if (definition === undefined) return undefined;
    const { condition, onDelayMs = 0, offDelayMs = 0 } = definition;
    if (!hasDeadband(condition)) return { onDelayMs, offDelayMs };
    const { min, max, unit = null } = this.#deps.catalog.point(condition.point) ?? {};
    const range = min === undefined || max === undefined ? undefined : max - min;
    return { analog: { deadband: condition.deadband, range, unit }, onDelayMs, offDelayMs };
  }

  #badActor({ kind, proposal, ...figures }: ActorFigures, decisions: readonly ProposalDecision[]): BadActor {
    const { alarm, definition, source, law, category, priority, area } = kind;
    const decision = decisions
      .filter((one) => one.definition === definition)
      .sort((a, b) => b.at.localeCompare(a.at))
      .at(0);
    const dismissed = decisions.find(
      (one) => one.definition === definition && one.kind === proposal?.kind && one.decision === "dismissed",
    );
    const silent =
      proposal !== undefined &&
      dismissed !== undefined &&
      proposal.value <= dismissed.value * 1.5 &&
      this.#deps.clock.now() - Date.parse(dismissed.at) < DISMISSED_MS;
    return {
      definition,
      source,
      law,
      category,
      priority,
      ...(area === undefined ? {} : { area }),
      ...(this.#rows.wordsOf(alarm) ?? { message: definition, messageEn: definition }),
      ...figures,
      ...(proposal === undefined || silent ? {} : { proposal }),
      ...(decision === undefined ? {} : { decision }),
    };
  }
}

type Condition = AlarmDefinition["condition"];
type WithDeadband = Extract<Condition, { type: "above" | "below" | "outside" | "inside" | "deviation" }>;

function hasDeadband(condition: Condition): condition is WithDeadband {
  return ["above", "below", "outside", "inside", "deviation"].includes(condition.type);
}

/** @throws PROPOSAL_NOT_APPLICABLE */
function changeOf({ id, condition }: AlarmDefinition, kind: ProposalKind, value: number): DefinitionChange {
  switch (kind) {
    case "onDelay":
      return { onDelayMs: value };
    case "offDelay":
      return { offDelayMs: value };
    case "deadband":
      if (hasDeadband(condition)) return { condition: { ...condition, deadband: value } };
      throw new HubError("PROPOSAL_NOT_APPLICABLE", `${id}: a ${condition.type} condition has no deadband`);
    default:
      return kind satisfies never;
  }
}

/** Others have their turn after so much of it, ms. */
const TURN_MS = 8;

async function stepwise<T>(steps: Generator<undefined, T>, clock: Clock): Promise<T> {
  let since = clock.monotonic();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (clock.monotonic() - since < TURN_MS) continue;
    await breath();
    since = clock.monotonic();
  }
}
