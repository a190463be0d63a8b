import { Button } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { StepView } from "#core/contracts/procedures.ts";
import type { ProcedureLink } from "#core/model/procedure.ts";
import { shortTime } from "../../i18n/format.ts";
import { addressOf } from "../../router.ts";
import { useServices } from "../../services-context.ts";
import { Icon } from "../../ui/icon.tsx";
import { useNames } from "../../ui/use-names.ts";

interface Props {
  readonly step: StepView;
  /** May the user do it now? */
  readonly may: boolean;
  readonly busy: boolean;
  readonly onConfirm: (name: string | undefined) => void;
  readonly onSkip: () => void;
}

/** One step: what is to be done, who does it, and its buttons, as wide as a thumb needs them. */
export function ProcedureStepCard({ step, may, busy, onConfirm, onSkip }: Props) {
  const { t } = useTranslation();
  const { language } = useNames();
  const id = useId();
  const [name, setName] = useState("");
  const title = language === "en" ? step.titleEn : step.title;
  const text = language === "en" ? step.textEn : step.text;
  const given = name.trim();
  const open = may && step.confirm !== "note" && step.status !== "confirmed";
  return (
    <li className={`procedure-step procedure-${step.status}`} data-testid={`procedure-step-${step.n}`}>
      <div className="procedure-step-head">
        <span className="procedure-number" aria-hidden="true">
          {step.status === "confirmed" ? <Icon name="check" /> : step.n}
        </span>
        <strong>{title}</strong>
        {step.mandatory === true && <span className="tag">{t("procedure.panel.mandatory")}</span>}
        {step.role !== undefined && <span className="tag">{t(`procedure.roles.${step.role}`)}</span>}
      </div>
      {text !== undefined && <p>{text}</p>}
      {step.link !== undefined && <StepLink link={step.link} />}
      <StepResult step={step} />
      {open && (
        <div className="procedure-acts">
          {step.confirm === "name" && (
            <label htmlFor={id}>
              <span className="field-label">{t("procedure.panel.who")}</span>
              <input
                id={id}
                className="text-input"
                maxLength={100}
                value={name}
                onChange={({ target }) => setName(target.value)}
                onKeyDown={({ key, nativeEvent }) => {
                  if (key === "Enter" && !nativeEvent.isComposing && given !== "" && !busy) onConfirm(given);
                }}
              />
            </label>
          )}
          <Button
            type="primary"
            size="large"
            className="procedure-confirm"
            disabled={busy || (step.confirm === "name" && given === "")}
            aria-label={t("procedure.panel.confirmStep", { step: title })}
            onClick={() => onConfirm(step.confirm === "name" ? given : undefined)}
          >
            {t("procedure.panel.confirm")}
          </Button>
          {step.status === "open" && (
            <Button
              size="large"
              disabled={busy}
              aria-label={t("procedure.panel.skipStep", { step: title })}
              onClick={onSkip}
            >
              {t("procedure.panel.skip")}
            </Button>
          )}
        </div>
      )}
    </li>
  );
}

/** How a step ended: who, when, on the spot, or why not. */
function StepResult({ step: { status, actor, at, doneBy, reason } }: { readonly step: StepView }) {
  const { t } = useTranslation();
  if (status === "open") return null;
  return (
    <p className="procedure-result">
      {t("procedure.panel.doneAt", { user: actor, time: shortTime(at, Date.now()) })}
      {doneBy !== undefined && <span> · {t("procedure.panel.doneBy", { name: doneBy })}</span>}
      {status === "skipped" && <strong> · {t("procedure.panel.skipped", { reason })}</strong>}
    </p>
  );
}

/** Where a step leads. Nothing is done by it: the page it opens asks by itself. */
function StepLink({ link }: { readonly link: ProcedureLink }) {
  const { t } = useTranslation();
  const { router } = useServices();
  const { device } = useNames();
  const go = (path: string, query: Readonly<Record<string, string>>) => (): void => router.go(addressOf(path, query));
  switch (link.kind) {
    case "camera":
      return (
        <Button className="procedure-link" onClick={go("/video", { camera: link.device })}>
          <Icon name="video" /> {t("procedure.panel.camera")} {device(link.device)}
        </Button>
      );
    case "door":
      return (
        <Button className="procedure-link" onClick={go("/doors", { door: link.door })}>
          <Icon name="door" /> {t("procedure.panel.door")}
        </Button>
      );
    case "command":
      return (
        <Button className="procedure-link" onClick={go("/devices", { point: link.point })}>
          <Icon name="run" /> {t("procedure.panel.command", { value: String(link.value) })}
        </Button>
      );
    default:
      return link satisfies never;
  }
}
