import { useTranslation } from "react-i18next";
import type { RunView } from "#core/contracts/runs.ts";
import { timeOfDay } from "../i18n/format.ts";
import { zhCN } from "../i18n/zh-cn.ts";
import { Icon, type IconName } from "./icon.tsx";
import { useNames } from "./use-names.ts";
import "./run-view.css";

type ActionKey = keyof typeof zhCN.run.action;
const isActionKey = (action: string): action is ActionKey => Object.hasOwn(zhCN.run.action, action);

const ACTION_ICONS: Readonly<Partial<Record<string, IconName>>> = {
  writePoint: "pen",
  write: "pen",
  ptzPreset: "target",
  snapshot: "camera",
  recordClip: "record",
  controlDoor: "door",
  door: "door",
  releaseEscapeDoors: "run",
  notifyConsole: "bell",
};

/** How long something took, ms; never negative when clocks differ. */
const tookMs = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from));

/** One run of a rule: its outcome, and each step with its result and time. */
export function RunDetails({ run, name }: { readonly run: RunView; readonly name: string }) {
  const { t } = useTranslation();
  const names = useNames();
  const place = run.ranOn === "cloud" ? t("run.cloud") : run.ranOn.split("/").at(-1);
  return (
    <article className="run" data-testid="run">
      <div className="run-head">
        <strong className="cut">{name}</strong>
        <span className={`outcome outcome-${run.outcome}`}>{t(`run.outcome.${run.outcome}`)}</span>
      </div>
      <p className="soft run-facts">
        {timeOfDay(new Date(run.startedAt))} · {t("run.ranOn", { place })} ·{" "}
        {t("run.took", { ms: tookMs(run.startedAt, run.finishedAt) })}
      </p>
      {run.outcome !== "fired" && run.reason !== undefined && <p className="run-reason">{run.reason}</p>}
      <ol className="steps">
        {run.steps.map((step, index) => (
          <li key={index} className={`step step-${step.status}`}>
            <i aria-hidden="true">{step.status === "done" ? "✓" : step.status === "skipped" ? "–" : "✕"}</i>
            <span>
              <Icon name={ACTION_ICONS[step.action] ?? "rule"} />
              {isActionKey(step.action) ? t(`run.action.${step.action}`) : step.action}
              {step.target !== undefined && <span className="soft"> {names.device(step.target)}</span>}
              <StepMedia step={step} />
              {step.detail !== undefined && step.status !== "done" && (
                <small className="run-reason">{step.detail}</small>
              )}
            </span>
            <span className="soft">
              {step.status === "done"
                ? t("run.took", { ms: tookMs(step.startedAt, step.finishedAt) })
                : t(`run.step.${step.status}`)}
            </span>
          </li>
        ))}
      </ol>
    </article>
  );
}

/** Where the picture or the recording of a step can be seen. */
function StepMedia({ step: { snapshot, clip } }: { readonly step: RunView["steps"][number] }) {
  const { t } = useTranslation();
  return (
    <>
      {snapshot !== undefined && (
        <a className="step-media" href={snapshot} target="_blank" rel="noreferrer">
          {t("run.picture")}
        </a>
      )}
      {clip?.state === "here" && (
        <a className="step-media" href={clip.url} target="_blank" rel="noreferrer">
          {t("run.clip")}
        </a>
      )}
    </>
  );
}
