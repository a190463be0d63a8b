import type { AlarmChange } from "#core/alarm/change.ts";
import { letter } from "#core/alarm/lifecycle.ts";
import { pointId } from "#core/ids.ts";
import type { Alarm, AlarmDefinition } from "#core/model/alarm.ts";
import type { AlarmCommand } from "#core/model/command.ts";
import { ahu, command, evaluator, sample, texts } from "./evaluator-fixtures.ts";

export const flow = pointId(`${ahu}/flow`);
export const setpoint = pointId(`${ahu}/setpoint`);
export const running = pointId(`${ahu}/running`);

/** A facility alarm of the air handling unit. */
export function facility(fields: Partial<AlarmDefinition> & Pick<AlarmDefinition, "condition">): AlarmDefinition {
  return { id: "ahu-1.test", category: "equipment", priority: "medium", ...texts, ...fields };
}

/** An evaluator with the acts that the cases need. */
export function bench(definitions: readonly AlarmDefinition[], options: Parameters<typeof evaluator>[1] = {}) {
  const made = evaluator(definitions, options);
  const { alarms, clock } = made;
  const alarm = (definition = definitions[0]?.id ?? ""): Alarm | undefined =>
    alarms.alarms().find((one) => one.definition === definition);
  return {
    ...made,
    alarm,
    /** ISA letter of the definition's open alarm; A when none is open. */
    letter: (definition?: string) => {
      const open = alarm(definition);
      return open === undefined ? "A" : letter(open);
    },
    /** A good value now. */
    feed: (point: typeof flow, value: Parameters<typeof sample>[1], fields: Parameters<typeof sample>[2] = {}) =>
      alarms.onSample(sample(point, value, { observedAt: clock.now(), ...fields })),
    act: (action: AlarmCommand["action"], fields: Partial<AlarmCommand> = {}, definition?: string) => {
      const open = alarm(definition);
      return alarms.command(
        command(open?.id ?? "", action, { occurrence: open?.occurrence ?? 1, createdAt: clock.now(), ...fields }),
      );
    },
  };
}

/** What happened, as `definition transition`. */
export function told(changes: readonly AlarmChange[]): readonly string[] {
  return changes.map(({ alarm, transition }) => `${alarm.definition} ${transition}`);
}
