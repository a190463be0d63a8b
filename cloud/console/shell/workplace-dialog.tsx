import { Modal } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { named } from "../i18n/language.ts";
import { PRIORITIES } from "../live/alarm-order.ts";
import { useCell } from "../live/hooks.ts";
import { LONGEST_WORKPLACE } from "../preferences.ts";
import { useServices } from "../services-context.ts";
import { Icon } from "../ui/icon.tsx";
import { PriorityMark } from "../ui/priority-mark.tsx";
import "./workplace-dialog.css";

/** Name, post and sound of this workplace. Each change counts at once. */
export default function WorkplaceDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  const { preferences, sound, positions } = useServices();
  const volume = useCell(preferences.volume);
  const position = useCell(preferences.position);
  const language = useCell(preferences.language);
  const known = useCell(positions);
  const { audibility } = useCell(sound.state);
  const [name, setName] = useState(preferences.workplace.get());
  const id = useId();
  return (
    <Modal
      open
      title={t("alarm.workplace.title")}
      okText={t("common.close")}
      cancelButtonProps={{ style: { display: "none" } }}
      onOk={onClose}
      onCancel={onClose}
      afterOpenChange={(open) => {
        if (open) document.getElementById(`${id}-name`)?.focus();
      }}
      afterClose={() => preferences.setWorkplace(name)}
    >
      <div className="workplace-form" data-testid="workplace-dialog">
        <label className="field-label" htmlFor={`${id}-name`}>
          {t("alarm.workplace.name")}
        </label>
        <input
          id={`${id}-name`}
          className="text-input"
          data-testid="workplace-rename"
          maxLength={LONGEST_WORKPLACE}
          value={name}
          onChange={({ target }) => {
            setName(target.value);
            preferences.setWorkplace(target.value);
          }}
        />
        <p className="soft">{t("alarm.workplace.nameHint")}</p>
        <label className="field-label" htmlFor={`${id}-position`}>
          {t("alarm.workplace.position")}
        </label>
        <select
          id={`${id}-position`}
          className="text-input"
          data-testid="workplace-position"
          value={position}
          onChange={({ target }) => preferences.setPosition(target.value)}
        >
          <option value="">{t("alarm.workplace.everything")}</option>
          {known.map((one) => (
            <option key={one.id} value={one.id}>
              {named(one, language)}
            </option>
          ))}
        </select>
        <p className="soft">{t("alarm.workplace.positionHint")}</p>
        <label className="field-label" htmlFor={`${id}-volume`}>
          {t("alarm.sound.volume", { percent: Math.round(volume * 100) })}
        </label>
        <input
          id={`${id}-volume`}
          type="range"
          data-testid="workplace-volume"
          min={0}
          max={1}
          step={0.05}
          value={volume}
          onChange={({ target }) => preferences.setVolume(Number(target.value))}
        />
        <p className="soft">
          <Icon name={audibility === "ok" && volume > 0 ? "check" : "warning"} />{" "}
          {t(
            audibility === "ok"
              ? volume > 0
                ? "alarm.sound.heard"
                : "alarm.sound.loss.muted"
              : `alarm.sound.loss.${audibility}`,
          )}
        </p>
        <fieldset className="sound-tests">
          <legend className="field-label">{t("alarm.sound.test")}</legend>
          {PRIORITIES.map((priority) => (
            <button
              key={priority}
              type="button"
              className="plain"
              data-testid={`sound-test-${priority}`}
              onClick={() => void sound.test(priority)}
            >
              <PriorityMark priority={priority} />
            </button>
          ))}
        </fieldset>
        <p className="soft">{t("alarm.sound.rules")}</p>
      </div>
    </Modal>
  );
}
