import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../ui/icon.tsx";
import { Picture } from "../../ui/picture.tsx";

/** The pictures kept with an alarm, newest first and large; a click shows one as large as the screen. */
export function AlarmPictures({ urls }: { readonly urls: readonly string[] }) {
  const { t } = useTranslation();
  const dialog = useRef<HTMLDialogElement>(null);
  const [enlarged, setEnlarged] = useState<string>();
  if (urls.length === 0) return null;
  const open = (url: string): void => {
    setEnlarged(url);
    dialog.current?.showModal();
  };
  return (
    <section className="section">
      <h3>{t("alarm.detail.pictures")}</h3>
      <div className="pictures">
        {urls.toReversed().map((url, index) => (
          <button
            key={url}
            type="button"
            aria-label={t("alarm.detail.enlarge")}
            data-testid="alarm-picture"
            onClick={() => open(url)}
          >
            <Picture url={url} alt={t("alarm.detail.picture", { index: urls.length - index })} />
          </button>
        ))}
      </div>
      <dialog ref={dialog} className="large-picture" aria-label={t("alarm.detail.pictures")}>
        <button type="button" className="plain" aria-label={t("common.close")} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
        {enlarged !== undefined && <Picture url={enlarged} alt={t("alarm.detail.pictures")} />}
      </dialog>
    </section>
  );
}
