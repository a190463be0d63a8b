import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AuditEntry } from "#core/contracts/audit.ts";
import { errorText } from "../api/error-text.ts";
import { useLoad } from "../api/use-load.ts";
import { usePages } from "../api/use-pages.ts";
import { fullTime } from "../i18n/format.ts";
import { useServices } from "../services-context.ts";
import { MoreButton } from "../ui/more-button.tsx";
import { EmptyState, ErrorState, LoadingState } from "../ui/states.tsx";
import "./audit/audit.css";

/** The audit log, newest first, page after page. */
export default function AuditPage() {
  const { t } = useTranslation();
  const { api } = useServices();
  const list = usePages("audit", api.audit);
  if (list.items === undefined)
    return list.loading ? <LoadingState /> : <ErrorState error={list.error} onRetry={list.reload} />;
  if (list.items.length === 0) return <EmptyState icon="audit" title={t("audit.empty")} />;
  return (
    <div className="audit-desk">
      <section className="panel audit">
        <div className="page-head">
          <ChainCheck />
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be in reach of the keyboard. */}
        <section className="audit-scroll" aria-label={t("page.audit")} tabIndex={0}>
          <AuditTable items={list.items} />
          <MoreButton list={list} />
        </section>
      </section>
    </div>
  );
}

function AuditTable({ items }: { readonly items: readonly AuditEntry[] }) {
  const { t } = useTranslation();
  return (
    <table className="plain-table">
      <thead>
        <tr>
          <th scope="col" className="number">
            {t("audit.seq")}
          </th>
          <th scope="col">{t("common.time")}</th>
          <th scope="col">{t("audit.actor")}</th>
          <th scope="col">{t("audit.action")}</th>
          <th scope="col">{t("audit.target")}</th>
          <th scope="col">{t("audit.result")}</th>
          <th scope="col">{t("audit.detail")}</th>
          <th scope="col">{t("audit.ip")}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((entry) => (
          <tr key={entry.seq} data-testid="audit-row">
            <td className="number soft">{entry.seq}</td>
            <td className="audit-time">{fullTime(entry.at)}</td>
            <td>{entry.actor}</td>
            <td>
              <code>{entry.action}</code>
            </td>
            <td className="audit-wrap">{entry.target}</td>
            <td>
              <span className={entry.result === "ok" ? "soft" : "tag tag-bad"}>
                {t(`audit.results.${entry.result}`)}
              </span>
            </td>
            <td className="audit-wrap">
              {entry.detail === undefined ? "" : <code>{JSON.stringify(entry.detail)}</code>}
            </td>
            <td className="soft">{entry.ip}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Is any record of the chain changed or gone? */
function ChainCheck() {
  const { t } = useTranslation();
  const { api } = useServices();
  const [round, setRound] = useState(0);
  const check = useLoad(round === 0 ? undefined : `verify ${round}`, () => api.verifyAudit());
  const { data, error } = check;
  return (
    <>
      <Button loading={check.loading} data-testid="audit-verify" onClick={() => setRound(round + 1)}>
        {t("audit.verify")}
      </Button>
      <span role="status">
        {data?.whole === true && t("audit.whole")}
        {data?.whole === false && (
          <span className="tag tag-bad">{t("audit.broken", { seq: data.brokenAt ?? "?" })}</span>
        )}
        {error !== undefined && errorText(error, t)}
      </span>
    </>
  );
}
