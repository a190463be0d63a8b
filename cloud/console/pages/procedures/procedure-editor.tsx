import { App, Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ProcedureView } from "#core/contracts/procedures.ts";
import type { Procedure } from "#core/model/procedure.ts";
import { errorText } from "../../api/error-text.ts";
import { fullTime } from "../../i18n/format.ts";
import { useServices } from "../../services-context.ts";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { Icon } from "../../ui/icon.tsx";
import { useNames } from "../../ui/use-names.ts";
import { ProcedureStepCard } from "../alarms/procedure-step.tsx";
import { EMPTY_PROCEDURE, isComplete, tidyStep } from "./procedure-draft.ts";
import { ScopeEditor } from "./scope-editor.tsx";
import { StepsEditor } from "./steps-editor.tsx";
import "../alarms/procedure-panel.css";

interface Props {
  /** Undefined: a new one. */
  readonly view: ProcedureView | undefined;
  readonly mayWrite: boolean;
  readonly onClose: () => void;
  readonly onDone: (id: string) => void;
}

/** One procedure: its words, its scope, its steps; as it will be seen; saving, publishing, retiring. */
export function ProcedureEditor({ view, mayWrite, onClose, onDone }: Props) {
  const { t } = useTranslation();
  const { api } = useServices();
  const { message } = App.useApp();
  const before = view?.draft?.procedure ?? view?.published?.procedure ?? EMPTY_PROCEDURE;
  const [draft, setDraft] = useState<Procedure>(before);
  const [preview, setPreview] = useState(!mayWrite);
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState<"publish" | "retire">();
  const unsaved = JSON.stringify(draft) !== JSON.stringify(before);
  const ready = isComplete(draft);

  const run = async (done: "saved" | "published" | "retired", work: () => Promise<ProcedureView>): Promise<void> => {
    setBusy(true);
    try {
      const { id } = await work();
      void message.success(t(`procedure.${done}`));
      onDone(id);
    } catch (error) {
      void message.error(errorText(error, t));
    }
    setBusy(false);
  };
  const save = (): Promise<ProcedureView> => {
    const procedure = { ...draft, steps: draft.steps.map(tidyStep) };
    return view === undefined ? api.procedures.create(procedure) : api.procedures.save(procedure, view.revision);
  };
  return (
    <>
      <EditorHead view={view} draft={draft} onClose={onClose} />
      <div className="procedure-tools">
        <Button aria-pressed={!preview} disabled={!mayWrite} onClick={() => setPreview(false)}>
          {t("procedure.edit")}
        </Button>
        <Button aria-pressed={preview} data-testid="procedure-preview" onClick={() => setPreview(true)}>
          {t("procedure.preview")}
        </Button>
        {!mayWrite && <span className="soft">{t("procedure.readOnly")}</span>}
        {unsaved && <span className="tag tag-warn">{t("procedure.unsaved")}</span>}
      </div>
      <div className="procedure-body">
        {preview ? (
          <Preview procedure={draft} />
        ) : (
          <>
            <Titles draft={draft} isNew={view === undefined} onChange={setDraft} />
            <ScopeEditor scope={draft.scope} onChange={(scope) => setDraft({ ...draft, scope })} />
            <StepsEditor steps={draft.steps} onChange={(steps) => setDraft({ ...draft, steps })} />
          </>
        )}
      </div>
      {mayWrite && (
        <footer className="procedure-foot">
          <Button
            type="primary"
            disabled={!(ready && (unsaved || view === undefined))}
            loading={busy}
            data-testid="procedure-save"
            onClick={() => void run("saved", save)}
          >
            {t("procedure.save")}
          </Button>
          <Button
            disabled={busy || unsaved || view?.draft === undefined}
            data-testid="procedure-publish"
            onClick={() => setAsking("publish")}
          >
            {t("procedure.publish")}
          </Button>
          {view?.published !== undefined && !view.retired && (
            <Button danger disabled={busy} onClick={() => setAsking("retire")}>
              {t("procedure.retire")}
            </Button>
          )}
          {!ready && <span className="soft">{t("procedure.incomplete")}</span>}
        </footer>
      )}
      {asking !== undefined && view !== undefined && (
        <ConfirmDialog
          name={`procedure-${asking}`}
          title={t(`procedure.${asking}Title`)}
          confirmText={t(`procedure.${asking}`)}
          danger={asking === "retire"}
          reasonLabel={t("procedure.reason")}
          reasonRequired={t("procedure.reasonMissing")}
          onCancel={() => setAsking(undefined)}
          onConfirm={(reason = "") => {
            setAsking(undefined);
            void (asking === "publish"
              ? run("published", () => api.procedures.publish(view.id, view.revision, reason))
              : run("retired", () => api.procedures.retire(view.id, reason)));
          }}
        >
          <p>{t(`procedure.${asking}Text`)}</p>
        </ConfirmDialog>
      )}
    </>
  );
}

function EditorHead(props: {
  readonly view: ProcedureView | undefined;
  readonly draft: Procedure;
  readonly onClose: () => void;
}) {
  const { view, draft, onClose } = props;
  const { t } = useTranslation();
  const { language } = useNames();
  const { published, draft: kept } = view ?? {};
  return (
    <header className="procedure-editor-head">
      <div>
        <h2>{(language === "en" ? draft.titleEn : draft.title) || t("procedure.add")}</h2>
        {published !== undefined && (
          <p className="soft">
            {t("procedure.version", { version: published.version })}:{" "}
            {t("procedure.publishedBy", {
              user: published.by,
              time: fullTime(published.at),
              reason: published.reason,
            })}
          </p>
        )}
        {kept !== undefined && (
          <p className="soft">{t("procedure.draftBy", { user: kept.by, time: fullTime(kept.at) })}</p>
        )}
      </div>
      <button type="button" className="plain" aria-label={t("common.close")} onClick={onClose}>
        <Icon name="close" />
      </button>
    </header>
  );
}

function Titles(props: {
  readonly draft: Procedure;
  readonly isNew: boolean;
  readonly onChange: (draft: Procedure) => void;
}) {
  const { draft, isNew, onChange } = props;
  const { t } = useTranslation();
  return (
    <div className="procedure-fields">
      {(isNew ? (["id", "title", "titleEn"] as const) : (["title", "titleEn"] as const)).map((field) => (
        <label key={field}>
          <span className="field-label">{t(`procedure.${field}`)}</span>
          <input
            className="text-input"
            maxLength={field === "id" ? 64 : 200}
            value={draft[field]}
            data-testid={`procedure-field-${field}`}
            onChange={({ target }) => onChange({ ...draft, [field]: target.value })}
          />
        </label>
      ))}
    </div>
  );
}

/** The steps as the operator will see them, without their buttons. */
function Preview({ procedure }: { readonly procedure: Procedure }) {
  return (
    <ol className="procedure-steps" data-testid="procedure-steps">
      {procedure.steps.map((step, i) => (
        <ProcedureStepCard
          key={i}
          step={{ ...step, n: i + 1, status: "open" }}
          may={false}
          busy={false}
          onConfirm={() => undefined}
          onSkip={() => undefined}
        />
      ))}
    </ol>
  );
}
