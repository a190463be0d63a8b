import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { grouped } from "../../i18n/format.ts";
import { Icon } from "../../ui/icon.tsx";

interface Props {
  readonly shown: number;
  readonly total: number;
  readonly filtering: boolean;
  readonly onClearFilter: () => void;
  readonly held: number;
  readonly onRelease: () => void;
  readonly ticked: number;
  readonly onUntick: () => void;
  readonly onAcknowledge: () => void;
}

/** The line above the rows: how many, what hides some, what waits, what is ticked. It has its place also when it says little. */
export function ListStatus(props: Props) {
  const { t } = useTranslation();
  const counts = { shown: grouped(props.shown), total: grouped(props.total) };
  return (
    <div className="list-status">
      <span className="soft" role="status" data-testid="alarm-total">
        {t(props.filtering ? "alarm.totalFiltered" : "alarm.total", counts)}
      </span>
      {props.filtering && (
        <button type="button" className="tag tag-warn" data-testid="clear-filters" onClick={props.onClearFilter}>
          <Icon name="filter" />
          {t("alarm.filtered")} · {t("alarm.clearFilters")}
        </button>
      )}
      {props.held > 0 && (
        <button
          type="button"
          className="held"
          title={t("alarm.newAlarmsHint")}
          data-testid="new-alarms"
          onClick={props.onRelease}
        >
          <Icon name="refresh" />
          {t("alarm.newAlarms", { count: props.held })}
        </button>
      )}
      {props.ticked > 0 && (
        <span className="ticked-acts">
          <strong>{t("alarm.selected", { count: props.ticked })}</strong>
          <Button size="small" type="primary" data-testid="bulk-acknowledge" onClick={props.onAcknowledge}>
            {t("alarm.acknowledgeSelected")}
          </Button>
          <Button size="small" onClick={props.onUntick}>
            {t("alarm.clearSelection")}
          </Button>
        </span>
      )}
    </div>
  );
}
