import { escalationLimit } from "#core/alarm/escalation.ts";
import type { Clock } from "#core/clock.ts";
import { DueTimer, doEach } from "#core/due-timer.ts";
import type { Logger } from "#core/logger.ts";
import type { Alarm } from "#core/model/alarm.ts";
import type { PositionDirectory } from "../alarm-ports.ts";
import type { DutyStore } from "./duty-store.ts";
import type { AlarmRecorder } from "./recorder.ts";
import { type AlarmStore, waitsForSomebody } from "./store.ts";

/** Alarms of one transaction: ingest waits for no more than that. */
const AT_ONCE = 100;

/** Tells an alarm further, once an occurrence, when nobody has acknowledged it in time. */
export class Escalation {
  readonly #duty: DutyStore;
  readonly #store: AlarmStore;
  readonly #recorder: AlarmRecorder;
  readonly #clock: Clock;
  readonly #positionsOf: PositionDirectory["of"];
  readonly #permitOf: (alarm: Alarm) => string | undefined;
  readonly timer: DueTimer;

  constructor(deps: {
    readonly duty: DutyStore;
    readonly store: AlarmStore;
    readonly recorder: AlarmRecorder;
    readonly clock: Clock;
    readonly logger: Logger;
    /** The operator positions that look after an alarm. */
    readonly positionsOf: PositionDirectory["of"];
    /** Id of the maintenance permit that holds an alarm back. */
    readonly permitOf: (alarm: Alarm) => string | undefined;
  }) {
    this.#duty = deps.duty;
    this.#store = deps.store;
    this.#recorder = deps.recorder;
    this.#clock = deps.clock;
    this.#positionsOf = deps.positionsOf;
    this.#permitOf = deps.permitOf;
    this.timer = new DueTimer(
      deps.clock,
      (now) => this.#escalate(now),
      (error) => deps.logger.error({ err: error }, "alarms cannot be escalated, trying again"),
      (byMs) => {
        deps.logger.warn({ byMs }, "the clock was set back: alarms that wait to be escalated wait no longer for it");
        this.#duty.advance(byMs);
      },
    );
  }

  /** An alarm has changed, inside the transaction that stores it. */
  follow(alarm: Alarm): void {
    // What waits for nobody was settled when it was written.
    if (!waitsForSomebody(alarm)) return;
    const limit = this.#limit(alarm);
    if (limit === undefined) return;
    const at = this.#clock.now() + limit;
    this.#duty.expect(alarm.id, alarm.occurrence, at);
    this.timer.expect(at);
  }

  #limit(alarm: Alarm): number | undefined {
    return escalationLimit(alarm, this.#positionsOf(alarm));
  }

  #escalate(now: number): number | undefined {
    doEach(this.#duty.due(now, AT_ONCE), (id) => this.#recorder.commit(() => this.#one(id, now)));
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
    return this.#recorder.happened({ alarm, transition: "escalated", at: now, receivedAt: now, key: "escalated" });
  }
}
