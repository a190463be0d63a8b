import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { onTestFinished } from "vitest";

/** One request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** What a scripted server answers: a status with a body, or whatever it does with the response itself. */
export type ScriptedAnswer = { readonly status: number; readonly body?: string } | ((response: ServerResponse) => void);

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of request.setEncoding("utf8")) text += String(part);
  return text;
}

/** An HTTP server on loopback that plays an InfluxDB by a script; `seen` are the requests so far. */
export async function scriptedInflux(
  answer: (request: SeenRequest) => ScriptedAnswer,
): Promise<{ readonly port: number; readonly seen: SeenRequest[] }> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      const query = new URLSearchParams([
        ...url.searchParams,
        ...new URLSearchParams(url.pathname.endsWith("/query") ? body : ""),
      ]);
      const { method = "", headers } = request;
      const one = { method, path: url.pathname, query, authorization: headers.authorization, body };
      seen.push(one);
      const reply = answer(one);
      response.setHeader("X-Influxdb-Version", "v2.7.10");
      if (typeof reply === "function") reply(response);
      else response.writeHead(reply.status).end(reply.body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, seen };
}
