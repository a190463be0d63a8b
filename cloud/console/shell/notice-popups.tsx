import { Button } from "antd";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useCell, useItem } from "../live/hooks.ts";
import type { Notice } from "../live/notices.ts";
import { useServices } from "../services-context.ts";
import { Icon } from "../ui/icon.tsx";
import { Picture } from "../ui/picture.tsx";
import { useNames } from "../ui/use-names.ts";

function Popup({ notice }: { readonly notice: Notice }) {
  const { t } = useTranslation();
  const { alarms, notices, router } = useServices();
  const names = useNames();
  const alarm = useItem(alarms, notice.alarm);
  const picture = alarm?.snapshots.at(-1);
  const handled = alarm?.acknowledged === true;
  useEffect(() => {
    if (handled) notices.close(notice.id);
  }, [handled, notices, notice.id]);
  const open = (): void => {
    if (notice.alarm !== undefined) router.go(`/alarms?alarm=${encodeURIComponent(notice.alarm)}`);
    notices.close(notice.id);
  };
  return (
    <section className="popup" role="alert" aria-label={t("alarm.popup.label")} data-testid="notice-popup">
      <div className="popup-head">
        <strong>{names.language === "en" ? notice.textEn : notice.text}</strong>
        <button
          type="button"
          className="plain"
          aria-label={t("common.close")}
          data-testid="notice-close"
          onClick={() => notices.close(notice.id)}
        >
          <Icon name="close" />
        </button>
      </div>
      {(notice.camera !== undefined || picture !== undefined) && (
        <div className="popup-picture">
          {picture === undefined ? (
            <span>{t("alarm.popup.waiting")}</span>
          ) : (
            <Picture url={picture} alt={t("alarm.popup.picture")} />
          )}
        </div>
      )}
      <div className="popup-foot">
        <span className="soft cut">{alarm === undefined ? names.device(notice.camera) : names.space(alarm.area)}</span>
        {notice.alarm !== undefined && (
          <Button type="primary" data-testid="notice-open" onClick={open}>
            {t("alarm.popup.open")}
          </Button>
        )}
      </div>
    </section>
  );
}

/** What linkages put in front of the operator. It blocks nothing: the list stays in reach. */
export function NoticePopups() {
  const { notices } = useServices();
  const open = useCell(notices.open);
  return (
    <div className="popups">
      {open.map((notice) => (
        <Popup key={notice.id} notice={notice} />
      ))}
    </div>
  );
}
