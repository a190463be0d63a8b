import type { Clock } from "#core/clock.ts";
import { DueTimer, doEach } from "#core/due-timer.ts";
import type { Logger } from "#core/logger.ts";
import type { Alarm, AlarmPriority } from "#core/model/alarm.ts";
import type { DutyStore } from "./duty-store.ts";
import type { AlarmRecorder } from "./recorder.ts";
import { type AlarmStore, waitsForSomebody } from "./store.ts";

const MINUTE_MS = 60_000;
/** Alarms of one transaction: ingest waits for no more than that. */
const AT_ONCE = 100;

/** How long an alarm may stay unacknowledged before it is told further, ms; a priority that is not here never is. */
export const ESCALATE_AFTER_MS: Readonly<Partial<Record<AlarmPriority, number>>> = {
  urgent: 3 * MINUTE_MS,
  high: 10 * MINUTE_MS,
  medium: 60 * MINUTE_MS,
};

/** How long this alarm may stay unacknowledged, ms; undefined: as long as it likes. */
export type EscalationLimit = (alarm: Alarm) => number | undefined;

/** Tells an alarm further, once an occurrence, when nobody has acknowledged it in time. */
export class Escalation {
  readonly #duty: DutyStore;
  readonly #store: AlarmStore;
  readonly #recorder: () => AlarmRecorder;
  readonly #clock: Clock;
  readonly #limit: EscalationLimit;
  readonly #permitOf: (alarm: Alarm) => string | undefined;
  readonly timer: DueTimer;

  constructor(deps: {
    readonly duty: DutyStore;
    readonly store: AlarmStore;
    readonly recorder: () => AlarmRecorder;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly limit: EscalationLimit;
    /** Id of the maintenance permit that holds an alarm back. */
    readonly permitOf: (alarm: Alarm) => string | undefined;
  }) {
    this.#duty = deps.duty;
    this.#store = deps.store;
    this.#recorder = deps.recorder;
    this.#clock = deps.clock;
    this.#limit = deps.limit;
    this.#permitOf = deps.permitOf;
    this.timer = new DueTimer(
      deps.clock,
      (now) => this.#escalate(now),
      (error) => deps.logger.error({ err: error }, "alarms cannot be escalated, trying again"),
    );
  }

  /** An alarm has changed, inside the transaction that stores it. */
  follow(alarm: Alarm): void {
    const limit = this.#limit(alarm);
    // What waits for nobody was settled when it was written.
    if (limit === undefined || !waitsForSomebody(alarm)) return;
    const at = this.#clock.now() + limit;
    this.#duty.expect(alarm.id, alarm.occurrence, at);
    this.timer.expect(at);
  }

  #escalate(now: number): number | undefined {
    doEach(this.#duty.due(now, AT_ONCE), (id) => this.#recorder().commit(() => this.#one(id, now)));
    return this.#duty.next();
  }

  #one(id: string, now: number): () => void {
    const alarm = this.#store.get(id);
    const limit = alarm && this.#limit(alarm);
    if (alarm === undefined || limit === undefined || !waitsForSomebody(alarm)) {
      this.#duty.settle(id);
      return () => {};
    }
    // Its gateway has yet to hear of the permit; when that is over and it still waits, it is told further.
    if (this.#permitOf(alarm) !== undefined) {
      this.#duty.postpone(id, now + limit);
      return () => {};
    }
    this.#duty.escalated(id, alarm.occurrence, now);
    return this.#recorder().happened({ alarm, transition: "escalated", at: now, receivedAt: now, key: "escalated" });
  }
}
