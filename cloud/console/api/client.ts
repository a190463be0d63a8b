import type { Problem } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";

/** An answer of the API that is no success, or none at all. Codes are those of the problem document; `OFFLINE` and `TIMEOUT` are ours. */
export class ApiError extends HubError {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  constructor(code: string, message: string, status: number, cause?: unknown) {
    super(code, message, { cause, retriable: status === 0 || status >= 500 });
    this.status = status;
  }
}

type QueryValue = string | number | boolean | undefined;
export interface CallOptions {
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Longest wait for the whole answer; that of the client when absent. */
  readonly timeoutMs?: number;
}

/** A file that the API has made. */
export interface Download {
  readonly name: string;
  readonly content: Blob;
}

export interface ApiClientOptions {
  /** Path that all calls begin with. */
  readonly base: string;
  readonly fetch: typeof fetch;
  /** Token of the session for everything that changes something. */
  readonly csrfToken: () => string | undefined;
  /** A call was refused because nobody is signed in any more. */
  readonly onUnauthenticated: () => void;
  /** Longest wait for an answer. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "code" in value && typeof value.code === "string";
}

/** Calls the HTTP API. */
export class ApiClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  /**
   * One call. `path` begins with a slash; its ids must be percent-encoded. Resolves with the answer's body, undefined for none.
   * @throws ApiError with the problem's code, OFFLINE, TIMEOUT
   */
  async call<T>(method: "GET" | "POST" | "PUT" | "DELETE", path: string, options: CallOptions = {}): Promise<T> {
    const response = await this.#send(method, path, options);
    const text = await response.text();
    if (response.ok) return (text === "" ? undefined : JSON.parse(text)) as T;
    if (response.status === 401 && path !== "/session") this.#options.onUnauthenticated();
    throw problemOf(response.status, text);
  }

  /**
   * One call whose answer is a file.
   * @throws ApiError as `call`, and OFFLINE when the file was cut off
   */
  async download(method: "GET" | "POST", path: string, options: CallOptions = {}): Promise<Download> {
    const response = await this.#send(method, path, options);
    if (!response.ok) {
      if (response.status === 401) this.#options.onUnauthenticated();
      throw problemOf(response.status, await response.text());
    }
    try {
      return { name: fileNameOf(response.headers), content: await response.blob() };
    } catch (error) {
      throw new ApiError("OFFLINE", `${method} ${path}: the file was cut off`, 0, error);
    }
  }

  async #send(method: string, path: string, options: CallOptions): Promise<Response> {
    const { query, body, signal } = options;
    const { base, csrfToken } = this.#options;
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS;
    const limit = AbortSignal.timeout(timeoutMs);
    const token = method === "GET" ? undefined : csrfToken();
    try {
      return await this.#options.fetch(`${base}${path}${queryText(query)}`, {
        method,
        credentials: "same-origin",
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
        headers: {
          accept: "application/json",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { "x-csrf-token": token }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      if (limit.aborted) throw new ApiError("TIMEOUT", `${method} ${path}: no answer in ${timeoutMs} ms`, 0, error);
      throw new ApiError("OFFLINE", `${method} ${path}: the cloud cannot be reached`, 0, error);
    }
  }
}

/** The plain name of Content-Disposition. [RFC 6266 §4.3] */
function fileNameOf(headers: Headers): string {
  return /filename="([^"]+)"/.exec(headers.get("content-disposition") ?? "")?.[1] ?? "download";
}

function problemOf(status: number, text: string): ApiError {
  try {
    const value: unknown = JSON.parse(text);
    if (isProblem(value)) return new ApiError(value.code, value.detail ?? value.title, status);
  } catch {
    // A proxy or a starting server answers in HTML: told by its status below.
  }
  const code = status === 502 || status === 503 || status === 504 ? "OFFLINE" : "INTERNAL";
  return new ApiError(code, `HTTP ${status}`, status);
}

function queryText(query: CallOptions["query"]): string {
  const given = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}
