import { Type } from "typebox";
import { Page, Time } from "#core/contracts/http.ts";
import { Grant } from "#core/contracts/session.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import { IdPart } from "#core/model/site.ts";
import type { Actor, TokenEntry, UserEntry, Visible } from "../../ports.ts";
import { iso } from "../../time.ts";
import { forbidden } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, type Call, route } from "../route.ts";
import { BoundedListQuery, boundedPage, closed, IdParams } from "./parts.ts";

const User = Type.Object({
  name: Type.String(),
  displayName: Type.String(),
  grants: Type.Array(Grant),
  disabled: Type.Boolean(),
});
const NewUser = Type.Object(
  {
    name: IdPart,
    displayName: Type.String({ minLength: 1, maxLength: 100 }),
    grants: Type.Array(Grant, { maxItems: 50 }),
    password: Type.String({ maxLength: 256 }),
  },
  closed,
);
const Token = Type.Object({
  id: Type.String(),
  name: Type.String(),
  user: Type.String(),
  grants: Type.Array(Grant),
  createdAt: Time,
  expiresAt: Type.Union([Time, Type.Null()]),
  usedAt: Type.Union([Time, Type.Null()]),
});
const NewToken = Type.Object(
  { name: IdPart, grants: Type.Array(Grant, { minItems: 1, maxItems: 50 }), expiresAt: Type.Optional(Time) },
  closed,
);

const shown = (entry: TokenEntry) => ({
  ...entry,
  createdAt: iso(entry.createdAt),
  expiresAt: entry.expiresAt === null ? null : iso(entry.expiresAt),
  usedAt: entry.usedAt === null ? null : iso(entry.usedAt),
});

/** Who manages a part of the site sees the users of that part, with their grants there. */
function shownUsers(users: readonly UserEntry[], managed: Visible): readonly UserEntry[] {
  if (managed === "all") return users;
  return users
    .map((user) => ({ ...user, grants: user.grants.filter(({ space }) => managed.has(space)) }))
    .filter(({ grants }) => grants.length > 0);
}

/** Nobody gives what he does not hold himself: an administrator makes no auditor. @throws FORBIDDEN, SPACE_UNKNOWN */
function requireGrantable(deps: ApiDeps, actor: Actor, grant: Grant): void {
  for (const permission of ["user.manage", ...deps.authority.permissionsOf([grant])])
    if (!deps.authority.may(actor, permission, grant.space)) throw forbidden(actor, permission, grant.space);
  if (!deps.catalog.spaces().some(({ id }) => id === grant.space))
    throw new InvalidInputError("SPACE_UNKNOWN", `space ${grant.space}: no such space`);
}

/** The name of the person who is signed in: a token neither makes nor withdraws tokens. @throws FORBIDDEN */
function personOf({ session, actor }: Call): string {
  if (session) return session.user.name;
  throw new HubError("FORBIDDEN", `${actor.name} acts by a token: tokens are managed by people who are signed in`);
}

/** Users, and the tokens of the one who is signed in. */
export function userRoutes(deps: ApiDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      url: "/users",
      access: allow("user.manage"),
      summary: "All users with their grants",
      tag: "users",
      query: BoundedListQuery,
      answer: Page(User),
      handle({ query, actor }) {
        const managed = deps.authority.spaces(actor, "user.manage");
        return boundedPage(shownUsers(deps.access.users(), managed), ({ name }) => name, query);
      },
    }),
    route({
      method: "POST",
      url: "/users",
      access: allow("user.manage"),
      summary: "A new user",
      tag: "users",
      body: NewUser,
      answer: User,
      async handle({ body, actor, reply }) {
        const { password, ...user } = body;
        for (const grant of user.grants) requireGrantable(deps, actor, grant);
        return reply.code(201).send(await deps.access.addUser(user, password, actor));
      },
    }),
    route({
      method: "GET",
      url: "/tokens",
      access: allow("token.manage"),
      summary: "One's own access tokens",
      tag: "users",
      query: BoundedListQuery,
      answer: Page(Token),
      handle: (call) => boundedPage(deps.access.tokens(personOf(call)).map(shown), ({ id }) => id, call.query),
    }),
    route({
      method: "POST",
      url: "/tokens",
      access: allow("token.manage"),
      summary: "A new access token with some of one's own grants; shown this once",
      tag: "users",
      body: NewToken,
      answer: Type.Intersect([Token, Type.Object({ token: Type.String() })]),
      handle(call) {
        const { body, actor, reply } = call;
        const expiresAt = body.expiresAt === undefined ? null : Date.parse(body.expiresAt);
        const { token, entry } = deps.access.addToken(personOf(call), body.name, body.grants, expiresAt, actor);
        return reply.code(201).send({ ...shown(entry), token });
      },
    }),
    route({
      method: "DELETE",
      url: "/tokens/:id",
      access: allow("token.manage"),
      summary: "Withdraw one of one's own tokens",
      tag: "users",
      params: IdParams,
      answer: Type.Null(),
      handle(call) {
        const { params, actor, reply } = call;
        if (!deps.access.removeToken(personOf(call), params.id, actor))
          throw new HubError("NOT_FOUND", `token ${params.id}: ${actor.name} has none of this id`);
        return reply.code(204).send();
      },
    }),
  ];
}
