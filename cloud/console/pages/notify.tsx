import { Tabs } from "antd";
import { useTranslation } from "react-i18next";
import { useLoad } from "../api/use-load.ts";
import { useCell } from "../live/hooks.ts";
import { addressOf } from "../router.ts";
import { useServices } from "../services-context.ts";
import { ErrorState, LoadingState } from "../ui/states.tsx";
import { Channels } from "./notify/channels.tsx";
import { Contacts } from "./notify/contacts.tsx";
import { History } from "./notify/history.tsx";
import { Ledger } from "./notify/ledger.tsx";
import type { NotifyData } from "./notify/notify-data.ts";
import { Positions } from "./notify/positions.tsx";
import { Rotas } from "./notify/rotas.tsx";
import { Rules } from "./notify/rules.tsx";
import "./notify/notify.css";

const TABS = ["positions", "contacts", "rotas", "channels", "rules", "ledger", "history"] as const;
const PANES = {
  positions: Positions,
  contacts: Contacts,
  rotas: Rotas,
  channels: Channels,
  rules: Rules,
  ledger: Ledger,
  history: History,
} as const;

/** Who is told of alarms: positions, contacts, rota, channels, rules, and what was sent. */
export default function NotifyPage() {
  const { t } = useTranslation();
  const { api, router } = useServices();
  const { query } = useCell(router.place);
  const { notify } = api;
  const { data, loading, error, reload } = useLoad("notify", async (signal): Promise<NotifyData> => {
    const [positions, contacts, rotas, channels, rules, onCall] = await Promise.all([
      notify.list("positions", signal),
      notify.list("contacts", signal),
      notify.list("rotas", signal),
      notify.list("channels", signal),
      notify.list("rules", signal),
      notify.onCall(signal),
    ]);
    return { positions, contacts, rotas, channels, rules, onCall };
  });
  if (data === undefined) return loading ? <LoadingState /> : <ErrorState error={error} onRetry={reload} />;
  const chosen = TABS.find((tab) => tab === query["tab"]) ?? "positions";
  return (
    <div className="notify-desk">
      <section className="panel notify-panel" aria-label={t("page.notify")}>
        <Tabs
          activeKey={chosen}
          destroyOnHidden
          onChange={(tab) => router.go(addressOf("/notify", { tab }), { replace: true })}
          items={TABS.map((tab) => {
            const Pane = PANES[tab];
            return { key: tab, label: t(`notify.tab.${tab}`), children: <Pane data={data} onChanged={reload} /> };
          })}
        />
      </section>
    </div>
  );
}
