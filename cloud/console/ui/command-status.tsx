import { useTranslation } from "react-i18next";
import type { CommandView } from "#core/contracts/commands.ts";
import { isUnderway } from "../api/command-follow.ts";
import { codeText, errorText } from "../api/error-text.ts";
import { shortTime } from "../i18n/format.ts";
import { Icon } from "./icon.tsx";

interface Props {
  readonly command: CommandView | "submitting" | undefined;
  readonly error: unknown;
  /** What was asked for, in words; where more than one thing can be. */
  readonly label?: string | undefined;
  /** What the field was read back, in words. */
  readonly readBack?: string | undefined;
  /** Test ids are `<name>-status` and `<name>-error`. */
  readonly name: string;
}

/** How a command stands: it is done only when the field has answered. */
export function CommandStatus({ command, error, label, readBack, name }: Props) {
  const { t } = useTranslation();
  const before = label === undefined ? "" : `${label} · `;
  if (error !== undefined)
    return (
      <p className="form-error" role="alert" data-testid={`${name}-error`}>
        <Icon name="warning" />
        {before}
        {errorText(error, t)}
      </p>
    );
  if (command === undefined) return null;
  if (command === "submitting" || isUnderway(command)) {
    const status = command === "submitting" ? "submitting" : command.status;
    return (
      <p className="command-status" role="status" data-testid={`${name}-status`} data-status={status}>
        <span className="spinner" aria-hidden="true" />
        {before}
        {t(`write.status.${status}`)}
      </p>
    );
  }
  const done = command.status === "done";
  return (
    <div
      className={done ? "command-status" : "form-error"}
      role={done ? "status" : "alert"}
      data-testid={`${name}-status`}
      data-status={command.status}
    >
      <Icon name={done ? "check" : "warning"} />
      <span>
        {before}
        <strong>{t(`write.status.${command.status}`)}</strong>
        {readBack !== undefined && ` · ${t("write.readBack")} ${readBack}`}
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
