import type {
  DefinitionChange,
  DefinitionOutcome,
  DefinitionProposal,
  DefinitionRevision,
  DefinitionView,
} from "#core/contracts/definitions.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { ApiClient } from "./client.ts";

const ROOT = "/alarm-definitions";
const at = (id: string): string => `${ROOT}/${encodeURIComponent(id)}`;

/** The routes of the alarm definitions. Every method throws ApiError. */
export class DefinitionsApi {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  list = (signal: AbortSignal): Promise<{ readonly items: readonly DefinitionView[] }> =>
    this.#client.call("GET", ROOT, { signal });
  get = (id: string, signal?: AbortSignal): Promise<DefinitionView> =>
    this.#client.call("GET", at(id), signal === undefined ? {} : { signal });
  history = (id: string, signal: AbortSignal): Promise<{ readonly items: readonly DefinitionRevision[] }> =>
    this.#client.call("GET", `${at(id)}/history`, { signal });
  add = (definition: AlarmDefinition, why: string): Promise<DefinitionOutcome> =>
    this.#client.call("POST", ROOT, { body: { definition, why } });
  change = (
    id: string,
    body: { revision: number; change: DefinitionChange; why: string },
  ): Promise<DefinitionOutcome> => this.#client.call("PUT", at(id), { body });
  retire = (id: string, body: { revision: number; why: string }): Promise<DefinitionOutcome> =>
    this.#client.call("POST", `${at(id)}/retire`, { body });
  revert = (id: string, body: { revision: number; to: number; why: string }): Promise<DefinitionOutcome> =>
    this.#client.call("POST", `${at(id)}/revert`, { body });
  approve = (proposal: string): Promise<DefinitionOutcome> =>
    this.#client.call("POST", `${ROOT}/proposals/${encodeURIComponent(proposal)}/approve`, { body: {} });
  refuse = (proposal: string): Promise<DefinitionProposal> =>
    this.#client.call("POST", `${ROOT}/proposals/${encodeURIComponent(proposal)}/refuse`, { body: {} });
}
