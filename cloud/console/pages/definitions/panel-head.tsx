import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../ui/icon.tsx";

/** The head of a panel beside a list, with the way back to it. */
export function PanelHead(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children?: ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <header className="definition-head">
      <div className="definition-head-row">
        <h2>{props.title}</h2>
        <button type="button" className="plain" aria-label={t("common.close")} onClick={props.onClose}>
          <Icon name="close" />
        </button>
      </div>
      {props.children}
    </header>
  );
}
