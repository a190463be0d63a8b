import { Button } from "antd";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { systemClock } from "#core/clock.ts";
import type { QuarantineView } from "#core/contracts/completeness.ts";
import { useLoad } from "../../api/use-load.ts";
import { fullTime, grouped } from "../../i18n/format.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { ErrorState, LoadingState } from "../../ui/states.tsx";

/** So often it is asked at most what was put aside, ms: a gateway that sends rubbish does it without an end. */
const ASK_MS = 10_000;

/** Asks again when there is more than at the last time. */
function useGrowth(all: number, reload: () => void): void {
  const asked = useRef({ all, at: systemClock.now() });
  useEffect(() => {
    if (all <= asked.current.all) return undefined;
    const waitMs = Math.max(0, asked.current.at + ASK_MS - systemClock.now());
    return systemClock.after(waitMs, () => {
      asked.current = { all, at: systemClock.now() };
      reload();
    });
  }, [all, reload]);
}

/** What a gateway sent and can never be stored, with the reason; `all` is how much that was ever, and asks again when it grows. */
export function GatewayQuarantine({ gateway, all }: { readonly gateway: string; readonly all: number }) {
  const { t } = useTranslation();
  const { api, session } = useServices();
  const state = useCell(session.state);
  const aside = useLoad(gateway, (signal) => api.quarantine(gateway, signal));
  useGrowth(all, aside.reload);
  const items = aside.data?.items ?? [];
  const mayTake = state.is === "in" && state.permissions.has("system.manage");
  const path = mayTake ? `/api/v1/gateways/${encodeURIComponent(gateway)}/quarantine` : undefined;
  return (
    <section className="section" data-testid="quarantine">
      <div className="proof-head">
        <div>
          <h3>{t("gateway.quarantine")}</h3>
          <p className="soft">{t("gateway.quarantineHint")}</p>
        </div>
        {items.length > 0 && (
          <span className="soft">
            {t("gateway.quarantineNew", { count: items.length, all: grouped(Math.max(all, items.length)) })}
          </span>
        )}
        <Button size="small" loading={aside.loading} onClick={aside.reload}>
          {t("gateway.check")}
        </Button>
      </div>
      {aside.data === undefined && aside.loading && <LoadingState />}
      {aside.error !== undefined && <ErrorState error={aside.error} onRetry={aside.reload} />}
      {items.length > 0 && <QuarantineTable items={items} path={path} />}
    </section>
  );
}

interface TableProps {
  readonly items: readonly QuarantineView[];
  /** Where the bytes of a row are, for those who may have them. */
  readonly path: string | undefined;
}

function QuarantineTable({ items, path }: TableProps) {
  const { t } = useTranslation();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be in reach of the keyboard.
    <section className="gateway-rows" aria-label={t("gateway.quarantine")} tabIndex={0}>
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">{t("gateway.at")}</th>
            <th scope="col">{t("gateway.sentAs")}</th>
            <th scope="col">{t("gateway.reason")}</th>
            <th scope="col" className="number">
              {t("gateway.amount")}
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <QuarantineRow key={item.id} item={item} path={path} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function QuarantineRow({ item, path }: { readonly item: QuarantineView } & Pick<TableProps, "path">) {
  const { t } = useTranslation();
  const { id, at, topic, lane, offset, code, reason, bytes } = item;
  const size = t("gateway.bytes", { count: bytes });
  const known = lane !== undefined && offset !== undefined;
  return (
    <tr data-testid="quarantine-row">
      <td>{fullTime(at).slice(0, 19)}</td>
      <td>{known ? `${t(`gateway.${lane}`)} ${grouped(offset)}` : <code>{topic}</code>}</td>
      <td>
        <code>{code}</code> {reason}
      </td>
      <td className="number">
        {path === undefined ? (
          size
        ) : (
          <a
            href={`${path}/${id}`}
            download
            aria-label={t("gateway.downloadItem", { size, time: fullTime(at).slice(0, 19) })}
          >
            {size}
          </a>
        )}
      </td>
    </tr>
  );
}
