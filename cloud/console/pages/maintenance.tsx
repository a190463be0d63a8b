import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { PermitView } from "#core/contracts/maintenance.ts";
import { errorText } from "../api/error-text.ts";
import { useLoad } from "../api/use-load.ts";
import { useCell } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import { EmptyState, ErrorState, LoadingState } from "../ui/states.tsx";
import { PermitCard } from "./maintenance/permit-card.tsx";
import { PermitForm } from "./maintenance/permit-form.tsx";
import "./maintenance/maintenance.css";

/** Maintenance permits: asking for one, approving those of others, ending them, and what they held back. */
export default function MaintenancePage() {
  const { t } = useTranslation();
  const { api, session } = useServices();
  const state = useCell(session.state);
  const mayRequest = state.is === "in" && state.permissions.has("maintenance.request");
  const [open, setOpen] = useState(true);
  const [asking, setAsking] = useState(false);
  const [older, setOlder] = useState<{ items: readonly PermitView[]; cursor: string | undefined }>();
  const [failure, setFailure] = useState<unknown>();
  const list = useLoad(`permits ${open}`, (signal) => api.maintenance.list({ open }, signal));
  const show = (which: boolean): void => {
    setOpen(which);
    setOlder(undefined);
  };
  const again = (): void => {
    setOlder(undefined);
    list.reload();
  };
  const items = [...(list.data?.items ?? []), ...(older?.items ?? [])];
  const cursor = older === undefined ? list.data?.nextCursor : older.cursor;
  const more = async (): Promise<void> => {
    setFailure(undefined);
    try {
      const page = await api.maintenance.list({ open, cursor });
      setOlder({ items: [...(older?.items ?? []), ...page.items], cursor: page.nextCursor });
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <div className="permit-desk">
      <div className="permit-tools">
        <fieldset className="permit-which">
          <legend className="visually-hidden">{t("maintenance.which")}</legend>
          {[true, false].map((which) => (
            <Button
              key={String(which)}
              type={which === open ? "primary" : "default"}
              aria-pressed={which === open}
              onClick={() => show(which)}
            >
              {t(which ? "maintenance.open" : "maintenance.past")}
            </Button>
          ))}
        </fieldset>
        {mayRequest && (
          <Button type="primary" data-testid="permit-request" onClick={() => setAsking(true)}>
            {t("maintenance.request")}
          </Button>
        )}
      </div>
      {list.data === undefined && (list.loading ? <LoadingState /> : <ErrorState error={list.error} onRetry={again} />)}
      {list.data !== undefined && items.length === 0 && (
        <EmptyState
          icon="wrench"
          title={t(open ? "maintenance.empty" : "maintenance.emptyPast")}
          hint={open ? t("maintenance.emptyHint") : undefined}
        />
      )}
      {items.length > 0 && (
        <ul className="permit-list" aria-label={t("page.maintenance")}>
          {items.map((permit) => (
            <li key={permit.id}>
              <PermitCard permit={permit} onChanged={again} />
            </li>
          ))}
        </ul>
      )}
      {cursor !== undefined && <Button onClick={() => void more()}>{t("common.more")}</Button>}
      {failure !== undefined && (
        <p className="form-error" role="alert">
          {errorText(failure, t)}
        </p>
      )}
      {asking && (
        <PermitForm
          onCancel={() => setAsking(false)}
          onAsked={() => {
            setAsking(false);
            again();
          }}
        />
      )}
    </div>
  );
}
