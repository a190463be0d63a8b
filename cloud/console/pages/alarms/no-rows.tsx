import { Button } from "antd";
import { useTranslation } from "react-i18next";
import type { AlarmTab } from "../../live/alarm-filter.ts";
import { countHeldBack } from "../../live/alarm-tally.ts";
import { useCellPart } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { EmptyState, LoadingState } from "../../ui/states.tsx";

/** Why no row is shown: nothing came yet, a filter hides all, or there is nothing. */
export function NoRows(props: {
  readonly loaded: boolean;
  readonly tab: AlarmTab;
  readonly filtering: boolean;
  readonly onClearFilter: () => void;
}) {
  const { t } = useTranslation();
  const { tally } = useServices();
  const held = useCellPart(tally, countHeldBack);
  if (!props.loaded) return <LoadingState />;
  if (props.filtering)
    return (
      <EmptyState icon="filter" title={t("alarm.emptyFiltered")}>
        <Button onClick={props.onClearFilter}>{t("alarm.clearFilters")}</Button>
      </EmptyState>
    );
  // Normal is only what nobody has put aside either.
  if (props.tab === "active" && held > 0)
    return <EmptyState icon="check" title={t("alarm.emptyHeld", { count: held })} />;
  if (props.tab === "active") return <EmptyState icon="check" title={t("alarm.empty")} hint={t("alarm.emptyHint")} />;
  return <EmptyState icon="check" title={t("alarm.emptyTab")} />;
}
