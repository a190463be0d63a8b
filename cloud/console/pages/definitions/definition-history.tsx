import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DefinitionRevision, DefinitionView } from "#core/contracts/definitions.ts";
import { fullTime } from "../../i18n/format.ts";
import { useServices } from "../../services-context.ts";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { ChangedFields } from "./changed-fields.tsx";
import { useOutcome } from "./use-outcome.ts";

interface Props {
  readonly view: DefinitionView;
  /** Newest first; undefined while they are on their way. */
  readonly items: readonly DefinitionRevision[] | undefined;
  readonly mayConfigure: boolean;
  readonly onReverted: () => void;
}

/** Every change of a definition: what, who, when, why; and the way back to each of them. */
export function DefinitionHistory({ view, items, mayConfigure, onReverted }: Props) {
  const { t } = useTranslation();
  const { api } = useServices();
  const { busy, run } = useOutcome(onReverted);
  const [to, setTo] = useState<number>();
  const { id } = view.definition;
  const mayRevert = mayConfigure && view.pending === undefined;
  return (
    <section className="section definition-history" data-testid="definition-history">
      <h3>{t("definition.history")}</h3>
      {items?.length === 0 && <p className="soft">{t("definition.noHistory")}</p>}
      <ol>
        {(items ?? []).map((entry) => (
          <li key={entry.revision}>
            <p>
              <strong>{t(`definition.change.${entry.kind}`)}</strong>{" "}
              <span className="soft">
                {t("definition.revision", { revision: entry.revision })} · {fullTime(entry.at)} ·{" "}
                {entry.approvedBy === undefined
                  ? t("definition.by", { user: entry.actor })
                  : t("definition.approvedBy", { user: entry.actor, second: entry.approvedBy })}
              </span>
            </p>
            <p className="definition-why">{entry.why}</p>
            <ChangedFields before={entry.before} after={entry.after} />
            {mayRevert && entry.before !== null && (
              <Button size="small" disabled={busy} onClick={() => setTo(entry.revision - 1)}>
                {t("definition.revertTitle", { revision: entry.revision - 1 })}
              </Button>
            )}
          </li>
        ))}
      </ol>
      {to !== undefined && (
        <ConfirmDialog
          name="definition-revert"
          title={t("definition.revertTitle", { revision: to })}
          confirmText={t("definition.revert")}
          reasonLabel={t("definition.why")}
          reasonRequired={t("definition.whyMissing")}
          onCancel={() => setTo(undefined)}
          onConfirm={(why) => {
            setTo(undefined);
            void run(() => api.definitions.revert(id, { revision: view.revision, to, why: why ?? "" }));
          }}
        >
          <ChangedFields
            before={view.retired ? null : view.definition}
            after={(items ?? []).find(({ revision }) => revision === to + 1)?.before ?? null}
          />
        </ConfirmDialog>
      )}
    </section>
  );
}
