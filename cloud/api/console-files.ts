import { existsSync } from "node:fs";
import path from "node:path";
import files from "@fastify/static";
import type { FastifyInstance } from "fastify";

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Parkhub</title>
<p>The console is not built. Run <code>npm run build</code> (<code>npm start</code> does it by itself), then load this page again.
<p>控制台尚未构建：请运行 <code>npm run build</code>，然后刷新本页。</html>`;

/** The built console: hashed assets for ever, the page itself never from a cache, and the page for every route of the console. */
export async function serveConsole(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(files, {
    root: folder,
    serve: false,
  });
  app.get("/assets/*", { schema: { hide: true } }, async (request, reply) => {
    const { "*": name } = request.params as { "*": string };
    return reply.sendFile(path.posix.join("assets", name), { maxAge: "365d", immutable: true });
  });
  app.get("/*", { schema: { hide: true } }, async (request, reply) => {
    const { "*": name } = request.params as { "*": string };
    if (!existsSync(path.join(folder, "index.html"))) return reply.code(503).type("text/html").send(NOT_BUILT);
    const asset =
      name !== "" && !name.includes("..") && /\.[a-z0-9]{2,5}$/.test(name) && existsSync(path.join(folder, name));
    return reply.header("cache-control", "no-cache").sendFile(asset ? name : "index.html", { cacheControl: false });
  });
}
