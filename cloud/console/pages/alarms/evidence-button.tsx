import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "../../api/error-text.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { Icon } from "../../ui/icon.tsx";

interface Props {
  /** Id of the alarm. */
  readonly alarm: string;
  /** Without words beside its icon, for a row of a table. */
  readonly compact?: boolean;
}

/** Puts a file where the browser keeps what it loads. */
function save(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken it over once its task is done.
  requestAnimationFrame(() => URL.revokeObjectURL(address));
}

/** Exports the evidence pack of an alarm, with a reason; shown to who may. */
export function EvidenceButton({ alarm, compact = false }: Props) {
  const { t } = useTranslation();
  const { api, session, preferences } = useServices();
  const state = useCell(session.state);
  const lang = useCell(preferences.language);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [told, setTold] = useState<{ readonly text: string; readonly bad: boolean }>();
  if (state.is !== "in" || !state.permissions.has("evidence.export")) return null;
  const take = async (reason: string): Promise<void> => {
    setAsking(false);
    setBusy(true);
    setTold({ text: t("journal.evidence.running"), bad: false });
    try {
      const { name, content } = await api.journal.evidence(alarm, { reason, lang });
      save(name, content);
      setTold({ text: t("journal.evidence.done", { name }), bad: false });
    } catch (error) {
      setTold({ text: errorText(error, t), bad: true });
    }
    setBusy(false);
  };
  return (
    <>
      <Button
        size={compact ? "small" : "middle"}
        icon={<Icon name="download" />}
        loading={busy}
        aria-label={t("journal.evidence.button")}
        title={t("journal.evidence.button")}
        data-testid="evidence-button"
        onClick={() => setAsking(true)}
      >
        {compact ? undefined : t("journal.evidence.button")}
      </Button>
      <span role="status" className={told?.bad === true ? "form-error" : "soft"}>
        {told?.text}
      </span>
      {asking && (
        <ConfirmDialog
          title={t("journal.evidence.title")}
          confirmText={t("journal.evidence.confirm")}
          reasonLabel={t("journal.evidence.reason")}
          reasonRequired={t("journal.evidence.reasonRequired")}
          name="evidence"
          onCancel={() => setAsking(false)}
          onConfirm={(reason) => {
            if (reason !== undefined) void take(reason);
          }}
        >
          <p>{t("journal.evidence.text")}</p>
        </ConfirmDialog>
      )}
    </>
  );
}
