import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { BadActor, Proposal } from "#core/contracts/alarm-quality.ts";
import { errorText } from "../../api/error-text.ts";
import type { QualityFilter } from "../../api/quality-api.ts";
import { useLoad } from "../../api/use-load.ts";
import type { Translate } from "../../i18n/index.ts";
import { useServices } from "../../services-context.ts";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { PriorityMark } from "../../ui/priority-mark.tsx";
import { ErrorState, LoadingState } from "../../ui/states.tsx";
import { useNames } from "../../ui/use-names.ts";
import { durationText } from "./duration-text.ts";

/** What is about to be decided. */
interface Deciding {
  readonly actor: BadActor;
  readonly proposal: Proposal;
  readonly act: "accept" | "dismiss";
}

function valueText({ kind, value }: Proposal, t: Translate): string {
  return kind === "deadband" ? String(value) : durationText(value, t);
}

/** The alarms that load most, each with what would quieten it. */
export function BadActors(props: {
  readonly part: Omit<QualityFilter, "from" | "by">;
  readonly round: number;
  readonly mayConfigure: boolean;
}) {
  const { t } = useTranslation();
  const { api } = useServices();
  const { language } = useNames();
  const [deciding, setDeciding] = useState<Deciding>();
  const [told, setTold] = useState<{ readonly failure?: unknown; readonly waits?: boolean }>({});
  const found = useLoad(`actors ${props.round} ${JSON.stringify(props.part)}`, (signal) =>
    api.quality.badActors(props.part, signal),
  );
  const decide = async ({ actor, proposal, act }: Deciding, reason: string): Promise<void> => {
    setDeciding(undefined);
    setTold({});
    const { kind, value } = proposal;
    try {
      const { pending = false } = await api.quality.decide(actor.definition, act, { kind, value, reason });
      setTold({ waits: pending });
      found.reload();
    } catch (failure) {
      setTold({ failure });
    }
  };
  const named = (actor: BadActor): string => (language === "en" ? actor.messageEn : actor.message);
  return (
    <section className="panel quality-table" aria-label={t("alarmQuality.actors")}>
      <h3>{t("alarmQuality.actors")}</h3>
      {told.failure !== undefined && (
        <p className="form-error" role="alert">
          {errorText(told.failure, t)}
        </p>
      )}
      {told.waits === true && (
        <p className="form-note" role="status">
          {t("alarmQuality.waits")}
        </p>
      )}
      {found.data === undefined &&
        (found.loading ? <LoadingState /> : <ErrorState error={found.error} onRetry={found.reload} />)}
      {found.data?.items.length === 0 && <p className="quality-none soft">{t("alarmQuality.actorsEmpty")}</p>}
      {found.data !== undefined && found.data.items.length > 0 && (
        <table className="plain-table">
          <thead>
            <tr>
              <th scope="col">{t("alarmQuality.alarm")}</th>
              <th scope="col" className="number">
                {t("alarmQuality.alarms")}
              </th>
              <th scope="col" className="number">
                {t("alarmQuality.share")}
              </th>
              <th scope="col" className="number">
                {t("alarmQuality.chattering")}
              </th>
              <th scope="col" className="number">
                {t("alarmQuality.fleeting")}
              </th>
              <th scope="col" className="number">
                {t("alarmQuality.stale")}
              </th>
              <th scope="col">{t("alarmQuality.proposal")}</th>
            </tr>
          </thead>
          <tbody>
            {found.data.items.map((actor) => (
              <tr key={`${actor.definition} ${actor.source}`} data-testid="bad-actor">
                <td>
                  <PriorityMark priority={actor.priority} quiet /> {named(actor)}
                  <div className="soft actor-source">{actor.source}</div>
                </td>
                <td className="number">{actor.count}</td>
                <td className="number">{Math.round(actor.percent * 10) / 10} %</td>
                <td className="number">{actor.chattering}</td>
                <td className="number">{actor.fleeting}</td>
                <td className="number">{actor.stale}</td>
                <td>
                  <ProposalCell
                    actor={actor}
                    mayConfigure={props.mayConfigure}
                    onDecide={(proposal, act) => setDeciding({ actor, proposal, act })}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {deciding !== undefined && (
        <ConfirmDialog
          name="proposal"
          title={t(`alarmQuality.${deciding.act}Title`)}
          confirmText={t(`alarmQuality.${deciding.act}`)}
          reasonLabel={t("alarmQuality.reason")}
          reasonRequired={t("alarmQuality.reasonNeeded")}
          onCancel={() => setDeciding(undefined)}
          onConfirm={(reason) => void decide(deciding, reason ?? "")}
        >
          <p>
            {t(`alarmQuality.${deciding.act}Text`, {
              alarm: named(deciding.actor),
              kind: t(`alarmQuality.kinds.${deciding.proposal.kind}`),
              value: valueText(deciding.proposal, t),
            })}
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}

function ProposalCell(props: {
  readonly actor: BadActor;
  readonly mayConfigure: boolean;
  readonly onDecide: (proposal: Proposal, act: "accept" | "dismiss") => void;
}) {
  const { t } = useTranslation();
  const { proposal, noProposal, decision } = props.actor;
  return (
    <>
      {proposal !== undefined && (
        <div className="proposal">
          <strong>
            {t(`alarmQuality.kinds.${proposal.kind}`)} → {valueText(proposal, t)}
          </strong>
          <span className="soft">
            {t(`alarmQuality.because.${proposal.because}`, {
              p90: durationText(proposal.basis.p90Ms, t),
              count: proposal.basis.samples,
            })}
          </span>
          {props.mayConfigure && (
            <span className="no-print proposal-acts">
              <Button
                size="small"
                type="primary"
                data-testid="proposal-accept"
                onClick={() => props.onDecide(proposal, "accept")}
              >
                {t("alarmQuality.accept")}
              </Button>
              <Button size="small" data-testid="proposal-dismiss" onClick={() => props.onDecide(proposal, "dismiss")}>
                {t("alarmQuality.dismiss")}
              </Button>
            </span>
          )}
        </div>
      )}
      {noProposal !== undefined && <span className="soft">{t(`alarmQuality.noProposal.${noProposal}`)}</span>}
      {decision !== undefined && (
        <div className="soft" data-testid="proposal-decision">
          {t(`alarmQuality.decided.${decision.decision}`, { by: decision.by, reason: decision.reason })}
        </div>
      )}
    </>
  );
}
