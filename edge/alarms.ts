import type { AlarmChange, AlarmSnapshot } from "#core/alarm/change.ts";
import { AlarmEvaluator } from "#core/alarm/evaluate.ts";
import type { FieldAct } from "#core/alarm/field.ts";
import { renewed } from "#core/alarm/renewal.ts";
import type { AlarmContext, PendingDelay } from "#core/alarm/track.ts";
import type { Clock } from "#core/clock.ts";
import type { Alarm, AlarmDefinition } from "#core/model/alarm.ts";
import type { AlarmCommand } from "#core/model/command.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { ConditionReport } from "#core/model/field-condition.ts";
import type { Sample } from "#core/model/sample.ts";
import type { DeviceState } from "#protocols/driver.ts";
import type { Outbox } from "./outbox.ts";

const ALARM = "alarm";
const EPISODE = "alarmEpisode";
const DELAY = "alarmDelay";
/** In which epoch of the outbox the stored alarms were minted. */
const EPOCH = "alarmEpoch";
/** More open alarms than this are not listed to the cloud: the list must fit into a message. */
const MAX_LISTED = 10_000;
/** Devices repeat conditions seldom: one that was refused counts for so long, ms. */
const REFUSING_MS = 600_000;
/** Refusals that are remembered so that they are told once. */
const MAX_REFUSED = 1_000;

export interface EdgeAlarmsOptions {
  /** `<site>/<gateway>`. */
  readonly origin: string;
  readonly outbox: Pick<Outbox, "epoch" | "records" | "put" | "remove" | "append">;
  readonly clock: Clock;
  /** Told each transition after it is queued for storage, in the same turn. */
  readonly onChange: (change: AlarmChange) => void;
  /** Tells a device what an operator did to an alarm that it keeps itself; how the device refused, undefined when it took it. */
  readonly fieldAct: (act: FieldAct) => Promise<string | undefined>;
}

/**
 * The alarms of this gateway: the evaluator of `core/alarm` with its state in the outbox file. Every transition is queued as the
 * stored record and as an item of the events lane together, so that a crash leaves both or neither.
 */
export class EdgeAlarms {
  readonly #options: EdgeAlarmsOptions;
  readonly #telling = new Set<string>();
  readonly #refused = new Map<string, string>();
  #evaluator: AlarmEvaluator | undefined;
  #configured: { readonly definitions: readonly AlarmDefinition[]; readonly context: AlarmContext } | undefined;
  #epoch: string | undefined;
  #counters = { conditionsRefused: 0 };
  /** When a condition was last refused, monotonic ms. */
  #refusedAt = -Infinity;

  constructor(options: EdgeAlarmsOptions) {
    this.#options = options;
  }

  /** Monotonic counters since the start. `conditionsRefused`: conditions of devices that became no alarm for want of room. */
  get counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }

  /** Did conditions of devices become no alarm lately, for want of room? */
  get refusesConditions(): boolean {
    return this.#options.clock.monotonic() - this.#refusedAt < REFUSING_MS;
  }

  /** Takes over definitions; open alarms, episodes and running delays go on. Give it every last value afterwards. */
  configure(definitions: readonly AlarmDefinition[], context: AlarmContext): void {
    const { origin, outbox, clock } = this.#options;
    this.#configured = { definitions, context };
    const first = this.#evaluator === undefined;
    const restored = this.#inThisEpoch(this.#evaluator?.snapshot() ?? this.#stored());
    const seen = this.#evaluator?.seen() ?? [];
    this.#evaluator?.stop();
    this.#evaluator = new AlarmEvaluator({
      origin,
      epoch: outbox.epoch,
      definitions,
      context,
      clock,
      restored,
      seen,
      onConditionRefused: () => {
        this.#counters.conditionsRefused++;
        this.#refusedAt = clock.monotonic();
      },
      onChanges: (changes) => this.#record(changes),
      onFieldAct: (act) => this.#tellField(act),
      onDelay: (definition, delay) => {
        if (delay === undefined) outbox.remove(DELAY, definition);
        else outbox.put(DELAY, definition, delay);
      },
    });
    this.#record(this.#evaluator.start());
    if (first) this.#list();
  }

  /**
   * The outbox may have taken another epoch, because the cloud knows more of this gateway than it does itself: then what holds is
   * told anew. Costs nothing when it has not.
   */
  renewed(): void {
    if (this.#configured === undefined || this.#epoch === this.#options.outbox.epoch) return;
    this.configure(this.#configured.definitions, this.#configured.context);
    this.#list();
  }

  #inThisEpoch(snapshot: AlarmSnapshot): AlarmSnapshot {
    const { outbox, clock } = this.#options;
    const { epoch } = outbox;
    const before = this.#epoch ?? outbox.records(EPOCH).get(EPOCH);
    this.#epoch = epoch;
    if (before === epoch) return snapshot;
    outbox.put(EPOCH, EPOCH, epoch);
    if (before === undefined) return snapshot;
    for (const { definition } of snapshot.alarms) outbox.remove(ALARM, definition);
    const renewal = renewed(snapshot, epoch, clock.now());
    this.#record(renewal.changes);
    return renewal.snapshot;
  }

  /** Tells the cloud which alarms are open here: what it holds open besides, nobody sees any more. */
  #list(): void {
    const open = this.open().map(({ id }) => id);
    if (open.length <= MAX_LISTED) this.#options.outbox.append("events", { kind: "openAlarms", alarms: open });
  }

  /** What the device did not take is told in the alarm's journal; it is offered again with the device's next report. */
  #tellField(act: FieldAct): void {
    const key = `${act.alarm} ${act.action}`;
    if (this.#telling.has(key)) return;
    this.#telling.add(key);
    void this.#options.fieldAct(act).then((refused) => {
      this.#telling.delete(key);
      if (refused === undefined || this.#refused.get(key) === refused) return;
      // once, however often it is tried again
      if (this.#refused.size >= MAX_REFUSED) this.#refused.clear();
      this.#refused.set(key, refused);
      const text = `${act.action} not taken by ${act.device}: ${refused}`;
      this.#record(this.#evaluator?.comment(act.alarm, this.#options.origin, text) ?? []);
    });
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
      const { transition, alarm, actor, comment, episode, counter, closed } = change;
      if (closed) outbox.remove(ALARM, alarm.definition);
      else outbox.put(ALARM, alarm.definition, alarm);
      outbox.put(EPISODE, counter, episode);
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
  /** What a device tells of the conditions it keeps itself. */
  onConditions(report: ConditionReport): void {
    this.#record(this.#evaluator?.onConditions(report) ?? []);
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
