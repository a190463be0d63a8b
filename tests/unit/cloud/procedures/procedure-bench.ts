import type { ProcedureLibrary } from "#cloud/procedures/library.ts";
import type { Procedures } from "#cloud/procedures/service.ts";
import { apply } from "#core/alarm/lifecycle.ts";
import type { AlarmProcedureView } from "#core/contracts/procedures.ts";
import type { Alarm } from "#core/model/alarm.ts";
import type { DomainBench, Domains } from "../domain-bench.ts";
import { GW1, minted, told } from "../small-park.ts";

/** The small park with one intrusion that its gateway tells of, and people who work on it by a procedure. */
export class ProcedureBench {
  readonly domains: Domains;
  readonly #bench: DomainBench;
  #alarm: Alarm;

  private constructor(bench: DomainBench, domains: Domains, alarm: Alarm) {
    this.#bench = bench;
    this.domains = domains;
    this.#alarm = alarm;
  }

  static async open(bench: DomainBench): Promise<ProcedureBench> {
    return new ProcedureBench(bench, await bench.open(), minted({ at: bench.clock.now() }));
  }

  get library(): ProcedureLibrary {
    return this.domains.library;
  }
  get runs(): Procedures {
    return this.domains.procedures;
  }
  /** Id of the intrusion. */
  get alarm(): string {
    return this.#alarm.id;
  }

  async restart(): Promise<ProcedureBench> {
    return new ProcedureBench(this.#bench, await this.#bench.restart(this.domains), this.#alarm);
  }

  /** The gateway raises the alarm, or raises it again. */
  raise(occurrence = 1): void {
    if (occurrence > 1) this.#step({ type: "clear" });
    this.#alarm = { ...this.#alarm, occurrence, live: true, condition: "active", version: this.#alarm.version + 1 };
    this.domains.item(GW1, told(this.#alarm, "raised"));
  }

  /** The condition goes, and somebody at the gateway's panel acknowledges and resets: the episode is over. */
  close(): void {
    this.#step({ type: "clear" });
    this.#step({ type: "acknowledge", occurrence: this.#alarm.occurrence, by: "panel", at: this.#bench.clock.now() });
    this.#step({ type: "reset", occurrence: this.#alarm.occurrence, by: "panel", at: this.#bench.clock.now() });
  }

  view(): AlarmProcedureView {
    const alarm = this.domains.alarms.get(this.alarm);
    if (alarm === undefined) throw new Error("the alarm was not raised");
    return this.runs.view(alarm);
  }

  /** Remarks in the journal of the alarm. */
  comments(): readonly (string | undefined)[] {
    const { journal = [] } = this.domains.alarms.get(this.alarm) ?? {};
    return journal.filter(({ transition }) => transition === "commented").map(({ comment }) => comment);
  }

  /** Who did what to which thing, newest first. */
  audited(): readonly (readonly unknown[])[] {
    const { items } = this.domains.audit.list({ limit: 20 });
    return items.map(({ actor, action, target }) => [actor, action, target]);
  }

  #step(event: Parameters<typeof apply>[1]): void {
    const result = apply(this.#alarm, event, { now: this.#bench.clock.now(), side: "minting" });
    if ("refused" in result) throw new Error(result.message);
    if (result.transition === undefined) return;
    this.#alarm = result.alarm;
    this.domains.item(GW1, told(result.alarm, result.transition));
  }
}
