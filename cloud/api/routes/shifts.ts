import { Type } from "typebox";
import { Page } from "#core/contracts/http.ts";
import {
  Handover,
  HandoverChange,
  HandoverConfirm,
  HandoverContent,
  HandoverDiscard,
  HandoverDraft,
  HandoverEntry,
  HandoverSign,
  ShiftNow,
  ShiftPlan,
  ShiftPlanChange,
} from "#core/contracts/shift.ts";
import { HubError } from "#core/errors.ts";
import type { Actor } from "../../ports.ts";
import { mayAt, requireAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, allowWhole, route } from "../route.ts";
import { closed, IdParams, ListQuery, pageOf } from "./parts.ts";

const PositionQuery = Type.Object({ position: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })) }, closed);

/** Shifts: their times, and their handovers with two signatures. */
export function shiftRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const { shifts } = deps;
  const may = (actor: Actor, permission: string, position: string | undefined): boolean => {
    const areas = shifts.areasOf(position);
    if (areas === "all") return mayAt(deps, actor, permission, undefined);
    return areas.every((area) => mayAt(deps, actor, permission, area));
  };
  /** A position that is no more belongs to the whole site. */
  const mayRead = (actor: Actor) => (position: string | undefined) => {
    try {
      return may(actor, "alarm.read", position);
    } catch {
      return may(actor, "alarm.read", undefined);
    }
  };
  const demand = (actor: Actor, permission: string, position: string | undefined): void => {
    const areas = shifts.areasOf(position);
    for (const area of areas === "all" ? [undefined] : areas) requireAt(deps, actor, permission, area);
  };
  /** A handover that somebody may not even see is not there. @throws HANDOVER_UNKNOWN */
  const seen = (id: string, actor: Actor): string | undefined => {
    const position = shifts.positionOf(id);
    if (mayRead(actor)(position)) return position;
    throw new HubError("HANDOVER_UNKNOWN", `handover ${id}: no such handover`);
  };
  /** Who signs as the incoming: the caller, or whoever proves to be somebody with name and password. @throws SIGN_IN_REFUSED */
  const incoming = async (actor: Actor, username: string | undefined, password: string | undefined): Promise<Actor> => {
    if (username === undefined && password === undefined) return actor;
    const ip = actor.ip ?? "";
    // Whoever is named halfway is refused as one with a wrong password: it must not become the caller's own signature.
    const { session } = await deps.access.signIn(username ?? "", password ?? "", ip);
    deps.access.signOut(session, ip);
    return { name: session.user.name, grants: session.grants, ip };
  };
  return [
    route({
      method: "GET",
      url: "/shifts/now",
      access: allow("alarm.read"),
      summary: "The shift that is on, and when shifts begin",
      tag: "shifts",
      answer: ShiftNow,
      handle() {
        const { version, starts, timeZone } = shifts.plan();
        return { plan: { version, starts, timeZone }, shift: shifts.current() };
      },
    }),
    route({
      method: "GET",
      url: "/shifts/plan",
      access: allowWhole("alarm.configure"),
      summary: "When shifts begin, and who has said so",
      tag: "shifts",
      answer: ShiftPlan,
      handle: () => shifts.plan(),
    }),
    route({
      method: "PUT",
      url: "/shifts/plan",
      access: allowWhole("alarm.configure"),
      summary: "Set when shifts begin",
      tag: "shifts",
      body: ShiftPlanChange,
      answer: ShiftPlan,
      handle: ({ body, actor }) => shifts.setPlan(body, actor),
    }),
    route({
      method: "GET",
      url: "/shifts/preview",
      access: allow("shift.sign"),
      summary: "What a handover drawn up now would hold",
      tag: "shifts",
      query: PositionQuery,
      answer: HandoverContent,
      handle({ query, actor }) {
        demand(actor, "shift.sign", query.position);
        return shifts.preview(query.position);
      },
    }),
    route({
      method: "GET",
      url: "/shifts/handovers",
      access: allow("alarm.read"),
      summary: "Handovers, newest first",
      tag: "shifts",
      query: ListQuery,
      answer: Page(HandoverEntry),
      handle: ({ query, actor }) => shifts.list({ ...pageOf(query), mayRead: mayRead(actor) }),
    }),
    route({
      method: "POST",
      url: "/shifts/handovers",
      access: allow("shift.sign"),
      summary: "Draw up the handover of the shift that ends",
      tag: "shifts",
      body: HandoverDraft,
      answer: Handover,
      async handle({ body, actor, reply }) {
        demand(actor, "shift.sign", body.position);
        return reply.code(201).send(await shifts.draft(body.position, actor));
      },
    }),
    route({
      method: "GET",
      url: "/shifts/handovers/:id",
      access: allow("alarm.read"),
      summary: "One handover with what it holds; `whole`: it is exactly what both have signed",
      tag: "shifts",
      params: IdParams,
      answer: Handover,
      handle({ params, actor }) {
        seen(params.id, actor);
        return shifts.get(params.id);
      },
    }),
    route({
      method: "PUT",
      url: "/shifts/handovers/:id",
      access: allow("shift.sign"),
      summary: "Write the notes and look up anew what is open; takes back the signature of the outgoing",
      tag: "shifts",
      params: IdParams,
      body: HandoverChange,
      answer: Handover,
      bodyLimit: 65_536,
      handle({ params, body, actor }) {
        demand(actor, "shift.sign", seen(params.id, actor));
        return shifts.change(params.id, body, actor);
      },
    }),
    route({
      method: "POST",
      url: "/shifts/handovers/:id/sign",
      access: allow("shift.sign"),
      summary: "The outgoing signs",
      tag: "shifts",
      params: IdParams,
      body: HandoverSign,
      answer: Handover,
      handle({ params, body, actor }) {
        demand(actor, "shift.sign", seen(params.id, actor));
        return shifts.sign(params.id, body.revision, actor);
      },
    }),
    route({
      method: "POST",
      url: "/shifts/handovers/:id/discard",
      access: allow("shift.sign"),
      summary: "Give up a draft that nobody has signed: its position is free for another; the draft stays to be read",
      tag: "shifts",
      params: IdParams,
      body: HandoverDiscard,
      answer: Handover,
      handle({ params, body, actor }) {
        demand(actor, "shift.sign", seen(params.id, actor));
        return shifts.discard(params.id, body, actor);
      },
    }),
    route({
      method: "POST",
      url: "/shifts/handovers/:id/confirm",
      access: allow("shift.sign"),
      summary: "The incoming signs, in a session of his own or here with name and password; then it is frozen",
      tag: "shifts",
      params: IdParams,
      body: HandoverConfirm,
      answer: Handover,
      async handle({ params, body, actor }) {
        const position = seen(params.id, actor);
        demand(actor, "shift.sign", position);
        const person = await incoming(actor, body.username, body.password);
        demand(person, "shift.sign", position);
        return shifts.confirm(params.id, body.revision, person);
      },
    }),
  ];
}
