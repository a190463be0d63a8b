import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { codeText } from "../api/error-text.ts";
import type { Translate } from "../i18n/index.ts";
import type { VideoQuality } from "./browser-video.ts";
import type { VideoState } from "./live-video.ts";
import { useLiveVideo } from "./use-live-video.ts";
import "./live-picture.css";

/** A delay beyond these tells of clocks that differ, not of a delay, ms. */
const LEAST_LATENCY_MS = -50;
const MOST_LATENCY_MS = 60_000;

/** What stands where there are no pictures, or no fresh ones. */
function troubleText({ phase, silentMs, code }: VideoState, t: Translate): string | undefined {
  switch (phase) {
    case "playing":
      return undefined;
    case "connecting":
      return t("video.connecting");
    case "paused":
      return t("video.paused");
    case "stalled":
      return t("video.stalled", { seconds: Math.floor((silentMs ?? 0) / 1000) });
    case "waiting":
      return `${code === undefined ? "" : `${codeText(code, t)} `}${t("video.waiting")}`;
    case "refused":
      return `${t("video.refused")}${code === undefined ? "" : ` · ${codeText(code, t)}`}`;
    default:
      return phase satisfies never;
  }
}

/** How the pictures come, by colour, shape and text. */
function ModeBadge({ state }: { readonly state: VideoState }) {
  const { t } = useTranslation();
  const { mode, phase } = state;
  if (mode === undefined || (phase !== "playing" && phase !== "stalled")) return null;
  const shown = phase === "playing" ? mode : "none";
  const mark = phase !== "playing" ? "■" : mode === "h264" ? "●" : mode === "transcoded" ? "◆" : "▲";
  return (
    <span className={`live-badge live-${shown}`} title={t(`video.modeHint.${mode}`)} data-testid="video-mode">
      <i aria-hidden="true">{mark}</i>
      {t(`video.mode.${mode}`)}
    </span>
  );
}

function Latency({ state: { latencyMs, phase } }: { readonly state: VideoState }) {
  const { t } = useTranslation();
  if (latencyMs === undefined || phase !== "playing") return null;
  const known = latencyMs >= LEAST_LATENCY_MS && latencyMs <= MOST_LATENCY_MS;
  return (
    <span className="live-latency" title={t(known ? "video.latencyHint" : "video.clocksDifferHint")}>
      {known ? t("video.latency", { ms: Math.max(0, Math.round(latencyMs)) }) : t("video.clocksDiffer")}
    </span>
  );
}

/** Live pictures of a camera, with how they come and why they do not. */
export function LivePicture(props: { readonly camera: string; readonly name: string; readonly quality: VideoQuality }) {
  const { camera, name, quality } = props;
  const { t } = useTranslation();
  const canvas = useRef<HTMLCanvasElement>(null);
  const state = useLiveVideo(canvas, camera, quality);
  const trouble = troubleText(state, t);
  const why =
    state.reason ?? (state.mode === "polled" && state.code !== undefined ? codeText(state.code, t) : undefined);
  return (
    <div className="live-picture" data-testid="live-picture" data-camera={camera} data-phase={state.phase}>
      <canvas ref={canvas} role="img" aria-label={name} width={16} height={9} />
      <div className="live-line">
        <ModeBadge state={state} />
        <Latency state={state} />
        {state.dropped > 0 && <span className="live-latency">{t("video.dropped", { count: state.dropped })}</span>}
        {state.phase === "playing" && why !== undefined && (
          <span className="live-why cut" title={why}>
            {why}
          </span>
        )}
      </div>
      {trouble !== undefined && (
        <p className="live-trouble" role="status">
          {state.phase === "connecting" && <span className="spinner" aria-hidden="true" />}
          {trouble}
        </p>
      )}
    </div>
  );
}
