import { useTranslation } from "react-i18next";
import type { DoorView } from "#core/contracts/doors.ts";
import { modeOf, type ShownMode } from "../../live/door-order.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";

/** Icon of each mode: a closed lock, an open one, a person, a bar. */
const MODE_ICONS: Readonly<Record<ShownMode, IconName>> = {
  Unknown: "search",
  Locked: "lock",
  Unlocked: "unlock",
  Accessed: "run",
  Blocked: "minus",
  LockedDown: "close",
  LockedOpen: "door",
  DoubleLocked: "lock",
};

/** Mode, leaf and alarm of a door: each by shape and text, and coloured where it is not as it should be. */
export function DoorState({ door }: { readonly door: DoorView }) {
  const { t } = useTranslation();
  const mode = modeOf(door);
  const { open, alarm } = door;
  const leaf = open === null ? "leafUnknown" : open ? "open" : "closed";
  return (
    <p className={`door-state${door.online ? "" : " door-old"}`} data-testid="door-state">
      <span className={`door-mode mode-${mode}`}>
        <Icon name={MODE_ICONS[mode]} />
        {t(`door.mode.${mode}`)}
      </span>
      <span className={open === true ? "leaf-open" : "soft"}>
        <i aria-hidden="true">{open === null ? "?" : open ? "◨" : "▣"}</i> {t(`door.${leaf}`)}
      </span>
      {alarm === "DoorForcedOpen" && (
        <span className="mark mark-urgent">
          <i aria-hidden="true">▲</i>
          {t("door.alarm.DoorForcedOpen")}
        </span>
      )}
      {alarm === "DoorOpenTooLong" && (
        <span className="mark mark-high">
          <i aria-hidden="true">◆</i>
          {t("door.alarm.DoorOpenTooLong")}
        </span>
      )}
    </p>
  );
}
