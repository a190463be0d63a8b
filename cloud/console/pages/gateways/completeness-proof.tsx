import { Button } from "antd";
import { useTranslation } from "react-i18next";
import type { Completeness } from "#core/contracts/completeness.ts";
import { useLoad } from "../../api/use-load.ts";
import { grouped, timeOfDay } from "../../i18n/format.ts";
import { gapCount, gapMap, missingCount, percentText, storedShare, totalOf } from "../../live/completeness.ts";
import { useServices } from "../../services-context.ts";
import { Icon } from "../../ui/icon.tsx";
import { ErrorState, LoadingState } from "../../ui/states.tsx";

/** Lane by lane and epoch by epoch: which offsets are stored, which are missing, and why. */
export function CompletenessProof({
  gateway,
  acked,
}: {
  readonly gateway: string;
  readonly acked: string | undefined;
}) {
  const { t } = useTranslation();
  const { api } = useServices();
  // Asked again when the gateway begins a new epoch, else on request: it reads the whole store.
  const proof = useLoad(`${gateway} ${acked ?? ""}`, async (signal) => ({
    report: await api.completeness(gateway, signal),
    at: new Date(),
  }));
  return (
    <section className="section" data-testid="completeness">
      <div className="proof-head">
        <div>
          <h3>{t("gateway.completeness")}</h3>
          <p className="soft">{t("gateway.completenessHint")}</p>
        </div>
        {proof.data !== undefined && (
          <span className="soft">{t("gateway.checkedAt", { time: timeOfDay(proof.data.at) })}</span>
        )}
        <Button size="small" loading={proof.loading} onClick={proof.reload}>
          {t("gateway.check")}
        </Button>
      </div>
      {proof.data === undefined && proof.loading && <LoadingState />}
      {proof.error !== undefined && <ErrorState error={proof.error} onRetry={proof.reload} />}
      {proof.data !== undefined && <Lanes report={proof.data.report} />}
    </section>
  );
}

function Lanes({ report }: { readonly report: Completeness }) {
  const { t } = useTranslation();
  if (report.lanes.length === 0) return <p className="soft">{t("gateway.noLanes")}</p>;
  return (
    <>
      <Verdict report={report} />
      <LaneTable report={report} />
    </>
  );
}

/** What the table comes to, in one sentence. */
function Verdict({ report }: { readonly report: Completeness }) {
  const { t } = useTranslation();
  const { numbered, stored, lost, missing } = totalOf(report);
  const bad = missing > 0;
  const text = bad
    ? t("gateway.missingSays", { missing: grouped(missing) })
    : lost > 0
      ? t("gateway.gapsSay", { lost: grouped(lost), numbered: grouped(numbered) })
      : t("gateway.wholeSays", { stored: grouped(stored) });
  return (
    <p className={`verdict${bad ? " verdict-bad" : ""}`} data-testid="verdict">
      <Icon name={bad || lost > 0 ? "warning" : "check"} />
      {text}
    </p>
  );
}

/** The offsets of a lane from left to right, with what is lost and what is missing marked where it lies. */
function GapMap({ lane }: { readonly lane: Completeness["lanes"][number] }) {
  const { t } = useTranslation();
  const label = t("gateway.mapOf", {
    lane: t(`gateway.${lane.lane}`),
    gaps: lane.gaps.length,
    missing: grouped(missingCount(lane)),
  });
  return (
    <svg className="gap-map" viewBox="0 0 1 1" preserveAspectRatio="none" role="img" aria-label={label}>
      <title>{label}</title>
      {gapMap(lane).map(({ is, at, width }) => (
        <rect key={`${is} ${at}`} className={`gap-map-${is}`} x={at} y={0} width={width} height={1} />
      ))}
    </svg>
  );
}

function LaneTable({ report }: { readonly report: Completeness }) {
  const { t } = useTranslation();
  return (
    <table className="plain-table">
      <thead>
        <tr>
          <th scope="col">{t("gateway.lane")}</th>
          <th scope="col">{t("gateway.completeness")}</th>
          <th scope="col">{t("gateway.offsets")}</th>
          <th scope="col" className="number">
            {t("gateway.stored")}
          </th>
          <th scope="col" className="number">
            {t("gateway.duplicates")}
          </th>
          <th scope="col">{t("gateway.map")}</th>
          <th scope="col">{t("gateway.missing")}</th>
          <th scope="col">{t("gateway.gaps")}</th>
          <th scope="col">{t("gateway.epoch")}</th>
        </tr>
      </thead>
      <tbody>
        {report.lanes.map((lane) => {
          const missing = missingCount(lane);
          const share = storedShare(lane);
          return (
            <tr key={`${lane.lane} ${lane.epoch}`} data-testid="lane">
              <th scope="row">{t(`gateway.${lane.lane}`)}</th>
              <td>
                <span className="share">
                  <meter min={0} max={1} value={share} aria-label={t("gateway.completeness")} />
                  {percentText(share)}
                  <span className={missing === 0 ? "soft" : "tag tag-bad"}>
                    {missing === 0 ? t("gateway.complete") : t("gateway.incomplete", { count: missing })}
                  </span>
                </span>
              </td>
              <td>
                {grouped(lane.from)} – {grouped(lane.upTo)}
              </td>
              <td className="number">{grouped(lane.stored)}</td>
              <td className="number">{grouped(lane.duplicates)}</td>
              <td>
                <GapMap lane={lane} />
              </td>
              <td>
                {lane.missing.length === 0
                  ? t("common.none")
                  : lane.missing
                      .map(({ from, to }) => `${grouped(from)}–${grouped(to)}`)
                      .join(t("common.listSeparator"))}
              </td>
              <td>
                {gapCount(lane) === 0
                  ? t("gateway.noGaps")
                  : lane.gaps
                      .map(({ from, to, reason }) =>
                        t("gateway.gapReason", { from: grouped(from), to: grouped(to), reason }),
                      )
                      .join("; ")}
              </td>
              <td>
                <code title={lane.epoch}>{lane.epoch.slice(0, 8)}</code>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
