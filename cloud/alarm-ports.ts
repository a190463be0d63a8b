import type { AlarmAct, AlarmAssignment } from "#core/contracts/alarm-acts.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { DefinitionOutcome, DefinitionView } from "#core/contracts/definitions.ts";
import type { PermitDecision, PermitRequest, PermitView } from "#core/contracts/maintenance.ts";
import type { PositionEscalation } from "#core/contracts/notify.ts";
import type { ProcedureRunView } from "#core/contracts/procedures.ts";
import type { HubError } from "#core/errors.ts";
import type { Alarm, AlarmCategory, AlarmTransition } from "#core/model/alarm.ts";
import type { DefinitionRequest } from "./definition-ports.ts";
import type { Actor, PageRequest, PageResult } from "./ports.ts";

/*
 * What the domains around the alarms ask of each other: notification, quality of the alarm system, journal, procedures.
 * Each is implemented in its own folder and handed over by domains.ts.
 */

/** One transition of an alarm, as it was stored. */
export interface AlarmTold {
  readonly alarm: Alarm;
  readonly transition: AlarmTransition;
  /** When it was told where it happened, Unix ms. */
  readonly at: number;
}

/**
 * Told each transition once, inside the transaction that stores it: keep it cheap. What it returns runs after COMMIT.
 * A thrown error undoes the transition, so only for what must not be lost with it.
 */
export type AlarmListener = (told: AlarmTold) => (() => void) | undefined;

/** Somebody's post: who sits there looks after these alarms. */
export interface OperatorPosition {
  readonly id: string;
  readonly name: string;
  readonly nameEn: string;
  /** Spaces with all that lies below them; empty: the whole site. */
  readonly areas: readonly string[];
  /** Empty: all. */
  readonly categories: readonly AlarmCategory[];
  /** After how many minutes an unacknowledged alarm of a priority is told further. */
  readonly escalateMinutes?: PositionEscalation;
}

/** The operator positions of the site. Implemented by cloud/notify. */
export interface PositionDirectory {
  positions(): readonly OperatorPosition[];
  /** The positions that look after an alarm. */
  of(alarm: Pick<Alarm, "area" | "category">): readonly OperatorPosition[];
}

/** The alarm definitions of the site under management of change. Implemented by cloud/definitions. [AL-18] */
export interface AlarmDefinitionService {
  /** In the order of the configuration. */
  list(): readonly DefinitionView[];
  get(id: string): DefinitionView | undefined;
  /**
   * Changes some fields as a new version of the site. `pending`: it waits for a second person, because it could hold a security
   * alarm back.
   * @throws DEFINITION_UNKNOWN, DEFINITION_STALE, DEFINITION_PENDING, DEFINITION_INVALID, DEFINITION_LAW_FORBIDS,
   * DEFINITION_REASON_MISSING, SITE_VERSION_STALE
   */
  change(request: DefinitionRequest): DefinitionOutcome;
}

/** What people did by a response procedure for an alarm. Implemented by cloud/procedures. */
export interface ProcedureRecords {
  /** All runs of an alarm, the newest first, each with its steps. */
  of(alarm: string): readonly ProcedureRunView[];
}

/** An alarm of an act on many, with the occurrence that was looked at. */
export interface OnMany {
  readonly id: string;
  readonly occurrence: number;
}

/** How one alarm of an act on many fared: as it is now (left out where there are more than a thousand), or why it was refused. */
export interface ActedOn {
  readonly id: string;
  readonly alarm?: AlarmView;
  readonly refused?: HubError;
}

/** What people do with alarms beyond single acts. Implemented by cloud/alarms. */
export interface AlarmOperations {
  /** The space of each of these alarms that exists. */
  areasOf(ids: readonly string[]): ReadonlyMap<string, string | undefined>;
  /** The same act on many alarms as one transaction; what one is refused does not stop the others. An alarm named twice is answered once. */
  actMany(
    kind: "acknowledge" | "shelve",
    items: readonly OnMany[],
    act: Omit<AlarmAct, "occurrence" | "idempotencyKey">,
    actor: Actor,
  ): readonly ActedOn[];
  /** Hands an alarm to somebody. @throws ALARM_UNKNOWN, ALARM_OCCURRENCE_STALE, ALARM_OCCURRENCE_UNKNOWN, ALARM_CLOSED */
  assign(id: string, assignment: AlarmAssignment, actor: Actor): AlarmView;
}

/** Alarms as maintenance permits deal with them. Implemented by cloud/alarms. */
export interface AlarmKeeping {
  /** Every open alarm. */
  open(): readonly Alarm[];
  /** Those of these alarms that are held, by id. */
  alarms(ids: readonly string[]): ReadonlyMap<string, Alarm>;
  /**
   * Does an act inside the running transaction, the way a person's goes; the callback runs after COMMIT. What is refused leaves
   * nothing behind.
   * @throws ALARM_UNKNOWN, ALARM_OCCURRENCE_STALE, ALARM_LAW_FORBIDS, ALARM_REASON_MISSING, ALARM_CLOSED
   */
  actWithin(id: string, kind: "outOfService" | "returnToService", act: AlarmAct, actor: Actor): () => void;
  /** Tells who looks that something about an alarm has changed. */
  refresh(id: string): void;
}

/** What a maintenance permit is about now. Implemented by cloud/maintenance. */
export interface PermitDirectory {
  /** Id of the active permit that holds an alarm back: whoever calls people must not because of it. */
  permitOf(alarm: Pick<Alarm, "area" | "category" | "definition">): string | undefined;
}

/** When maintenance permits began. Implemented by cloud/maintenance. */
export interface PermitTimes {
  /** Unix ms; undefined where it has not begun, or is forgotten. */
  beganAt(permit: string): number | undefined;
}

/**
 * A permit has ended, with what it held back; told inside the transaction that ends it. `unheard` still call and were not out of
 * service, because their gateways never heard of the permit: nobody was called because of them, and no transition will tell of their
 * return. What it returns runs after COMMIT.
 */
export type PermitListener = (ended: PermitView, unheard: readonly Alarm[]) => (() => void) | undefined;

/** Maintenance permits as the API asks for them. Implemented by cloud/maintenance. */
export interface MaintenanceService {
  /** Newest request first. Of what it holds back only what lies in visible spaces is told. @throws CURSOR_INVALID */
  list(query: PageRequest & { readonly open?: boolean }, visible: "all" | ReadonlySet<string>): PageResult<PermitView>;
  /** What the permit is about; undefined: no such permit. */
  scopeOf(id: string): { readonly areas: readonly string[] } | undefined;
  /** @throws PERMIT_TIME_INVALID, PERMIT_SCOPE_INVALID, PERMIT_SCOPE_FORBIDDEN, SPACE_UNKNOWN, PERMIT_LIMIT */
  request(request: PermitRequest, actor: Actor): PermitView;
  /** By another person than who asked. @throws PERMIT_UNKNOWN, PERMIT_STATUS, PERMIT_SAME_PERSON */
  approve(id: string, decision: PermitDecision, actor: Actor): PermitView;
  /** @throws PERMIT_UNKNOWN, PERMIT_STATUS */
  reject(id: string, decision: PermitDecision, actor: Actor): PermitView;
  /** Ends it now; one that was not active yet is withdrawn. @throws PERMIT_UNKNOWN, PERMIT_STATUS */
  end(id: string, decision: PermitDecision, actor: Actor): PermitView;
}
