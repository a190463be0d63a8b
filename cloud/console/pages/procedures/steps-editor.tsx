import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { Role } from "#core/contracts/session.ts";
import { type ProcedureLink, type ProcedureStep, StepConfirm } from "#core/model/procedure.ts";
import { Icon } from "../../ui/icon.tsx";
import { LinkEditor } from "./link-editor.tsx";
import { defined, moved } from "./procedure-draft.ts";

const ROLES: readonly Role[] = Role.enum;
const CONFIRMS: readonly StepConfirm[] = StepConfirm.enum;
const MOST_STEPS = 40;
const NEW_STEP: ProcedureStep = { title: "", titleEn: "", confirm: "person" };

interface Props {
  readonly steps: readonly ProcedureStep[];
  readonly onChange: (steps: ProcedureStep[]) => void;
}

/** The steps in their order, which buttons change: no dragging, so that a keyboard and a thumb can do it too. */
export function StepsEditor({ steps, onChange }: Props) {
  const { t } = useTranslation();
  const put = (at: number, step: ProcedureStep): void => onChange(steps.map((one, i) => (i === at ? step : one)));
  return (
    <section className="procedure-steps-editor" aria-label={t("procedure.steps")}>
      <h3>{t("procedure.steps")}</h3>
      <ol>
        {steps.map((step, i) => (
          <li key={i} className="procedure-step" data-testid={`procedure-edit-${i + 1}`}>
            <div className="procedure-step-head">
              <strong>{t("procedure.step", { n: i + 1 })}</strong>
              <span className="procedure-order">
                <Button
                  size="small"
                  disabled={i === 0}
                  aria-label={t("procedure.up", { n: i + 1 })}
                  onClick={() => onChange(moved(steps, i, -1))}
                >
                  <Icon name="up" />
                </Button>
                <Button
                  size="small"
                  className="procedure-down"
                  disabled={i === steps.length - 1}
                  aria-label={t("procedure.down", { n: i + 1 })}
                  onClick={() => onChange(moved(steps, i, 1))}
                >
                  <Icon name="up" />
                </Button>
                <Button
                  size="small"
                  danger
                  disabled={steps.length === 1}
                  aria-label={t("procedure.remove", { n: i + 1 })}
                  onClick={() => onChange(steps.filter((_, at) => at !== i))}
                >
                  <Icon name="close" />
                </Button>
              </span>
            </div>
            <StepFields step={step} onChange={(changed) => put(i, changed)} />
          </li>
        ))}
      </ol>
      <Button
        disabled={steps.length >= MOST_STEPS}
        data-testid="procedure-add-step"
        onClick={() => onChange([...steps, NEW_STEP])}
      >
        <Icon name="plus" /> {t("procedure.addStep")}
      </Button>
    </section>
  );
}

function StepFields(props: { readonly step: ProcedureStep; readonly onChange: (step: ProcedureStep) => void }) {
  const { step, onChange } = props;
  const { t } = useTranslation();
  const put = (part: { readonly [K in keyof ProcedureStep]?: ProcedureStep[K] | undefined }): void =>
    onChange(defined<ProcedureStep>({ ...step, ...part }));
  const titles = [
    ["title", "stepTitle"],
    ["titleEn", "stepTitleEn"],
  ] as const;
  return (
    <div className="procedure-fields">
      {titles.map(([field, label]) => (
        <label key={field}>
          <span className="field-label">{t(`procedure.${label}`)}</span>
          <input
            className="text-input"
            maxLength={200}
            value={step[field]}
            onChange={({ target }) => put({ [field]: target.value })}
          />
        </label>
      ))}
      {(["text", "textEn"] as const).map((field) => (
        <label key={field}>
          <span className="field-label">{t(`procedure.${field}`)}</span>
          <textarea
            className="text-input"
            rows={2}
            maxLength={2000}
            value={step[field] ?? ""}
            onChange={({ target }) => put({ [field]: target.value })}
          />
        </label>
      ))}
      <label>
        <span className="field-label">{t("procedure.confirm")}</span>
        <select
          className="text-input"
          value={step.confirm}
          onChange={({ target }) => put({ confirm: target.value as StepConfirm })}
        >
          {CONFIRMS.map((confirm) => (
            <option key={confirm} value={confirm}>
              {t(`procedure.confirmKind.${confirm}`)}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span className="field-label">{t("procedure.role")}</span>
        <select
          className="text-input"
          value={step.role ?? ""}
          onChange={({ target }) => put({ role: ROLES.find((role) => role === target.value) })}
        >
          <option value="">{t("procedure.anybody")}</option>
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {t(`procedure.roles.${role}`)}
            </option>
          ))}
        </select>
      </label>
      <LinkEditor link={step.link} onChange={(link: ProcedureLink | undefined) => put({ link })} />
      <label className="procedure-mandatory">
        <input
          type="checkbox"
          disabled={step.confirm === "note"}
          checked={step.mandatory === true && step.confirm !== "note"}
          onChange={({ target }) => put({ mandatory: target.checked ? true : undefined })}
        />
        {t("procedure.mandatory")}
      </label>
    </div>
  );
}
