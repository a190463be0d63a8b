import type {
  BadActorsView,
  KpiView,
  ProposalDecision,
  ProposalKind,
  QualityNow,
} from "#core/contracts/alarm-quality.ts";
import type { Handover, HandoverConfirm, HandoverEntry, ShiftNow } from "#core/contracts/shift.ts";
import type { ApiClient } from "./client.ts";
import type { ListPage } from "./hub-api.ts";

/** What is asked about the quality of the alarm system. */
export interface QualityFilter {
  readonly from: string;
  readonly by: string;
  readonly area?: string | undefined;
  readonly position?: string | undefined;
  readonly category?: string | undefined;
}

const enc = encodeURIComponent;
/** Handovers that are listed. */
const LISTED = 50;

/** The routes of the quality of the alarm system and of shifts. Every method throws ApiError. */
export class QualityApi {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  now = (signal?: AbortSignal): Promise<QualityNow> => this.#get("/alarms/quality/now", {}, signal);
  kpi = (filter: QualityFilter, signal?: AbortSignal): Promise<KpiView> =>
    this.#get("/alarms/kpi", { ...filter }, signal);
  badActors = (filter: Omit<QualityFilter, "from" | "by">, signal?: AbortSignal): Promise<BadActorsView> =>
    this.#get("/alarms/quality/bad-actors", { ...filter }, signal);
  decide = (
    definition: string,
    act: "accept" | "dismiss",
    body: { readonly kind: ProposalKind; readonly value: number; readonly reason: string },
  ): Promise<ProposalDecision> =>
    this.#client.call("POST", `/alarms/quality/bad-actors/${enc(definition)}/${act}`, { body });

  shift = (signal?: AbortSignal): Promise<ShiftNow> => this.#get("/shifts/now", {}, signal);
  handovers = (signal?: AbortSignal): Promise<ListPage<HandoverEntry>> =>
    this.#get("/shifts/handovers", { limit: LISTED }, signal);
  handover = (id: string, signal?: AbortSignal): Promise<Handover> =>
    this.#get(`/shifts/handovers/${enc(id)}`, {}, signal);
  draw = (position: string | undefined): Promise<Handover> =>
    this.#client.call("POST", "/shifts/handovers", { body: position === undefined ? {} : { position } });
  note = (id: string, revision: number, notes: string): Promise<Handover> =>
    this.#client.call("PUT", `/shifts/handovers/${enc(id)}`, { body: { revision, notes } });
  sign = (id: string, revision: number): Promise<Handover> =>
    this.#client.call("POST", `/shifts/handovers/${enc(id)}/sign`, { body: { revision } });
  discard = (id: string, revision: number, reason: string): Promise<Handover> =>
    this.#client.call("POST", `/shifts/handovers/${enc(id)}/discard`, { body: { revision, reason } });
  confirm = (id: string, body: HandoverConfirm): Promise<Handover> =>
    this.#client.call("POST", `/shifts/handovers/${enc(id)}/confirm`, { body });

  #get<T>(
    path: string,
    query: Readonly<Record<string, string | number | undefined>>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    return this.#client.call("GET", path, { query, ...(signal === undefined ? {} : { signal }) });
  }
}
