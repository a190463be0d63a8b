import { errorCode } from "#core/errors.ts";
import type { Translate } from "../i18n/index.ts";
import { zhCN } from "../i18n/zh-cn.ts";
import { ApiError } from "./client.ts";

type ErrorKey = keyof typeof zhCN.error;
const isErrorKey = (code: string): code is ErrorKey => /^[A-Z_]+$/.test(code) && Object.hasOwn(zhCN.error, code);

/** The text of a code of the API; unknown codes are shown, so that they can be looked up. */
export function codeText(code: string, t: Translate): string {
  return isErrorKey(code) ? t(`error.${code}`, { seconds: "" }) : t("error.other", { code });
}

/** What went wrong, for a person. */
export function errorText(error: unknown, t: Translate): string {
  const seconds = error instanceof ApiError ? /(\d+) s$/.exec(error.message)?.[1] : undefined;
  if (error instanceof ApiError && error.code === "SIGN_IN_THROTTLED" && seconds !== undefined)
    return t("error.SIGN_IN_THROTTLED_FOR", { seconds });
  return codeText(errorCode(error), t);
}
