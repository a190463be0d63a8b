import type {
  AbandonProcedure,
  AlarmProcedureView,
  ConfirmStep,
  ProcedureView,
  SkipStep,
  StartProcedure,
} from "#core/contracts/procedures.ts";
import type { Procedure } from "#core/model/procedure.ts";
import type { ApiClient } from "./client.ts";

const enc = encodeURIComponent;

/** The routes of the response procedures. Every method throws ApiError. */
export class ProceduresApi {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  list = (signal: AbortSignal): Promise<{ readonly items: readonly ProcedureView[] }> =>
    this.#client.call("GET", "/procedures", { signal });
  create = (procedure: Procedure): Promise<ProcedureView> =>
    this.#client.call("POST", "/procedures", { body: { procedure } });
  save = (procedure: Procedure, revision: number): Promise<ProcedureView> =>
    this.#client.call("PUT", `/procedures/${enc(procedure.id)}`, { body: { procedure, revision } });
  publish = (id: string, revision: number, reason: string): Promise<ProcedureView> =>
    this.#client.call("POST", `/procedures/${enc(id)}/publish`, { body: { revision, reason } });
  retire = (id: string, reason: string): Promise<ProcedureView> =>
    this.#client.call("POST", `/procedures/${enc(id)}/retire`, { body: { reason } });

  ofAlarm = (alarm: string, signal: AbortSignal): Promise<AlarmProcedureView> =>
    this.#client.call("GET", `/alarms/${enc(alarm)}/procedure`, { signal });
  start = (alarm: string, body: StartProcedure): Promise<AlarmProcedureView> =>
    this.#client.call("POST", `/alarms/${enc(alarm)}/procedure/start`, { body });
  confirm = (alarm: string, step: number, body: ConfirmStep): Promise<AlarmProcedureView> =>
    this.#client.call("POST", `/alarms/${enc(alarm)}/procedure/steps/${step}/confirm`, { body });
  skip = (alarm: string, step: number, body: SkipStep): Promise<AlarmProcedureView> =>
    this.#client.call("POST", `/alarms/${enc(alarm)}/procedure/steps/${step}/skip`, { body });
  abandon = (alarm: string, body: AbandonProcedure): Promise<AlarmProcedureView> =>
    this.#client.call("POST", `/alarms/${enc(alarm)}/procedure/abandon`, { body });
}
