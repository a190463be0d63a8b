import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { useCell } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import { Icon } from "../ui/icon.tsx";
import "./alarm-shell.css";

const WorkplaceDialog = lazy(() => import("./workplace-dialog.tsx"));

/** What sounds, how to silence it here, and the way to the settings of this workplace. */
export function SoundControls() {
  const { t } = useTranslation();
  const { sound, preferences } = useServices();
  const { sounding, silenced, audibility } = useCell(sound.state);
  const volume = useCell(preferences.volume);
  const [open, setOpen] = useState(false);
  const heard = audibility === "ok" && volume > 0;
  const label = t("alarm.sound.settings");
  return (
    <>
      {sounding !== undefined && (
        <button
          type="button"
          className={`plain silence on-${sounding}`}
          title={t("alarm.sound.silenceHint")}
          aria-label={t("alarm.sound.silence")}
          aria-keyshortcuts="Alt+M"
          data-testid="silence"
          onClick={sound.silence}
        >
          <Icon name="sound" />
          <span className="silence-text">{t("alarm.sound.silence")}</span>
        </button>
      )}
      {sounding === undefined && silenced > 0 && (
        <span className="silenced" role="status" data-testid="silenced">
          {t("alarm.sound.silenced", { count: silenced })}
        </span>
      )}
      <button
        type="button"
        className="plain"
        aria-label={label}
        title={label}
        data-testid="workplace"
        data-heard={heard}
        onClick={() => setOpen(true)}
      >
        <Icon name={heard ? "sound" : "silent"} />
      </button>
      {open && (
        <Suspense fallback={null}>
          <WorkplaceDialog onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
