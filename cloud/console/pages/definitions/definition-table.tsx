import { useTranslation } from "react-i18next";
import type { DefinitionView } from "#core/contracts/definitions.ts";
import { shortTime } from "../../i18n/format.ts";
import { PriorityMark } from "../../ui/priority-mark.tsx";
import { useNames } from "../../ui/use-names.ts";
import { conditionText } from "./condition-text.ts";

interface Props {
  readonly views: readonly DefinitionView[];
  readonly chosen: string | undefined;
  readonly onChoose: (id: string) => void;
}

/** The definitions as rows. The name is a button; the columns that matter least go first on a narrow screen. */
export function DefinitionTable({ views, chosen, onChoose }: Props) {
  const { t } = useTranslation();
  return (
    <table className="plain-table definition-table" data-testid="definition-table">
      <thead>
        <tr>
          <th scope="col">{t("definition.column.definition")}</th>
          <th scope="col">{t("definition.column.condition")}</th>
          <th scope="col" className="wide-only">
            {t("definition.column.category")}
          </th>
          <th scope="col" className="wide-only">
            {t("definition.column.origin")}
          </th>
          <th scope="col" className="wide-only">
            {t("definition.column.changed")}
          </th>
          <th scope="col">{t("definition.column.state")}</th>
        </tr>
      </thead>
      <tbody>
        {views.map((view) => (
          <Row key={view.definition.id} view={view} selected={view.definition.id === chosen} onChoose={onChoose} />
        ))}
      </tbody>
    </table>
  );
}

function Row(props: {
  readonly view: DefinitionView;
  readonly selected: boolean;
  readonly onChoose: (id: string) => void;
}) {
  const { view, selected, onChoose } = props;
  const { definition, enabled, pending, origin, profile, changedAt, changedBy } = view;
  const { t } = useTranslation();
  const { language } = useNames();
  return (
    <tr aria-selected={selected} className={selected ? "row-selected" : undefined}>
      <td>
        <span className="definition-name">
          <PriorityMark priority={definition.priority} quiet />
          <button
            type="button"
            className="plain cell-link"
            data-testid={`definition-${definition.id}`}
            onClick={() => onChoose(definition.id)}
          >
            {language === "en" ? definition.messageEn : definition.message}
          </button>
        </span>
      </td>
      <td className="mono">{conditionText(definition.condition)}</td>
      <td className="wide-only">{t(`alarm.category.${definition.category}`)}</td>
      <td className="wide-only">
        {t(`definition.origin.${origin}`)}
        {profile !== undefined && <small className="soft"> {profile}</small>}
      </td>
      <td className="wide-only">
        {changedAt === undefined ? (
          <span className="soft">{t("definition.neverChanged")}</span>
        ) : (
          `${shortTime(changedAt, Date.now())} ${changedBy ?? ""}`
        )}
      </td>
      <td>
        {pending !== undefined && <span className="tag tag-warn">{t("definition.state.pending")}</span>}
        {!enabled && <span className="tag tag-bad">{t("definition.state.disabled")}</span>}
        {enabled && pending === undefined && <span className="tag">{t("definition.state.enabled")}</span>}
      </td>
    </tr>
  );
}
