import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import type { CameraView } from "../../api/hub-api.ts";
import { named } from "../../i18n/language.ts";
import { Icon } from "../../ui/icon.tsx";
import { useNames } from "../../ui/use-names.ts";
import type { VideoQuality } from "../../video/browser-video.ts";
import { LivePicture } from "../../video/live-picture.tsx";
import type { PtzDrive } from "../../video/ptz-drive.ts";
import { usePtzKeys } from "../../video/use-ptz.ts";

interface Props {
  readonly index: number;
  readonly camera: CameraView | undefined;
  readonly cameras: readonly CameraView[];
  readonly quality: VideoQuality;
  readonly large: boolean;
  readonly chosen: boolean;
  /** Turns the camera of the chosen tile. */
  readonly drive: PtzDrive | undefined;
  readonly speed: number;
  readonly onChoose: () => void;
  readonly onEnlarge: () => void;
  readonly onCamera: (id: string) => void;
}

/** One picture of the wall. A press chooses it, a double one or Enter enlarges it, the arrow keys turn its camera. */
export function VideoTile(props: Props) {
  const { index, camera, cameras, quality, large, chosen, drive, speed, onChoose, onEnlarge, onCamera } = props;
  const { t } = useTranslation();
  const names = useNames();
  const keys = usePtzKeys(drive, speed);
  const name = camera === undefined ? t("video.emptyTile") : named(camera, names.language);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && camera !== undefined) {
      event.preventDefault();
      onEnlarge();
    } else if (event.key === "Escape" && large) onEnlarge();
    else keys.onKeyDown(event);
  };
  return (
    <section
      className={`tile${chosen ? " tile-chosen" : ""}`}
      aria-label={t("video.tile", { index: index + 1, name })}
      data-testid="video-tile"
      data-camera={camera?.id}
    >
      <div className="tile-head">
        <label className="tile-camera">
          <Icon name="camera" />
          <span className="visually-hidden">{t("video.choose", { index: index + 1 })}</span>
          <select value={camera?.id ?? ""} onChange={({ target }) => onCamera(target.value)}>
            {!large && <option value="">{t("video.emptyTile")}</option>}
            {cameras.map((one) => (
              <option key={one.id} value={one.id}>
                {named(one, names.language)}
              </option>
            ))}
          </select>
        </label>
        <span className="tile-place cut">{camera === undefined ? "" : names.place(camera.space)}</span>
      </div>
      <div className="tile-picture">
        {camera === undefined ? (
          <p className="tile-empty">{t("video.emptyTile")}</p>
        ) : (
          <>
            <LivePicture camera={camera.id} name={name} quality={quality} />
            <button
              type="button"
              className="tile-press"
              aria-label={large ? t("video.backToWall") : t("video.enlarge", { name })}
              aria-pressed={chosen}
              data-testid="tile-press"
              onClick={onChoose}
              onFocus={onChoose}
              onDoubleClick={onEnlarge}
              onKeyDown={onKeyDown}
              onKeyUp={keys.onKeyUp}
              onBlur={keys.onBlur}
            />
          </>
        )}
      </div>
    </section>
  );
}
