import type { FastifyReply, FastifyRequest } from "fastify";
import { HubError } from "#core/errors.ts";
import type { Actor, SessionHandle } from "../ports.ts";
import type { ApiDeps } from "./deps.ts";
import type { RouteAccess } from "./route.ts";

/** Name of the session cookie. */
export const SESSION_COOKIE = "parkhub_session";
const MUTATING = new Set(["POST", "PUT", "DELETE", "PATCH"]);

/** Who calls, and by which session if by one. */
export interface Caller {
  readonly actor: Actor;
  readonly session?: SessionHandle;
}

/** Is the Origin header, if any, this service itself? A request without one comes from no page. */
export function ownOrigin(request: FastifyRequest): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return true;
  try {
    return new URL(origin).host === request.headers.host;
  } catch {
    return false;
  }
}

/** Refuses what a foreign page sends. @throws ORIGIN_FOREIGN */
export function requireOwnOrigin(request: FastifyRequest): void {
  if (!ownOrigin(request)) throw new HubError("ORIGIN_FOREIGN", `requests from ${request.headers.origin} are refused`);
}

/** The caller by bearer token or by session cookie; undefined for neither. */
export function callerOf(request: FastifyRequest, deps: ApiDeps): Caller | undefined {
  const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (bearer !== undefined) {
    const found = deps.access.bearer(bearer);
    return found && { actor: { ...found, ip: request.ip } };
  }
  const id = request.cookies[SESSION_COOKIE];
  const session = id === undefined ? undefined : deps.access.session(id);
  return session && { actor: { name: session.user.name, grants: session.grants, ip: request.ip }, session };
}

/** A page's mutation must come from our own page: Origin and token. @throws ORIGIN_FOREIGN, CSRF_MISSING */
function requireOwnPage(request: FastifyRequest, session: SessionHandle): void {
  requireOwnOrigin(request);
  if (request.headers["x-csrf-token"] !== session.csrfToken)
    throw new HubError(
      "CSRF_MISSING",
      "a change by cookie needs the header X-CSRF-Token with the token of the session",
    );
}

async function gatewayOf(request: FastifyRequest, reply: FastifyReply, deps: ApiDeps): Promise<Caller> {
  const { id } = request.params as { id: string };
  const basic = /^Basic (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const pair = Buffer.from(basic ?? "", "base64").toString("utf8");
  // Our user names hold a colon (`<site>:<gateway>`), our passwords never do: the last one parts them.
  const cut = pair.lastIndexOf(":");
  const [name, password] = [pair.slice(0, Math.max(0, cut)), pair.slice(cut + 1)];
  const expected = `${deps.catalog.site}:${id}`;
  if (basic === undefined || name !== expected || !(await deps.gateways.authenticate(name, password))) {
    reply.header("www-authenticate", 'Basic realm="gateway"');
    throw new HubError("UNAUTHENTICATED", "this needs the credential of the gateway");
  }
  return { actor: { name: `gateway:${id}`, grants: [], ip: request.ip } };
}

/**
 * Decides over one request by the route's declared access.
 * @throws UNAUTHENTICATED, FORBIDDEN, ORIGIN_FOREIGN, CSRF_MISSING
 */
export async function authorize(
  access: RouteAccess,
  request: FastifyRequest,
  reply: FastifyReply,
  deps: ApiDeps,
): Promise<Caller> {
  if (access.kind === "public") return { actor: { name: "", grants: [], ip: request.ip } };
  if (access.kind === "gateway") return gatewayOf(request, reply, deps);
  const caller = callerOf(request, deps);
  if (caller === undefined) throw new HubError("UNAUTHENTICATED", "sign in first, or send a valid bearer token");
  if (caller.session && MUTATING.has(request.method)) requireOwnPage(request, caller.session);
  if (access.kind === "permission" && !deps.authority.may(caller.actor, access.permission)) {
    if (MUTATING.has(request.method))
      deps.audit.append({
        actor: caller.actor.name,
        action: `${request.method} ${request.routeOptions.url}`,
        result: "refused",
        ip: request.ip,
        detail: { permission: access.permission },
      });
    throw new HubError("FORBIDDEN", `${caller.actor.name} does not hold the permission ${access.permission}`);
  }
  return caller;
}

/** Refuses what lies outside the actor's spaces. A thing that the actor must not even see is not there. @throws FORBIDDEN */
export function requireAt(deps: ApiDeps, actor: Actor, permission: string, space: string | undefined): void {
  if (!deps.authority.may(actor, permission, space))
    throw new HubError(
      "FORBIDDEN",
      `${actor.name} does not hold the permission ${permission} in ${space ?? "the whole site"}`,
    );
}
