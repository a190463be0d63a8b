import type { PermitRequest, PermitView } from "#core/contracts/maintenance.ts";
import type { ApiClient } from "./client.ts";

const ROOT = "/maintenance/permits";

/** What can be done with a permit. */
export type PermitAct = "approve" | "reject" | "end";

/** The routes of the maintenance permits. Every method throws ApiError. */
export class MaintenanceApi {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  list = (
    query: { readonly open: boolean; readonly cursor?: string | undefined },
    signal?: AbortSignal,
  ): Promise<{ readonly items: readonly PermitView[]; readonly nextCursor?: string }> =>
    this.#client.call("GET", ROOT, { query: { limit: 50, ...query }, ...(signal === undefined ? {} : { signal }) });
  request = (body: PermitRequest): Promise<PermitView> => this.#client.call("POST", ROOT, { body });
  act = (id: string, act: PermitAct, comment: string | undefined): Promise<PermitView> =>
    this.#client.call("POST", `${ROOT}/${encodeURIComponent(id)}/${act}`, {
      body: comment === undefined ? {} : { comment },
    });
}
