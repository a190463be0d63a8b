import { Type } from "typebox";
import { PasswordChange, Session, SignIn } from "#core/contracts/session.ts";
import { HubError } from "#core/errors.ts";
import type { SessionHandle } from "../../ports.ts";
import { iso } from "../../time.ts";
import { callerOf, requireOwnOrigin, SESSION_COOKIE } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, route } from "../route.ts";

/** Signing in and out. */
export function sessionRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const view = ({ user, grants, csrfToken, expiresAt }: SessionHandle): Session => ({
    user: { ...user },
    grants: [...grants],
    permissions: [...deps.authority.permissionsOf(grants)],
    csrfToken,
    expiresAt: iso(expiresAt),
    site: { id: deps.catalog.site, timeZone: deps.catalog.timeZone },
  });
  const cookie = { path: "/", httpOnly: true, sameSite: "strict", secure: deps.https } as const;
  return [
    route({
      method: "POST",
      url: "/session",
      access: { kind: "public" },
      summary: "Sign in: sets the session cookie",
      tag: "session",
      body: SignIn,
      answer: Session,
      async handle({ body, request, reply }) {
        requireOwnOrigin(request, deps.https);
        const { id, session } = await deps.access.signIn(body.username, body.password, request.ip);
        // The session that the browser had is over: its cookie is replaced. [OWASP ASVS 5.0 V7.2.4]
        const before = callerOf(request, deps)?.session;
        if (before) deps.access.signOut(before, request.ip);
        reply.setCookie(SESSION_COOKIE, id, cookie);
        return view(session);
      },
    }),
    route({
      method: "GET",
      url: "/session",
      access: { kind: "session" },
      summary: "Who is signed in",
      tag: "session",
      answer: Session,
      handle({ session, actor }) {
        if (session) return view(session);
        throw new HubError("NOT_FOUND", `${actor.name} acts by a token and has no session`);
      },
    }),
    route({
      method: "PUT",
      url: "/session/password",
      access: { kind: "session" },
      summary: "Change one's own password; all other sessions of the user end",
      tag: "session",
      body: PasswordChange,
      answer: Type.Null(),
      async handle({ session, actor, body, request, reply }) {
        if (session === undefined)
          throw new HubError("FORBIDDEN", `${actor.name} acts by a token: a password is changed by who is signed in`);
        await deps.access.changePassword(session, body, request.ip);
        return reply.code(204).send();
      },
    }),
    route({
      method: "DELETE",
      url: "/session",
      access: { kind: "session" },
      summary: "Sign out",
      tag: "session",
      answer: Type.Null(),
      handle({ session, request, reply }) {
        if (session) deps.access.signOut(session, request.ip);
        return reply.clearCookie(SESSION_COOKIE, cookie).code(204).send();
      },
    }),
  ];
}
