import type { Problem } from "#core/contracts/http.ts";
import type { Session } from "#core/contracts/session.ts";

/** A refused request, with its problem document. */
export class ApiProblem extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.detail ?? ""}`);
    this.problem = problem;
  }
}

/** The HTTP API as a page uses it: session cookie and CSRF token. */
export class ApiClient {
  readonly base: string;
  readonly cookie: string;
  readonly session: Session;

  private constructor(base: string, cookie: string, session: Session) {
    this.base = base;
    this.cookie = cookie;
    this.session = session;
  }

  static async signIn(base: string, username: string, password: string): Promise<ApiClient> {
    const response = await fetch(`${base}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: base },
      body: JSON.stringify({ username, password }),
    });
    const body: unknown = await response.json();
    if (!response.ok) throw new ApiProblem(body as Problem);
    const cookie = response.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";
    return new ApiClient(base, cookie, body as Session);
  }

  get<T>(path: string): Promise<T> {
    return this.#request<T>("GET", path);
  }

  post<T>(path: string, body: object = {}): Promise<T> {
    return this.#request<T>("POST", path, body);
  }

  put<T>(path: string, body: object): Promise<T> {
    return this.#request<T>("PUT", path, body);
  }

  /** Every item of a paged list. */
  async all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const join = path.includes("?") ? "&" : "?";
      const next = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page: { items: T[]; nextCursor?: string } = await this.get(`${path}${join}limit=1000${next}`);
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return items;
  }

  /** The bytes behind a URL of the API, such as a snapshot. */
  async bytes(path: string): Promise<{ contentType: string; bytes: Uint8Array }> {
    const response = await fetch(`${this.base}${path}`, { headers: { cookie: this.cookie } });
    if (!response.ok) throw new ApiProblem((await response.json()) as Problem);
    return {
      contentType: response.headers.get("content-type") ?? "",
      bytes: new Uint8Array(await response.arrayBuffer()),
    };
  }

  async #request<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${this.base}/api/v1${path}`, {
      method,
      headers: {
        cookie: this.cookie,
        origin: this.base,
        "x-csrf-token": this.session.csrfToken,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.status === 204) return undefined as T;
    const answer: unknown = await response.json();
    if (!response.ok) throw new ApiProblem(answer as Problem);
    return answer as T;
  }
}
