import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { grouped } from "../../i18n/format.ts";
import type { AlarmActName } from "../../live/alarm-acts.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { Icon } from "../../ui/icon.tsx";

interface Props {
  /** Alarms that the filter lets through. */
  readonly passing: number;
  readonly total: number;
  readonly filtering: boolean;
  readonly onClearFilter: () => void;
  readonly held: number;
  readonly onRelease: () => void;
  readonly ticked: ReadonlySet<string>;
  readonly onUntick: () => void;
  readonly onAct: (act: AlarmActName) => void;
}

/** What is done with a selection. It was named one by one: there is no "all that ever come". */
function TickedActs({ ticked, onUntick, onAct }: Pick<Props, "ticked" | "onUntick" | "onAct">) {
  const { t } = useTranslation();
  const { alarms, session } = useServices();
  const state = useCell(session.state);
  const may = (permission: string): boolean => state.is === "in" && state.permissions.has(permission);
  const shelvable = may("alarm.shelve") && [...ticked].some((id) => alarms.get(id)?.law === "facility");
  return (
    <span className="ticked-acts">
      <strong>{t("alarm.selected", { count: ticked.size })}</strong>
      <Button size="small" type="primary" data-testid="bulk-acknowledge" onClick={() => onAct("acknowledge")}>
        {t("alarm.act.acknowledge")}
      </Button>
      {shelvable && (
        <Button size="small" data-testid="bulk-shelve" onClick={() => onAct("shelve")}>
          {t("alarm.act.shelve")}
        </Button>
      )}
      {may("alarm.assign") && (
        <Button size="small" data-testid="bulk-assign" onClick={() => onAct("assign")}>
          {t("alarm.act.assign")}
        </Button>
      )}
      <Button size="small" aria-label={t("alarm.clearSelection")} title={t("alarm.clearSelection")} onClick={onUntick}>
        <Icon name="close" />
      </Button>
    </span>
  );
}

/** The line above the rows: how many, what hides some, what waits, what is ticked. It has its place also when it says little. */
export function ListStatus(props: Props) {
  const { t } = useTranslation();
  const { passing, total, filtering, held, ticked } = props;
  const hidden = total - passing;
  const counts = { shown: grouped(passing), total: grouped(total), hidden: grouped(hidden) };
  return (
    <div className="list-status">
      <span className="soft" role="status" data-testid="alarm-total">
        {t("alarm.totalFiltered", counts)}
      </span>
      {filtering && (
        <button type="button" className="tag tag-warn" data-testid="clear-filters" onClick={props.onClearFilter}>
          <Icon name="filter" />
          {t("alarm.filtered")} · {t("alarm.clearFilters")}
        </button>
      )}
      {held > 0 && (
        <button
          type="button"
          className="held"
          title={t("alarm.newAlarmsHint")}
          data-testid="new-alarms"
          onClick={props.onRelease}
        >
          <Icon name="refresh" />
          {t("alarm.newAlarms", { count: held })}
        </button>
      )}
      {ticked.size > 0 && <TickedActs ticked={ticked} onUntick={props.onUntick} onAct={props.onAct} />}
    </div>
  );
}
