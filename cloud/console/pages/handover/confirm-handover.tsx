import { Modal } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";

/** The incoming signs: as whoever is signed in here if that is another person, or with name and password. */
export function ConfirmHandover(props: {
  readonly outgoing: string | undefined;
  readonly onCancel: () => void;
  readonly onConfirm: (person: { readonly username?: string; readonly password?: string }) => void;
}) {
  const { t } = useTranslation();
  const state = useCell(useServices().session.state);
  const id = useId();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const other = state.is === "in" && state.session.user.name !== props.outgoing;
  const given = username.trim() !== "" && password !== "";
  const own = other && username === "" && password === "";
  const confirm = (): void => props.onConfirm(own ? {} : { username: username.trim(), password });
  const testId = { "data-testid": "confirm-confirm" };
  return (
    <Modal
      open
      title={t("alarmQuality.handover.confirmTitle")}
      okText={t(own ? "alarmQuality.handover.confirmOwn" : "alarmQuality.handover.confirm")}
      cancelText={t("common.cancel")}
      okButtonProps={{ disabled: !own && !given, ...testId }}
      onOk={confirm}
      onCancel={props.onCancel}
      afterOpenChange={(open) => {
        if (open) document.getElementById(`${id}-name`)?.focus();
      }}
    >
      <p>{t("alarmQuality.handover.confirmText")}</p>
      <form
        className="handover-person"
        onSubmit={(event) => {
          event.preventDefault();
          if (own || given) confirm();
        }}
      >
        <label className="field-label" htmlFor={`${id}-name`}>
          {t("alarmQuality.handover.username")}
        </label>
        <input
          id={`${id}-name`}
          className="text-input"
          data-testid="confirm-username"
          autoComplete="off"
          maxLength={64}
          value={username}
          onChange={({ target }) => setUsername(target.value)}
        />
        <label className="field-label" htmlFor={`${id}-password`}>
          {t("alarmQuality.handover.password")}
        </label>
        <input
          id={`${id}-password`}
          className="text-input"
          data-testid="confirm-password"
          type="password"
          autoComplete="off"
          maxLength={256}
          value={password}
          onChange={({ target }) => setPassword(target.value)}
        />
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Modal>
  );
}
