import { useTranslation } from "react-i18next";
import type { JournalFilter } from "../api/journal-api.ts";
import { usePages } from "../api/use-pages.ts";
import { useCell } from "../live/hooks.ts";
import { addressOf } from "../router.ts";
import { useServices } from "../services-context.ts";
import { MoreButton } from "../ui/more-button.tsx";
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
        <JournalFilters filter={filter} onChange={change} onClear={() => router.go("/journal", { replace: true })}>
          {state.is === "in" && state.permissions.has("audit.read") && <JournalCheck />}
        </JournalFilters>
        <Entries key={JSON.stringify(filter)} filter={filter} />
      </section>
    </div>
  );
}

/** The entries of one search, page after page. */
function Entries({ filter }: { readonly filter: JournalFilter }) {
  const { t } = useTranslation();
  const { api } = useServices();
  const list = usePages(JSON.stringify(filter), (cursor, signal) => api.journal.page(filter, cursor, signal));
  if (list.items === undefined)
    return list.loading ? <LoadingState /> : <ErrorState error={list.error} onRetry={list.reload} />;
  if (list.items.length === 0)
    return <EmptyState icon="search" title={t("journal.empty")} hint={t("journal.emptyHint")} />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be in reach of the keyboard.
    <section className="journal-scroll" aria-label={t("journal.list")} tabIndex={0}>
      {list.total !== undefined && (
        <p className="soft journal-total" role="status">
          {t("journal.count", { count: list.total })}
        </p>
      )}
      <JournalTable items={list.items} />
      <MoreButton list={list} />
    </section>
  );
}
