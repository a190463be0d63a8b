import { type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import { lawOf, mayBeDelayed } from "#core/alarm/law.ts";
import { AlarmCategory, type AlarmDefinition, AlarmPriority } from "#core/model/alarm.ts";
import { named } from "../../i18n/language.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { useNames } from "../../ui/use-names.ts";

const CATEGORIES: readonly AlarmDefinition["category"][] = AlarmCategory.enum;
const PRIORITIES: readonly AlarmDefinition["priority"][] = AlarmPriority.enum;

interface Props {
  readonly draft: AlarmDefinition;
  readonly isNew: boolean;
  readonly panic: boolean;
  readonly disabled: boolean;
  readonly onChange: (draft: AlarmDefinition) => void;
}

function Field(props: { readonly label: string; readonly htmlFor: string; readonly children: ReactNode }) {
  return (
    <div className="definition-field">
      <label className="field-label" htmlFor={props.htmlFor}>
        {props.label}
      </label>
      {props.children}
    </div>
  );
}

/** Everything of a definition but its condition. What the law keeps from its category is not offered. */
export function DefinitionFields({ draft, isNew, panic, disabled, onChange }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const { site } = useServices();
  const { spaces, zones } = useCell(site.names);
  const { language } = useNames();
  const put = (part: Partial<AlarmDefinition>): void => onChange({ ...draft, ...part });
  const text = (field: "message" | "messageEn" | "response" | "responseEn", most: number) => (
    <Field label={t(`definition.field.${field}`)} htmlFor={`${id}-${field}`}>
      <textarea
        id={`${id}-${field}`}
        className="text-input"
        rows={field.startsWith("response") ? 3 : 1}
        maxLength={most}
        disabled={disabled}
        value={draft[field] ?? ""}
        onChange={({ target }) => put({ [field]: target.value })}
      />
    </Field>
  );
  const time = (field: "onDelayMs" | "offDelayMs" | "reAlarmMs", unitMs: number) => (
    <Field
      label={`${t(`definition.field.${field}`)} (${t(unitMs === 1000 ? "definition.seconds" : "definition.minutes")})`}
      htmlFor={`${id}-${field}`}
    >
      <input
        id={`${id}-${field}`}
        className="text-input"
        type="number"
        min={0}
        step="any"
        disabled={disabled}
        value={draft[field] === undefined ? "" : draft[field] / unitMs}
        onChange={({ target }) => put({ [field]: Math.round(Number(target.value) * unitMs) })}
      />
    </Field>
  );
  const tick = (field: "autoAcknowledge" | "latching", ticked: boolean) => (
    <label className="definition-check">
      <input
        type="checkbox"
        disabled={disabled}
        checked={ticked}
        onChange={({ target }) => put({ [field]: target.checked })}
      />
      {t(`definition.field.${field}`)}
    </label>
  );
  const facility = lawOf(draft.category) === "facility";
  const delayed = mayBeDelayed(draft.category);
  return (
    <div className="definition-fields">
      {isNew && (
        <Field label={t("definition.field.id")} htmlFor={`${id}-id`}>
          <input
            id={`${id}-id`}
            className="text-input mono"
            maxLength={64}
            pattern="[A-Za-z0-9_.\-]+"
            value={draft.id}
            data-testid="definition-id"
            onChange={({ target }) => put({ id: target.value.trim() })}
          />
        </Field>
      )}
      {text("message", 500)}
      {text("messageEn", 500)}
      <Field label={t("definition.field.priority")} htmlFor={`${id}-priority`}>
        <select
          id={`${id}-priority`}
          className="text-input"
          disabled={disabled}
          value={draft.priority}
          data-testid="definition-priority"
          onChange={({ target }) => put({ priority: target.value as AlarmDefinition["priority"] })}
        >
          {PRIORITIES.map((priority) => (
            <option key={priority} value={priority}>
              {t(`alarm.priority.${priority}`)}
            </option>
          ))}
        </select>
      </Field>
      <Field label={t("definition.field.category")} htmlFor={`${id}-category`}>
        <select
          id={`${id}-category`}
          className="text-input"
          disabled={disabled || panic}
          value={draft.category}
          onChange={({ target }) => put({ category: target.value as AlarmDefinition["category"] })}
        >
          {CATEGORIES.map((category) => (
            <option key={category} value={category}>
              {t(`alarm.category.${category}`)}
            </option>
          ))}
        </select>
      </Field>
      {delayed && time("onDelayMs", 1000)}
      {delayed && time("offDelayMs", 1000)}
      {facility && time("reAlarmMs", 60_000)}
      <Field label={t("definition.field.space")} htmlFor={`${id}-space`}>
        <select
          id={`${id}-space`}
          className="text-input"
          disabled={disabled}
          value={draft.space ?? ""}
          onChange={({ target }) => put({ space: target.value })}
        >
          <option value="">{t("definition.automatic")}</option>
          {[...spaces.values()].map((space) => (
            <option key={space.id} value={space.id}>
              {named(space, language)}
            </option>
          ))}
        </select>
      </Field>
      <Field label={t("definition.field.zone")} htmlFor={`${id}-zone`}>
        <select
          id={`${id}-zone`}
          className="text-input"
          disabled={disabled}
          value={draft.zone ?? ""}
          onChange={({ target }) => put({ zone: target.value })}
        >
          <option value="">{t("definition.none")}</option>
          {[...zones.values()].map((zone) => (
            <option key={zone.id} value={zone.id}>
              {named(zone, language)}
            </option>
          ))}
        </select>
      </Field>
      {text("response", 2000)}
      {text("responseEn", 2000)}
      {!panic && draft.category !== "panic" && (
        <label className="definition-check">
          <input
            type="checkbox"
            disabled={disabled}
            checked={draft.enabled !== false}
            data-testid="definition-enabled"
            onChange={({ target }) => put({ enabled: target.checked })}
          />
          {t("definition.field.enabled")}
        </label>
      )}
      {facility && tick("latching", draft.latching === true)}
      {facility && tick("autoAcknowledge", draft.autoAcknowledge === true)}
    </div>
  );
}
