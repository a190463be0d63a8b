import { Button } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { errorCode } from "#core/errors.ts";
import { errorText } from "../api/error-text.ts";
import { Icon, type IconName } from "./icon.tsx";

/** In the middle of an area: there is nothing, and what that means. */
export function EmptyState(props: {
  readonly icon?: IconName;
  readonly title: string;
  readonly hint?: string | undefined;
  readonly children?: ReactNode;
}) {
  return (
    <div className="state">
      {props.icon && <Icon name={props.icon} />}
      <strong>{props.title}</strong>
      {props.hint && <span className="soft">{props.hint}</span>}
      {props.children}
    </div>
  );
}

/** In the middle of an area: it is on its way. Appears after a moment, so that what comes at once does not flicker. */
export function LoadingState() {
  const { t } = useTranslation();
  return (
    <div className="state state-loading" role="status">
      <span className="spinner" aria-hidden="true" />
      <span className="soft">{t("common.loading")}</span>
    </div>
  );
}

/** In the middle of an area: it could not be loaded, and why. */
export function ErrorState({
  error,
  onRetry,
}: {
  readonly error: unknown;
  readonly onRetry?: (() => void) | undefined;
}) {
  const { t } = useTranslation();
  const offline = errorCode(error) === "OFFLINE" || errorCode(error) === "TIMEOUT";
  return (
    <div className="state state-error" role="alert">
      <Icon name={offline ? "cloud" : "warning"} />
      <strong>{t(offline ? "error.offlineTitle" : "error.title")}</strong>
      <span className="soft">{errorText(error, t)}</span>
      {onRetry && <Button onClick={onRetry}>{t("common.retry")}</Button>}
    </div>
  );
}
