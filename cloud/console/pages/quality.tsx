import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { KpiSplit, KpiView } from "#core/contracts/alarm-quality.ts";
import { useLoad } from "../api/use-load.ts";
import { fullTime } from "../i18n/format.ts";
import { useCell } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import { ErrorState, LoadingState } from "../ui/states.tsx";
import { BadActors } from "./quality/bad-actors.tsx";
import { KpiCards } from "./quality/kpi-cards.tsx";
import { KpiGroups } from "./quality/kpi-groups.tsx";
import { LoadStrip } from "./quality/load-strip.tsx";
import { type Asked, QualityToolbar } from "./quality/quality-toolbar.tsx";
import { RateChart } from "./quality/rate-chart.tsx";
import "./quality/print.css";
import "./quality/quality.css";

const HOUR_MS = 3_600_000;
const PERIODS_MS = { lastDay: 24 * HOUR_MS, lastWeek: 7 * 24 * HOUR_MS, lastMonth: 30 * 24 * HOUR_MS } as const;

/** The quality of the alarm system: figures against their targets, load by the clock, and what loads most. */
export default function QualityPage() {
  const { api, session } = useServices();
  const state = useCell(session.state);
  const [asked, setAsked] = useState<Asked>({ period: "lastDay", by: "shift" });
  const [round, setRound] = useState(0);
  const { period, by, area, position, category } = asked;
  const part = { area, position, category };
  const from = useMemo(() => new Date(Date.now() - PERIODS_MS[period]).toISOString(), [period, round]);
  const key = JSON.stringify({ from, by, ...part });
  const kpi = useLoad(`kpi ${key}`, (signal) => api.quality.kpi({ from, by, ...part }, signal));
  const mayConfigure = state.is === "in" && state.permissions.has("alarm.configure");
  return (
    <div className="quality-desk report">
      <QualityToolbar
        asked={asked}
        csv={csvAddress(from, by, part)}
        onChange={setAsked}
        onReload={() => setRound(round + 1)}
      />
      <LoadStrip />
      {kpi.data === undefined ? <Waiting {...kpi} /> : <Report view={kpi.data} />}
      <BadActors part={part} round={round} mayConfigure={mayConfigure} />
    </div>
  );
}

function Waiting({ loading, error, reload }: { loading: boolean; error: unknown; reload: () => void }) {
  return loading ? <LoadingState /> : <ErrorState error={error} onRetry={reload} />;
}

function csvAddress(from: string, by: KpiSplit, part: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams({ from, by });
  for (const [name, value] of Object.entries(part)) if (value !== undefined) query.set(name, value);
  return `/api/v1/alarms/kpi.csv?${query.toString()}`;
}

function Report({ view }: { readonly view: KpiView }) {
  const { t } = useTranslation();
  return (
    <>
      <header className="report-head">
        <h2 data-testid="report-title">{t("alarmQuality.reportTitle")}</h2>
        <p className="soft">
          {fullTime(view.from).slice(0, 16)} – {fullTime(view.to).slice(0, 16)} ({view.timeZone}) ·{" "}
          {t("alarmQuality.total", { count: view.total.alarmCount })}
        </p>
      </header>
      <KpiCards view={view} />
      <RateChart view={view} />
      <KpiGroups view={view} />
    </>
  );
}
