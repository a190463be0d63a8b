import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DoorView } from "#core/contracts/doors.ts";
import type { PointView } from "#core/contracts/points.ts";
import { useLoad } from "../api/use-load.ts";
import { compareDoors } from "../live/door-order.ts";
import { useCell, useItems, useLiveView } from "../live/hooks.ts";
import { addressOf } from "../router.ts";
import { useServices } from "../services-context.ts";
import { EmptyState, ErrorState, LoadingState } from "../ui/states.tsx";
import { RuleCard } from "./rules/rule-card.tsx";
import { pointsOfRule } from "./rules/rule-points.ts";
import { RuleRuns } from "./rules/rule-runs.tsx";
import "./rules/rules.css";

/** Linkage rules as sentences, where they run, and what they did. */
export default function RulesPage() {
  const { t } = useTranslation();
  const { api, router } = useServices();
  const { query } = useCell(router.place);
  const [round, setRound] = useState(0);
  const rules = useLoad(`rules ${round}`, async (signal) => {
    const { items } = await api.rules(signal);
    const ids = [...new Set(items.flatMap(pointsOfRule))];
    // A point that is gone or not visible is named by its id.
    const points = await Promise.all(ids.map((id) => api.point(id, signal).catch(() => undefined)));
    return {
      items,
      points: new Map(points.flatMap((point): [string, PointView][] => (point ? [[point.id, point]] : []))),
    };
  });
  const doors = useItems(useLiveView<DoorView>("doors", "all", undefined, compareDoors));
  const { data } = rules;
  if (data === undefined)
    return rules.loading ? <LoadingState /> : <ErrorState error={rules.error} onRetry={rules.reload} />;
  if (data.items.length === 0) return <EmptyState icon="rule" title={t("rule.empty")} hint={t("rule.emptyHint")} />;
  const chosen = data.items.find(({ id }) => id === query["rule"]);
  return (
    <div className="rule-desk">
      <section className="rule-list" aria-label={t("page.rules")}>
        {data.items.map((rule) => (
          <RuleCard
            key={rule.id}
            rule={rule}
            points={data.points}
            doors={doors}
            selected={rule === chosen}
            onSelect={() => router.go(addressOf("/rules", { rule: rule.id }), { replace: true })}
            onSwitched={() => setRound((value) => value + 1)}
          />
        ))}
      </section>
      <aside className="panel rule-runs" aria-label={t("rule.runs")}>
        {chosen === undefined ? (
          <EmptyState icon="rule" title={t("rule.choose")} />
        ) : (
          <RuleRuns key={chosen.id} rule={chosen} />
        )}
      </aside>
    </div>
  );
}
