import { useTranslation } from "react-i18next";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import { useServices } from "../../services-context.ts";
import { DefinitionForm } from "./definition-form.tsx";
import { PanelHead } from "./panel-head.tsx";
import { useOutcome } from "./use-outcome.ts";

const EMPTY: AlarmDefinition = {
  id: "",
  category: "equipment",
  priority: "medium",
  condition: { type: "above", point: "", limit: 0, deadband: 0 },
  message: "",
  messageEn: "",
};

/** A definition that is not there yet. */
export function NewDefinition(props: { readonly onClose: () => void; readonly onMade: (id: string) => void }) {
  const { onClose, onMade } = props;
  const { t } = useTranslation();
  const { api } = useServices();
  const { busy, run } = useOutcome(() => undefined);
  const add = async (definition: AlarmDefinition, why: string): Promise<void> => {
    if (await run(() => api.definitions.add(definition, why))) onMade(definition.id);
  };
  return (
    <>
      <PanelHead title={t("definition.add")} onClose={onClose} />
      <div className="definition-body">
        <DefinitionForm
          before={EMPTY}
          isNew
          locked={false}
          busy={busy}
          saveText={() => t("definition.create")}
          onSave={(definition, why) => void add(definition, why)}
        />
      </div>
    </>
  );
}
