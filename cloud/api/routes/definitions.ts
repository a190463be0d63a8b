import { Type } from "typebox";
import {
  AddDefinition,
  ChangeDefinition,
  DecideProposal,
  type DefinitionChange,
  DefinitionOutcome,
  DefinitionProposal,
  DefinitionRevision,
  DefinitionView,
  RetireDefinition,
  RevertDefinition,
} from "#core/contracts/definitions.ts";
import { Page } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { Actor } from "../../ports.ts";
import { mayAt, requireAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { isVisible } from "../visible.ts";
import { BoundedListQuery, boundedPage, closed, IdParams } from "./parts.ts";

const TAG = "alarm definitions";
const CONFIGURE = "alarm.configure";
/** Longest request, bytes: a definition with all its texts is far below. */
const LONGEST = 16 * 1024;

const List = Type.Object(
  {
    ...BoundedListQuery.properties,
    q: Type.Optional(Type.String({ maxLength: 100, description: "Found in id, texts or references." })),
  },
  closed,
);

function mentions({ definition }: DefinitionView, q: string): boolean {
  return JSON.stringify(definition).toLowerCase().includes(q.toLowerCase());
}

/** Alarm definitions: what stands, how it came to be, and changes with who, why and, under the security law, a second person. */
export function definitionRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const { definitions } = deps;
  const seen = (id: string, actor: Actor): DefinitionView => {
    const view = definitions.get(id);
    if (view && mayAt(deps, actor, "alarm.read", view.area)) return view;
    throw new HubError("DEFINITION_UNKNOWN", `alarm definition ${id}: no such definition`);
  };
  /** Whoever moves an alarm must be allowed at both places. */
  const requireBoth = (actor: Actor, before: DefinitionView | undefined, after: AlarmDefinition | undefined): void => {
    if (before !== undefined) requireAt(deps, actor, CONFIGURE, before.area);
    if (after !== undefined) requireAt(deps, actor, CONFIGURE, definitions.areaOf(after));
  };
  const proposal = (id: string, actor: Actor): DefinitionProposal => {
    const found = definitions.proposal(id);
    const view = found && definitions.get(found.definition);
    if (!found || !view || !mayAt(deps, actor, "alarm.read", view.area))
      throw new HubError("PROPOSAL_UNKNOWN", `proposal ${id}: no such proposal`);
    requireBoth(actor, view, found.after ?? undefined);
    return found;
  };
  return [
    route({
      method: "GET",
      url: "/alarm-definitions",
      access: allow("alarm.read"),
      summary: "Alarm definitions with where they come from, where they run and what waits for a second person",
      tag: TAG,
      query: List,
      answer: Page(DefinitionView),
      handle({ query: { q, ...page }, actor }) {
        const all = definitions.list(deps.authority.spaces(actor, "alarm.read"));
        const found = q === undefined || q === "" ? all : all.filter((view) => mentions(view, q));
        return boundedPage(found, ({ definition }) => definition.id, page);
      },
    }),
    route({
      method: "GET",
      url: "/alarm-definitions/proposals",
      access: allow("alarm.read"),
      summary: "Changes of definitions that wait for a second person, oldest first",
      tag: TAG,
      query: BoundedListQuery,
      answer: Page(DefinitionProposal),
      handle({ query, actor }) {
        const visible = deps.authority.spaces(actor, "alarm.read");
        const found = definitions.pending().filter((one) => isVisible(visible, definitions.get(one.definition)?.area));
        return boundedPage(found, ({ id }) => id, query);
      },
    }),
    route({
      method: "GET",
      url: "/alarm-definitions/:id",
      access: allow("alarm.read"),
      summary: "One alarm definition",
      tag: TAG,
      params: IdParams,
      answer: DefinitionView,
      handle: ({ params, actor }) => seen(params.id, actor),
    }),
    route({
      method: "GET",
      url: "/alarm-definitions/:id/history",
      access: allow("alarm.read"),
      summary: "All changes of a definition, newest first: old, new, who, why",
      tag: TAG,
      params: IdParams,
      answer: Type.Object({ items: Type.Array(DefinitionRevision) }),
      handle({ params, actor }) {
        seen(params.id, actor);
        return { items: definitions.history(params.id) };
      },
    }),
    route({
      method: "POST",
      url: "/alarm-definitions",
      access: allow(CONFIGURE),
      summary: "Add a definition",
      tag: TAG,
      body: AddDefinition,
      bodyLimit: LONGEST,
      answer: DefinitionOutcome,
      handle({ body: { definition, why }, actor, reply }) {
        requireBoth(actor, undefined, definition);
        const outcome = definitions.add(definition, { why, actor });
        reply.code(201);
        return outcome;
      },
    }),
    route({
      method: "PUT",
      url: "/alarm-definitions/:id",
      access: allow(CONFIGURE),
      summary: "Change some fields of a definition; null takes an optional one away",
      tag: TAG,
      params: IdParams,
      body: ChangeDefinition,
      bodyLimit: LONGEST,
      answer: DefinitionOutcome,
      handle({ params: { id }, body, actor }) {
        const change: DefinitionChange = body.change;
        const before = seen(id, actor);
        requireAt(deps, actor, CONFIGURE, before.area);
        requireBoth(actor, before, definitions.changed(id, change));
        return definitions.change({ definition: id, change, why: body.why, actor, revision: body.revision });
      },
    }),
    route({
      method: "POST",
      url: "/alarm-definitions/:id/retire",
      access: allow(CONFIGURE),
      summary: "Take a definition away; its history is kept",
      tag: TAG,
      params: IdParams,
      body: RetireDefinition,
      answer: DefinitionOutcome,
      handle({ params: { id }, body: { revision, why }, actor }) {
        requireBoth(actor, seen(id, actor), undefined);
        return definitions.retire(id, revision, { why, actor });
      },
    }),
    route({
      method: "POST",
      url: "/alarm-definitions/:id/revert",
      access: allow(CONFIGURE),
      summary: "Make a definition what it was after an earlier revision",
      tag: TAG,
      params: IdParams,
      body: RevertDefinition,
      answer: DefinitionOutcome,
      handle({ params: { id }, body: { revision, to, why }, actor }) {
        requireBoth(actor, seen(id, actor), definitions.stateAt(id, to));
        return definitions.revert(id, revision, to, { why, actor });
      },
    }),
    route({
      method: "POST",
      url: "/alarm-definitions/proposals/:id/approve",
      access: allow(CONFIGURE),
      summary: "Approve, as the second person, a change of a security alarm",
      tag: TAG,
      params: IdParams,
      body: DecideProposal,
      answer: DefinitionOutcome,
      handle({ params: { id }, body: { reason }, actor }) {
        proposal(id, actor);
        return definitions.approve(id, actor, reason);
      },
    }),
    route({
      method: "POST",
      url: "/alarm-definitions/proposals/:id/refuse",
      access: allow(CONFIGURE),
      summary: "Refuse a change, or withdraw one's own",
      tag: TAG,
      params: IdParams,
      body: DecideProposal,
      answer: DefinitionProposal,
      handle({ params: { id }, body: { reason }, actor }) {
        proposal(id, actor);
        return definitions.refuse(id, actor, reason);
      },
    }),
  ];
}
