import {
  type AlarmChange,
  type AlarmContext,
  AlarmEvaluator,
  type AlarmSnapshot,
  type PendingDelay,
} from "#core/alarm/evaluate.ts";
import type { Clock } from "#core/clock.ts";
import type { Alarm, AlarmDefinition } from "#core/model/alarm.ts";
import type { AlarmCommand } from "#core/model/command.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { Sample } from "#core/model/sample.ts";
import type { DeviceState } from "#protocols/driver.ts";
import type { Outbox } from "./outbox.ts";

const ALARM = "alarm";
const EPISODE = "alarmEpisode";
const DELAY = "alarmDelay";

export interface EdgeAlarmsOptions {
  /** `<site>/<gateway>`. */
  readonly origin: string;
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** Told each transition after it is queued for storage, in the same turn. */
  readonly onChange: (change: AlarmChange) => void;
}

/**
 * The alarms of this gateway: the evaluator of `core/alarm` with its state in the outbox file. Every transition is queued as the
 * stored record and as an item of the events lane together, so that a crash leaves both or neither.
 */
export class EdgeAlarms {
  readonly #options: EdgeAlarmsOptions;
  #evaluator: AlarmEvaluator | undefined;

  constructor(options: EdgeAlarmsOptions) {
    this.#options = options;
  }

  /** Takes over definitions; open alarms, episodes and running delays go on. Give it every last value afterwards. */
  configure(definitions: readonly AlarmDefinition[], context: AlarmContext): void {
    const { origin, outbox, clock } = this.#options;
    const restored = this.#evaluator?.snapshot() ?? this.#stored();
    this.#evaluator?.stop();
    this.#evaluator = new AlarmEvaluator({
      origin,
      epoch: outbox.epoch,
      definitions,
      context,
      clock,
      restored,
      onChanges: (changes) => this.#record(changes),
      onDelay: (definition, delay) => {
        if (delay === undefined) outbox.remove(DELAY, definition);
        else outbox.put(DELAY, definition, delay);
      },
    });
    this.#record(this.#evaluator.start());
  }

  // our own records: their shape is what #record and onDelay put there
  #stored(): AlarmSnapshot {
    const { outbox } = this.#options;
    return {
      episodes: Object.fromEntries(outbox.records(EPISODE)) as Record<string, number>,
      alarms: [...outbox.records(ALARM).values()] as Alarm[],
      delays: [...outbox.records(DELAY).values()] as PendingDelay[],
    };
  }

  #record(changes: readonly AlarmChange[]): void {
    const { outbox, onChange } = this.#options;
    for (const change of changes) {
      const { transition, alarm, actor, comment, episode, closed } = change;
      if (closed) outbox.remove(ALARM, alarm.definition);
      else outbox.put(ALARM, alarm.definition, alarm);
      outbox.put(EPISODE, alarm.definition, episode);
      outbox.append("events", {
        kind: "alarm",
        transition,
        alarm,
        ...(actor === undefined ? {} : { actor }),
        ...(comment === undefined ? {} : { comment }),
      });
      onChange(change);
    }
  }

  /** A live value. */
  onSample(sample: Sample): void {
    this.#record(this.#evaluator?.onSample(sample) ?? []);
  }
  /** A device event. */
  onEvent(event: DeviceEvent): void {
    this.#record(this.#evaluator?.onEvent(event) ?? []);
  }
  /** A device came or fell silent. */
  onDevice(state: DeviceState): void {
    this.#record(this.#evaluator?.onDevice(state) ?? []);
  }
  /** An operator's act; the refusal when it was refused. */
  command(command: AlarmCommand): { readonly code: string; readonly message: string } | undefined {
    if (this.#evaluator === undefined)
      return { code: "ALARM_UNKNOWN", message: "this gateway has no configuration yet" };
    const { changes, refused } = this.#evaluator.command(command);
    this.#record(changes);
    return refused;
  }
  /** The open alarms. */
  open(): readonly Alarm[] {
    return this.#evaluator?.alarms() ?? [];
  }
  /** Cancels all timers. */
  stop(): void {
    this.#evaluator?.stop();
  }
}
