import type {
  DeliveryStatus,
  DeliveryView,
  NotifyKind,
  NotifyLanguage,
  NotifyObjects,
  NotifyTestResult,
  NotifyVersion,
  OnCallView,
} from "#core/contracts/notify.ts";
import type { ApiClient } from "./client.ts";

const enc = encodeURIComponent;

/** A position, contact, rota, channel or rule with its id and version. */
export interface KeptView<K extends NotifyKind> {
  readonly id: string;
  readonly version: number;
  readonly document: NotifyObjects[K];
  /** Of a channel: names of the secrets that are there. */
  readonly secretsSet?: readonly string[];
}

/** The routes of the notification. Every method throws ApiError. */
export class NotifyApi {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  list = async <K extends NotifyKind>(kind: K, signal: AbortSignal): Promise<readonly KeptView<K>[]> =>
    (await this.#client.call<{ items: readonly KeptView<K>[] }>("GET", `/notify/${kind}`, { signal })).items;
  put = <K extends NotifyKind>(
    kind: K,
    id: string,
    body: {
      readonly version: number;
      readonly document: NotifyObjects[K];
      readonly why?: string;
      readonly secrets?: Readonly<Record<string, string>>;
    },
  ): Promise<KeptView<K>> => this.#client.call("PUT", `/notify/${kind}/${enc(id)}`, { body });
  remove = (kind: NotifyKind, id: string, version: number, why: string | undefined): Promise<void> =>
    this.#client.call("DELETE", `/notify/${kind}/${enc(id)}`, { query: { version, why } });
  onCall = async (signal: AbortSignal): Promise<readonly OnCallView[]> =>
    (await this.#client.call<{ items: readonly OnCallView[] }>("GET", "/notify/on-call", { signal })).items;
  test = (channel: string, contact: string | undefined): Promise<NotifyTestResult> =>
    this.#client.call("POST", `/notify/channels/${enc(channel)}/test`, {
      body: contact === undefined ? {} : { contact },
    });
  versions = (
    query: {
      readonly kind?: NotifyKind | undefined;
      readonly id?: string;
      readonly limit?: number;
      readonly cursor?: string | undefined;
    },
    signal?: AbortSignal,
  ): Promise<{ readonly items: readonly NotifyVersion[]; readonly nextCursor?: string }> =>
    this.#client.call("GET", "/notify/versions", {
      query: { limit: 50, ...query },
      ...(signal === undefined ? {} : { signal }),
    });
  deliveries = (
    query: {
      readonly status?: DeliveryStatus | undefined;
      readonly channel?: string | undefined;
      readonly cursor?: string | undefined;
      readonly language: NotifyLanguage;
    },
    signal?: AbortSignal,
  ): Promise<{ readonly items: readonly DeliveryView[]; readonly nextCursor?: string }> =>
    this.#client.call("GET", "/notify/deliveries", {
      query: { ...query, limit: 50 },
      ...(signal === undefined ? {} : { signal }),
    });
}
