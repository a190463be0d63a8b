import { useTranslation } from "react-i18next";
import { changedFields } from "#core/alarm/definition-law.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import { fieldText } from "./condition-text.ts";

/** What differs between two states of a definition: old and new, field by field. */
export function ChangedFields(props: {
  readonly before: AlarmDefinition | null;
  readonly after: AlarmDefinition | null;
}) {
  const { t } = useTranslation();
  const old: Readonly<Record<string, unknown>> = props.before ?? {};
  const now: Readonly<Record<string, unknown>> = props.after ?? {};
  const fields = changedFields(props.before ?? undefined, props.after ?? undefined).filter((name) => name !== "id");
  return (
    <dl className="facts definition-diff">
      {fields.map((name) => (
        <div key={name} className="fact">
          <dt>{t(`definition.field.${name as keyof AlarmDefinition}`)}</dt>
          <dd>
            {props.before !== null && (
              <>
                <del>{fieldText(name, old[name])}</del> <span aria-hidden="true">→</span>{" "}
              </>
            )}
            <ins>{fieldText(name, now[name])}</ins>
          </dd>
        </div>
      ))}
    </dl>
  );
}
