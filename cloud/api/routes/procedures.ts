import { Type } from "typebox";
import { Page } from "#core/contracts/http.ts";
import {
  AbandonProcedure,
  AlarmProcedureView,
  ConfirmStep,
  CreateProcedure,
  ProcedureVersion,
  ProcedureView,
  PublishProcedure,
  RetireProcedure,
  SaveDraft,
  SkipStep,
  StartProcedure,
} from "#core/contracts/procedures.ts";
import { HubError } from "#core/errors.ts";
import type { Procedure } from "#core/model/procedure.ts";
import type { Actor } from "../../ports.ts";
import { mayAt, requireAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { BoundedListQuery, boundedPage, closed, IdParams } from "./parts.ts";

const TAG = "procedures";
const WRITE = "procedure.write";
const ATTEND = "alarm.acknowledge";
/** Longest procedure, bytes: forty steps with long texts in two languages. */
const LONGEST = 256 * 1024;

const StepParams = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 300 }),
    n: Type.Integer({ minimum: 1, maximum: 40, description: "Number of the step." }),
  },
  closed,
);

/** Spaces that a procedure is about; undefined stands for the whole site, to which one that names none belongs too. */
function areasOf(procedure: Procedure | undefined): readonly (string | undefined)[] {
  if (procedure === undefined) return [];
  const { areas = [] } = procedure.scope;
  return areas.length === 0 ? [undefined] : areas;
}

function writing(deps: ApiDeps): readonly ApiRoute[] {
  const { procedures } = deps;
  /** What is in force for an area is written by who may there; what is for the whole site, by who may everywhere. */
  const requireAll = (actor: Actor, ...versions: readonly (Procedure | undefined)[]): void => {
    for (const area of versions.flatMap(areasOf)) requireAt(deps, actor, WRITE, area);
  };
  const known = (id: string): ProcedureView => {
    const view = procedures.library.get(id);
    if (view !== undefined) return view;
    throw new HubError("PROCEDURE_UNKNOWN", `procedure ${id}: no such procedure`);
  };
  const writable = (id: string, actor: Actor, next?: Procedure): ProcedureView => {
    const view = seen(deps, known(id), actor);
    requireAll(actor, view.draft?.procedure, view.published?.procedure, next);
    return view;
  };
  return [
    route({
      method: "GET",
      url: "/procedures",
      access: allow("alarm.read"),
      summary: "Response procedures, in force and as drafts",
      tag: TAG,
      query: BoundedListQuery,
      answer: Page(ProcedureView),
      handle: ({ query, actor }) =>
        boundedPage(
          procedures.library.list().filter((view) => sees(deps, view, actor)),
          ({ id }) => id,
          query,
        ),
    }),
    route({
      method: "GET",
      url: "/procedures/:id",
      access: allow("alarm.read"),
      summary: "One response procedure",
      tag: TAG,
      params: IdParams,
      answer: ProcedureView,
      handle: ({ params, actor }) => seen(deps, known(params.id), actor),
    }),
    route({
      method: "GET",
      url: "/procedures/:id/versions",
      access: allow("alarm.read"),
      summary: "All published versions of a procedure, newest first",
      tag: TAG,
      params: IdParams,
      answer: Type.Object({ items: Type.Array(ProcedureVersion) }),
      handle({ params, actor }) {
        seen(deps, known(params.id), actor);
        return { items: procedures.library.versions(params.id) };
      },
    }),
    route({
      method: "POST",
      url: "/procedures",
      access: allow(WRITE),
      summary: "Begin a procedure, as a draft",
      tag: TAG,
      body: CreateProcedure,
      bodyLimit: LONGEST,
      answer: ProcedureView,
      handle({ body: { procedure }, actor, reply }) {
        requireAll(actor, procedure);
        const view = procedures.library.create(procedure, actor);
        reply.code(201);
        return view;
      },
    }),
    route({
      method: "PUT",
      url: "/procedures/:id",
      access: allow(WRITE),
      summary: "Keep the draft of a procedure",
      tag: TAG,
      params: IdParams,
      body: SaveDraft,
      bodyLimit: LONGEST,
      answer: ProcedureView,
      handle({ params: { id }, body: { procedure, revision }, actor }) {
        writable(id, actor, procedure);
        return procedures.library.save(id, procedure, revision, actor);
      },
    }),
    route({
      method: "POST",
      url: "/procedures/:id/publish",
      access: allow(WRITE),
      summary: "Put the draft in force",
      tag: TAG,
      params: IdParams,
      body: PublishProcedure,
      answer: ProcedureView,
      handle({ params: { id }, body: { revision, reason }, actor }) {
        writable(id, actor);
        return procedures.library.publish(id, revision, reason, actor);
      },
    }),
    route({
      method: "POST",
      url: "/procedures/:id/retire",
      access: allow(WRITE),
      summary: "Take a procedure out of force",
      tag: TAG,
      params: IdParams,
      body: RetireProcedure,
      answer: ProcedureView,
      handle({ params: { id }, body: { reason }, actor }) {
        writable(id, actor);
        return procedures.library.retire(id, reason, actor);
      },
    }),
  ];
}

/** A procedure is seen by who sees alarms in one of its areas; one for the whole site by everybody who sees alarms. */
function sees(deps: ApiDeps, view: ProcedureView, actor: Actor): boolean {
  const areas = [view.draft?.procedure, view.published?.procedure].flatMap(areasOf);
  return areas.some((area) => area === undefined || mayAt(deps, actor, "alarm.read", area));
}

function seen(deps: ApiDeps, view: ProcedureView, actor: Actor): ProcedureView {
  if (sees(deps, view, actor)) return view;
  throw new HubError("PROCEDURE_UNKNOWN", `procedure ${view.id}: no such procedure`);
}

function working(deps: ApiDeps): readonly ApiRoute[] {
  const { procedures } = deps;
  const alarmSeen = (id: string, actor: Actor) => {
    const alarm = deps.alarms.get(id);
    if (alarm && mayAt(deps, actor, "alarm.read", alarm.area)) return alarm;
    throw new HubError("ALARM_UNKNOWN", `alarm ${id}: no such alarm`);
  };
  const attended = (id: string, actor: Actor): string => {
    requireAt(deps, actor, ATTEND, alarmSeen(id, actor).area);
    return id;
  };
  return [
    route({
      method: "GET",
      url: "/alarms/:id/procedure",
      access: allow("alarm.read"),
      summary: "What is to be done for an alarm, and what was",
      tag: TAG,
      params: IdParams,
      answer: AlarmProcedureView,
      handle: ({ params, actor }) => procedures.runs.view(alarmSeen(params.id, actor)),
    }),
    route({
      method: "POST",
      url: "/alarms/:id/procedure/start",
      access: allow(ATTEND),
      summary: "Begin to work by the procedure; who comes second joins",
      tag: TAG,
      params: IdParams,
      body: StartProcedure,
      answer: AlarmProcedureView,
      handle: ({ params, body, actor }) => procedures.runs.start(attended(params.id, actor), body, actor),
    }),
    route({
      method: "POST",
      url: "/alarms/:id/procedure/steps/:n/confirm",
      access: allow(ATTEND),
      summary: "Confirm a step",
      tag: TAG,
      params: StepParams,
      body: ConfirmStep,
      answer: AlarmProcedureView,
      handle: ({ params, body, actor }) => procedures.runs.confirm(attended(params.id, actor), params.n, body, actor),
    }),
    route({
      method: "POST",
      url: "/alarms/:id/procedure/steps/:n/skip",
      access: allow(ATTEND),
      summary: "Skip a step, with a reason that the supervisors are told",
      tag: TAG,
      params: StepParams,
      body: SkipStep,
      answer: AlarmProcedureView,
      handle: ({ params, body, actor }) => procedures.runs.skip(attended(params.id, actor), params.n, body, actor),
    }),
    route({
      method: "POST",
      url: "/alarms/:id/procedure/abandon",
      access: allow(ATTEND),
      summary: "Give the procedure up, with a reason that the supervisors are told",
      tag: TAG,
      params: IdParams,
      body: AbandonProcedure,
      answer: AlarmProcedureView,
      handle: ({ params, body, actor }) => procedures.runs.abandon(attended(params.id, actor), body, actor),
    }),
  ];
}

/** Response procedures (处置预案): writing and publishing them, and working by them. */
export function procedureRoutes(deps: ApiDeps): readonly ApiRoute[] {
  return [...writing(deps), ...working(deps)];
}
