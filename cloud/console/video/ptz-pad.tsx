import { type ReactNode, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Icon, type IconName } from "../ui/icon.tsx";
import type { PtzDrive } from "./ptz-drive.ts";
import { atSpeed, DIRECTIONS, type DirectionName, SPEEDS, type SpeedName } from "./ptz-keys.ts";
import "./ptz.css";

/** A press of a screen reader is no holding: the camera moves for so long, ms. */
const NUDGE_MS = 400;
const SPEED_NAMES = Object.keys(SPEEDS) as SpeedName[];
const ZOOM_ICONS: Readonly<Partial<Record<DirectionName, IconName>>> = { zoomIn: "plus", zoomOut: "minus" };

/** Moves the camera as long as it is held: by the pointer, or by the space or enter key. */
function HoldButton(props: {
  readonly drive: PtzDrive;
  readonly name: DirectionName;
  readonly speed: number;
  readonly children: ReactNode;
}) {
  const { drive, name, speed, children } = props;
  const { t } = useTranslation();
  const held = useRef(false);
  const hold = (): void => {
    if (held.current) return;
    held.current = true;
    drive.hold(atSpeed(DIRECTIONS[name], speed));
  };
  const release = (): void => {
    if (!held.current) return;
    held.current = false;
    drive.release();
  };
  const label = t(`video.direction.${name}`);
  return (
    <button
      type="button"
      className={`ptz-button ptz-${name}`}
      aria-label={label}
      title={label}
      data-testid={`ptz-${name}`}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        hold();
      }}
      onPointerUp={release}
      onPointerCancel={release}
      onLostPointerCapture={release}
      onBlur={release}
      onKeyDown={(event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        hold();
      }}
      onKeyUp={release}
      onContextMenu={(event) => event.preventDefault()}
      onClick={({ detail }) => {
        if (detail > 0 || held.current) return;
        hold();
        setTimeout(release, NUDGE_MS);
      }}
    >
      {children}
    </button>
  );
}

/** Eight directions, stop and zoom. */
export function PtzPad(props: {
  readonly drive: PtzDrive;
  readonly speed: SpeedName;
  readonly onSpeed: (speed: SpeedName) => void;
}) {
  const { drive, speed, onSpeed } = props;
  const { t } = useTranslation();
  const button = (name: DirectionName) => (
    <HoldButton key={name} drive={drive} name={name} speed={SPEEDS[speed]}>
      <Icon name={ZOOM_ICONS[name] ?? "up"} />
    </HoldButton>
  );
  return (
    <div className="ptz" data-testid="ptz-pad">
      <div className="ptz-pad">
        {(["upLeft", "up", "upRight", "left"] as const).map(button)}
        <button
          type="button"
          className="ptz-button ptz-stop"
          aria-label={t("video.stop")}
          title={t("video.stop")}
          data-testid="ptz-stop"
          onClick={() => drive.stop()}
        >
          <Icon name="stop" />
        </button>
        {(["right", "downLeft", "down", "downRight"] as const).map(button)}
      </div>
      <div className="ptz-side">
        <div className="ptz-zoom">{(["zoomIn", "zoomOut"] as const).map(button)}</div>
        <label className="ptz-speed">
          <span>{t("video.speed")}</span>
          <select
            value={speed}
            onChange={({ target }) => onSpeed(SPEED_NAMES.find((name) => name === target.value) ?? "normal")}
          >
            {SPEED_NAMES.map((name) => (
              <option key={name} value={name}>
                {t(`video.speeds.${name}`)}
              </option>
            ))}
          </select>
        </label>
      </div>
    </div>
  );
}
