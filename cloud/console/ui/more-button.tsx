import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { errorText } from "../api/error-text.ts";
import type { Paged } from "../api/use-pages.ts";

/** Loads the next page of a list, and says why one did not come, or why what is shown could not be loaded anew. */
export function MoreButton({ list }: { readonly list: Omit<Paged<unknown>, "total"> }) {
  const { t } = useTranslation();
  const { items, more, busy, failure, error, reload } = list;
  return (
    <>
      {more !== undefined && (
        <Button className="more-button" loading={busy} onClick={more}>
          {t("common.more")}
        </Button>
      )}
      {failure !== undefined && (
        <p className="form-error" role="alert">
          {errorText(failure, t)}
        </p>
      )}
      {items !== undefined && error !== undefined && (
        <p className="form-error" role="alert" data-testid="reload-error">
          {errorText(error, t)} <Button onClick={reload}>{t("common.retry")}</Button>
        </p>
      )}
    </>
  );
}
