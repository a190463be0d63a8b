import { changedFields } from "#core/alarm/definition-law.ts";
import type { DefinitionChange } from "#core/contracts/definitions.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";

/** Fields that a definition need not have. */
const OPTIONAL: ReadonlySet<string> = new Set([
  "enabled",
  "onDelayMs",
  "offDelayMs",
  "reAlarmMs",
  "reAlarmLimit",
  "autoAcknowledge",
  "latching",
  "firstOut",
  "suppressedBy",
  "zone",
  "space",
  "response",
  "responseEn",
]);

/** A draft without what says nothing: empty texts, no delay, switched on, switches that are off. */
export function tidied(draft: AlarmDefinition): AlarmDefinition {
  const said = Object.entries(draft).filter(([name, value]) => {
    if (!OPTIONAL.has(name)) return true;
    if (name === "enabled") return value === false;
    return value !== undefined && value !== "" && value !== 0 && value !== false;
  });
  return Object.fromEntries(said) as AlarmDefinition;
}

/** What a draft changes of a definition; undefined when nothing. What the definition had and the draft has not is taken away. */
export function changeOf(before: AlarmDefinition, draft: AlarmDefinition): DefinitionChange | undefined {
  const old = tidied(before);
  const now: Readonly<Record<string, unknown>> = tidied(draft);
  const fields = changedFields(old, tidied(draft));
  if (fields.length === 0) return undefined;
  return Object.fromEntries(fields.map((name) => [name, now[name] ?? null]));
}
