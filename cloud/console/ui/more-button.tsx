import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { errorText } from "../api/error-text.ts";
import type { Paged } from "../api/use-pages.ts";

/** Loads the next page of a list, and says why one did not come. */
export function MoreButton({ list }: { readonly list: Pick<Paged<unknown>, "more" | "busy" | "failure"> }) {
  const { t } = useTranslation();
  const { more, busy, failure } = list;
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
    </>
  );
}
