import { App, Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { PermitView } from "#core/contracts/maintenance.ts";
import { errorText } from "../../api/error-text.ts";
import type { PermitAct } from "../../api/maintenance-api.ts";
import { fullTime } from "../../i18n/format.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { useNames } from "../../ui/use-names.ts";
import { PermitDigestTable } from "./permit-digest.tsx";

/** Whole seconds are enough for what people plan. */
const time = (iso: string | undefined): string => fullTime(iso).slice(0, 19);

/** Colour says no more than the words do. */
const TAG: Readonly<Partial<Record<PermitView["status"], string>>> = { active: "tag-warn", requested: "tag-warn" };

/** One permit with what it is about, who decided, and what it held back. */
export function PermitCard({ permit, onChanged }: { readonly permit: PermitView; readonly onChanged: () => void }) {
  const { t } = useTranslation();
  const names = useNames();
  const { status, workOrder, reason } = permit;
  return (
    <article className="panel permit-card" data-testid="permit" aria-label={workOrder ?? reason}>
      <div className="permit-head">
        <h2>{workOrder === undefined ? reason : `${workOrder} · ${reason}`}</h2>
        <span className={`tag ${TAG[status] ?? ""}`} data-testid="permit-status">
          {t(`maintenance.status.${status}`)}
        </span>
      </div>
      <dl className="facts">
        <dt>{t("maintenance.time")}</dt>
        <dd>
          {time(permit.from)} – {time(permit.until)}
        </dd>
        <dt>{t("maintenance.areas")}</dt>
        <dd>{permit.areas.map((area) => names.place(area)).join(t("common.listSeparator"))}</dd>
        {permit.categories.length > 0 && (
          <>
            <dt>{t("maintenance.categories")}</dt>
            <dd>
              {permit.categories.map((category) => t(`alarm.category.${category}`)).join(t("common.listSeparator"))}
            </dd>
          </>
        )}
        {permit.definitions.length > 0 && (
          <>
            <dt>{t("maintenance.definitions")}</dt>
            <dd>{permit.definitions.join(t("common.listSeparator"))}</dd>
          </>
        )}
      </dl>
      <Steps permit={permit} />
      <PermitDigestTable permit={permit} />
      <Acts permit={permit} onChanged={onChanged} />
    </article>
  );
}

/** Who did what with it, and when. */
function Steps({ permit }: { readonly permit: PermitView }) {
  const { t } = useTranslation();
  const { status, requestedBy, requestedAt, decidedBy, decidedAt, decision, endedAt, endedBy } = permit;
  return (
    <p className="soft">
      {t("maintenance.askedBy", { user: requestedBy, time: time(requestedAt) })}
      {decidedBy !== undefined && (
        <>
          <br />
          {t(status === "rejected" ? "maintenance.rejectedBy" : "maintenance.approvedBy", {
            user: decidedBy,
            time: time(decidedAt),
          })}
        </>
      )}
      {decision !== undefined && (
        <>
          <br />
          {t("maintenance.said", { text: decision })}
        </>
      )}
      {endedAt !== undefined && (
        <>
          <br />
          {endedBy === undefined
            ? t("maintenance.endedItself", { time: time(endedAt) })
            : t("maintenance.endedBy", { user: endedBy, time: time(endedAt) })}
        </>
      )}
    </p>
  );
}

/** What the signed-in user may do with it. */
function Acts({ permit, onChanged }: { readonly permit: PermitView; readonly onChanged: () => void }) {
  const { t } = useTranslation();
  const { api, session } = useServices();
  const { message } = App.useApp();
  const state = useCell(session.state);
  const [act, setAct] = useState<PermitAct>();
  const { status } = permit;
  if (state.is !== "in" || !["requested", "approved", "active"].includes(status)) return null;
  const own = state.session.user.name === permit.requestedBy;
  const mayApprove = status === "requested" && state.permissions.has("maintenance.approve");
  const mayEnd = state.permissions.has("maintenance.request");
  const ending = status === "active" ? "end" : "withdraw";
  const done = async (chosen: PermitAct, comment: string | undefined): Promise<void> => {
    setAct(undefined);
    try {
      await api.maintenance.act(permit.id, chosen, comment);
      void message.success(t(`maintenance.done.${chosen}`));
    } catch (error) {
      void message.error(errorText(error, t));
    }
    onChanged();
  };
  const text = {
    approve: t("maintenance.approveText", { until: time(permit.until) }),
    reject: t("maintenance.rejectText"),
    end: t(`maintenance.${ending}Text`),
  };
  const label = { approve: t("maintenance.approve"), reject: t("maintenance.reject"), end: t(`maintenance.${ending}`) };
  return (
    <div className="permit-acts">
      {mayApprove && !own && (
        <Button type="primary" data-testid="permit-approve" onClick={() => setAct("approve")}>
          {label.approve}
        </Button>
      )}
      {mayApprove && own && <span className="soft">{t("maintenance.ownRequest")}</span>}
      {mayApprove && !own && (
        <Button data-testid="permit-reject" onClick={() => setAct("reject")}>
          {label.reject}
        </Button>
      )}
      {mayEnd && (
        <Button data-testid="permit-end" onClick={() => setAct("end")}>
          {label.end}
        </Button>
      )}
      {act !== undefined && (
        <ConfirmDialog
          name="permit"
          title={label[act]}
          confirmText={label[act]}
          reasonLabel={t("maintenance.comment")}
          onCancel={() => setAct(undefined)}
          onConfirm={(comment) => void done(act, comment)}
        >
          <p>{text[act]}</p>
        </ConfirmDialog>
      )}
    </div>
  );
}
