import { Input, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { PointView } from "#core/contracts/http.ts";
import type { Value } from "#core/model/sample.ts";
import { named } from "../../i18n/language.ts";
import { valueWithUnit } from "../../i18n/value-text.ts";
import { useNames } from "../../ui/use-names.ts";

const CONFIRM_TEST_ID = { "data-testid": "write-confirm" };

interface Props {
  readonly point: PointView;
  /** null relinquishes. */
  readonly value: Value;
  readonly onCancel: () => void;
  readonly onConfirm: (reason: string | undefined) => void;
}

/** Says what will be changed in the field, and asks why. */
export function WriteDialog({ point, value, onCancel, onConfirm }: Props) {
  const { t } = useTranslation();
  const { language, device } = useNames();
  const [reason, setReason] = useState("");
  const given = reason.trim();
  const needed = point.confirm === true && given === "";
  const confirm = (): void => onConfirm(given === "" ? undefined : given);
  return (
    <Modal
      open
      title={t(value === null ? "write.confirmRelinquish" : "write.confirmTitle")}
      okText={t("write.confirm")}
      cancelText={t("common.cancel")}
      okButtonProps={{ disabled: needed, ...CONFIRM_TEST_ID }}
      onOk={confirm}
      onCancel={onCancel}
      afterOpenChange={(open) => {
        if (open) document.getElementById("write-reason")?.focus();
      }}
    >
      <p>
        <strong>{named(point, language)}</strong> <span className="soft">{device(point.device)}</span>
      </p>
      <dl className="facts write-facts">
        <dt>{t("write.from")}</dt>
        <dd>{valueWithUnit(point.current.value, point, language)}</dd>
        <dt>{t("write.to")}</dt>
        <dd>
          <strong>{value === null ? t("write.relinquished") : valueWithUnit(value, point, language)}</strong>
        </dd>
      </dl>
      <label htmlFor="write-reason">{t("write.reason")}</label>
      <Input
        id="write-reason"
        data-testid="write-reason"
        maxLength={500}
        value={reason}
        onChange={({ target }) => setReason(target.value)}
        onPressEnter={() => {
          if (!needed) confirm();
        }}
      />
      <p className="field-error">{needed ? t("write.reasonRequired") : ""}</p>
    </Modal>
  );
}
