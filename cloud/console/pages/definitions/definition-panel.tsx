import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { needsSecondPerson } from "#core/alarm/definition-law.ts";
import type { DefinitionView } from "#core/contracts/definitions.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import { useLoad } from "../../api/use-load.ts";
import { useServices } from "../../services-context.ts";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { ErrorState, LoadingState } from "../../ui/states.tsx";
import { useNames } from "../../ui/use-names.ts";
import { changeOf } from "./definition-draft.ts";
import { DefinitionForm } from "./definition-form.tsx";
import { DefinitionHistory } from "./definition-history.tsx";
import { PanelHead } from "./panel-head.tsx";
import { PendingProposal } from "./pending-proposal.tsx";
import { useOutcome } from "./use-outcome.ts";

interface Props {
  readonly id: string;
  readonly mayConfigure: boolean;
  readonly onClose: () => void;
  /** The list has to be asked again. */
  readonly onChanged: () => void;
}

/** One definition: what stands, what waits, how it came to be. */
export function DefinitionPanel({ id, mayConfigure, onClose, onChanged }: Props) {
  const { api } = useServices();
  const view = useLoad(id, (signal) => api.definitions.get(id, signal));
  const history = useLoad(id, (signal) => api.definitions.history(id, signal));
  const refresh = (): void => {
    view.reload();
    history.reload();
    onChanged();
  };
  if (view.data === undefined)
    return view.loading ? <LoadingState /> : <ErrorState error={view.error} onRetry={view.reload} />;
  return (
    <>
      <Head view={view.data} onClose={onClose} />
      <div className="definition-body">
        {view.data.pending !== undefined && (
          <PendingProposal proposal={view.data.pending} mayConfigure={mayConfigure} onDecided={refresh} />
        )}
        <Editor
          key={`${view.data.revision} ${view.data.pending?.id ?? ""}`}
          view={view.data}
          mayConfigure={mayConfigure}
          onDone={refresh}
        />
        <DefinitionHistory
          view={view.data}
          items={history.data?.items}
          mayConfigure={mayConfigure}
          onReverted={refresh}
        />
      </div>
    </>
  );
}

function Head({ view, onClose }: { readonly view: DefinitionView; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const { language, place } = useNames();
  const { definition, runsOn, area, rules } = view;
  return (
    <PanelHead title={language === "en" ? definition.messageEn : definition.message} onClose={onClose}>
      <p className="soft">
        <code>{definition.id}</code> · {t(`alarm.lawText.${view.law}`)} · {place(area)} ·{" "}
        {runsOn.length === 0 ? t("definition.nowhere") : runsOn.join(", ")}
      </p>
      {rules.length > 0 && <p className="soft">{t("definition.rules", { rules: rules.join(", ") })}</p>}
    </PanelHead>
  );
}

function Editor(props: { readonly view: DefinitionView; readonly mayConfigure: boolean; readonly onDone: () => void }) {
  const { view, mayConfigure, onDone } = props;
  const { definition, revision, pending, retired } = view;
  const { t } = useTranslation();
  const { api } = useServices();
  const { busy, run } = useOutcome(onDone);
  const [retiring, setRetiring] = useState(false);
  const locked = !mayConfigure || pending !== undefined || retired;
  const save = (after: AlarmDefinition, why: string): void => {
    const change = changeOf(definition, after);
    if (change !== undefined) void run(() => api.definitions.change(definition.id, { revision, change, why }));
  };
  return (
    <>
      {!mayConfigure && <p className="soft definition-hint">{t("definition.readOnly")}</p>}
      <DefinitionForm
        before={definition}
        locked={locked}
        busy={busy}
        saveText={(after) => t(needsSecondPerson(definition, after) ? "definition.submit" : "definition.save")}
        onSave={save}
      >
        {!locked && definition.category !== "panic" && (
          <Button danger onClick={() => setRetiring(true)}>
            {t("definition.retire")}
          </Button>
        )}
      </DefinitionForm>
      {retiring && (
        <ConfirmDialog
          name="definition-retire"
          title={t("definition.retireTitle")}
          confirmText={t("definition.retire")}
          danger
          reasonLabel={t("definition.why")}
          reasonRequired={t("definition.whyMissing")}
          onCancel={() => setRetiring(false)}
          onConfirm={(why) => {
            setRetiring(false);
            void run(() => api.definitions.retire(definition.id, { revision, why: why ?? "" }));
          }}
        >
          <p>{t("definition.retireText")}</p>
        </ConfirmDialog>
      )}
    </>
  );
}
