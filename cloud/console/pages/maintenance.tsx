import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { usePages } from "../api/use-pages.ts";
import { useCell } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import { MoreButton } from "../ui/more-button.tsx";
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
  const list = usePages(`permits ${open}`, (cursor, signal) => api.maintenance.list({ open, cursor }, signal));
  const { items, reload } = list;
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
              onClick={() => setOpen(which)}
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
      {items === undefined && (list.loading ? <LoadingState /> : <ErrorState error={list.error} onRetry={reload} />)}
      {items?.length === 0 && (
        <EmptyState
          icon="wrench"
          title={t(open ? "maintenance.empty" : "maintenance.emptyPast")}
          hint={open ? t("maintenance.emptyHint") : undefined}
        />
      )}
      {items !== undefined && items.length > 0 && (
        <ul className="permit-list" aria-label={t("page.maintenance")}>
          {items.map((permit) => (
            <li key={permit.id}>
              <PermitCard permit={permit} onChanged={reload} />
            </li>
          ))}
        </ul>
      )}
      <MoreButton list={list} />
      {asking && (
        <PermitForm
          onCancel={() => setAsking(false)}
          onAsked={() => {
            setAsking(false);
            reload();
          }}
        />
      )}
    </div>
  );
}
