import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { CameraView } from "../../api/hub-api.ts";
import { named } from "../../i18n/language.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { useNames } from "../../ui/use-names.ts";
import { WALL_SIZES, type WallSize } from "../../video/wall-choice.ts";

const LABELS = { 1: "1", 4: "2 × 2", 9: "3 × 3" } as const;
const ICONS: Readonly<Record<WallSize, IconName>> = { 1: "stop", 4: "grid", 9: "grid" };

/** Is the wall as large as the screen? */
function useFullScreen(): boolean {
  const [full, setFull] = useState(document.fullscreenElement !== null);
  useEffect(() => {
    const changed = (): void => setFull(document.fullscreenElement !== null);
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, []);
  return full;
}

/** How many pictures, and the whole screen. */
export function VideoToolbar(props: {
  readonly size: WallSize;
  /** The camera that is shown alone. */
  readonly large: CameraView | undefined;
  readonly onSize: (size: WallSize) => void;
  readonly onShrink: () => void;
}) {
  const { size, large, onSize, onShrink } = props;
  const { t } = useTranslation();
  const { language } = useNames();
  const full = useFullScreen();
  const toggle = (wall: Element | null): void => {
    if (full) void document.exitFullscreen();
    // A browser that refuses shows the wall as before.
    else void wall?.requestFullscreen().catch(() => undefined);
  };
  return (
    <div className="video-toolbar">
      {large === undefined ? (
        <h2 className="cut">{t("video.wall")}</h2>
      ) : (
        <>
          <button type="button" className="plain" data-testid="video-back" onClick={onShrink}>
            <Icon name="back" />
            {t("video.backToWall")}
          </button>
          <h2 className="cut">{named(large, language)}</h2>
        </>
      )}
      <fieldset className="sizes">
        <legend className="visually-hidden">{t("video.layout")}</legend>
        {WALL_SIZES.map((one) => (
          <button
            key={one}
            type="button"
            className="plain"
            aria-pressed={large === undefined && one === size}
            aria-label={`${LABELS[one]} ${t(`video.size${one}`)}`}
            title={t(`video.size${one}`)}
            data-testid={`wall-${one}`}
            onClick={() => onSize(one)}
          >
            <Icon name={ICONS[one]} />
            {LABELS[one]}
          </button>
        ))}
      </fieldset>
      <button
        type="button"
        className="plain"
        data-testid="full-screen"
        onClick={({ currentTarget }) => toggle(currentTarget.closest(".video-wall"))}
      >
        <Icon name="screen" />
        {t(full ? "video.leaveFullScreen" : "video.fullScreen")}
      </button>
    </div>
  );
}
