import { Button } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Handover, Signature } from "#core/contracts/shift.ts";
import { ApiError } from "../../api/client.ts";
import { errorText } from "../../api/error-text.ts";
import { fullTime } from "../../i18n/format.ts";
import { useServices } from "../../services-context.ts";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { PrintButton } from "../quality/print-button.tsx";
import { ConfirmHandover } from "./confirm-handover.tsx";
import { HandedAlarms, HandedList } from "./handed-things.tsx";

/** What is shown is not what it is now: somebody else had it open. */
const CHANGED_ELSEWHERE: ReadonlySet<string> = new Set(["HANDOVER_STALE", "HANDOVER_DISCARDED", "HANDOVER_CLOSED"]);

/** One handover with what it holds, its notes and its signatures. */
export function HandoverSheet(props: {
  readonly handover: Handover;
  readonly desk: string;
  readonly onChange: (handover: Handover) => void;
  /** Notes typed here before somebody else changed it. */
  readonly typed: string | undefined;
  /** Loads it anew, with the notes that were typed and not saved. */
  readonly onLookAgain: (typed: string | undefined) => void;
}) {
  const { t } = useTranslation();
  const { api } = useServices();
  const { handover, desk, typed, onChange, onLookAgain } = props;
  const { id, revision, status, shift, content } = handover;
  const notesId = useId();
  const [notes, setNotes] = useState(typed ?? handover.notes);
  const [asking, setAsking] = useState<"sign" | "confirm" | "discard">();
  const [failure, setFailure] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const closed = status === "closed" || status === "discarded";
  const run = async (work: () => Promise<Handover>): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      onChange(await work());
    } catch (error) {
      setFailure(error);
    }
    setBusy(false);
  };
  const lookAgain = (): void => {
    setFailure(undefined);
    onLookAgain(notes === handover.notes ? undefined : notes);
  };
  const sign = async (): Promise<Handover> => {
    // What stands in the field is what is signed.
    const noted = notes === handover.notes ? handover : await api.quality.note(id, revision, notes);
    return api.quality.sign(id, noted.revision);
  };
  return (
    <>
      <header className="handover-head">
        <div>
          <h2 data-testid="handover-title">
            {t("alarmQuality.handover.title")} · {desk}
          </h2>
          <p className="soft">
            {fullTime(shift.from).slice(0, 16)} – {fullTime(shift.to).slice(0, 16)} ·{" "}
            {t("alarmQuality.handover.drawnUp")} {fullTime(content.at).slice(0, 19)} ·{" "}
            {t("alarmQuality.handover.draftedBy", { user: handover.draftedBy })}
          </p>
        </div>
        <span className={`tag${closed ? "" : " tag-warn"}`} data-testid="handover-status">
          {t(`alarmQuality.handover.status.${status}`)}
        </span>
        <span className="no-print">
          <PrintButton />
        </span>
      </header>
      {failure !== undefined && <Failure error={failure} onLookAgain={lookAgain} />}
      {handover.discarded !== undefined && (
        <p className="form-note" data-testid="handover-discarded">
          {t("alarmQuality.handover.discardedBy", {
            user: handover.discarded.by,
            time: fullTime(handover.discarded.at).slice(0, 19),
          })}{" "}
          <q>{handover.discarded.reason}</q>
        </p>
      )}
      {handover.whole === false && (
        <p className="form-error" role="alert">
          {t("alarmQuality.handover.forged")}
        </p>
      )}
      {typed !== undefined && <OtherNotes typed={typed} saved={handover.notes} closed={closed} />}
      <label className="field-label" htmlFor={notesId}>
        <strong>{t("alarmQuality.handover.notes")}</strong>
      </label>
      {closed ? (
        <p id={notesId} className="handover-notes">
          {handover.notes || t("alarmQuality.handover.none")}
        </p>
      ) : (
        <textarea
          id={notesId}
          className="text-input handover-notes"
          data-testid="handover-notes"
          rows={4}
          maxLength={10_000}
          placeholder={t("alarmQuality.handover.notesHint")}
          value={notes}
          onChange={({ target }) => setNotes(target.value)}
        />
      )}
      {!closed && (
        <div className="handover-acts no-print" data-testid="handover-acts">
          <Button
            loading={busy}
            data-testid="handover-save"
            onClick={() => void run(() => api.quality.note(id, revision, notes))}
          >
            {t("alarmQuality.handover.save")}
          </Button>
          {status === "draft" && (
            <Button type="primary" loading={busy} data-testid="handover-sign" onClick={() => setAsking("sign")}>
              {t("alarmQuality.handover.sign")}
            </Button>
          )}
          {status === "draft" && (
            <Button danger disabled={busy} data-testid="handover-discard" onClick={() => setAsking("discard")}>
              {t("alarmQuality.handover.discard")}
            </Button>
          )}
          {status === "signed" && (
            <Button type="primary" loading={busy} data-testid="handover-confirm" onClick={() => setAsking("confirm")}>
              {t("alarmQuality.handover.confirm")}
            </Button>
          )}
        </div>
      )}
      <dl className="facts handover-signatures">
        <SignatureLine label={t("alarmQuality.handover.outgoing")} signature={handover.outgoing} />
        <SignatureLine label={t("alarmQuality.handover.incoming")} signature={handover.incoming} />
      </dl>
      {handover.sha256 !== undefined && (
        <p className="soft handover-hash">{t("alarmQuality.handover.frozen", { hash: handover.sha256 })}</p>
      )}
      <h3>{t("alarmQuality.handover.figures")}</h3>
      <p data-testid="handover-figures">
        {t("alarmQuality.total", { count: content.figures.alarmCount })} · {t("alarmQuality.figure.maximumAlarmRate")}{" "}
        {content.figures.maximumAlarmRate} · {t("alarmQuality.handover.floods")} {content.figures.floodCount} ·{" "}
        {t("alarmQuality.figure.staleCount")} {content.figures.staleCount}
      </p>
      {(["open", "shelved", "outOfService", "suppressed"] as const).map((what) => (
        <HandedAlarms key={what} title={t(`alarmQuality.handover.${what}`)} alarms={content[what]} />
      ))}
      <HandedList content={content} />
      {asking === "sign" && (
        <ConfirmDialog
          name="sign"
          title={t("alarmQuality.handover.signTitle")}
          confirmText={t("alarmQuality.handover.sign")}
          onCancel={() => setAsking(undefined)}
          onConfirm={() => {
            setAsking(undefined);
            void run(sign);
          }}
        >
          <p>{t("alarmQuality.handover.signText")}</p>
        </ConfirmDialog>
      )}
      {asking === "discard" && (
        <ConfirmDialog
          name="discard"
          title={t("alarmQuality.handover.discardTitle")}
          confirmText={t("alarmQuality.handover.discard")}
          reasonLabel={t("alarmQuality.handover.discardWhy")}
          reasonRequired={t("definition.whyMissing")}
          danger
          onCancel={() => setAsking(undefined)}
          onConfirm={(reason) => {
            setAsking(undefined);
            void run(() => api.quality.discard(id, revision, reason ?? ""));
          }}
        >
          <p>{t("alarmQuality.handover.discardText")}</p>
        </ConfirmDialog>
      )}
      {asking === "confirm" && (
        <ConfirmHandover
          outgoing={handover.outgoing?.by}
          onCancel={() => setAsking(undefined)}
          onConfirm={(person) => {
            setAsking(undefined);
            void run(() => api.quality.confirm(id, { revision, ...person }));
          }}
        />
      )}
    </>
  );
}

/** Why it was not done; what somebody else has changed can be loaded anew. */
function Failure({ error, onLookAgain }: { readonly error: unknown; readonly onLookAgain: () => void }) {
  const { t } = useTranslation();
  return (
    <p className="form-error" role="alert" data-testid="handover-error">
      {errorText(error, t)}{" "}
      {error instanceof ApiError && CHANGED_ELSEWHERE.has(error.code) && (
        <Button size="small" data-testid="handover-again" onClick={onLookAgain}>
          {t("alarmQuality.handover.lookAgain")}
        </Button>
      )}
    </p>
  );
}

/** What was typed and what somebody else has saved, where the field shows but one of them. */
function OtherNotes(props: { readonly typed: string; readonly saved: string; readonly closed: boolean }) {
  const { t } = useTranslation();
  const { typed, saved, closed } = props;
  const other = closed ? typed : saved;
  if (typed === saved || other === "") return null;
  return (
    <p className="form-note" data-testid="handover-other-notes">
      {t(closed ? "alarmQuality.handover.notSaved" : "alarmQuality.handover.savedMeanwhile")} <q>{other}</q>
    </p>
  );
}

function SignatureLine({ label, signature }: { readonly label: string; readonly signature: Signature | undefined }) {
  const { t } = useTranslation();
  return (
    <div className="fact">
      <dt>{label}</dt>
      <dd>
        {signature === undefined ? (
          <span className="soft">{t("alarmQuality.handover.notSigned")}</span>
        ) : (
          <>
            <strong>{signature.by}</strong> <span className="soft">{fullTime(signature.at).slice(0, 19)}</span>
          </>
        )}
      </dd>
    </div>
  );
}
