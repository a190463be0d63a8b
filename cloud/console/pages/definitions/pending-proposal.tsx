import { App, Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DefinitionProposal } from "#core/contracts/definitions.ts";
import { errorText } from "../../api/error-text.ts";
import { fullTime } from "../../i18n/format.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { ChangedFields } from "./changed-fields.tsx";

/** A change that waits for a second person: what it is, who wants it and why, and that person's yes or no. */
export function PendingProposal(props: {
  readonly proposal: DefinitionProposal;
  readonly mayConfigure: boolean;
  readonly onDecided: () => void;
}) {
  const { proposal, mayConfigure, onDecided } = props;
  const { id, kind, before, after, why, requestedBy, requestedAt } = proposal;
  const { t } = useTranslation();
  const { api, session } = useServices();
  const { message } = App.useApp();
  const state = useCell(session.state);
  const [busy, setBusy] = useState(false);
  const own = state.is === "in" && state.session.user.name === requestedBy;
  const decide = async (act: "approve" | "refuse"): Promise<void> => {
    setBusy(true);
    try {
      await api.definitions[act](id);
      void message.success(t(act === "approve" ? "definition.approved" : "definition.refused"));
    } catch (error) {
      void message.error(errorText(error, t));
    }
    setBusy(false);
    // also after a refusal: somebody else may have been sooner
    onDecided();
  };
  return (
    <section className="section definition-pending" data-testid="definition-pending">
      <h3>
        {t("definition.proposal")}: {t(`definition.change.${kind}`)}
      </h3>
      <p>{t("definition.proposedBy", { user: requestedBy, time: fullTime(requestedAt), why })}</p>
      <ChangedFields before={before} after={after} />
      {mayConfigure && (
        <div className="definition-buttons">
          {!own && (
            <Button
              type="primary"
              loading={busy}
              data-testid="definition-approve"
              onClick={() => void decide("approve")}
            >
              {t("definition.approve")}
            </Button>
          )}
          <Button disabled={busy} onClick={() => void decide("refuse")}>
            {t(own ? "definition.withdraw" : "definition.refuse")}
          </Button>
          {own && <span className="soft">{t("definition.ownProposal")}</span>}
        </div>
      )}
    </section>
  );
}
