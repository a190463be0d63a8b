import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";

/** OpenAPI 3.1 at `/api/v1/openapi.json`, for people at `/api/docs`. Must be registered before the routes that it describes. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Parkhub",
        version: "1",
        description: "Buildings and security of a park: points, alarms, linkage, commands.",
      },
      components: {
        securitySchemes: {
          session: { type: "apiKey", in: "cookie", name: "parkhub_session" },
          token: { type: "http", scheme: "bearer" },
        },
      },
      security: [{ session: [] }, { token: [] }],
    },
  });
  await app.register(swaggerUi, { routePrefix: "/api/docs", staticCSP: true, uiConfig: { deepLinking: false } });
  app.get("/api/v1/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}
