import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useCell } from "../../live/hooks.ts";
import { addressOf } from "../../router.ts";
import { useServices } from "../../services-context.ts";
import { CommandStatus } from "../../ui/command-status.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Link } from "../../ui/link.tsx";
import { useCommand } from "../../ui/use-command.ts";
import { useNames } from "../../ui/use-names.ts";
import { LivePicture } from "../../video/live-picture.tsx";
import type { AlarmCamera } from "./alarm-camera.ts";
import "./alarm-video.css";

/** What the camera of the alarm sees now, when somebody asks for it. */
export function AlarmLive({ camera: { camera, preset } }: { readonly camera: AlarmCamera }) {
  const { t } = useTranslation();
  const { api, session } = useServices();
  const names = useNames();
  const state = useCell(session.state);
  const [shown, setShown] = useState(false);
  const { command, error, run } = useCommand();
  const may = (permission: string): boolean => state.is === "in" && state.permissions.has(permission);
  if (!may("video.view")) return null;
  const name = names.device(camera);
  return (
    <section className="section alarm-live" data-testid="alarm-live">
      <div className="alarm-live-head">
        <h3>
          {t("video.live")} · {name}
        </h3>
        <Link to={addressOf("/video", { camera })}>{t("video.open")}</Link>
      </div>
      {shown && (
        <div className="alarm-live-picture">
          <LivePicture camera={camera} name={name} quality="sub" />
        </div>
      )}
      <div className="clip-acts">
        <Button
          size="small"
          icon={<Icon name="video" />}
          aria-expanded={shown}
          data-testid="show-live"
          onClick={() => setShown(!shown)}
        >
          {t(shown ? "video.hideLive" : "video.showLive")}
        </Button>
        {preset !== undefined && may("command.action") && (
          <Button
            size="small"
            icon={<Icon name="target" />}
            data-testid="to-preset"
            onClick={() => void run(() => api.turnCamera(camera, { preset }))}
          >
            {t("video.toPreset")}
          </Button>
        )}
      </div>
      <CommandStatus name="preset" command={command} error={error} />
    </section>
  );
}
