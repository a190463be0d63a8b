import { timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { HubError } from "#core/errors.ts";
import type { Actor, SessionHandle } from "../ports.ts";
import type { ApiDeps } from "./deps.ts";
import type { RouteAccess } from "./route.ts";

/** Name of the session cookie. */
export const SESSION_COOKIE = "parkhub_session";
const MUTATING = new Set(["POST", "PUT", "DELETE", "PATCH"]);
/** What a browser says of a request that another site has caused. [Fetch Metadata, Sec-Fetch-Site] */
const FOREIGN_SITES = new Set(["cross-site", "same-site"]);
/** Refusals of a change that are recorded. */
const REFUSALS = new Set(["FORBIDDEN", "GRANT_NOT_HELD", "CSRF_MISSING", "ORIGIN_FOREIGN"]);

/** Who calls, and by which session if by one. */
export interface Caller {
  readonly actor: Actor;
  readonly session?: SessionHandle;
}

/** Does the request ask for a change? */
export function isMutation(request: FastifyRequest): boolean {
  return MUTATING.has(request.method);
}

/** Compares secrets without telling by its time how much of them fits. */
function sameSecret(given: unknown, secret: string): boolean {
  if (typeof given !== "string") return false;
  const [a, b] = [Buffer.from(given), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Is the Origin header, if any, this service itself? A request without one comes from no page, or from one that says so. */
export function ownOrigin(request: FastifyRequest, https: boolean): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return !FOREIGN_SITES.has(String(request.headers["sec-fetch-site"] ?? ""));
  try {
    const { protocol, host: from } = new URL(origin);
    // Behind a proxy that ends TLS pages are https though this service is not; never the other way round.
    return from === host && (protocol === "https:" || (protocol === "http:" && !https));
  } catch {
    return false;
  }
}

/** Refuses what a foreign page sends. @throws ORIGIN_FOREIGN */
export function requireOwnOrigin(request: FastifyRequest, https: boolean): void {
  if (!ownOrigin(request, https))
    throw new HubError("ORIGIN_FOREIGN", `requests from ${request.headers.origin ?? "another site"} are refused`);
}

/** The caller by bearer token or by session cookie; undefined for neither. A bearer header that fits nobody is not helped by a cookie. */
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
function requireOwnPage(request: FastifyRequest, session: SessionHandle, https: boolean): void {
  requireOwnOrigin(request, https);
  if (!sameSecret(request.headers["x-csrf-token"], session.csrfToken))
    throw new HubError(
      "CSRF_MISSING",
      "a change by cookie needs the header X-CSRF-Token with the token of the session",
    );
}

async function gatewayOf(request: FastifyRequest, reply: FastifyReply, deps: ApiDeps): Promise<Caller> {
  const { id } = request.params as { id: string };
  const gateway = gatewayPart(deps, id);
  const basic = /^Basic (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const pair = Buffer.from(basic ?? "", "base64").toString("utf8");
  // Our user names hold a colon (`<site>:<gateway>`), our passwords never do: the last one parts them.
  const cut = pair.lastIndexOf(":");
  const [name, password] = [pair.slice(0, Math.max(0, cut)), pair.slice(cut + 1)];
  const expected = `${deps.catalog.site}:${gateway}`;
  if (basic === undefined || name !== expected || !(await deps.gateways.authenticate(name, password))) {
    if (basic !== undefined) deps.logger.warn({ gateway, ip: request.ip }, "gateway credential refused");
    reply.header("www-authenticate", 'Basic realm="gateway"');
    throw new HubError("UNAUTHENTICATED", "this needs the credential of the gateway");
  }
  return { actor: { name: `gateway:${gateway}`, grants: [], ip: request.ip } };
}

/** The gateway's own part of an id that may be written with or without the site. */
export function gatewayPart(deps: ApiDeps, id: string): string {
  const site = `${deps.catalog.site}/`;
  return id.startsWith(site) ? id.slice(site.length) : id;
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
  try {
    if (caller.session && isMutation(request)) requireOwnPage(request, caller.session, deps.https);
    if (access.kind === "permission") {
      const { permission, whole } = access;
      if (whole === true) requireAt(deps, caller.actor, permission, undefined);
      else if (!deps.authority.may(caller.actor, permission)) throw forbidden(caller.actor, permission);
    }
  } catch (error) {
    auditRefusal(deps, caller.actor, request, error);
    throw error;
  }
  return caller;
}

/** Does the actor hold the permission there? What lies in no space is the whole site's: only a grant at its root reaches it. */
export function mayAt(deps: ApiDeps, actor: Actor, permission: string, space: string | undefined): boolean {
  if (space === undefined) return deps.authority.spaces(actor, permission) === "all";
  return deps.authority.may(actor, permission, space);
}

/** Refuses what lies outside the actor's spaces. A thing that the actor must not even see is not there. @throws FORBIDDEN */
export function requireAt(deps: ApiDeps, actor: Actor, permission: string, space: string | undefined): void {
  if (!mayAt(deps, actor, permission, space)) throw forbidden(actor, permission, space ?? "the whole site");
}

/** The refusal of somebody who is known. */
export function forbidden(actor: Actor, permission: string, where?: string): HubError {
  const place = where === undefined ? "" : ` in ${where}`;
  return new HubError("FORBIDDEN", `${actor.name} does not hold the permission ${permission}${place}`);
}

/** Records that somebody who is known was refused a change. */
export function auditRefusal(deps: ApiDeps, actor: Actor, request: FastifyRequest, error: unknown): void {
  if (!(error instanceof HubError) || !REFUSALS.has(error.code) || !isMutation(request)) return;
  const { id } = (request.params ?? {}) as { id?: string };
  deps.audit.append({
    actor: actor.name,
    action: `${request.method} ${request.routeOptions.url ?? ""}`,
    result: "refused",
    ip: request.ip,
    detail: { code: error.code },
    ...(id === undefined ? {} : { target: id }),
  });
}
