import { useTranslation } from "react-i18next";
import type { PointView } from "#core/contracts/points.ts";
import type { Value } from "#core/model/sample.ts";
import { named } from "../../i18n/language.ts";
import { valueWithUnit } from "../../i18n/value-text.ts";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { useNames } from "../../ui/use-names.ts";

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
  return (
    <ConfirmDialog
      name="write"
      title={t(value === null ? "write.confirmRelinquish" : "write.confirmTitle")}
      confirmText={t("write.confirm")}
      reasonLabel={t("write.reason")}
      reasonRequired={point.confirm === true ? t("write.reasonRequired") : undefined}
      onCancel={onCancel}
      onConfirm={onConfirm}
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
    </ConfirmDialog>
  );
}
