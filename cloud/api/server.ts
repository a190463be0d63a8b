import cookie from "@fastify/cookie";
import websocket from "@fastify/websocket";
import { Ajv, type ValidateFunction } from "ajv";
import formats from "ajv-formats";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifySchema } from "fastify";
import { Type } from "typebox";
import { Problem } from "#core/contracts/http.ts";
import { auditRefusal, authorize, isMutation } from "./access.ts";
import { serveConsole } from "./console-files.ts";
import type { ApiDeps } from "./deps.ts";
import { healthRoutes } from "./health.ts";
import { serveLive } from "./live.ts";
import { describeApi } from "./openapi.ts";
import { problem, problemHandler, sendProblem } from "./problem.ts";
import type { ApiRoute, Call } from "./route.ts";
import { apiRoutes } from "./routes/index.ts";
import { serveVideo } from "./video.ts";

const API = "/api/v1";
const BODY_LIMIT = 64 * 1024;
/** The largest picture of a gateway's video; sockets of pages look for less themselves. */
const MOST_SOCKET_MESSAGE_BYTES = 8 * 1024 * 1024 + 1024;
/** [console evidence: antd needs inline styles; nothing else is let in] */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** Bodies are taken as they are; text of a path or query becomes the number or truth value that its schema asks for. */
function validators(): (part: string | undefined) => Ajv {
  const exact = new Ajv({ strict: false, removeAdditional: false, useDefaults: true });
  const coercing = new Ajv({ strict: false, removeAdditional: false, useDefaults: true, coerceTypes: true });
  formats.default(exact);
  formats.default(coercing);
  return (part) => (part === "body" ? exact : coercing);
}

/** A query that nobody declared is refused like an unknown field. */
const NO_QUERY = Type.Object({}, { additionalProperties: false });

function schemaOf(route: ApiRoute): FastifySchema {
  const { summary, tag, params, query = NO_QUERY, body, answer, access } = route;
  const security = access.kind === "public" ? [] : access.kind === "gateway" ? [{ gateway: [] }] : undefined;
  return {
    summary,
    tags: [tag],
    ...(security === undefined ? {} : { security }),
    ...(access.kind === "permission" ? { description: `Needs the permission \`${access.permission}\`.` } : {}),
    ...(params === undefined ? {} : { params }),
    querystring: query,
    ...(body === undefined ? {} : { body }),
    response: { ...(answer === undefined ? {} : { "2xx": answer }), "4xx": Problem },
  } as FastifySchema;
}

/** Hangs one declared route into the server. Nothing is reached without its declared access. */
function register(app: FastifyInstance, route: ApiRoute, deps: ApiDeps): void {
  const callers = new WeakMap<FastifyRequest, Awaited<ReturnType<typeof authorize>>>();
  app.route({
    method: route.method,
    url: `${API}${route.url}`,
    schema: schemaOf(route),
    bodyLimit: route.bodyLimit ?? BODY_LIMIT,
    // Before the body is read: who may not call, uploads nothing.
    onRequest: async (request, reply) => {
      callers.set(request, await authorize(route.access, request, reply, deps));
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const caller = callers.get(request);
      if (caller === undefined) return sendProblem(reply, problem(401, "UNAUTHENTICATED"));
      const { params, query, body } = request;
      const call: Call<never, never, never> = {
        params: params as never,
        query: query as never,
        body: body as never,
        ...caller,
        request,
        reply,
      };
      try {
        return await route.handle(call);
      } catch (error) {
        if (route.access.kind !== "public" && isMutation(request)) auditRefusal(deps, caller.actor, request, error);
        throw error;
      }
    },
  });
}

function notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(
    reply,
    problem(404, "NOT_FOUND", `${request.method} ${request.url.split("?", 1)[0]}: no such route`),
  );
}

/** Blobs come as they are, a discovery in JSON too; only the routes that take them know these kinds of body. */
function takeBlobs(app: FastifyInstance): void {
  app.removeContentTypeParser("application/json");
  for (const type of ["image/jpeg", "image/png", "video/mp4", "application/json", "application/octet-stream"])
    app.addContentTypeParser(type, { parseAs: "buffer" }, (_request, body, done) => done(null, body));
}

function setHeaders(reply: FastifyReply, deps: ApiDeps): void {
  for (const [name, value] of Object.entries(HEADERS)) if (!reply.hasHeader(name)) reply.header(name, value);
  if (deps.https) reply.header("strict-transport-security", "max-age=31536000");
}

/** The HTTP service: API, live updates, health, documentation and the console's files. Does not listen yet. */
export async function buildServer(deps: ApiDeps): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    logger: false,
    trustProxy: deps.trustedProxies.length > 0 && [...deps.trustedProxies],
    bodyLimit: BODY_LIMIT,
    requestTimeout: 60_000,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    routerOptions: { maxParamLength: 400 },
    forceCloseConnections: true,
    // What cannot be routed at all passes no hook.
    frameworkErrors: (error, request, reply) => {
      setHeaders(reply, deps);
      problemHandler(deps.logger)(error, request, reply);
    },
  });
  const ajvOf = validators();
  app.setValidatorCompiler(({ schema, httpPart }): ValidateFunction => ajvOf(httpPart).compile(schema as object));
  // The schemas of answers document; views are built to fit them and a test checks it. Serialising by schema would cost time and drop fields.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler(problemHandler(deps.logger));
  app.setNotFoundHandler(notFound);
  app.addHook("onSend", async (_request, reply) => setHeaders(reply, deps));
  // The route's pattern and no query: neither ids nor secrets get into the log.
  app.addHook("onResponse", async (request, reply) =>
    deps.logger.debug(
      {
        method: request.method,
        url: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      "request answered",
    ),
  );

  await app.register(cookie);
  await app.register(websocket, { options: { maxPayload: MOST_SOCKET_MESSAGE_BYTES } });
  await describeApi(app);
  const routes = apiRoutes(deps);
  await app.register((scope, _options, ready) => {
    scope.addHook("onSend", async (_request, reply) => {
      if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
    });
    for (const route of routes) if (route.takesBytes !== true) register(scope, route, deps);
    serveLive(scope, `${API}/live`, deps);
    serveVideo(scope, API, deps);
    scope.all("/api/*", { schema: { hide: true } }, notFound);
    ready();
  });
  await app.register((scope, _options, ready) => {
    takeBlobs(scope);
    for (const route of routes) if (route.takesBytes === true) register(scope, route, deps);
    ready();
  });
  healthRoutes(app, deps);
  await serveConsole(app, deps.consoleFolder);
  return app;
}
