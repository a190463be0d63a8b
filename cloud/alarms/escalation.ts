import { escalationLimit } from "#core/alarm/escalation.ts";
import type { Clock } from "#core/clock.ts";
import { DueTimer, doEach } from "#core/due-timer.ts";
import type { Logger } from "#core/logger.ts";
import type { Alarm } from "#core/model/alarm.ts";
import type { PositionDirectory } from "../alarm-ports.ts";
import type { DutyStore } from "./duty-store.ts";
import type { AlarmRecorder } from "./recorder.ts";
import { type AlarmStore, waitsForSomebody } from "./store.ts";

/** Alarms of one go: ingest waits for no more than that. */
const AT_ONCE = 100;
/** Alarms whose times are reckoned again in one go, which changes few of them. */
const RECKONED_AT_ONCE = 200;

/** A walk over the alarms that wait, after this one. `anew`: all are reckoned from when they began to wait; else none may wait too long. */
interface Reckoning {
  readonly after: string;
  readonly anew: boolean;
}

/** Tells an alarm further, once an occurrence, when nobody has acknowledged it in time. */
export class Escalation {
  readonly #duty: DutyStore;
  readonly #store: AlarmStore;
  readonly #recorder: AlarmRecorder;
  readonly #clock: Clock;
  readonly #positionsOf: PositionDirectory["of"];
  readonly #permitOf: (alarm: Alarm) => string | undefined;
  readonly timer: DueTimer;
  /** While the hub was down its clock may have been set back. */
  #reckoning: Reckoning | undefined = { after: "", anew: false };

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
    const at = this.#clock.now() + limit + this.timer.behind();
    this.#duty.expect(alarm.id, alarm.occurrence, at);
    this.timer.expect(at);
  }

  /** How long alarms may wait has changed: it holds for those that wait already, from when they began to. */
  limitsChanged(): void {
    this.#reckoning = { after: "", anew: true };
    this.timer.expect(this.#clock.now());
  }

  #limit(alarm: Alarm): number | undefined {
    return escalationLimit(alarm, this.#positionsOf(alarm));
  }

  #escalate(now: number): number | undefined {
    const walk = (): void => {
      if (this.#reckoning !== undefined) this.#reckoning = this.#reckon(this.#reckoning, now);
    };
    const tell = (): void =>
      doEach(this.#duty.due(now, AT_ONCE), (id) => this.#recorder.commit(() => this.#one(id, now)));
    doEach([walk, tell], (step) => step());
    return this.#reckoning === undefined ? this.#duty.next() : now;
  }

  /** One go of the walk. Undefined when it was the last. */
  #reckon({ after, anew }: Reckoning, now: number): Reckoning | undefined {
    const waiting = this.#duty.waiting(after, RECKONED_AT_ONCE, anew ? undefined : now);
    const alarms = this.#store.getMany(waiting.map(({ id }) => id));
    const since = anew ? this.#duty.calledAt([...alarms.keys()]) : undefined;
    this.#recorder.commit(() => {
      for (const { id, at } of waiting) {
        const alarm = alarms.get(id);
        if (alarm === undefined || !waitsForSomebody(alarm)) continue;
        const next = this.#reckoned(alarm, at, now, since);
        if (next !== at) this.#duty.reckoned(id, alarm.occurrence, next);
      }
      return () => {};
    });
    const last = waiting.at(-1);
    return waiting.length < RECKONED_AT_ONCE || last === undefined ? undefined : { after: last.id, anew };
  }

  #reckoned(alarm: Alarm, at: number | null, now: number, since?: ReadonlyMap<string, number>): number | null {
    const limit = this.#limit(alarm);
    if (since !== undefined) return limit === undefined ? null : Math.min(since.get(alarm.id) ?? now, now) + limit;
    return limit === undefined || at === null ? at : Math.min(at, now + limit);
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
