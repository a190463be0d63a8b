import { Button } from "antd";
import { useTranslation } from "react-i18next";
import type { ProcedureView } from "#core/contracts/procedures.ts";
import { useLoad } from "../api/use-load.ts";
import { useCell } from "../live/hooks.ts";
import { addressOf } from "../router.ts";
import { useServices } from "../services-context.ts";
import { EmptyState, ErrorState, LoadingState } from "../ui/states.tsx";
import { useNames } from "../ui/use-names.ts";
import { ProcedureEditor } from "./procedures/procedure-editor.tsx";
import "./procedures/procedures.css";

/** In the address: a procedure that is not there yet. */
const NEW = "+";

/** The response procedures: which there are, and writing and publishing them. */
export default function ProceduresPage() {
  const { t } = useTranslation();
  const { api, router, session } = useServices();
  const { query } = useCell(router.place);
  const state = useCell(session.state);
  const mayWrite = state.is === "in" && state.permissions.has("procedure.write");
  const { data, loading, error, reload } = useLoad("procedures", api.procedures.list);
  if (data === undefined) return loading ? <LoadingState /> : <ErrorState error={error} onRetry={reload} />;
  const choose = (id: string | undefined): void =>
    router.go(addressOf("/procedures", { procedure: id }), { replace: true });
  const wanted = query["procedure"];
  const chosen = data.items.find(({ id }) => id === wanted);
  return (
    <div className={`procedure-desk${wanted === undefined ? "" : " procedure-chosen"}`}>
      <section className="panel procedure-list" aria-label={t("procedure.list")}>
        {mayWrite && (
          <Button type="primary" data-testid="procedure-add" onClick={() => choose(NEW)}>
            {t("procedure.add")}
          </Button>
        )}
        {data.items.length === 0 && (
          <EmptyState icon="book" title={t("procedure.empty")} hint={t("procedure.emptyHint")} />
        )}
        <ul>
          {data.items.map((view) => (
            <Entry key={view.id} view={view} selected={view.id === wanted} onChoose={() => choose(view.id)} />
          ))}
        </ul>
      </section>
      <section className="panel procedure-editor" aria-label={t("procedure.edit")}>
        {chosen === undefined && wanted !== NEW ? (
          <EmptyState icon="book" title={t("procedure.choose")} />
        ) : (
          <ProcedureEditor
            key={`${wanted} ${chosen?.revision ?? 0} ${chosen?.published?.version ?? 0} ${chosen?.retired === true}`}
            view={chosen}
            mayWrite={mayWrite}
            onClose={() => choose(undefined)}
            onDone={(id) => {
              reload();
              choose(id);
            }}
          />
        )}
      </section>
    </div>
  );
}

function Entry(props: { readonly view: ProcedureView; readonly selected: boolean; readonly onChoose: () => void }) {
  const { view, selected, onChoose } = props;
  const { t } = useTranslation();
  const { language } = useNames();
  const procedure = view.published?.procedure ?? view.draft?.procedure;
  return (
    <li className={selected ? "row-selected" : undefined}>
      <button
        type="button"
        className="plain cell-link"
        aria-pressed={selected}
        data-testid={`procedure-${view.id}`}
        onClick={onChoose}
      >
        {language === "en" ? procedure?.titleEn : procedure?.title}
      </button>
      <span className="procedure-marks">
        {view.retired && <span className="tag">{t("procedure.retired")}</span>}
        {view.published !== undefined && !view.retired && (
          <span className="tag">{t("procedure.version", { version: view.published.version })}</span>
        )}
        {view.published === undefined && <span className="tag">{t("procedure.notPublished")}</span>}
        {view.draft !== undefined && <span className="tag tag-warn">{t("procedure.draft")}</span>}
      </span>
    </li>
  );
}
