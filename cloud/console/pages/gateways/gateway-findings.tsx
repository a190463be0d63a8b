import { Button } from "antd";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import type { FindingView } from "#core/contracts/completeness.ts";
import { useLoad } from "../../api/use-load.ts";
import { fullTime, grouped } from "../../i18n/format.ts";
import { useServices } from "../../services-context.ts";
import { ErrorState, LoadingState } from "../../ui/states.tsx";

/** How much it was, in what the kind is counted in. */
function amountOf({ kind, count, from, to, reason }: FindingView, t: TFunction): string {
  if (kind === "silence" || kind === "clone") return "";
  if (kind === "clockJump") return `${count > 0 ? "+" : "−"}${(Math.abs(count) / 1000).toFixed(1)} s`;
  const span = from === undefined || to === undefined ? "" : ` (${grouped(from)}–${grouped(to)})`;
  const why = reason === undefined ? "" : `${t("common.listSeparator")}${reason}`;
  return `${grouped(count)}${span}${why}`;
}

/** What was noticed about a gateway: anomalies with their beginning and their end. */
export function GatewayFindings({ gateway }: { readonly gateway: string }) {
  const { t } = useTranslation();
  const { api } = useServices();
  const found = useLoad(gateway, (signal) => api.findings(gateway, signal));
  return (
    <section className="section" data-testid="findings">
      <div className="proof-head">
        <div>
          <h3>{t("gateway.findings")}</h3>
          <p className="soft">{t("gateway.findingsHint")}</p>
        </div>
        <Button size="small" loading={found.loading} onClick={found.reload}>
          {t("gateway.check")}
        </Button>
      </div>
      {found.data === undefined && found.loading && <LoadingState />}
      {found.error !== undefined && <ErrorState error={found.error} onRetry={found.reload} />}
      {found.data?.items.length === 0 && <p className="soft">{t("gateway.noFindings")}</p>}
      {found.data !== undefined && found.data.items.length > 0 && <FindingTable items={found.data.items} />}
    </section>
  );
}

function FindingTable({ items }: { readonly items: readonly FindingView[] }) {
  const { t } = useTranslation();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be in reach of the keyboard.
    <section className="gateway-rows" aria-label={t("gateway.findings")} tabIndex={0}>
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">{t("gateway.findingKind")}</th>
            <th scope="col">{t("gateway.lane")}</th>
            <th scope="col">{t("gateway.began")}</th>
            <th scope="col">{t("gateway.ended")}</th>
            <th scope="col">{t("gateway.amount")}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((finding) => (
            <tr key={finding.id} data-testid="finding" data-kind={finding.kind}>
              <td>{t(`gateway.finding.${finding.kind}`)}</td>
              <td>{finding.lane === undefined ? "" : t(`gateway.${finding.lane}`)}</td>
              <td>{fullTime(finding.startedAt).slice(0, 19)}</td>
              <td>
                {finding.endedAt === null ? (
                  <span className="tag tag-warn">{t("gateway.goesOn")}</span>
                ) : (
                  fullTime(finding.endedAt).slice(0, 19)
                )}
              </td>
              <td>{amountOf(finding, t)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
