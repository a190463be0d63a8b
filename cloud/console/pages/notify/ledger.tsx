import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { DeliveryStatus, type DeliveryView } from "#core/contracts/notify.ts";
import { usePages } from "../../api/use-pages.ts";
import { fullTime } from "../../i18n/format.ts";
import { useServices } from "../../services-context.ts";
import { Choice } from "../../ui/choice.tsx";
import { Icon } from "../../ui/icon.tsx";
import { MoreButton } from "../../ui/more-button.tsx";
import { EmptyState, ErrorState, LoadingState } from "../../ui/states.tsx";
import { useNames } from "../../ui/use-names.ts";
import { choices, type PaneProps } from "./notify-data.ts";

/** Every message that was to be sent, newest first, and what became of it. */
export function Ledger({ data }: PaneProps) {
  const { t } = useTranslation();
  const { api } = useServices();
  const { language } = useNames();
  const [status, setStatus] = useState<DeliveryStatus>();
  const [channel, setChannel] = useState<string>();
  const query = { status, channel, language };
  const list = usePages(`deliveries ${JSON.stringify(query)}`, (cursor, signal) =>
    api.notify.deliveries({ ...query, cursor }, signal),
  );
  const { items } = list;
  return (
    <>
      <div className="notify-head">
        <Choice
          label={t("notify.status")}
          any={t("common.all")}
          value={status}
          options={DeliveryStatus.enum.map((value) => ({ value, label: t(`notify.statuses.${value}`) }))}
          onChange={setStatus}
        />
        <Choice
          label={t("notify.channel")}
          any={t("common.all")}
          value={channel}
          options={choices(data.channels)}
          onChange={setChannel}
        />
        <Button icon={<Icon name="refresh" />} aria-label={t("notify.refresh")} onClick={list.reload} />
      </div>
      {items === undefined &&
        (list.loading ? <LoadingState /> : <ErrorState error={list.error} onRetry={list.reload} />)}
      {items?.length === 0 && (
        <>
          <EmptyState icon="bell" title={t("notify.noDeliveries")} />
          <MoreButton list={list} />
        </>
      )}
      {items !== undefined && items.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be in reach of the keyboard.
        <section className="notify-scroll" aria-label={t("notify.tab.ledger")} tabIndex={0}>
          <DeliveryTable items={items} data={data} />
          <MoreButton list={list} />
        </section>
      )}
    </>
  );
}

function DeliveryTable({ items, data }: { readonly items: readonly DeliveryView[]; readonly data: PaneProps["data"] }) {
  const { t } = useTranslation();
  const names = new Map(
    [...choices(data.contacts), ...choices(data.channels)].map(({ value, label }) => [value, label]),
  );
  const recipientOf = ({ recipient, channel = "" }: DeliveryView): string =>
    (recipient.startsWith("channel:") ? names.get(channel) : names.get(recipient)) ?? recipient;
  const kindOf = ({ transition, step }: DeliveryView): string =>
    transition === "test" ? t("notify.test") : t("notify.stepOf", { step: step + 1 });
  return (
    <table className="plain-table" data-testid="notify-deliveries">
      <thead>
        <tr>
          <th scope="col">{t("common.time")}</th>
          <th scope="col">{t("notify.status")}</th>
          <th scope="col">{t("notify.message")}</th>
          <th scope="col">{t("notify.recipient")}</th>
          <th scope="col">{t("notify.channel")}</th>
          <th scope="col">{t("notify.step")}</th>
          <th scope="col">{t("notify.reason")}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr key={item.id}>
            <td>{fullTime(item.createdAt)}</td>
            <td>
              <span className={`tag${item.status === "sent" || item.status === "queued" ? "" : " tag-bad"}`}>
                {t(`notify.statuses.${item.status}`)}
              </span>
            </td>
            <td title={item.text}>{item.title}</td>
            <td>{recipientOf(item)}</td>
            <td>{names.get(item.channel ?? "") ?? item.channel}</td>
            <td>{kindOf(item)}</td>
            <td className="notify-reason">
              {item.reason}
              {item.attempts > 1 && <small className="soft"> {t("notify.attempts", { count: item.attempts })}</small>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
