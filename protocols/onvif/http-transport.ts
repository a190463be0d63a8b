import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "#core/clock.ts";
import { errorCode, HubError } from "#core/errors.ts";
import { OversizedError, timeoutError, unreachableError } from "./errors.ts";
import { type TlsTrust, TrustingAgent } from "./tls.ts";

/** One HTTP request. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole exchange, ms. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /**
   * It reaches the device at most once: it goes out on a connection of its own. On one that was idle, nobody can tell whether a
   * request that got no answer was taken before the connection broke.
   */
  readonly once?: boolean;
  readonly signal: AbortSignal;
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  /** Values of the WWW-Authenticate headers. */
  readonly challenges: readonly string[];
  readonly body: Buffer;
}

/** A pull, a poll, an action and a snapshot at once; more than that at one camera waits. */
const SOCKETS_PER_DEVICE = 6;

interface Agents {
  readonly http: HttpAgent;
  readonly https: TrustingAgent;
}

/** HTTP to one device: bounded in time and size, redirects never followed. */
export class HttpTransport {
  readonly #clock: Clock;
  readonly #kept: Agents;
  readonly #fresh: Agents;

  constructor(clock: Clock, trust: TlsTrust) {
    this.#clock = clock;
    const agents = (keepAlive: boolean): Agents => {
      const options = { keepAlive, maxSockets: SOCKETS_PER_DEVICE };
      return { http: new HttpAgent(options), https: new TrustingAgent(options, trust, clock) };
    };
    this.#kept = agents(true);
    this.#fresh = agents(false);
  }

  /** @throws ONVIF_TIMEOUT, ONVIF_UNREACHABLE, ONVIF_TLS_UNTRUSTED, ONVIF_MALFORMED (OversizedError) */
  async exchange(request: HttpRequest): Promise<HttpAnswer> {
    const startedAt = this.#clock.monotonic();
    const first = await this.#once(request, request.timeoutMs);
    if (first !== "stale") return first;
    // The device had most likely closed the idle connection already; if not, doing it again does no harm (see `once`).
    const again = await this.#once(request, request.timeoutMs - (this.#clock.monotonic() - startedAt));
    if (again !== "stale") return again;
    throw unreachableError(what(request), new Error("connection closed twice"));
  }

  close(): void {
    for (const { http, https } of [this.#kept, this.#fresh]) {
      http.destroy();
      https.destroy();
    }
  }

  #once(request: HttpRequest, timeoutMs: number): Promise<HttpAnswer | "stale"> {
    const { url, method, headers, body } = request;
    const secure = url.protocol === "https:";
    const { http, https } = request.once === true ? this.#fresh : this.#kept;
    const options = { method, headers: { ...headers }, agent: secure ? https : http };
    return new Promise((resolve, reject) => {
      const sent = secure ? httpsRequest(url, options) : httpRequest(url, options);
      let settled = false;
      const settle = (act: () => void): void => {
        if (settled) return;
        settled = true;
        cancel();
        request.signal.removeEventListener("abort", onAbort);
        act();
      };
      const fail = (error: Error): void => settle(() => reject(error));
      const onAbort = (): void => {
        fail(unreachableError(what(request), new Error("aborted")));
        sent.destroy();
      };
      const cancel = this.#clock.after(timeoutMs, () => {
        fail(timeoutError(what(request), request.timeoutMs));
        sent.destroy();
      });
      sent.on("error", (error) => {
        const stale = sent.reusedSocket && ["ECONNRESET", "EPIPE"].includes(errorCode(error));
        if (stale) settle(() => resolve("stale"));
        else fail(error instanceof HubError ? error : unreachableError(what(request), error));
      });
      sent.on("response", (response) => {
        void collect(response, request.maxBytes).then(
          (bytes) => settle(() => resolve(answerOf(response, bytes))),
          (error: unknown) => {
            sent.destroy();
            fail(error instanceof HubError ? error : unreachableError(what(request), error));
          },
        );
      });
      if (request.signal.aborted) onAbort();
      else {
        request.signal.addEventListener("abort", onAbort);
        sent.end(body);
      }
    });
  }
}

function what(request: HttpRequest): string {
  return `${request.method} ${request.url.host}${request.url.pathname}`;
}

function answerOf(response: IncomingMessage, body: Buffer): HttpAnswer {
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers["content-type"] ?? "",
    challenges: response.headersDistinct["www-authenticate"] ?? [],
    body,
  };
}

/** Reads an answer as it comes, and stops where it says or shows that it is too large. */
async function collect(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(response.headers["content-length"] ?? 0) > maxBytes) throw new OversizedError(maxBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > maxBytes) throw new OversizedError(maxBytes);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
