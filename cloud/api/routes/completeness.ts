import { Type } from "typebox";
import { FindingView, SignedStatement, StatementKey } from "#core/contracts/completeness.ts";
import { Page } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { seenGateway } from "../visible.ts";
import { closed, IdParams, ListQuery, pageOf } from "./parts.ts";

const DayParams = Type.Object(
  {
    id: Type.String({ maxLength: 200 }),
    day: Type.String({ pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description: "Local day of the site, YYYY-MM-DD." }),
  },
  closed,
);
const Chain = Type.Object({
  whole: Type.Boolean({
    description: "Every statement is signed by our key, follows the one before and goes on where that ended.",
  }),
  fault: Type.Optional(Type.String({ description: "The first that does not." })),
});

/** Findings and signed statements of gateways. */
export function completenessRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const { completeness } = deps;
  return [
    route({
      method: "GET",
      url: "/gateways/:id/findings",
      access: allow("gateway.read"),
      summary: "Gaps, duplicates, replays, clock jumps, silence of a gateway with beginning and end, newest first",
      tag: "gateways",
      params: IdParams,
      query: ListQuery,
      answer: Page(FindingView),
      handle: ({ params, query, actor }) => completeness.findings(seenGateway(deps, params.id, actor), pageOf(query)),
    }),
    route({
      method: "GET",
      url: "/gateways/:id/statements",
      access: allow("gateway.read"),
      summary: "Signed daily statements of what the gateway numbered and where it is, newest first",
      tag: "gateways",
      params: IdParams,
      query: ListQuery,
      answer: Page(SignedStatement),
      handle: ({ params, query, actor }) => completeness.statements(seenGateway(deps, params.id, actor), pageOf(query)),
    }),
    route({
      method: "GET",
      url: "/gateways/:id/statements/now",
      access: allow("gateway.read"),
      summary: "What a statement made now would say; signed, not part of the chain",
      tag: "gateways",
      params: IdParams,
      answer: SignedStatement,
      handle: ({ params, actor }) => completeness.provisional(seenGateway(deps, params.id, actor) as GatewayId),
    }),
    route({
      method: "GET",
      url: "/gateways/:id/statements/chain",
      access: allow("gateway.read"),
      summary: "Is the chain of the gateway's statements whole?",
      tag: "gateways",
      params: IdParams,
      answer: Chain,
      async handle({ params, actor }) {
        const fault = await completeness.firstFault(seenGateway(deps, params.id, actor));
        return { whole: fault === undefined, ...(fault === undefined ? {} : { fault }) };
      },
    }),
    route({
      method: "GET",
      url: "/gateways/:id/statements/:day",
      access: allow("gateway.read"),
      summary: "The statement that closes a day",
      tag: "gateways",
      params: DayParams,
      answer: SignedStatement,
      handle({ params, actor }) {
        const id = `${seenGateway(deps, params.id, actor)}:${params.day}`;
        const found = completeness.statement(id);
        if (found) return found;
        throw new HubError("NOT_FOUND", `statement ${id}: no such statement`);
      },
    }),
    route({
      method: "GET",
      url: "/statements/key",
      access: allow("gateway.read"),
      summary: "The public key that statements are signed with",
      tag: "gateways",
      answer: StatementKey,
      handle: () => completeness.key,
    }),
  ];
}
