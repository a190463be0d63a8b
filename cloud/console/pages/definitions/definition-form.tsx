import { Button } from "antd";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { definitionFaults, needsSecondPerson } from "#core/alarm/definition-law.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import { ConditionEditor } from "./condition-editor.tsx";
import { conditionOf, formOf } from "./condition-form.ts";
import { changeOf, tidied } from "./definition-draft.ts";
import { DefinitionFields } from "./definition-fields.tsx";

interface Props {
  readonly before: AlarmDefinition;
  /** Is there none yet? Then everything may be typed. */
  readonly isNew?: boolean;
  readonly locked: boolean;
  readonly busy: boolean;
  readonly saveText: (after: AlarmDefinition) => string;
  readonly onSave: (after: AlarmDefinition, why: string) => void;
  readonly children?: ReactNode;
}

/** All of a definition to be typed, with what the law says of it, and why it is changed. */
export function DefinitionForm({ before, isNew = false, locked, busy, saveText, onSave, children }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const [draft, setDraft] = useState(before);
  const [condition, setCondition] = useState(() => formOf(before.condition));
  const [why, setWhy] = useState("");
  const typed = conditionOf(condition);
  const after = tidied({ ...draft, ...(typed.condition === undefined ? {} : { condition: typed.condition }) });
  const stands = isNew ? undefined : before;
  const faults = definitionFaults(stands, after);
  const fields = [...new Set(faults.map(({ field }) => field))];
  const incomplete = [
    ...(typed.missing ?? []).map((part) => t(`definition.part.${part}`)),
    ...(["id", "message", "messageEn"] as const)
      .filter((field) => draft[field].trim() === "")
      .map((field) => t(`definition.field.${field}`)),
  ];
  const changed = isNew || changeOf(before, after) !== undefined;
  const panic = before.category === "panic" && !isNew;
  const ready = changed && incomplete.length === 0 && faults.length === 0 && why.trim() !== "" && !locked;
  const list = (names: readonly string[]): string => names.join(t("common.listSeparator"));
  return (
    <form
      className="section definition-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) onSave(after, why.trim());
      }}
    >
      {panic && <p className="definition-hint">{t("definition.panic")}</p>}
      <DefinitionFields draft={draft} isNew={isNew} panic={panic} disabled={locked} onChange={setDraft} />
      <ConditionEditor form={condition} disabled={locked || panic} onChange={setCondition} />
      {!locked && (
        <>
          <label className="field-label" htmlFor={`${id}-why`}>
            {t("definition.why")}
          </label>
          <input
            id={`${id}-why`}
            className="text-input"
            data-testid="definition-why"
            maxLength={500}
            value={why}
            onChange={({ target }) => setWhy(target.value)}
          />
          <p className="field-error" role="status">
            {incomplete.length > 0 && t("definition.invalid", { what: list(incomplete) })}
            {fields.length > 0 &&
              t("definition.lawForbids", {
                what: list(fields.map((field) => t(`definition.field.${field as keyof AlarmDefinition}`))),
              })}
          </p>
          {needsSecondPerson(stands, after) && <p className="definition-hint">{t("definition.needsSecond")}</p>}
        </>
      )}
      <div className="definition-buttons">
        {!locked && (
          <Button type="primary" htmlType="submit" disabled={!ready} loading={busy} data-testid="definition-save">
            {saveText(after)}
          </Button>
        )}
        {!(locked || changed) && <span className="soft">{t("definition.unchanged")}</span>}
        {children}
      </div>
    </form>
  );
}
