import { Modal } from "antd";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  readonly title: string;
  readonly confirmText: string;
  /** Label of the reason; absent: none is asked for. */
  readonly reasonLabel?: string;
  /** Must a reason be given? Said where it is missing. */
  readonly reasonRequired?: string | undefined;
  readonly danger?: boolean;
  /** Test ids are `<name>-confirm` and `<name>-reason`. */
  readonly name: string;
  readonly children: ReactNode;
  readonly onCancel: () => void;
  readonly onConfirm: (reason: string | undefined) => void;
}

/** Says what will be done, and asks why. */
export function ConfirmDialog(props: Props) {
  const { t } = useTranslation();
  const {
    title,
    confirmText,
    reasonLabel,
    reasonRequired,
    danger = false,
    name,
    children,
    onCancel,
    onConfirm,
  } = props;
  const id = useId();
  const [reason, setReason] = useState("");
  const given = reason.trim();
  const needed = reasonRequired !== undefined && given === "";
  const confirm = (): void => onConfirm(given === "" ? undefined : given);
  const testId = { "data-testid": `${name}-confirm` };
  return (
    <Modal
      open
      title={title}
      okText={confirmText}
      cancelText={t("common.cancel")}
      okButtonProps={{ disabled: needed, danger, ...testId }}
      onOk={confirm}
      onCancel={onCancel}
      afterOpenChange={(open) => {
        if (open) document.getElementById(id)?.focus();
      }}
    >
      {children}
      {reasonLabel !== undefined && (
        <>
          <label className="field-label" htmlFor={id}>
            {reasonLabel}
          </label>
          <input
            id={id}
            className="text-input"
            data-testid={`${name}-reason`}
            maxLength={500}
            value={reason}
            onChange={({ target }) => setReason(target.value)}
            onKeyDown={({ key, nativeEvent }) => {
              if (key === "Enter" && !nativeEvent.isComposing && !needed) confirm();
            }}
          />
          <p className="field-error">{needed ? reasonRequired : ""}</p>
        </>
      )}
    </Modal>
  );
}
