import { useTranslation } from "react-i18next";
import { useCell, useNow } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import { Icon } from "../ui/icon.tsx";

function Banner({ heardAt }: { readonly heardAt: number }) {
  const { t } = useTranslation();
  const { live } = useServices();
  const seconds = Math.max(0, Math.floor((useNow() - heardAt) / 1000));
  return (
    <div className="stale-banner" role="alert" data-testid="stale-banner">
      <Icon name="warning" />
      <span>{t("live.staleBanner", { seconds })}</span>
      <button type="button" className="plain" onClick={() => live.retryNow()}>
        {t("live.retryNow")}
      </button>
    </div>
  );
}

/** Says that what is shown may be out of date, when the cloud has been silent for ten seconds. */
export function StaleBanner() {
  const { live } = useServices();
  const { status, heardAt } = useCell(live.state);
  return status === "stale" ? <Banner heardAt={heardAt} /> : null;
}
