import { useTranslation } from "react-i18next";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { Icon } from "../../ui/icon.tsx";

interface Props {
  readonly folded: boolean;
  readonly onFolded: (folded: boolean) => void;
}

/** Says that more comes than a person can follow, and folds the list by cause. [ISA-18.2 alarm flood] */
export function FloodBar({ folded, onFolded }: Props) {
  const { t } = useTranslation();
  const { sound } = useServices();
  const { flooding, raised } = useCell(sound.flood);
  if (!flooding) return null;
  return (
    <div className="flood-bar" role="status" data-testid="flood-bar">
      <Icon name="warning" />
      <span>
        <strong>{t("alarm.flood.title")}</strong> {t("alarm.flood.text", { count: raised })}{" "}
        <span className="flood-hint">{t(folded ? "alarm.flood.hintFolded" : "alarm.flood.hint")}</span>
      </span>
      <button
        type="button"
        className="plain"
        aria-pressed={folded}
        data-testid="fold-toggle"
        onClick={() => onFolded(!folded)}
      >
        {t(folded ? "alarm.flood.unfold" : "alarm.flood.fold")}
      </button>
    </div>
  );
}
