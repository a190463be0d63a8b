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
          gateway: { type: "http", scheme: "basic", description: "User name `<site>:<gateway>` of a gateway." },
        },
      },
      security: [{ session: [] }, { token: [] }],
    },
  });
  // No own content security policy: the plugin's would let other origins in. No validator: it is on the internet.
  // Folded: a hundred routes at once take a browser half a minute.
  const uiConfig = { deepLinking: false, validatorUrl: null, docExpansion: "none" } as const;
  await app.register(swaggerUi, { routePrefix: "/api/docs", uiConfig });
  app.get("/api/v1/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}
