import { Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ClipView } from "#core/contracts/clips.ts";
import { fullTime, timeOfDay } from "../../i18n/format.ts";
import { Icon } from "../../ui/icon.tsx";
import { useNames } from "../../ui/use-names.ts";
import { clipTimes, sizeText } from "../../video/clip-times.ts";
import "./alarm-video.css";

/** The video kept with an alarm. */
export function AlarmClips({ clips }: { readonly clips: readonly ClipView[] }) {
  const { t } = useTranslation();
  if (clips.length === 0) return null;
  return (
    <section className="section">
      <h3>{t("video.clips")}</h3>
      {clips.map((clip) => (
        <Clip key={`${clip.sha256} ${clip.camera}`} clip={clip} />
      ))}
    </section>
  );
}

function Clip({ clip }: { readonly clip: ClipView }) {
  const { t } = useTranslation();
  const names = useNames();
  const camera = names.device(clip.camera);
  return (
    <article className="clip" data-testid="alarm-clip" data-state={clip.state} aria-label={t("video.clip", { camera })}>
      <h4>
        <Icon name="record" />
        {camera}
        <span className="soft">{timeOfDay(new Date(clip.triggerAt))}</span>
      </h4>
      {clip.state === "here" && <Player clip={clip} label={t("video.clip", { camera })} />}
      {clip.state === "coming" && (
        <p className="clip-note" role="status">
          <span className="spinner" aria-hidden="true" />
          {t("video.clipComing")}
        </p>
      )}
      {clip.state === "expired" && <p className="clip-note">{t("video.clipExpired")}</p>}
      <ClipFacts clip={clip} camera={camera} />
    </article>
  );
}

/** Plays a clip; it opens at the moment of the alarm. */
function Player({ clip, label }: { readonly clip: ClipView; readonly label: string }) {
  const { t } = useTranslation();
  const video = useRef<HTMLVideoElement>(null);
  const [failed, setFailed] = useState(false);
  const { momentS, share, beforeS, afterS } = clipTimes(clip);
  const jump = (seconds: number): void => {
    if (video.current !== null) video.current.currentTime = seconds;
  };
  // it may have loaded before it stood on the page, where nobody hears of it
  useEffect(() => {
    const player = video.current;
    if (player !== null && player.readyState >= HTMLMediaElement.HAVE_METADATA) player.currentTime = momentS;
  }, [momentS]);
  if (failed) return <p className="clip-note">{t("video.clipFailed")}</p>;
  return (
    <>
      {/* Recorded without sound: there is nothing to put into words. */}
      <video
        ref={video}
        controls
        muted
        playsInline
        preload="auto"
        src={clip.url}
        width={clip.width}
        height={clip.height}
        aria-label={label}
        data-testid="clip-player"
        onLoadedMetadata={() => jump(momentS)}
        onError={() => setFailed(true)}
      />
      <div className="clip-line" aria-hidden="true">
        <span className="clip-before" style={{ width: `${share * 100}%` }} />
        <i style={{ left: `${share * 100}%` }} />
      </div>
      <div className="clip-marks">
        <button type="button" className="plain" title={t("video.clipJumpStart")} onClick={() => jump(0)}>
          {t("video.clipFrom", { seconds: Math.round(beforeS) })}
        </button>
        <button
          type="button"
          className="plain clip-moment"
          title={t("video.clipJumpMoment")}
          data-testid="clip-moment"
          onClick={() => jump(momentS)}
        >
          ▲ {t("video.clipMoment")}
        </button>
        <span>{t("video.clipTo", { seconds: Math.round(afterS) })}</span>
      </div>
    </>
  );
}

/** What a court or a colleague asks of a recording. */
function ClipFacts({ clip, camera }: { readonly clip: ClipView; readonly camera: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  const name = `${camera} ${fullTime(clip.triggerAt).slice(0, 19).replaceAll(":", "-")}`;
  // Only pages that came over https, or from this machine, may use the clipboard.
  const clipboard = window.isSecureContext ? navigator.clipboard : undefined;
  const copy = async (): Promise<void> => {
    try {
      await clipboard?.writeText(clip.sha256);
      setCopied(true);
    } catch {
      // Not allowed: the text can still be selected by hand.
      setCopied(false);
    }
  };
  return (
    <>
      <dl className="facts clip-facts">
        <dt>{t("video.clipTime")}</dt>
        <dd>
          {fullTime(clip.startedAt)} – {timeOfDay(new Date(clip.endedAt))}
        </dd>
        <dt>{t("video.clipTimeBase")}</dt>
        <dd>{t(`video.timeBase.${clip.timeBase}`)}</dd>
        {clip.missing !== undefined && (
          <>
            <dt>{t("video.clipMissing")}</dt>
            <dd className="clip-missing">
              <Icon name="warning" /> {clip.missing}
            </dd>
          </>
        )}
        <dt>{t("video.clipPictures")}</dt>
        <dd>{t("video.clipPicturesText", { width: clip.width, height: clip.height, frames: clip.frames })}</dd>
        <dt>{t("video.clipSize")}</dt>
        <dd>{sizeText(clip.bytes)}</dd>
        <dt>{t("video.clipHash")}</dt>
        <dd>
          <code className="clip-hash" data-testid="clip-hash">
            {clip.sha256}
          </code>
        </dd>
      </dl>
      <div className="clip-acts">
        {clip.state === "here" && (
          <Button
            size="small"
            href={`${clip.url}?download=${encodeURIComponent(name)}`}
            icon={<Icon name="download" />}
            data-testid="clip-download"
          >
            {t("video.download")}
          </Button>
        )}
        {clipboard !== undefined && (
          <Button size="small" icon={<Icon name={copied ? "check" : "copy"} />} onClick={() => void copy()}>
            {copied ? t("video.copied") : `${t("video.copy")} SHA-256`}
          </Button>
        )}
      </div>
    </>
  );
}
