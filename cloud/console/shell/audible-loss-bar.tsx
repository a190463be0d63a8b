import { useTranslation } from "react-i18next";
import { useCell } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import { Icon } from "../ui/icon.tsx";

/** Says that an alarm would not be heard at this workplace, and what helps. [HM-07] */
export function AudibleLossBar() {
  const { t } = useTranslation();
  const { sound, preferences } = useServices();
  const { audibility, sounding } = useCell(sound.state);
  const volume = useCell(preferences.volume);
  // Who turned the sound off knows it; it is said while somebody would have to hear it.
  const muted = volume === 0 && sounding !== undefined;
  if (audibility === "ok" && !muted) return null;
  const loss = audibility === "ok" ? "muted" : audibility;
  return (
    <div className="loss-bar" role="alert" data-testid="loss-bar" data-loss={loss}>
      <Icon name="silent" />
      <span>{t(`alarm.sound.loss.${loss}`)}</span>
      {loss !== "absent" && (
        <button
          type="button"
          className="plain"
          onClick={() => {
            if (loss === "muted") preferences.setVolume(0.5);
            void sound.unlock();
          }}
        >
          {t("alarm.sound.enable")}
        </button>
      )}
    </div>
  );
}
