import { useTranslation } from "react-i18next";
import type { PointView } from "#core/contracts/points.ts";
import type { CameraView, PtzRequest } from "../api/hub-api.ts";
import { useLoad } from "../api/use-load.ts";
import { named } from "../i18n/language.ts";
import { valueWithUnit } from "../i18n/value-text.ts";
import { useItems, useLiveView } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import { CommandStatus } from "../ui/command-status.tsx";
import { Icon } from "../ui/icon.tsx";
import { useCommand } from "../ui/use-command.ts";
import { useNames } from "../ui/use-names.ts";
import type { PtzDrive } from "./ptz-drive.ts";

const AXES = ["pan", "tilt", "zoom"] as const;

/** Where the camera looks, by its own points: read back from the field. */
function usePosition(camera: string): ReadonlyMap<string, PointView> {
  const ids = [...AXES, "preset"].map((slot) => `${camera}/${slot}`);
  const points = useLiveView<PointView>("points", camera, { ids }, (a, b) => (a.id < b.id ? -1 : 1));
  return new Map(useItems(points).map((point) => [point.id.slice(camera.length + 1), point]));
}

/** Presets and the home position, and where the camera looks now. */
export function PtzPresets({ camera, drive }: { readonly camera: CameraView; readonly drive: PtzDrive }) {
  const { t } = useTranslation();
  const { api } = useServices();
  const { language } = useNames();
  const { command, error, run } = useCommand();
  const position = usePosition(camera.id);
  const held = useLoad(camera.id, (signal) => api.cameraPresets(camera.id, signal));
  // what the site names is known at once; what the camera holds besides has to be asked of it
  const presets = held.data?.items ?? camera.presets;
  const at = position.get("preset")?.current;
  const turn = (request: PtzRequest): void =>
    void run(async () => {
      await drive.rest();
      return api.turnCamera(camera.id, request);
    });
  return (
    <div className="ptz-presets">
      <h3>{t("video.presets")}</h3>
      {held.data !== undefined && presets.length === 0 && <p className="soft">{t("video.noPresets")}</p>}
      {held.error !== undefined && <p className="soft">{t("video.presetsUnknown")}</p>}
      <ul>
        {presets.map((preset) => {
          const here = at?.quality === "good" && at.value === preset.preset;
          return (
            <li key={preset.preset}>
              <button
                type="button"
                className={`plain${here ? " preset-here" : ""}`}
                data-testid="ptz-preset"
                data-preset={preset.preset}
                onClick={() => turn({ preset: preset.preset })}
              >
                <Icon name="target" />
                {named(preset, language)}
                {here && <span className="tag">{t("video.atPreset")}</span>}
              </button>
            </li>
          );
        })}
        <li>
          <button type="button" className="plain" data-testid="ptz-home" onClick={() => turn({ home: true })}>
            <Icon name="home" />
            {t("video.home")}
          </button>
        </li>
      </ul>
      <CommandStatus name="ptz" command={command} error={error} />
      <h3>{t("video.position")}</h3>
      <dl className="facts" data-testid="ptz-position">
        {AXES.map((axis) => {
          const point = position.get(axis);
          return point === undefined ? null : (
            <div key={axis} className="fact">
              <dt>{t(`video.${axis}`)}</dt>
              <dd className={point.current.quality === "good" ? "" : "value-bad"}>
                <b>{valueWithUnit(point.current.value, point, language)}</b>
              </dd>
            </div>
          );
        })}
      </dl>
    </div>
  );
}
