import { useId } from "react";
import { useTranslation } from "react-i18next";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import {
  CONDITION_PARTS,
  CONDITION_TYPES,
  type ConditionForm,
  type ConditionPart,
  type ConditionType,
} from "./condition-form.ts";
import { PointInput } from "./point-input.tsx";

interface Props {
  readonly form: ConditionForm;
  readonly disabled: boolean;
  readonly onChange: (form: ConditionForm) => void;
}

/** A condition: its kind, and the inputs of that kind. What two kinds have in common stays when the kind is changed. */
export function ConditionEditor({ form, disabled, onChange }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const put = (name: string, text: string): void => onChange({ ...form, texts: { ...form.texts, [name]: text } });
  return (
    <fieldset className="definition-condition">
      <legend>{t("definition.field.condition")}</legend>
      <label className="field-label" htmlFor={`${id}-type`}>
        {t("definition.conditionType")}
      </label>
      <select
        id={`${id}-type`}
        className="text-input"
        value={form.type}
        disabled={disabled}
        onChange={({ target }) => onChange({ ...form, type: target.value as ConditionType })}
      >
        {CONDITION_TYPES.map((type) => (
          <option key={type} value={type}>
            {t(`definition.type.${type}`)}
          </option>
        ))}
      </select>
      {CONDITION_PARTS[form.type].map((part) => (
        <div key={part.name} className="definition-part">
          <label className="field-label" htmlFor={`${id}-${part.name}`}>
            {t(`definition.part.${part.name}`)}
          </label>
          <PartInput
            id={`${id}-${part.name}`}
            part={part}
            value={form.texts[part.name] ?? ""}
            disabled={disabled}
            onChange={(text) => put(part.name, text)}
          />
        </div>
      ))}
    </fieldset>
  );
}

function PartInput(props: {
  readonly id: string;
  readonly part: ConditionPart;
  readonly value: string;
  readonly disabled: boolean;
  readonly onChange: (text: string) => void;
}) {
  const { id, part, value, disabled, onChange } = props;
  const { t } = useTranslation();
  const { site } = useServices();
  const { devices } = useCell(site.names);
  const common = { id, disabled, value, className: "text-input" };
  switch (part.input) {
    case "point":
    case "reference":
      return <PointInput id={id} value={value} disabled={disabled} onChange={onChange} />;
    case "device":
      return (
        <select {...common} onChange={({ target }) => onChange(target.value)}>
          <option value="" />
          {[...devices.values()].map((device) => (
            <option key={device.id} value={device.id}>
              {device.id}
            </option>
          ))}
        </select>
      );
    case "per":
      return (
        <select {...common} onChange={({ target }) => onChange(target.value)}>
          <option value="" />
          {(["second", "minute", "hour"] as const).map((per) => (
            <option key={per} value={per}>
              {t(`definition.perUnit.${per}`)}
            </option>
          ))}
        </select>
      );
    case "points":
      return <textarea {...common} rows={3} maxLength={5000} onChange={({ target }) => onChange(target.value)} />;
    case "number":
    case "seconds":
      return <input {...common} type="number" step="any" onChange={({ target }) => onChange(target.value)} />;
    case "value":
    case "values":
    case "text":
      return <input {...common} maxLength={1000} onChange={({ target }) => onChange(target.value)} />;
    default:
      return part.input satisfies never;
  }
}
