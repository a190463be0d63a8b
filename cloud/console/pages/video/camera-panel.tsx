import { useTranslation } from "react-i18next";
import type { CameraView } from "../../api/hub-api.ts";
import { named } from "../../i18n/language.ts";
import { addressOf } from "../../router.ts";
import { Link } from "../../ui/link.tsx";
import { EmptyState } from "../../ui/states.tsx";
import { useNames } from "../../ui/use-names.ts";
import type { PtzDrive } from "../../video/ptz-drive.ts";
import type { SpeedName } from "../../video/ptz-keys.ts";
import { PtzPad } from "../../video/ptz-pad.tsx";
import { PtzPresets } from "../../video/ptz-presets.tsx";

interface Props {
  readonly camera: CameraView | undefined;
  readonly drive: PtzDrive | undefined;
  readonly mayTurn: boolean;
  readonly speed: SpeedName;
  readonly onSpeed: (speed: SpeedName) => void;
}

/** The chosen camera: where it is, what it guards, and turning it. */
export function CameraPanel({ camera, drive, mayTurn, speed, onSpeed }: Props) {
  const { t } = useTranslation();
  const names = useNames();
  return (
    <aside className="camera-panel panel" aria-label={t("video.camera")} data-testid="camera-panel">
      {camera === undefined ? (
        <EmptyState icon="video" title={t("video.emptyTile")} />
      ) : (
        <>
          <div className="camera-head">
            <h2>{named(camera, names.language)}</h2>
            <span className="soft">{names.place(camera.space)}</span>
            <Link to={addressOf("/devices", { device: camera.id })}>{t("video.device")}</Link>
          </div>
          <section className="section">
            <h3>{t("video.ptz")}</h3>
            {!camera.ptz && <p className="soft">{t("video.fixed")}</p>}
            {camera.ptz && !mayTurn && <p className="soft">{t("video.ptzMayNot")}</p>}
            {drive !== undefined && (
              <>
                <PtzPad drive={drive} speed={speed} onSpeed={onSpeed} />
                <p className="soft ptz-hint">{t("video.ptzKeys")}</p>
                <PtzPresets key={camera.id} camera={camera} drive={drive} />
              </>
            )}
          </section>
        </>
      )}
    </aside>
  );
}
