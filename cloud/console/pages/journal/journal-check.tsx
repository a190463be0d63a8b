import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "../../api/error-text.ts";
import { useLoad } from "../../api/use-load.ts";
import { useServices } from "../../services-context.ts";

/** Is any entry of the journal changed or gone? */
export function JournalCheck() {
  const { t } = useTranslation();
  const { api } = useServices();
  const [round, setRound] = useState(0);
  const { data, error, loading } = useLoad(round === 0 ? undefined : `journal ${round}`, () => api.journal.verify());
  return (
    <>
      <Button loading={loading} data-testid="journal-verify" onClick={() => setRound(round + 1)}>
        {t("journal.verify")}
      </Button>
      <span role="status">
        {data?.whole === true && t("journal.whole", { entries: data.entries, removed: data.removed })}
        {data?.whole === false && (
          <span className="tag tag-bad">{t("journal.broken", { seq: data.brokenAt ?? "?" })}</span>
        )}
        {error !== undefined && errorText(error, t)}
      </span>
    </>
  );
}
