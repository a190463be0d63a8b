import type { GatewayId } from "#core/ids.ts";
import type { PageRequest } from "../ports.ts";
import type { CompletenessService } from "../telemetry-ports.ts";
import type { Findings } from "./findings.ts";
import type { Statements } from "./statements.ts";

/** Name of the nightly job that closes the day. */
export const STATEMENT_JOB = "statement";
/** It runs so many minutes after local midnight, so that what was under way has arrived. */
export const STATEMENT_AT_MINUTE = 5;
const HALF_DAY_MS = 12 * 3_600_000;

/** The proof that nothing is missing, as pages and programs see it. */
export class CompletenessReports implements CompletenessService {
  readonly #findings: Findings;
  readonly #statements: Statements;
  readonly #gateways: () => readonly GatewayId[];

  constructor(deps: {
    readonly findings: Findings;
    readonly statements: Statements;
    readonly gateways: () => readonly GatewayId[];
  }) {
    this.#findings = deps.findings;
    this.#statements = deps.statements;
    this.#gateways = deps.gateways;
  }

  get key(): CompletenessService["key"] {
    return this.#statements.key;
  }

  findings(gateway: string, page: PageRequest): ReturnType<CompletenessService["findings"]> {
    return this.#findings.list(gateway, page);
  }

  statements(gateway: string, page: PageRequest): ReturnType<CompletenessService["statements"]> {
    return this.#statements.list(gateway, page);
  }

  statement(id: string): ReturnType<CompletenessService["statement"]> {
    return this.#statements.get(id);
  }

  provisional(gateway: GatewayId): ReturnType<CompletenessService["provisional"]> {
    return this.#statements.provisional(gateway);
  }

  firstFault(gateway: string): Promise<string | undefined> {
    return this.#statements.firstFault(gateway);
  }

  /** Closes the local day that ended before `dueAt`, Unix ms, for every gateway. The job's work: done again, it changes nothing. */
  async closeDay(dueAt: number): Promise<void> {
    const day = this.#statements.dayOf(dueAt - HALF_DAY_MS);
    for (const gateway of this.#gateways()) await this.#statements.close(gateway, day);
  }
}
