import { Type } from "typebox";
import { AlarmAct, AlarmDetail, AlarmView, JournalEntry, Page, PageQuery, Problem } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import { AlarmCategory, AlarmPriority, Law } from "#core/model/alarm.ts";
import type { Actor, AlarmActKind } from "../../ports.ts";
import { mayAt, requireAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { problemOf } from "../problem.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { closed, IdParams, pageOf } from "./parts.ts";

const AlarmListQuery = Type.Object(
  {
    ...PageQuery,
    state: Type.Optional(Type.Enum(["open", "active", "unacknowledged", "latched", "closed", "all"])),
    law: Type.Optional(Law),
    category: Type.Optional(AlarmCategory),
    priority: Type.Optional(AlarmPriority),
    area: Type.Optional(Type.String({ description: "Space id; includes all below it." })),
    q: Type.Optional(Type.String({ maxLength: 100 })),
  },
  closed,
);
const JournalQuery = Type.Object({ ...PageQuery, alarm: Type.Optional(Type.String()) }, closed);
const BulkAcknowledge = Type.Object(
  {
    items: Type.Array(Type.Object({ id: Type.String(), occurrence: Type.Integer({ minimum: 1 }) }, closed), {
      minItems: 1,
      maxItems: 1000,
    }),
    comment: Type.Optional(Type.String({ maxLength: 500 })),
  },
  closed,
);
const BulkAnswer = Type.Object({
  items: Type.Array(
    Type.Object({
      id: Type.String(),
      alarm: Type.Optional(AlarmView),
      problem: Type.Optional(Type.Pick(Problem, ["code", "detail"])),
    }),
  ),
});

/** Path segment, what it does, and the permission it needs. */
const ACTS: readonly {
  readonly path: string;
  readonly kind: AlarmActKind;
  readonly permission: string;
  readonly summary: string;
}[] = [
  { path: "acknowledge", kind: "acknowledge", permission: "alarm.acknowledge", summary: "Acknowledge" },
  { path: "reset", kind: "reset", permission: "alarm.reset", summary: "Reset a latched alarm whose condition is gone" },
  { path: "shelve", kind: "shelve", permission: "alarm.shelve", summary: "Shelve a facility alarm for some minutes" },
  { path: "unshelve", kind: "unshelve", permission: "alarm.shelve", summary: "End a shelving" },
  { path: "out-of-service", kind: "outOfService", permission: "alarm.outOfService", summary: "Take out of service" },
  {
    path: "return-to-service",
    kind: "returnToService",
    permission: "alarm.outOfService",
    summary: "Return to service",
  },
  { path: "comment", kind: "comment", permission: "alarm.comment", summary: "Write a comment into the journal" },
];

/** Alarms: lists, detail, journal and the acts of people. */
export function alarmRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const seen = (id: string, actor: Actor) => {
    const alarm = deps.alarms.get(id);
    if (alarm && mayAt(deps, actor, "alarm.read", alarm.area)) return alarm;
    throw new HubError("ALARM_UNKNOWN", `alarm ${id}: no such alarm`);
  };
  const act = (id: string, kind: AlarmActKind, permission: string, body: AlarmAct, actor: Actor) => {
    requireAt(deps, actor, permission, seen(id, actor).area);
    return deps.alarms.act(id, kind, body, actor);
  };
  const acts = ACTS.map(({ path, kind, permission, summary }) =>
    route({
      method: "POST",
      url: `/alarms/:id/${path}`,
      access: allow(permission),
      summary,
      tag: "alarms",
      params: IdParams,
      body: AlarmAct,
      answer: AlarmView,
      handle: ({ params, body, actor }) => act(params.id, kind, permission, body, actor),
    }),
  );
  return [
    route({
      method: "GET",
      url: "/alarms",
      access: allow("alarm.read"),
      summary: "Alarms, open ones unless asked otherwise, newest first",
      tag: "alarms",
      query: AlarmListQuery,
      answer: Page(AlarmView),
      handle({ query, actor }) {
        const { limit: _limit, cursor: _cursor, count: _count, ...filters } = query;
        return deps.alarms.list({ ...pageOf(query), ...filters, visible: deps.authority.spaces(actor, "alarm.read") });
      },
    }),
    route({
      method: "GET",
      url: "/alarms/journal",
      access: allow("alarm.read"),
      summary: "What happened to alarms, newest first",
      tag: "alarms",
      query: JournalQuery,
      answer: Page(JournalEntry),
      handle({ query, actor }) {
        const { alarm } = query;
        return deps.alarms.journal({
          ...pageOf(query),
          ...(alarm === undefined ? {} : { alarm }),
          visible: deps.authority.spaces(actor, "alarm.read"),
        });
      },
    }),
    route({
      method: "POST",
      url: "/alarms/acknowledge",
      access: allow("alarm.acknowledge"),
      summary: "Acknowledge many; each is answered for itself",
      tag: "alarms",
      body: BulkAcknowledge,
      answer: BulkAnswer,
      handle({ body, actor }) {
        const comment = body.comment === undefined ? {} : { comment: body.comment };
        return {
          items: body.items.map(({ id, occurrence }) => {
            try {
              return { id, alarm: act(id, "acknowledge", "alarm.acknowledge", { occurrence, ...comment }, actor) };
            } catch (error) {
              const { status, code, detail } = problemOf(error);
              if (status >= 500) deps.logger.error({ err: error, alarm: id }, "alarm not acknowledged");
              return { id, problem: { code, ...(detail === undefined ? {} : { detail }) } };
            }
          }),
        };
      },
    }),
    route({
      method: "GET",
      url: "/alarms/:id",
      access: allow("alarm.read"),
      summary: "One alarm with its journal",
      tag: "alarms",
      params: IdParams,
      answer: AlarmDetail,
      handle: ({ params, actor }) => seen(params.id, actor),
    }),
    ...acts,
  ];
}
