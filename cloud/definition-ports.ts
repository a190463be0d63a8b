import type {
  DefinitionChange,
  DefinitionOutcome,
  DefinitionProposal,
  DefinitionRevision,
  DefinitionView,
} from "#core/contracts/definitions.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { Actor, Visible } from "./ports.ts";

/** Who changes a definition, and why. */
export interface DefinitionSaid {
  readonly why: string;
  readonly actor: Actor;
}

/** A change of some fields of a definition. */
export interface DefinitionRequest extends DefinitionSaid {
  readonly definition: string;
  readonly change: DefinitionChange;
  /** Revision that was looked at; that of now when absent. */
  readonly revision?: number;
}

/** The alarm definitions of the site for the pages of the console. Implemented by cloud/definitions. [AL-18] */
export interface DefinitionService {
  /** In the order of the configuration; retired ones are not listed. */
  list(visible?: Visible): readonly DefinitionView[];
  /** Also one that is retired, as it was last. */
  get(id: string): DefinitionView | undefined;
  /** Newest first. */
  history(id: string): readonly DefinitionRevision[];
  /** A definition as it stood after a revision; undefined where it was retired. @throws REVISION_UNKNOWN */
  stateAt(id: string, revision: number): AlarmDefinition | undefined;
  /** What a definition will be after a change. @throws DEFINITION_UNKNOWN, DEFINITION_INVALID */
  changed(id: string, change: DefinitionChange): AlarmDefinition;
  /** The space at which a definition's alarms would be shown. */
  areaOf(definition: AlarmDefinition): string | undefined;
  /** @throws DEFINITION_EXISTS, DEFINITION_INVALID, DEFINITION_LAW_FORBIDS, DEFINITION_REASON_MISSING, SITE_VERSION_STALE */
  add(definition: AlarmDefinition, said: DefinitionSaid): DefinitionOutcome;
  /**
   * @throws DEFINITION_UNKNOWN, DEFINITION_STALE, DEFINITION_PENDING, DEFINITION_INVALID, DEFINITION_LAW_FORBIDS,
   * DEFINITION_REASON_MISSING, SITE_VERSION_STALE
   */
  change(request: DefinitionRequest): DefinitionOutcome;
  /** @throws as `change`, and DEFINITION_IN_USE */
  retire(id: string, revision: number, said: DefinitionSaid): DefinitionOutcome;
  /** Makes a definition what it was after an earlier revision; a retired one comes back. @throws as `change`, and REVISION_UNKNOWN */
  revert(id: string, revision: number, to: number, said: DefinitionSaid): DefinitionOutcome;
  /** Changes that wait for a second person, oldest first. */
  pending(): readonly DefinitionProposal[];
  proposal(id: string): DefinitionProposal | undefined;
  /** @throws PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, SECOND_PERSON_REQUIRED, and as `change` */
  approve(id: string, actor: Actor, reason?: string): DefinitionOutcome;
  /** Of who asked for it: it is withdrawn. @throws PROPOSAL_UNKNOWN, PROPOSAL_DECIDED */
  refuse(id: string, actor: Actor, reason?: string): DefinitionProposal;
}
