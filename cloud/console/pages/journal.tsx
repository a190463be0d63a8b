import { Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { JournalRecord } from "#core/contracts/journal.ts";
import { errorText } from "../api/error-text.ts";
import type { JournalFilter } from "../api/journal-api.ts";
import { useLoad } from "../api/use-load.ts";
import { useCell } from "../live/hooks.ts";
import { addressOf } from "../router.ts";
import { useServices } from "../services-context.ts";
import { EmptyState, ErrorState, LoadingState } from "../ui/states.tsx";
import { JournalCheck } from "./journal/journal-check.tsx";
import { JournalFilters } from "./journal/journal-filters.tsx";
import { filterOf } from "./journal/journal-query.ts";
import { JournalTable } from "./journal/journal-table.tsx";
import "./journal/journal.css";

/** The alarm journal: what happened to alarms, searched by what the address says. */
export default function JournalPage() {
  const { t } = useTranslation();
  const { router, session } = useServices();
  const { query } = useCell(router.place);
  const state = useCell(session.state);
  const filter = filterOf(query);
  const change = (some: Readonly<Record<string, string | undefined>>): void =>
    router.go(addressOf("/journal", { ...filter, ...some }), { replace: true });
  return (
    <div className="journal-desk">
      <section className="panel journal" aria-label={t("page.journal")}>
        <JournalFilters filter={filter} onChange={change} onClear={() => router.go("/journal", { replace: true })} />
        {state.is === "in" && state.permissions.has("audit.read") && (
          <div className="page-head">
            <JournalCheck />
          </div>
        )}
        <Entries key={JSON.stringify(filter)} filter={filter} />
      </section>
    </div>
  );
}

/** The entries of one search, page after page. */
function Entries({ filter }: { readonly filter: JournalFilter }) {
  const { t } = useTranslation();
  const { api } = useServices();
  const [older, setOlder] = useState<{ items: readonly JournalRecord[]; cursor: string | undefined }>();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const first = useLoad(JSON.stringify(filter), (signal) => api.journal.page(filter, undefined, signal));
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);
  if (first.data === undefined)
    return first.loading ? <LoadingState /> : <ErrorState error={first.error} onRetry={first.reload} />;
  const items = [...first.data.items, ...(older?.items ?? [])];
  const cursor = older === undefined ? first.data.nextCursor : older.cursor;
  if (items.length === 0) return <EmptyState icon="search" title={t("journal.empty")} hint={t("journal.emptyHint")} />;
  const more = async (): Promise<void> => {
    const asked = new AbortController();
    abort.current = asked;
    setBusy(true);
    setFailure(undefined);
    try {
      const page = await api.journal.page(filter, cursor, asked.signal);
      setOlder({ items: [...(older?.items ?? []), ...page.items], cursor: page.nextCursor });
    } catch (error) {
      if (!asked.signal.aborted) setFailure(error);
    }
    setBusy(false);
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be in reach of the keyboard.
    <section className="journal-scroll" aria-label={t("journal.list")} tabIndex={0}>
      {first.data.total !== undefined && (
        <p className="soft journal-total" role="status">
          {t("journal.count", { count: first.data.total })}
        </p>
      )}
      <JournalTable items={items} />
      {cursor !== undefined && (
        <Button className="journal-more" loading={busy} onClick={() => void more()}>
          {t("common.more")}
        </Button>
      )}
      {failure !== undefined && <p className="form-error">{errorText(failure, t)}</p>}
    </section>
  );
}
