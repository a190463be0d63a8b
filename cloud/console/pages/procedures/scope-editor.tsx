import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { AlarmCategory, AlarmPriority, Law } from "#core/model/alarm.ts";
import type { ProcedureScope } from "#core/model/procedure.ts";
import { named } from "../../i18n/language.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { useNames } from "../../ui/use-names.ts";
import { defined, entriesOf, ticked } from "./procedure-draft.ts";

const CATEGORIES: readonly AlarmCategory[] = AlarmCategory.enum;
const PRIORITIES: readonly AlarmPriority[] = AlarmPriority.enum;
const LAWS: readonly Law[] = Law.enum;

interface Props {
  readonly scope: ProcedureScope;
  readonly onChange: (scope: ProcedureScope) => void;
}

/** Which alarms a procedure is for. What is not chosen does not matter. */
export function ScopeEditor({ scope, onChange }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const { site } = useServices();
  const { spaces } = useCell(site.names);
  const { language } = useNames();
  const [definitions, setDefinitions] = useState((scope.definitions ?? []).join("\n"));
  const [kinds, setKinds] = useState((scope.deviceKinds ?? []).join(", "));
  const put = (part: { readonly [K in keyof ProcedureScope]?: ProcedureScope[K] | undefined }): void =>
    onChange(defined<ProcedureScope>({ ...scope, ...part }));
  return (
    <fieldset className="procedure-scope">
      <legend>{t("procedure.scope")}</legend>
      <p className="soft">{t("procedure.scopeHint")}</p>
      <Ticks
        label={t("procedure.categories")}
        options={CATEGORIES.map((value) => ({ value, label: t(`alarm.category.${value}`) }))}
        chosen={scope.categories}
        onTick={(value, is) => put({ categories: ticked(scope.categories, value, is) })}
      />
      <Ticks
        label={t("procedure.priorities")}
        options={PRIORITIES.map((value) => ({ value, label: t(`alarm.priority.${value}`) }))}
        chosen={scope.priorities}
        onTick={(value, is) => put({ priorities: ticked(scope.priorities, value, is) })}
      />
      <div className="procedure-fields">
        <label htmlFor={`${id}-areas`}>
          <span className="field-label">{t("procedure.areas")}</span>
          <select
            id={`${id}-areas`}
            className="text-input"
            multiple
            size={5}
            value={scope.areas ?? []}
            onChange={({ target }) => {
              const areas = [...target.selectedOptions].map(({ value }) => value);
              put({ areas: areas.length === 0 ? undefined : areas });
            }}
          >
            {[...spaces.values()].map((space) => (
              <option key={space.id} value={space.id}>
                {named(space, language)}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span className="field-label">{t("procedure.definitions")}</span>
          <textarea
            className="text-input mono"
            rows={5}
            maxLength={5000}
            value={definitions}
            onChange={({ target }) => {
              setDefinitions(target.value);
              put({ definitions: entriesOf(target.value) });
            }}
          />
        </label>
        <label>
          <span className="field-label">{t("procedure.deviceKinds")}</span>
          <input
            className="text-input"
            maxLength={500}
            value={kinds}
            onChange={({ target }) => {
              setKinds(target.value);
              put({ deviceKinds: entriesOf(target.value) });
            }}
          />
        </label>
        <label>
          <span className="field-label">{t("procedure.law")}</span>
          <select
            className="text-input"
            value={scope.law ?? ""}
            onChange={({ target }) => put({ law: LAWS.find((law) => law === target.value) })}
          >
            <option value="">{t("common.all")}</option>
            {LAWS.map((law) => (
              <option key={law} value={law}>
                {t(`alarm.law.${law}`)}
              </option>
            ))}
          </select>
        </label>
      </div>
    </fieldset>
  );
}

function Ticks<T extends string>(props: {
  readonly label: string;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly chosen: readonly T[] | undefined;
  readonly onTick: (value: T, is: boolean) => void;
}) {
  return (
    <fieldset className="procedure-ticks">
      <legend className="field-label">{props.label}</legend>
      {props.options.map(({ value, label }) => (
        <label key={value}>
          <input
            type="checkbox"
            checked={props.chosen?.includes(value) === true}
            onChange={({ target }) => props.onTick(value, target.checked)}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
