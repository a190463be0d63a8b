import { useTranslation } from "react-i18next";
import type { CommandView, PointView } from "#core/contracts/http.ts";
import { isUnderway } from "../../api/command-follow.ts";
import { codeText, errorText } from "../../api/error-text.ts";
import { shortTime } from "../../i18n/format.ts";
import { valueWithUnit } from "../../i18n/value-text.ts";
import { Icon } from "../../ui/icon.tsx";
import { useNames } from "../../ui/use-names.ts";

interface Props {
  readonly command: CommandView | "submitting" | undefined;
  readonly error: unknown;
  readonly point: PointView;
}

/** How the last write of this page stands: it is done only when the field was read back. */
export function CommandStatus({ command, error, point }: Props) {
  const { t } = useTranslation();
  const { language } = useNames();
  if (error !== undefined)
    return (
      <p className="form-error" role="alert" data-testid="write-error">
        <Icon name="warning" />
        {errorText(error, t)}
      </p>
    );
  if (command === undefined) return null;
  if (command === "submitting" || isUnderway(command)) {
    const status = command === "submitting" ? "submitting" : command.status;
    return (
      <p className="command-status" role="status" data-testid="write-status" data-status={status}>
        <span className="spinner" aria-hidden="true" />
        {t(`write.status.${status}`)}
      </p>
    );
  }
  const done = command.status === "done";
  return (
    <div
      className={done ? "command-status" : "form-error"}
      role={done ? "status" : "alert"}
      data-testid="write-status"
      data-status={command.status}
    >
      <Icon name={done ? "check" : "warning"} />
      <span>
        <strong>{t(`write.status.${command.status}`)}</strong>
        {command.readBack !== undefined &&
          ` · ${t("write.readBack")} ${valueWithUnit(command.readBack, point, language)}`}
        {!done && command.code !== undefined && ` · ${codeText(command.code, t)}`}
        <small className="soft">
          {" "}
          {t("write.by", {
            user: command.requestedBy,
            time: shortTime(command.finishedAt ?? command.createdAt, Date.now()),
          })}
        </small>
      </span>
    </div>
  );
}
