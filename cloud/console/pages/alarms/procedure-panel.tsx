import { App, Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { AlarmProcedureView, StepView } from "#core/contracts/procedures.ts";
import { errorText } from "../../api/error-text.ts";
import { useLoad } from "../../api/use-load.ts";
import { fullTime } from "../../i18n/format.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { ErrorState, LoadingState } from "../../ui/states.tsx";
import { useNames } from "../../ui/use-names.ts";
import { ProcedureStepCard } from "./procedure-step.tsx";
import "./procedure-panel.css";

/** What is asked for before it is done. */
type Asking = { readonly act: "skip"; readonly step: StepView } | { readonly act: "abandon" };

/** The procedure of an alarm, asked for again whenever something about the alarm has changed. */
function useProcedure(alarm: AlarmView) {
  const { api } = useServices();
  const loaded = useLoad<AlarmProcedureView>(`${alarm.id} ${alarm.occurrence}`, (signal) =>
    api.procedures.ofAlarm(alarm.id, signal),
  );
  const { reload } = loaded;
  const [answered, setAnswered] = useState<AlarmProcedureView>();
  const seen = useRef(alarm);
  useEffect(() => {
    // another operator may have confirmed a step: the cloud tells the alarm anew
    if (seen.current !== alarm) reload();
    seen.current = alarm;
  }, [alarm, reload]);
  const { data } = loaded;
  // What was asked for later counts: the answer of an own act only until the next load.
  useEffect(() => {
    if (data !== undefined) setAnswered(undefined);
  }, [data]);
  return { ...loaded, data: answered ?? data, answer: setAnswered };
}

/** Steps of a procedure that nobody has begun with. */
function openSteps({ procedure }: AlarmProcedureView): readonly StepView[] {
  return (procedure?.procedure.steps ?? []).map((step, i) => ({ ...step, n: i + 1, status: "open" as const }));
}

/** The response procedure of an alarm as a checklist: what is to be done, by whom, and what was done. */
export default function ProcedurePanel(props: {
  readonly alarm: AlarmView;
  /** The procedure is here, or will not come: what stands below it keeps its place. */
  readonly onSettled: () => void;
}) {
  const { alarm, onSettled } = props;
  const { t } = useTranslation();
  const { data, error, loading, reload, answer } = useProcedure(alarm);
  const settled = data !== undefined || !loading;
  useEffect(() => {
    if (settled) onSettled();
  }, [settled, onSettled]);
  if (data === undefined) return loading ? <LoadingState /> : <ErrorState error={error} onRetry={reload} />;
  if (data.procedure === null && data.earlier.length === 0)
    return <p className="soft procedure-none">{t("procedure.panel.none")}</p>;
  return (
    <section className="section procedure-panel" data-testid="procedure-panel" aria-label={t("procedure.panel.title")}>
      {data.procedure !== null && <Work alarm={alarm} view={data} onAnswer={answer} onFailed={reload} />}
      <Earlier view={data} />
    </section>
  );
}

function Work(props: {
  readonly alarm: AlarmView;
  readonly view: AlarmProcedureView;
  readonly onAnswer: (view: AlarmProcedureView) => void;
  readonly onFailed: () => void;
}) {
  const { alarm, view, onAnswer, onFailed } = props;
  const { t } = useTranslation();
  const { api, session, preferences } = useServices();
  const { message } = App.useApp();
  const { language } = useNames();
  const state = useCell(session.state);
  const station = useCell(preferences.workplace);
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState<Asking>();
  const { run, procedure, occurrence } = view;
  const may = state.is === "in" && state.permissions.has("alarm.acknowledge");
  const isOpen = run === null ? alarm.state !== "A" : run.status === "running" || run.status === "unfinished";
  const steps = run?.steps ?? openSteps(view);
  const asked = steps.filter(({ confirm }) => confirm !== "note");
  const done = asked.filter(({ status }) => status !== "open").length;
  const said = { occurrence, ...(station === "" ? {} : { station }) };

  const act = async (work: () => Promise<AlarmProcedureView>): Promise<void> => {
    setBusy(true);
    try {
      onAnswer(await work());
    } catch (error) {
      void message.error(errorText(error, t));
      onFailed();
    }
    setBusy(false);
  };
  const give = (reason: string): void => {
    if (asking === undefined) return;
    setAsking(undefined);
    void act(() =>
      asking.act === "skip"
        ? api.procedures.skip(alarm.id, asking.step.n, { ...said, reason })
        : api.procedures.abandon(alarm.id, { ...said, reason }),
    );
  };
  const title = language === "en" ? procedure?.procedure.titleEn : procedure?.procedure.title;
  return (
    <>
      <header className="procedure-head">
        <h3>{title}</h3>
        <span className="soft">{t("procedure.version", { version: procedure?.version })}</span>
        {run !== null && <span className="tag">{t(`procedure.panel.status.${run.status}`)}</span>}
      </header>
      <div className="procedure-progress">
        <progress value={done} max={Math.max(asked.length, 1)} aria-label={t("procedure.panel.title")} />
        <span>{t("procedure.panel.progress", { done, total: asked.length })}</span>
      </div>
      {run !== null && (
        <p className="soft">{t("procedure.panel.startedBy", { user: run.startedBy, time: fullTime(run.startedAt) })}</p>
      )}
      {run?.status === "unfinished" && (
        <p className="procedure-missing" role="alert">
          {t("procedure.panel.missing", { steps: run.missing.join(t("common.listSeparator")) })}
        </p>
      )}
      {!may && <p className="soft">{t("procedure.panel.mayNot")}</p>}
      {run === null && may && isOpen && (
        <Button
          type="primary"
          size="large"
          block
          loading={busy}
          data-testid="procedure-start"
          onClick={() => void act(() => api.procedures.start(alarm.id, said))}
        >
          {t("procedure.panel.start")}
        </Button>
      )}
      <ol className="procedure-steps">
        {steps.map((step) => (
          <ProcedureStepCard
            key={step.n}
            step={step}
            may={may && isOpen}
            busy={busy}
            onConfirm={(name) =>
              void act(() =>
                api.procedures.confirm(alarm.id, step.n, { ...said, ...(name === undefined ? {} : { name }) }),
              )
            }
            onSkip={() => setAsking({ act: "skip", step })}
          />
        ))}
      </ol>
      {run?.status === "running" && may && (
        <Button danger disabled={busy} onClick={() => setAsking({ act: "abandon" })}>
          {t("procedure.panel.abandon")}
        </Button>
      )}
      {asking !== undefined && (
        <ConfirmDialog
          name="procedure"
          danger={asking.act === "abandon"}
          title={
            asking.act === "abandon"
              ? t("procedure.panel.abandonTitle")
              : t("procedure.panel.skipTitle", { step: language === "en" ? asking.step.titleEn : asking.step.title })
          }
          confirmText={t(asking.act === "abandon" ? "procedure.panel.abandon" : "procedure.panel.skip")}
          reasonLabel={t(asking.act === "abandon" ? "procedure.panel.abandonReason" : "procedure.panel.skipReason")}
          reasonRequired={t("procedure.reasonMissing")}
          onCancel={() => setAsking(undefined)}
          onConfirm={(reason) => give(reason ?? "")}
        >
          {null}
        </ConfirmDialog>
      )}
    </>
  );
}

/** What was done when the alarm came before. */
function Earlier({ view: { earlier } }: { readonly view: AlarmProcedureView }) {
  const { t } = useTranslation();
  const { language } = useNames();
  if (earlier.length === 0) return null;
  return (
    <details className="procedure-earlier">
      <summary>{t("procedure.panel.earlier")}</summary>
      {earlier.map((run) => (
        <section key={run.id}>
          <h4>
            {t("alarm.detail.occurrenceOf", { count: run.occurrence })} · {t(`procedure.panel.status.${run.status}`)}
          </h4>
          <ol>
            {run.acts.map((one) => {
              const step = run.steps.find(({ n }) => n === one.n);
              const words = language === "en" ? step?.titleEn : step?.title;
              return (
                <li key={`${one.act} ${one.n ?? ""} ${one.at}`}>
                  {fullTime(one.at)} {one.actor} {words} {one.reason}
                </li>
              );
            })}
          </ol>
        </section>
      ))}
    </details>
  );
}
