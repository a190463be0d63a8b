import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import type { RunView } from "#core/contracts/runs.ts";
import type { PlacedRule } from "../../api/hub-api.ts";
import { useLoad } from "../../api/use-load.ts";
import { fullTime } from "../../i18n/format.ts";
import { named } from "../../i18n/language.ts";
import { useServices } from "../../services-context.ts";
import { Link } from "../../ui/link.tsx";
import { RunDetails } from "../../ui/run-view.tsx";
import { EmptyState, ErrorState, LoadingState } from "../../ui/states.tsx";
import { useNames } from "../../ui/use-names.ts";

const LAST_RUNS = 20;

/** What a rule did last, newest first; a new run appears by itself. */
export function RuleRuns({ rule }: { readonly rule: PlacedRule }) {
  const { t } = useTranslation();
  const { api, live } = useServices();
  const { language } = useNames();
  const runs = useLoad(rule.id, (signal) => api.runsOf(rule.id, LAST_RUNS, signal));
  const { reload } = runs;
  useEffect(
    () =>
      live.view<RunView>("runs", undefined, (message) => {
        if (message.t === "delta" && message.up.some((run) => run.rule === rule.id)) reload();
      }),
    [live, rule.id, reload],
  );
  return (
    <>
      <div className="rule-runs-head">
        <h2>{t("rule.runs")}</h2>
        <span className="soft cut">{named(rule, language)}</span>
      </div>
      {runs.data === undefined && runs.loading && <LoadingState />}
      {runs.error !== undefined && <ErrorState error={runs.error} onRetry={runs.reload} />}
      {runs.data?.items.length === 0 && <EmptyState icon="rule" title={t("rule.noRuns")} />}
      {runs.data?.items.map((run) => (
        <section key={run.id} className="section">
          <RunDetails run={run} name={fullTime(run.startedAt).slice(0, 19)} />
          {run.alarm !== undefined && (
            <Link to={`/alarms?alarm=${encodeURIComponent(run.alarm)}`}>{t("alarm.popup.open")}</Link>
          )}
        </section>
      ))}
    </>
  );
}
