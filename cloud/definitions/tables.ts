import type { Generated } from "kysely";
import type { DefinitionChangeKind, DefinitionProposal } from "#core/contracts/definitions.ts";

/**
 * Management of change of the alarm definitions. Retention: kept for ever, as the proof that no definition was changed without
 * somebody's name and reason [AL-18]; people make few of them.
 */
export interface DefinitionTables {
  /** What was changed, in order. `before` and `after` are AlarmDefinition (core/model/alarm.ts) as JSON; null: there is none. */
  definition_changes: {
    seq: Generated<number>;
    definition: string;
    /** Grows by one with each change; what the site's files seeded is revision 1 and has no row. */
    revision: number;
    kind: DefinitionChangeKind;
    at: number;
    actor: string;
    /** The second person, where one was needed. */
    approved_by: string | null;
    reason: string;
    before: string | null;
    after: string | null;
    /** Version of the site that the change made. */
    site_version: number;
  };
  /** Changes that need a second person. `status` is pending for at most one of a definition. */
  definition_proposals: {
    id: string;
    definition: string;
    /** Revision it was asked for on. */
    revision: number;
    kind: DefinitionChangeKind;
    before: string | null;
    after: string | null;
    reason: string;
    requested_by: string;
    requested_at: number;
    status: DefinitionProposal["status"];
    decided_by: string | null;
    decided_at: number | null;
    decision_reason: string | null;
  };
}
