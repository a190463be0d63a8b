import type { ShiftStarts } from "#core/alarm/periods.ts";
import type {
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
import type {
  Handover,
  HandoverChange,
  HandoverContent,
  HandoverDiscard,
  HandoverEntry,
  ShiftPlan,
  ShiftPlanChange,
} from "#core/contracts/shift.ts";
import type { Actor, PageRequest, PageResult, Visible } from "./ports.ts";

/*
 * What the rest asks of the quality of the alarm system and of the shifts. Implemented in cloud/quality and cloud/shifts.
 */

/** Which alarms, and when. Times are Unix ms, `to` exclusive. */
export interface QualityQuery {
  readonly visible: Visible;
  readonly from: number;
  readonly to: number;
  readonly area?: string;
  readonly position?: string;
  readonly law?: string;
  readonly category?: string;
}

/** Figures of how well the alarms serve the operators. */
export interface AlarmQualityService {
  /** @throws TIME_RANGE_INVALID, KPI_RANGE_TOO_LARGE, KPI_BUSY, POSITION_UNKNOWN */
  kpi(query: QualityQuery & { readonly by: KpiSplit }): Promise<KpiView>;
  /** The same as the text of a CSV file. */
  kpiCsv(query: QualityQuery & { readonly by: KpiSplit }, language: "zh-CN" | "en"): Promise<string>;
  /** @throws TIME_RANGE_INVALID, KPI_RANGE_TOO_LARGE, KPI_BUSY, POSITION_UNKNOWN */
  badActors(query: QualityQuery & { readonly limit: number }): Promise<BadActorsView>;
  /**
   * Has the change made. @throws DEFINITION_UNKNOWN, PROPOSAL_FORBIDDEN, PROPOSAL_NOT_APPLICABLE and what the definitions' own
   * service throws
   */
  accept(definition: string, proposal: ProposalAccept, actor: Actor): ProposalDecision;
  /** It is not shown again for a time. @throws DEFINITION_UNKNOWN */
  dismiss(
    definition: string,
    proposal: { readonly kind: ProposalKind; readonly value: number; readonly reason: string },
    actor: Actor,
  ): ProposalDecision;
  /** Load of the whole site and of each position, as far as they lie in what is visible. */
  loads(visible: Visible): readonly LoadNow[];
  /** Open alarms folded under their causes, the largest first. */
  groups(visible: Visible): Promise<readonly CauseGroup[]>;
  /** The space a definition belongs to: undefined when it is the whole site's. @throws DEFINITION_UNKNOWN */
  areaOf(definition: string): string | undefined;
}

/** Shift times. */
export interface ShiftTimes {
  starts(): ShiftStarts;
}

/** The figures of a shift. */
export type FiguresOf = (query: QualityQuery) => Promise<KpiFigures>;

/** Shifts and their handovers. */
export interface ShiftService {
  plan(): ShiftPlan;
  /** @throws SHIFT_PLAN_STALE */
  setPlan(change: ShiftPlanChange, actor: Actor): ShiftPlan;
  /** The shift that is on, ISO times. */
  current(): { readonly from: string; readonly to: string };
  /** The spaces of a position; `all` for the whole site. @throws POSITION_UNKNOWN */
  areasOf(position: string | undefined): "all" | readonly string[];
  /** The operator position of a handover. @throws HANDOVER_UNKNOWN */
  positionOf(id: string): string | undefined;
  /** Newest first. @throws CURSOR_INVALID */
  list(query: PageRequest & { readonly mayRead: (position: string | undefined) => boolean }): PageResult<HandoverEntry>;
  /** @throws HANDOVER_UNKNOWN */
  get(id: string): Handover;
  /** What a handover drawn up now would hold. */
  preview(position: string | undefined): Promise<HandoverContent>;
  /** @throws HANDOVER_OPEN, POSITION_UNKNOWN */
  draft(position: string | undefined, actor: Actor): Promise<Handover>;
  /** @throws HANDOVER_UNKNOWN, HANDOVER_STALE, HANDOVER_CLOSED */
  change(id: string, change: HandoverChange, actor: Actor): Promise<Handover>;
  /** The outgoing signs. @throws HANDOVER_UNKNOWN, HANDOVER_STALE, HANDOVER_CLOSED */
  sign(id: string, revision: number, actor: Actor): Promise<Handover>;
  /** Gives up a draft; it stays to be read. @throws HANDOVER_UNKNOWN, HANDOVER_STALE, HANDOVER_SIGNED, HANDOVER_CLOSED, HANDOVER_DISCARDED */
  discard(id: string, change: HandoverDiscard, actor: Actor): Handover;
  /** The incoming signs, and it is frozen. @throws HANDOVER_UNKNOWN, HANDOVER_STALE, HANDOVER_NOT_SIGNED, HANDOVER_SAME_PERSON */
  confirm(id: string, revision: number, incoming: Actor): Handover;
}
