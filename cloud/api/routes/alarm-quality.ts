import { type Static, Type } from "typebox";
import {
  BadActorsView,
  KpiSplit,
  KpiView,
  ProposalAccept,
  ProposalDecision,
  ProposalKind,
  QualityNow,
} from "#core/contracts/alarm-quality.ts";
import { Time } from "#core/contracts/http.ts";
import { AlarmCategory, Law } from "#core/model/alarm.ts";
import type { Actor } from "../../ports.ts";
import type { QualityQuery } from "../../quality-ports.ts";
import { iso } from "../../time.ts";
import { requireAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { closed, IdParams } from "./parts.ts";

/** What is shown when no time is named, ms. */
const LAST_DAY_MS = 86_400_000;
/** Bad actors are looked for in the window of the key figures, ms. [ISA-18.2: at least 30 days] */
const LAST_MONTH_MS = 30 * LAST_DAY_MS;

const PeriodQuery = {
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  area: Type.Optional(Type.String({ maxLength: 100, description: "Space id; includes all below it." })),
  position: Type.Optional(Type.String({ maxLength: 100, description: "Operator position." })),
  law: Type.Optional(Law),
  category: Type.Optional(AlarmCategory),
};
const KpiQuery = Type.Object({ ...PeriodQuery, by: Type.Optional(KpiSplit) }, closed);
const CsvQuery = Type.Object(
  { ...KpiQuery.properties, lang: Type.Optional(Type.Enum(["zh-CN", "en"], { description: "zh-CN when absent." })) },
  closed,
);
const ActorsQuery = Type.Object(
  { ...PeriodQuery, limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: "50 when absent." })) },
  closed,
);
const ProposalDismiss = Type.Object(
  {
    kind: ProposalKind,
    value: Type.Number({ minimum: 0, maximum: 86_400_000 }),
    reason: Type.String({ minLength: 1, maxLength: 500 }),
  },
  closed,
);

/** Quality of the alarm system: key figures, bad actors, load right now. */
export function alarmQualityRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const asked = (query: Omit<Static<typeof KpiQuery>, "by">, actor: Actor, lengthMs: number): QualityQuery => {
    const { area, position, law, category } = query;
    const to = query.to === undefined ? deps.clock.now() : Date.parse(query.to);
    return {
      visible: deps.authority.spaces(actor, "alarm.read"),
      from: query.from === undefined ? to - lengthMs : Date.parse(query.from),
      to,
      ...(area === undefined ? {} : { area }),
      ...(position === undefined ? {} : { position }),
      ...(law === undefined ? {} : { law }),
      ...(category === undefined ? {} : { category }),
    };
  };
  return [
    route({
      method: "GET",
      url: "/alarms/kpi",
      access: allow("alarm.read"),
      summary: "Key figures of the alarm system with their targets, of the last day unless asked otherwise",
      tag: "alarms",
      query: KpiQuery,
      answer: KpiView,
      handle: ({ query, actor }) => deps.quality.kpi({ ...asked(query, actor, LAST_DAY_MS), by: query.by ?? "day" }),
    }),
    route({
      method: "GET",
      url: "/alarms/kpi.csv",
      access: allow("alarm.read"),
      summary: "The same as a CSV file",
      tag: "alarms",
      query: CsvQuery,
      async handle({ query, actor, reply }) {
        const { by = "day", lang = "zh-CN" } = query;
        const text = await deps.quality.kpiCsv({ ...asked(query, actor, LAST_DAY_MS), by }, lang);
        return reply
          .type("text/csv; charset=utf-8; header=present")
          .header("cache-control", "private, no-store")
          .header("content-disposition", 'attachment; filename="alarm-kpi.csv"')
          .send(text);
      },
    }),
    route({
      method: "GET",
      url: "/alarms/quality/now",
      access: allow("alarm.read"),
      summary: "Load of the operators right now, floods, and open alarms folded under their causes",
      tag: "alarms",
      answer: QualityNow,
      async handle({ actor }) {
        const visible = deps.authority.spaces(actor, "alarm.read");
        const groups = await deps.quality.groups(visible);
        return { at: iso(deps.clock.now()), loads: deps.quality.loads(visible), groups };
      },
    }),
    route({
      method: "GET",
      url: "/alarms/quality/bad-actors",
      access: allow("alarm.read"),
      summary: "Alarms that load the operators most, of the last 30 days, each with what would quieten it",
      tag: "alarms",
      query: ActorsQuery,
      answer: BadActorsView,
      handle: ({ query, actor }) =>
        deps.quality.badActors({ ...asked(query, actor, LAST_MONTH_MS), limit: query.limit ?? 50 }),
    }),
    route({
      method: "POST",
      url: "/alarms/quality/bad-actors/:id/accept",
      access: allow("alarm.configure"),
      summary: "Have a proposal made: changes the alarm definition",
      tag: "alarms",
      params: IdParams,
      body: ProposalAccept,
      answer: ProposalDecision,
      handle({ params, body, actor }) {
        requireAt(deps, actor, "alarm.configure", deps.quality.areaOf(params.id));
        return deps.quality.accept(params.id, body, actor);
      },
    }),
    route({
      method: "POST",
      url: "/alarms/quality/bad-actors/:id/dismiss",
      access: allow("alarm.configure"),
      summary: "Dismiss a proposal, with a reason",
      tag: "alarms",
      params: IdParams,
      body: ProposalDismiss,
      answer: ProposalDecision,
      handle({ params, body, actor }) {
        requireAt(deps, actor, "alarm.configure", deps.quality.areaOf(params.id));
        return deps.quality.dismiss(params.id, body, actor);
      },
    }),
  ];
}
