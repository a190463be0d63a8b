import { Button } from "antd";
import { useTranslation } from "react-i18next";
import type { SignedStatement } from "#core/contracts/completeness.ts";
import { useLoad } from "../../api/use-load.ts";
import { grouped } from "../../i18n/format.ts";
import { useServices } from "../../services-context.ts";
import { Icon } from "../../ui/icon.tsx";
import { ErrorState, LoadingState } from "../../ui/states.tsx";

/** The signed daily statements of a gateway, each to be downloaded, and whether their chain is whole. */
export function GatewayStatements({ gateway }: { readonly gateway: string }) {
  const { t } = useTranslation();
  const { api } = useServices();
  const made = useLoad(gateway, async (signal) => {
    const [page, chain] = await Promise.all([api.statements(gateway, signal), api.statementChain(gateway, signal)]);
    return { items: page.items, chain };
  });
  const path = `/api/v1/gateways/${encodeURIComponent(gateway)}/statements`;
  return (
    <section className="section" data-testid="statements">
      <div className="proof-head">
        <div>
          <h3>{t("gateway.statements")}</h3>
          <p className="soft">{t("gateway.statementsHint")}</p>
        </div>
        {made.data !== undefined && made.data.items.length > 0 && (
          <span className={made.data.chain.whole ? "soft" : "tag tag-bad"} data-testid="chain">
            {made.data.chain.whole
              ? t("gateway.chainWhole")
              : t("gateway.chainBroken", { fault: made.data.chain.fault ?? "" })}
          </span>
        )}
        <Button size="small" href={`${path}/now`} target="_blank" rel="noreferrer">
          {t("gateway.statementNow")}
        </Button>
      </div>
      {made.data === undefined && made.loading && <LoadingState />}
      {made.error !== undefined && <ErrorState error={made.error} onRetry={made.reload} />}
      {made.data?.items.length === 0 && <p className="soft">{t("gateway.noStatements")}</p>}
      {made.data !== undefined && made.data.items.length > 0 && <StatementTable items={made.data.items} path={path} />}
    </section>
  );
}

function StatementTable({ items, path }: { readonly items: readonly SignedStatement[]; readonly path: string }) {
  const { t } = useTranslation();
  return (
    <table className="plain-table">
      <thead>
        <tr>
          <th scope="col">{t("gateway.day")}</th>
          <th scope="col" className="number">
            {t("gateway.numbered")}
          </th>
          <th scope="col" className="number">
            {t("gateway.stored")}
          </th>
          <th scope="col" className="number">
            {t("gateway.lost")}
          </th>
          <th scope="col" className="number">
            {t("gateway.missing")}
          </th>
          <th scope="col" aria-label={t("gateway.download", { day: "" })} />
        </tr>
      </thead>
      <tbody>
        {items.map(({ id, statement: { day, numbered, stored, lost, missing } }) => (
          <tr key={id} data-testid="statement">
            <th scope="row">{day}</th>
            <td className="number">{grouped(numbered)}</td>
            <td className="number">{grouped(stored)}</td>
            <td className="number">{grouped(lost)}</td>
            <td className="number">{missing > 0 ? <span className="tag tag-bad">{grouped(missing)}</span> : 0}</td>
            <td>
              <a
                href={`${path}/${day}`}
                download={`statement-${day}.json`}
                aria-label={t("gateway.download", { day })}
                title={t("gateway.download", { day })}
              >
                <Icon name="download" />
              </a>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
