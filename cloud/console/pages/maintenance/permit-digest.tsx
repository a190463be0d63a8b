import { useTranslation } from "react-i18next";
import type { PermitView } from "#core/contracts/maintenance.ts";
import { useNames } from "../../ui/use-names.ts";

/** What a permit holds or held back: counts at once, the alarms on demand. */
export function PermitDigestTable({ permit }: { readonly permit: PermitView }) {
  const { t } = useTranslation();
  const names = useNames();
  const { digest } = permit;
  if (digest === undefined) return null;
  const { alarms, raised, active, items } = digest;
  if (alarms === 0) return <p data-testid="permit-digest">{t("maintenance.digestNone")}</p>;
  return (
    <details className="permit-digest" data-testid="permit-digest">
      <summary>
        {t("maintenance.digest")}: {t("maintenance.digestCounts", { alarms, raised, active })}
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be in reach of the keyboard. */}
      <section className="permit-scroll" tabIndex={0} aria-label={t("maintenance.digest")}>
        <table className="plain-table">
          <thead>
            <tr>
              <th scope="col">{t("maintenance.alarm")}</th>
              <th scope="col">{t("maintenance.place")}</th>
              <th scope="col" className="number">
                {t("maintenance.raised")}
              </th>
              <th scope="col">{t("maintenance.condition")}</th>
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={item.alarm}>
                <td>{names.language === "en" ? item.messageEn : item.message}</td>
                <td>{names.place(item.area)}</td>
                <td className="number">{item.raised}</td>
                <td>
                  <span className={item.active ? "tag tag-warn" : "soft"}>
                    {t(item.active ? "maintenance.stillActive" : "maintenance.gone")}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {alarms > items.length && (
          <p className="soft">{t("maintenance.digestMore", { count: alarms - items.length })}</p>
        )}
      </section>
    </details>
  );
}
