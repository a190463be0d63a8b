import { Check, Errors } from "typebox/value";
import { changedFields, definitionFaults, needsSecondPerson } from "#core/alarm/definition-law.ts";
import type { Clock } from "#core/clock.ts";
import type {
  DefinitionChange,
  DefinitionChangeKind,
  DefinitionOutcome,
  DefinitionProposal,
  DefinitionRevision,
  DefinitionView,
} from "#core/contracts/definitions.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import { AlarmDefinition } from "#core/model/alarm.ts";
import { personOf } from "#core/person.ts";
import type { AlarmDefinitionService } from "../alarm-ports.ts";
import type { Db } from "../db/database.ts";
import type { DefinitionRequest, DefinitionSaid, DefinitionService } from "../definition-ports.ts";
import type { Actor, AuditLog, Visible } from "../ports.ts";
import { areaOfDefinition, siteFaults } from "./check.ts";
import { DefinitionStore } from "./store.ts";
import { type DefinitionCatalog, definitionView, definitionViews, rulesOf } from "./view.ts";

export interface DefinitionDeps {
  readonly db: Db;
  readonly catalog: DefinitionCatalog;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
}

/** A change that is about to be made. */
interface Intended extends DefinitionSaid {
  readonly id: string;
  readonly kind: DefinitionChangeKind;
  readonly before: AlarmDefinition | undefined;
  readonly after: AlarmDefinition | undefined;
  readonly revision: number;
  /** Who asked for it, where `actor` is the second person. */
  readonly requestedBy?: string;
}

/**
 * The alarm definitions of the site under management of change: each change is a version of the site with old, new, who and why;
 * what could hold a security alarm back waits for a second person; what the law forbids is done for nobody. [AL-18]
 */
export class Definitions implements AlarmDefinitionService, DefinitionService {
  readonly #deps: DefinitionDeps;
  readonly #store: DefinitionStore;

  constructor(deps: DefinitionDeps) {
    this.#deps = deps;
    this.#store = new DefinitionStore(deps.db);
  }

  /** In the order of the configuration. Retired ones are not listed, but for those whose retirement waits. */
  list(visible: Visible = "all"): readonly DefinitionView[] {
    const views = definitionViews(this.#deps.catalog, this.#store.last(), this.#store.pending());
    return visible === "all" ? views : views.filter(({ area }) => area !== undefined && visible.has(area));
  }

  /** Also one that is retired, as it was last. */
  get(id: string): DefinitionView | undefined {
    return definitionView(id, this.#deps.catalog, this.#store.last(), this.#store.pending());
  }

  /** Newest first. */
  history(id: string): readonly DefinitionRevision[] {
    return this.#store.history(id);
  }

  /** Changes that wait for a second person, oldest first. */
  pending(): readonly DefinitionProposal[] {
    return [...this.#store.pending().values()];
  }

  proposal(id: string): DefinitionProposal | undefined {
    return this.#store.proposal(id);
  }

  /** The space at which a definition's alarms would be shown. */
  areaOf(definition: AlarmDefinition): string | undefined {
    return areaOfDefinition(definition, this.#deps.catalog);
  }

  /** What a definition will be after a change. @throws DEFINITION_UNKNOWN, DEFINITION_INVALID */
  changed(id: string, change: DefinitionChange): AlarmDefinition {
    const now = this.#standing(id);
    const entries = Object.entries({ ...now, ...change }).filter(([, value]) => value !== null && value !== undefined);
    return checked({ ...Object.fromEntries(entries), id });
  }

  /** @throws DEFINITION_EXISTS, DEFINITION_INVALID, DEFINITION_LAW_FORBIDS, DEFINITION_REASON_MISSING, SITE_VERSION_STALE */
  add(definition: AlarmDefinition, said: DefinitionSaid): DefinitionOutcome {
    const { id } = definition;
    if (this.#deps.catalog.definition(id) !== undefined)
      throw new HubError("DEFINITION_EXISTS", `alarm definition ${id}: the id is in use`);
    const revision = this.#store.last().get(id)?.revision ?? 0;
    return this.#intend({ ...said, id, kind: "added", before: undefined, after: checked(definition), revision });
  }

  /**
   * Changes some fields. Done at once, or kept until a second person approves it.
   * @throws DEFINITION_UNKNOWN, DEFINITION_STALE, DEFINITION_PENDING, DEFINITION_INVALID, DEFINITION_LAW_FORBIDS,
   * DEFINITION_REASON_MISSING, SITE_VERSION_STALE
   */
  change(request: DefinitionRequest): DefinitionOutcome {
    const { definition: id, why, actor } = request;
    const before = this.#standing(id);
    const after = this.changed(id, request.change);
    const revision = this.#revision(id, request.revision);
    return this.#intend({ why, actor, id, kind: kindOf(before, after), before, after, revision });
  }

  /** Takes a definition away; its history is kept. @throws as `change`, and DEFINITION_IN_USE */
  retire(id: string, revision: number, said: DefinitionSaid): DefinitionOutcome {
    const before = this.#standing(id);
    return this.#intend({
      ...said,
      id,
      kind: "retired",
      before,
      after: undefined,
      revision: this.#revision(id, revision),
    });
  }

  /** Makes a definition what it was after an earlier revision; a retired one comes back. @throws as `change`, and REVISION_UNKNOWN */
  revert(id: string, revision: number, to: number, said: DefinitionSaid): DefinitionOutcome {
    const after = this.stateAt(id, to);
    const before = this.#deps.catalog.definition(id);
    return this.#intend({ ...said, id, kind: "reverted", before, after, revision: this.#revision(id, revision) });
  }

  /** A definition as it stood after a revision; undefined where it was retired. @throws REVISION_UNKNOWN */
  stateAt(id: string, revision: number): AlarmDefinition | undefined {
    const history = this.#store.history(id);
    const made = history.find((entry) => entry.revision === revision);
    if (made !== undefined) return made.after ?? undefined;
    const next = history.find((entry) => entry.revision === revision + 1);
    if (next?.before != null) return next.before;
    // what the files seeded and nobody changed
    if (revision === 1 && history.length === 0) return this.#standing(id);
    throw new HubError("REVISION_UNKNOWN", `alarm definition ${id}: no revision ${revision}`);
  }

  /**
   * The second person's yes. What has changed since is judged anew.
   * @throws PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, SECOND_PERSON_REQUIRED, DEFINITION_STALE, DEFINITION_LAW_FORBIDS ...
   */
  approve(id: string, actor: Actor, reason?: string): DefinitionOutcome {
    const waiting = this.#waiting(id);
    if (personOf(waiting.requestedBy) === personOf(actor.name))
      throw new HubError("SECOND_PERSON_REQUIRED", `${actor.name} asked for it: somebody else has to approve it`);
    const { definition, kind, before, after, why, requestedBy } = waiting;
    const intended: Intended = {
      id: definition,
      kind,
      before: before ?? undefined,
      after: after ?? undefined,
      revision: this.#revision(definition, waiting.revision),
      why,
      actor,
      requestedBy,
    };
    this.#check(intended);
    this.#apply(intended, () => this.#decide(id, "approved", actor, reason));
    return this.#outcome(definition, "done");
  }

  /** The second person's no; of who asked for it: it is withdrawn. @throws PROPOSAL_UNKNOWN, PROPOSAL_DECIDED */
  refuse(id: string, actor: Actor, reason?: string): DefinitionProposal {
    const waiting = this.#waiting(id);
    const status = personOf(waiting.requestedBy) === personOf(actor.name) ? "withdrawn" : "refused";
    this.#deps.db.sync.transaction(() => {
      this.#decide(id, status, actor, reason);
      this.#audit(actor, `alarm.definition.${status}`, waiting.definition, { proposal: id, reason: reason ?? "" });
    });
    return this.#store.proposal(id) ?? waiting;
  }

  #standing(id: string): AlarmDefinition {
    const definition = this.#deps.catalog.definition(id);
    if (definition !== undefined) return definition;
    throw new HubError("DEFINITION_UNKNOWN", `alarm definition ${id}: no such definition`);
  }

  #waiting(id: string): DefinitionProposal {
    const found = this.#store.proposal(id);
    if (found === undefined) throw new HubError("PROPOSAL_UNKNOWN", `proposal ${id}: no such proposal`);
    if (found.status !== "pending") throw new HubError("PROPOSAL_DECIDED", `proposal ${id} is ${found.status}`);
    return found;
  }

  /** The revision of now, which must be the one that was looked at. */
  #revision(id: string, seen: number | undefined): number {
    const now = this.#store.last().get(id)?.revision ?? 1;
    if (seen === undefined || seen === now) return now;
    throw new HubError(
      "DEFINITION_STALE",
      `alarm definition ${id} is at revision ${now}, the change was made on ${seen}`,
    );
  }

  #intend(intended: Intended): DefinitionOutcome {
    const { id, before, after, why } = intended;
    if (why.trim() === "") throw new InvalidInputError("DEFINITION_REASON_MISSING", "say why it is changed");
    if (this.#store.pending().has(id))
      throw new HubError("DEFINITION_PENDING", `alarm definition ${id}: a change waits for a second person`);
    if (changedFields(before, after).length === 0) return this.#outcome(id, "done");
    this.#check(intended);
    if (needsSecondPerson(before, after)) return this.#propose(intended);
    this.#apply(intended);
    return this.#outcome(id, "done");
  }

  /** @throws DEFINITION_LAW_FORBIDS, DEFINITION_INVALID, DEFINITION_IN_USE */
  #check({ id, before, after }: Intended): void {
    const { catalog } = this.#deps;
    const forbidden = definitionFaults(before, after);
    if (forbidden.length > 0) throw new HubError("DEFINITION_LAW_FORBIDS", `${id}: ${told(forbidden)}`);
    if (after === undefined) {
      const rules = rulesOf(id, catalog);
      const others = catalog
        .alarms()
        .filter(({ suppressedBy = [] }) => suppressedBy.some((by) => "definition" in by && by.definition === id));
      if (rules.length + others.length > 0)
        throw new HubError(
          "DEFINITION_IN_USE",
          `${id} is named by ${[...rules, ...others.map((one) => one.id)].join(", ")}`,
        );
      return;
    }
    const others = catalog.alarms().filter((one) => one.id !== id);
    const faults = siteFaults(after, [...others, after], catalog);
    if (faults.length > 0) throw new InvalidInputError("DEFINITION_INVALID", `${id}: ${faults.join("; ")}`);
  }

  #propose({ id, kind, before, after, revision, why, actor }: Intended): DefinitionOutcome {
    const now = this.#deps.clock.now();
    const proposal = newId(now);
    this.#deps.db.sync.transaction(() => {
      this.#store.propose({
        id: proposal,
        definition: id,
        revision,
        kind,
        before: written(before),
        after: written(after),
        reason: why,
        requested_by: actor.name,
        requested_at: now,
        status: "pending",
        decided_by: null,
        decided_at: null,
        decision_reason: null,
      });
      this.#audit(actor, "alarm.definition.proposed", id, {
        proposal,
        kind,
        why,
        fields: changedFields(before, after),
      });
    });
    return this.#outcome(id, "pending");
  }

  /** Makes the version of the site, writes the change down and audits it: all of it or nothing. */
  #apply(intended: Intended, also?: () => void): void {
    const { id, kind, before, after, revision, why, actor, requestedBy = actor.name } = intended;
    const { catalog, clock } = this.#deps;
    const others = catalog.alarms();
    const alarms =
      before === undefined
        ? [...others, ...(after === undefined ? [] : [after])]
        : others.flatMap((one) => (one.id !== id ? [one] : after === undefined ? [] : [after]));
    catalog.setAlarms(alarms, { actor: requestedBy, reason: `alarm ${id} ${kind}: ${why}` }, (version) => {
      also?.();
      this.#store.add({
        definition: id,
        revision: revision + 1,
        kind,
        at: clock.now(),
        actor: requestedBy,
        approved_by: intended.requestedBy === undefined ? null : actor.name,
        reason: why,
        before: written(before),
        after: written(after),
        site_version: version,
      });
      const fields = changedFields(before, after);
      const asked = intended.requestedBy === undefined ? {} : { requestedBy };
      this.#audit(actor, `alarm.definition.${kind}`, id, { revision: revision + 1, why, fields, ...asked });
    });
  }

  #decide(id: string, status: "approved" | "refused" | "withdrawn", { name: actor }: Actor, reason?: string): void {
    if (!this.#store.decide(id, status, { actor, at: this.#deps.clock.now(), reason }))
      throw new HubError("PROPOSAL_DECIDED", `proposal ${id} was decided meanwhile`);
  }

  #audit({ name, ip }: Actor, action: string, target: string, detail: Record<string, unknown>): void {
    this.#deps.audit.append({ actor: name, action, target, result: "ok", detail, ...(ip === undefined ? {} : { ip }) });
  }

  #outcome(id: string, status: DefinitionOutcome["status"]): DefinitionOutcome {
    const definition = this.get(id);
    if (definition === undefined)
      throw new HubError("DEFINITION_UNKNOWN", `alarm definition ${id}: no such definition`);
    const { pending } = definition;
    return { status, definition, ...(pending === undefined ? {} : { proposal: pending }) };
  }
}

const told = (faults: readonly { message: string }[]): string => faults.map(({ message }) => message).join("; ");

const written = (definition: AlarmDefinition | undefined): string | null =>
  definition === undefined ? null : JSON.stringify(definition);

function kindOf(before: AlarmDefinition, after: AlarmDefinition): DefinitionChangeKind {
  if ((before.enabled ?? true) === (after.enabled ?? true)) return "changed";
  return after.enabled === false ? "disabled" : "enabled";
}

/** @throws DEFINITION_INVALID */
function checked(definition: unknown): AlarmDefinition {
  if (Check(AlarmDefinition, definition)) return definition;
  const faults = [...Errors(AlarmDefinition, definition)].map(
    ({ instancePath, message }) => `${instancePath} ${message}`,
  );
  throw new InvalidInputError("DEFINITION_INVALID", faults.slice(0, 5).join("; "));
}
