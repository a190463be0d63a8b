import { useTranslation } from "react-i18next";
import { useLoad } from "../../api/use-load.ts";
import { named } from "../../i18n/language.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { RunDetails } from "../../ui/run-view.tsx";
import { ErrorState, LoadingState } from "../../ui/states.tsx";
import { useNames } from "../../ui/use-names.ts";

/** What linkages did about an alarm, step by step. */
export function AlarmRuns({ ids }: { readonly ids: readonly string[] }) {
  const { t } = useTranslation();
  const { api, session } = useServices();
  const { language } = useNames();
  const state = useCell(session.state);
  const may = state.is === "in" && state.permissions.has("rule.read");
  const runs = useLoad(may && ids.length > 0 ? ids.join(" ") : undefined, async (signal) => {
    const [rules, ...found] = await Promise.all([api.rules(signal), ...ids.map((id) => api.run(id, signal))]);
    return found.map((run) => {
      const rule = rules.items.find(({ id }) => id === run.rule);
      return { run, name: rule === undefined ? run.rule : rule };
    });
  });
  if (!may) return null;
  return (
    <section className="section">
      <h3>{t("alarm.detail.linkage")}</h3>
      {ids.length === 0 && <p className="soft">{t("alarm.detail.noLinkage")}</p>}
      {runs.data?.map(({ run, name }) => (
        <RunDetails key={run.id} run={run} name={typeof name === "string" ? name : named(name, language)} />
      ))}
      {runs.data === undefined && runs.loading && <LoadingState />}
      {runs.error !== undefined && <ErrorState error={runs.error} onRetry={runs.reload} />}
    </section>
  );
}
