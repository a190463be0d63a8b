import type { FastifyReply, FastifyRequest } from "fastify";
import type { Static, TSchema } from "typebox";
import type { Actor, SessionHandle } from "../ports.ts";

/**
 * Who may call a route. `public`: everybody. `session`: whoever is signed in. `permission`: whoever holds it somewhere; the
 * handler narrows to the spaces in which it is held; with `whole` it must be held for the whole site. `gateway`: the gateway
 * named in the path, by its own credential.
 */
export type RouteAccess =
  | { readonly kind: "public" }
  | { readonly kind: "session" }
  | { readonly kind: "permission"; readonly permission: string; readonly whole?: true }
  | { readonly kind: "gateway" };

/** Shorthand for the access of most routes. */
export const allow = (permission: string): RouteAccess => ({ kind: "permission", permission });

/** Access to what belongs to no space: the permission must be held at the root of the site. */
export const allowWhole = (permission: string): RouteAccess => ({ kind: "permission", permission, whole: true });

/** What a handler is given: the checked parts of the request and who acts. */
export interface Call<P = unknown, Q = unknown, B = unknown> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly actor: Actor;
  /** The console session, absent for tokens and gateways. */
  readonly session?: SessionHandle;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** One route of the API. What is not declared is not accepted: unknown fields of a body are refused. */
export interface ApiRoute<P extends TSchema = TSchema, Q extends TSchema = TSchema, B extends TSchema = TSchema> {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path below `/api/v1`, with `:name` parameters. */
  readonly url: string;
  readonly access: RouteAccess;
  readonly summary: string;
  readonly tag: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly answer?: TSchema;
  /** Longest body, bytes; 64 KiB when absent. */
  readonly bodyLimit?: number;
  /** The body is a picture and handed over as bytes. */
  readonly takesBytes?: true;
  handle(call: Call<Static<P>, Static<Q>, Static<B>>): unknown;
}

/** Keeps the literal types of a route. */
export function route<P extends TSchema, Q extends TSchema, B extends TSchema>(
  declared: ApiRoute<P, Q, B>,
): ApiRoute<P, Q, B> {
  return declared;
}
