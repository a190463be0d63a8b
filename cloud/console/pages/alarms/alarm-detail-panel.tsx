import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AlarmDetail, AlarmView } from "#core/contracts/alarms.ts";
import { useLoad } from "../../api/use-load.ts";
import { useCell, useItem } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { Icon } from "../../ui/icon.tsx";
import { PriorityMark } from "../../ui/priority-mark.tsx";
import { EmptyState, ErrorState, LoadingState } from "../../ui/states.tsx";
import { useNames } from "../../ui/use-names.ts";
import { AlarmButtons } from "./alarm-buttons.tsx";
import { cameraOf } from "./alarm-camera.ts";
import { AlarmFacts } from "./alarm-facts.tsx";
import { AlarmJournal } from "./alarm-journal.tsx";
import { AlarmPictures } from "./alarm-pictures.tsx";
import { AlarmPlace } from "./alarm-place.tsx";
import { AlarmRuns } from "./alarm-runs.tsx";
import type { AlarmActs } from "./use-alarm-acts.ts";
import "./alarm-detail.css";

/** Players are loaded when an alarm has something to play. */
const AlarmLive = lazy(async () => ({ default: (await import("./alarm-live.tsx")).AlarmLive }));
const AlarmClips = lazy(async () => ({ default: (await import("./alarm-clips.tsx")).AlarmClips }));
const EvidenceButton = lazy(async () => ({ default: (await import("./evidence-button.tsx")).EvidenceButton }));
const AlarmTrend = lazy(() => import("./alarm-trend.tsx"));
const AntdApp = lazy(() => import("../../ui/antd-app.tsx"));
const ProcedurePanel = lazy(() => import("./procedure-panel.tsx"));

/** Changes with everything that makes the journal longer. */
function signature(alarm: AlarmView | undefined): string {
  if (alarm === undefined) return "";
  const { occurrence, state, acknowledged, live, suppression, runs, snapshots, clips, stale } = alarm;
  const duty = [alarm.assignee, alarm.escalatedAt, alarm.shelvedUntil, alarm.shelvedOnce];
  const kept = [runs.length, snapshots.length, ...clips.map((clip) => clip.state)];
  return [occurrence, state, acknowledged, live, suppression, ...kept, ...duty, stale].join("|");
}

/** The newest of both: the live alarm while it is open, else what was loaded. */
function useAlarm(id: string | undefined, acts: number) {
  const { api, alarms } = useServices();
  const live = useItem(alarms, id);
  const loaded = useLoad<AlarmDetail>(id, (signal) => api.alarm(id ?? "", signal));
  const { reload } = loaded;
  const mark = signature(live);
  // What changed on the alarm is in its journal, and what people did, which may change nothing else.
  useEffect(() => reload(), [mark, acts, reload]);
  return { alarm: live ?? loaded.data, journal: loaded.data?.journal, ...loaded };
}

interface Props {
  readonly id: string | undefined;
  readonly acts: AlarmActs;
  /** Narrows the list to a place. */
  readonly onArea: (area: string) => void;
  /** Back to the list, where there is no room for both. */
  readonly onBack: () => void;
}

/** Everything about one alarm, beside the list. */
export function AlarmDetailPanel({ id, acts, onArea, onBack }: Props) {
  const { t } = useTranslation();
  const { alarm, journal, error, loading, reload } = useAlarm(id, acts.ended);
  return (
    <aside className="alarm-detail panel" aria-label={t("alarm.detail.title")} data-testid="alarm-detail">
      {id !== undefined && (
        <button type="button" className="plain detail-back" data-testid="detail-back" onClick={onBack}>
          <Icon name="left" />
          {t("alarm.detail.back")}
        </button>
      )}
      {id === undefined && <EmptyState icon="bell" title={t("alarm.detail.none")} hint={t("alarm.detail.keys")} />}
      {id !== undefined && alarm === undefined && loading && <LoadingState />}
      {id !== undefined && alarm === undefined && !loading && <ErrorState error={error} onRetry={reload} />}
      {alarm !== undefined && <Detail alarm={alarm} journal={journal} acts={acts} onArea={onArea} />}
    </aside>
  );
}

function Detail(props: {
  readonly alarm: AlarmView;
  readonly journal: AlarmDetail["journal"] | undefined;
  readonly acts: AlarmActs;
  readonly onArea: (area: string) => void;
}) {
  const { alarm, journal, acts, onArea } = props;
  const { t } = useTranslation();
  const { language } = useNames();
  const { site } = useServices();
  const camera = cameraOf(alarm, useCell(site.names));
  const response = language === "en" ? alarm.responseEn : alarm.response;
  const { id } = alarm;
  const [settled, setSettled] = useState<string>();
  const settle = useCallback(() => setSettled(id), [id]);
  return (
    <>
      <div className="detail-head">
        <PriorityMark priority={alarm.priority} quiet={alarm.acknowledged} />
        <h2>{language === "en" ? alarm.messageEn : alarm.message}</h2>
      </div>
      <AlarmButtons alarm={alarm} acts={acts} />
      <div className="detail-body">
        {response !== undefined && (
          <section className="section response">
            <h3>{t("alarm.detail.response")}</h3>
            <p>{response}</p>
          </section>
        )}
        {/* What is to be seen comes before what is to be done: the first step of most procedures is to look. */}
        <AlarmPictures urls={alarm.snapshots} />
        {camera !== undefined && (
          <Suspense fallback={null}>
            <AlarmLive key={`${alarm.id} ${camera.camera}`} camera={camera} />
          </Suspense>
        )}
        <Suspense fallback={null}>
          <AntdApp>
            <ProcedurePanel key={`${id} ${alarm.occurrence}`} alarm={alarm} onSettled={settle} />
          </AntdApp>
        </Suspense>
        {/* A procedure that comes late would push the player away below the pointer. */}
        {settled === id && alarm.clips.length > 0 && (
          <Suspense fallback={null}>
            <AlarmClips clips={alarm.clips} />
          </Suspense>
        )}
        <AlarmPlace alarm={alarm} onArea={onArea} />
        {alarm.point !== undefined && (
          <Suspense fallback={null}>
            <AlarmTrend key={`${alarm.id} ${alarm.occurrence}`} point={alarm.point} raisedAt={alarm.raisedAt} />
          </Suspense>
        )}
        <AlarmRuns ids={alarm.runs} />
        <AlarmFacts alarm={alarm} />
        <AlarmJournal journal={journal} />
        <Suspense fallback={null}>
          <div className="section">
            <EvidenceButton alarm={alarm.id} />
          </div>
        </Suspense>
      </div>
    </>
  );
}
