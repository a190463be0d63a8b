import http from "node:http";
import https from "node:https";
import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import { type Answer, unreachable } from "./failure.ts";
import type { InfluxTarget } from "./target.ts";

/** Of an answer no more than so much is read: errors and versions are short. */
const MOST_ANSWER_BYTES = 16 * 1024;

/** An answer with the headers that matter. */
export interface FullAnswer extends Answer {
  /** `X-Influxdb-Version`; undefined where a proxy hides it. */
  readonly version: string | undefined;
}

/** Requests with a body of bytes, over connections that stay open. */
export class Poster {
  readonly agent: http.Agent;
  readonly #target: InfluxTarget;
  readonly #clock: Clock;
  readonly #under = new Set<http.ClientRequest>();

  /** `connections`: most that are open at once. */
  constructor(target: InfluxTarget, clock: Clock, connections: number) {
    this.#target = target;
    this.#clock = clock;
    const options = { keepAlive: true, maxSockets: connections, maxFreeSockets: connections };
    this.agent = target.protocol === "https" ? new https.Agent(options) : new http.Agent(options);
  }

  /** One request. @throws HISTORY_UNAVAILABLE when there is no whole answer within `timeoutMs` */
  send(method: "GET" | "POST", path: string, body: Buffer | undefined, timeoutMs: number): Promise<FullAnswer> {
    const { protocol, host, port, prefix, authorization } = this.#target;
    return new Promise((resolve, reject) => {
      const headers: http.OutgoingHttpHeaders = { "Content-Length": body?.length ?? 0 };
      if (authorization !== undefined) headers["Authorization"] = authorization;
      const request = (protocol === "https" ? https : http).request({
        agent: this.agent,
        host,
        port,
        method,
        path: `${prefix}${path}`,
        headers,
      });
      this.#under.add(request);
      const cancel = this.#clock.after(timeoutMs, () => {
        request.destroy(new Error(`no answer within ${timeoutMs} ms`));
      });
      const end = (): void => {
        cancel();
        this.#under.delete(request);
      };
      const fail = (error: unknown): void => {
        end();
        reject(unreachable("writing", errorMessage(error)));
      };
      request.on("error", fail);
      request.once("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          if (text.length < MOST_ANSWER_BYTES) text += part;
        });
        response.on("error", fail);
        // Its error says the same; without it an answer cut in the middle would be waited for to the end.
        response.once("aborted", () => fail(new Error("the connection ended in the middle of an answer")));
        response.once("end", () => {
          end();
          const version = response.headers["x-influxdb-version"];
          resolve({
            status: response.statusCode ?? 0,
            text,
            version: typeof version === "string" ? version : undefined,
          });
        });
      });
      request.end(body);
    });
  }

  /** Ends everything that is under way and every connection. */
  close(): void {
    for (const request of this.#under) request.destroy(new Error("closed"));
    this.agent.destroy();
  }
}
