import { Type } from "typebox";
import { Page } from "#core/contracts/http.ts";
import { RunView } from "#core/contracts/runs.ts";
import { HubError } from "#core/errors.ts";
import { Rule } from "#core/linkage/rule.ts";
import type { Actor } from "../../ports.ts";
import { mayAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, allowWhole, route } from "../route.ts";
import { BoundedListQuery, boundedPage, IdParams, ListQuery, pageOf } from "./parts.ts";

const PlacedRule = Type.Object({
  ...Rule.properties,
  place: Type.String({ description: "Gateway id, or cloud." }),
  because: Type.String({ description: "Why it runs there." }),
});

/** Linkage rules, where they run, and their runs. A rule may act anywhere: it is seen and switched by those who may for the whole site. */
export function ruleRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const { catalog } = deps;
  const seesRules = (actor: Actor): boolean => mayAt(deps, actor, "rule.read", undefined);
  const placed = (rule: Rule) => ({
    ...rule,
    ...(catalog.placement(rule.id) ?? { place: "cloud", because: "not placed" }),
  });
  const toggles = ([true, false] as const).map((enabled) =>
    route({
      method: "POST",
      url: `/rules/:id/${enabled ? "enable" : "disable"}`,
      access: allowWhole("rule.write"),
      summary: enabled ? "Switch a rule on" : "Switch a rule off",
      tag: "rules",
      params: IdParams,
      answer: PlacedRule,
      handle({ params, actor }) {
        const rule = catalog.setRuleEnabled(params.id, enabled, actor.name);
        const ip = actor.ip === undefined ? {} : { ip: actor.ip };
        deps.audit.append({
          actor: actor.name,
          action: `rule.${enabled ? "enable" : "disable"}`,
          target: rule.id,
          result: "ok",
          ...ip,
        });
        return placed(rule);
      },
    }),
  );
  return [
    route({
      method: "GET",
      url: "/rules",
      access: allow("rule.read"),
      summary: "Linkage rules, where each runs and why",
      tag: "rules",
      query: BoundedListQuery,
      answer: Page(PlacedRule),
      handle: ({ query, actor }) =>
        boundedPage(seesRules(actor) ? catalog.rules().map(placed) : [], ({ id }) => id, query),
    }),
    route({
      method: "GET",
      url: "/rules/:id/runs",
      access: allow("rule.read"),
      summary: "Runs of a rule, newest first",
      tag: "rules",
      params: IdParams,
      query: ListQuery,
      answer: Page(RunView),
      handle({ params, query, actor }) {
        if (!seesRules(actor) || !catalog.rules().some((rule) => rule.id === params.id))
          throw new HubError("RULE_UNKNOWN", `rule ${params.id}: no such rule`);
        return deps.runs.runsOf(params.id, pageOf(query));
      },
    }),
    route({
      method: "GET",
      url: "/runs/:id",
      access: allow("rule.read"),
      summary: "One run with its steps",
      tag: "rules",
      params: IdParams,
      answer: RunView,
      handle({ params, actor }) {
        const run = seesRules(actor) ? deps.runs.run(params.id) : undefined;
        if (run) return run;
        throw new HubError("NOT_FOUND", `run ${params.id}: no such run`);
      },
    }),
    ...toggles,
  ];
}
