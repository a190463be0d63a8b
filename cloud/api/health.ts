import type { FastifyInstance } from "fastify";
import type { ApiDeps } from "./deps.ts";

/** `/healthz`: the process lives. `/readyz`: the park is fully up, or which part is not. `/metrics`: Prometheus. No secret is in them. */
export function healthRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.get("/healthz", { schema: { hide: true } }, async () => ({ alive: true }));
  app.get("/readyz", { schema: { hide: true } }, async (_request, reply) => {
    const parts = deps.parts();
    const ready = Object.values(parts).every((part) => part.ready);
    return reply.code(ready ? 200 : 503).send({ ready, parts });
  });
  app.get("/metrics", { schema: { hide: true } }, async (_request, reply) =>
    reply.type("text/plain; version=0.0.4; charset=utf-8").send(deps.metrics()),
  );
}
