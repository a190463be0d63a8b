import { Type } from "typebox";
import {
  AlarmAct,
  AlarmAssignment,
  Assignee,
  BulkAcknowledge,
  BulkAnswer,
  BulkShelve,
  MOST_AT_ONCE,
} from "#core/contracts/alarm-acts.ts";
import { AlarmDetail, AlarmView } from "#core/contracts/alarms.ts";
import { Page, PageQuery } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import { AlarmCategory, AlarmPriority, Law } from "#core/model/alarm.ts";
import type { Actor, AlarmActKind } from "../../ports.ts";
import { auditRefusal, forbidden, mayAt, requireAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { problemOf } from "../problem.ts";
import { type ApiRoute, allow, type Call, route } from "../route.ts";
import { closed, IdParams, pageOf } from "./parts.ts";

const AlarmListQuery = Type.Object(
  {
    ...PageQuery,
    state: Type.Optional(Type.Enum(["open", "active", "unacknowledged", "latched", "closed", "all"])),
    law: Type.Optional(Law),
    category: Type.Optional(AlarmCategory),
    priority: Type.Optional(AlarmPriority),
    area: Type.Optional(Type.String({ maxLength: 200, description: "Space id; includes all below it." })),
    q: Type.Optional(Type.String({ maxLength: 100 })),
  },
  closed,
);
/** Size of a request about many: as many as are allowed. */
const MOST_BYTES = MOST_AT_ONCE * 128;

/** Path segment, what it does, and the permission it needs. */
const ACTS: readonly {
  readonly path: string;
  readonly kind: AlarmActKind;
  readonly permission: string;
  readonly summary: string;
}[] = [
  { path: "acknowledge", kind: "acknowledge", permission: "alarm.acknowledge", summary: "Acknowledge" },
  { path: "reset", kind: "reset", permission: "alarm.reset", summary: "Reset a latched alarm whose condition is gone" },
  {
    path: "shelve",
    kind: "shelve",
    permission: "alarm.shelve",
    summary: "Shelve a facility alarm for a time or for once",
  },
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
  /** One act on those that the actor may act on; the others are refused as if each had been asked for alone. */
  const many = (
    kind: "acknowledge" | "shelve",
    permission: string,
    { body: { items, ...body }, actor, request }: Call<unknown, unknown, BulkAcknowledge | BulkShelve>,
  ): BulkAnswer => {
    const areas = deps.alarms.areasOf(items.map(({ id }) => id));
    // Many alarms lie in few spaces.
    const rights = new Map(
      [...new Set(areas.values())].map((area) => [
        area,
        { reads: mayAt(deps, actor, "alarm.read", area), acts: mayAt(deps, actor, permission, area) },
      ]),
    );
    const refusal = (id: string): HubError | undefined => {
      const area = areas.get(id);
      const { reads, acts } = (areas.has(id) ? rights.get(area) : undefined) ?? { reads: false, acts: false };
      if (!reads) return new HubError("ALARM_UNKNOWN", `alarm ${id}: no such alarm`);
      return acts ? undefined : forbidden(actor, permission, area);
    };
    const refused = new Map(items.map(({ id }) => [id, refusal(id)]));
    const allowed = items.filter(({ id }) => refused.get(id) === undefined);
    // One entry, however many there are: what is refused was not touched.
    const beyond = [...refused.values()].find((error) => error?.code === "FORBIDDEN");
    if (beyond !== undefined) auditRefusal(deps, actor, request, beyond);
    const acted = allowed.length === 0 ? [] : deps.alarms.actMany(kind, allowed, body, actor);
    const fared = new Map(acted.map((one) => [one.id, one]));
    return {
      items: items.map(({ id }) => {
        const one = fared.get(id);
        const error = refused.get(id) ?? one?.refused;
        if (error !== undefined) {
          const { code, detail } = problemOf(error);
          return { id, problem: { code, ...(detail === undefined ? {} : { detail }) } };
        }
        return { id, ...(one?.alarm === undefined ? {} : { alarm: one.alarm }) };
      }),
    };
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
      method: "POST",
      url: "/alarms/acknowledge",
      access: allow("alarm.acknowledge"),
      summary: "Acknowledge many as one act; each is answered for itself",
      tag: "alarms",
      body: BulkAcknowledge,
      bodyLimit: MOST_BYTES,
      answer: BulkAnswer,
      handle: (call) => many("acknowledge", "alarm.acknowledge", call),
    }),
    route({
      method: "POST",
      url: "/alarms/shelve",
      access: allow("alarm.shelve"),
      summary: "Shelve many as one act; each is answered for itself",
      tag: "alarms",
      body: BulkShelve,
      bodyLimit: MOST_BYTES,
      answer: BulkAnswer,
      handle: (call) => many("shelve", "alarm.shelve", call),
    }),
    route({
      method: "GET",
      url: "/alarms/:id/assignees",
      access: allow("alarm.assign"),
      summary: "Whom an alarm can be handed to",
      tag: "alarms",
      params: IdParams,
      answer: Page(Assignee),
      handle({ params, actor }) {
        const { area } = seen(params.id, actor);
        requireAt(deps, actor, "alarm.assign", area);
        const items = deps.access.users().filter((user) => !user.disabled && mayAt(deps, user, "alarm.read", area));
        return { items: items.map(({ name, displayName }) => ({ name, displayName })) };
      },
    }),
    route({
      method: "POST",
      url: "/alarms/:id/assign",
      access: allow("alarm.assign"),
      summary: "Hand an alarm to somebody who sees it, or to nobody in particular",
      tag: "alarms",
      params: IdParams,
      body: AlarmAssignment,
      answer: AlarmView,
      handle({ params, body, actor }) {
        const { area } = seen(params.id, actor);
        requireAt(deps, actor, "alarm.assign", area);
        const { assignee } = body;
        const user = deps.access.users().find(({ name, disabled }) => name === assignee && !disabled);
        if (assignee !== null && (user === undefined || !mayAt(deps, user, "alarm.read", area)))
          throw new HubError("ALARM_ASSIGNEE_INVALID", `alarm ${params.id}: ${assignee} is nobody who sees it`);
        return deps.alarms.assign(params.id, body, actor);
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
