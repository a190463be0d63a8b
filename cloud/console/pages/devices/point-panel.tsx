import { useTranslation } from "react-i18next";
import type { PointView } from "#core/contracts/points.ts";
import { useLoad } from "../../api/use-load.ts";
import { fullTime } from "../../i18n/format.ts";
import { named } from "../../i18n/language.ts";
import { unitText } from "../../i18n/value-text.ts";
import { useItems, useLiveView, useNow } from "../../live/hooks.ts";
import { comparePoints } from "../../live/point-order.ts";
import { useServices } from "../../services-context.ts";
import { Icon } from "../../ui/icon.tsx";
import { protocolText } from "../../ui/protocol-text.ts";
import { ageText, QualityBadge } from "../../ui/quality-badge.tsx";
import { ErrorState, LoadingState } from "../../ui/states.tsx";
import { useNames } from "../../ui/use-names.ts";
import { ValueText } from "../../ui/value-text.tsx";
import { TrendSection } from "./trend-section.tsx";
import { WriteSection } from "./write-section.tsx";

/** One point in full: value, trend, control, properties. */
export function PointPanel({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const { api } = useServices();
  const loaded = useLoad(id, (signal) => api.point(id, signal));
  const live = useItems(useLiveView<PointView>("points", id, { ids: [id] }, comparePoints))[0];
  const point = live ?? loaded.data;
  return (
    <aside className="panel point-panel" aria-label={t("point.title")} data-testid="point-panel">
      <button type="button" className="plain panel-close" aria-label={t("common.close")} onClick={onClose}>
        <Icon name="close" />
      </button>
      {point !== undefined && <PointDetails point={point} />}
      {point === undefined && loaded.loading && <LoadingState />}
      {point === undefined && !loaded.loading && <ErrorState error={loaded.error} onRetry={loaded.reload} />}
    </aside>
  );
}

function PointDetails({ point }: { readonly point: PointView }) {
  const { t } = useTranslation();
  const names = useNames();
  const now = useNow();
  const { current } = point;
  return (
    <>
      <div className="point-head">
        <h2>{named(point, names.language)}</h2>
        <p className="soft">
          {names.device(point.device)} · {names.place(point.space)}
        </p>
        <p className="point-now">
          <ValueText current={current} shape={point} language={names.language} />
        </p>
        <p className="point-quality">
          <QualityBadge current={current} />
          <span className="soft">{ageText(current.observedAt, now, t)}</span>
        </p>
      </div>
      <TrendSection point={point} />
      {point.writable && <WriteSection point={point} />}
      <PointFacts point={point} />
    </>
  );
}

function PointFacts({ point }: { readonly point: PointView }) {
  const { t } = useTranslation();
  const { min, max, current } = point;
  const unit = unitText(point);
  const range = min === undefined && max === undefined ? "" : `${min ?? "…"} – ${max ?? "…"} ${unit}`;
  const facts: readonly (readonly [string, string])[] = [
    [t("point.observedAt"), fullTime(current.observedAt)],
    [t("point.sourceTime"), fullTime(current.sourceTime)],
    [t("point.range"), range],
    [t("point.id"), point.id],
    [t("point.protocol"), protocolText(point.protocol)],
    [t("point.gateway"), point.gateway],
    [t("point.revision"), String(point.revision)],
  ];
  return (
    <section className="section">
      <h3>{t("point.facts")}</h3>
      <dl className="facts">
        {facts.map(([label, text]) =>
          text === "" ? null : (
            <div key={label} className="fact">
              <dt>{label}</dt>
              <dd>{text}</dd>
            </div>
          ),
        )}
        {point.tags.length > 0 && (
          <div className="fact">
            <dt>{t("point.tags")}</dt>
            <dd className="tags">
              {point.tags.map((tag) => (
                <span key={tag} className="tag">
                  {tag}
                </span>
              ))}
            </dd>
          </div>
        )}
      </dl>
    </section>
  );
}
