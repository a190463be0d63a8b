import { Button } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { DefinitionView } from "#core/contracts/definitions.ts";
import { AlarmCategory } from "#core/model/alarm.ts";
import { useLoad } from "../api/use-load.ts";
import { useCell } from "../live/hooks.ts";
import { addressOf } from "../router.ts";
import { useServices } from "../services-context.ts";
import { Choice } from "../ui/choice.tsx";
import { Icon } from "../ui/icon.tsx";
import { EmptyState, ErrorState, LoadingState } from "../ui/states.tsx";
import { DefinitionPanel } from "./definitions/definition-panel.tsx";
import { DefinitionTable } from "./definitions/definition-table.tsx";
import { NewDefinition } from "./definitions/new-definition.tsx";
import "./definitions/definitions.css";

/** In the address: a definition that is being written. */
const NEW = "+";
/** So many rows at first, and so many more at a time. */
const ROWS = 200;
type Category = DefinitionView["definition"]["category"];
const CATEGORIES: readonly Category[] = AlarmCategory.enum;

interface Filter {
  readonly q: string;
  readonly category: Category | undefined;
  readonly waiting: boolean;
}

function passes({ definition, pending }: DefinitionView, { q, category, waiting }: Filter): boolean {
  if (waiting && pending === undefined) return false;
  if (category !== undefined && definition.category !== category) return false;
  return q === "" || JSON.stringify(definition).toLowerCase().includes(q.toLowerCase());
}

/** The alarm definitions: what is judged where, and their changes with who, why and a second person. */
export default function DefinitionsPage() {
  const { t } = useTranslation();
  const { api, router, session } = useServices();
  const { query } = useCell(router.place);
  const state = useCell(session.state);
  const mayConfigure = state.is === "in" && state.permissions.has("alarm.configure");
  const [filter, setFilter] = useState<Filter>({ q: "", category: undefined, waiting: false });
  const [rows, setRows] = useState(ROWS);
  const { data, loading, error, reload } = useLoad("definitions", api.definitions.list);
  const all = data?.items;
  const found = useMemo(() => (all ?? []).filter((view) => passes(view, filter)), [all, filter]);
  if (all === undefined) return loading ? <LoadingState /> : <ErrorState error={error} onRetry={reload} />;
  const waiting = all.filter(({ pending }) => pending !== undefined).length;
  const choose = (id: string | undefined): void =>
    router.go(addressOf("/alarm-definitions", { definition: id }), { replace: true });
  const chosen = query["definition"];
  return (
    <div className={`definition-desk${chosen === undefined ? "" : " definition-chosen"}`}>
      <section className="panel definition-list" aria-label={t("page.definitions")}>
        <div className="definition-tools">
          <label className="search">
            <Icon name="search" />
            <span className="visually-hidden">{t("definition.search")}</span>
            <input
              type="search"
              placeholder={t("definition.search")}
              value={filter.q}
              onChange={({ target }) => setFilter({ ...filter, q: target.value })}
            />
          </label>
          <Choice
            label={t("definition.field.category")}
            any={t("common.all")}
            value={filter.category}
            options={CATEGORIES.map((value) => ({ value, label: t(`alarm.category.${value}`) }))}
            onChange={(category) => setFilter({ ...filter, category })}
          />
          <label className="definition-check">
            <input
              type="checkbox"
              checked={filter.waiting}
              onChange={({ target }) => setFilter({ ...filter, waiting: target.checked })}
            />
            {t("definition.waiting", { count: waiting })}
          </label>
          <span className="soft definition-count">
            {t("definition.count", { shown: found.length, total: all.length })}
          </span>
          {mayConfigure && (
            <Button type="primary" data-testid="definition-add" onClick={() => choose(NEW)}>
              {t("definition.add")}
            </Button>
          )}
        </div>
        {found.length === 0 ? (
          <EmptyState icon="filter" title={t("definition.empty")} />
        ) : (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be in reach of the keyboard.
          <section className="definition-scroll" aria-label={t("page.definitions")} tabIndex={0}>
            <DefinitionTable views={found.slice(0, rows)} chosen={chosen} onChoose={choose} />
            {found.length > rows && (
              <Button className="definition-more" onClick={() => setRows(rows + ROWS)}>
                {t("definition.more", { count: found.length - rows })}
              </Button>
            )}
          </section>
        )}
      </section>
      <aside className="panel definition-panel" aria-label={t("definition.column.definition")}>
        {chosen === undefined && <EmptyState icon="filter" title={t("definition.choose")} />}
        {chosen === NEW && (
          <NewDefinition
            onClose={() => choose(undefined)}
            onMade={(id) => {
              reload();
              choose(id);
            }}
          />
        )}
        {chosen !== undefined && chosen !== NEW && (
          <DefinitionPanel
            key={chosen}
            id={chosen}
            mayConfigure={mayConfigure}
            onClose={() => choose(undefined)}
            onChanged={reload}
          />
        )}
      </aside>
    </div>
  );
}
