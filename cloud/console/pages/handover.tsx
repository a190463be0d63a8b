import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Handover, HandoverEntry } from "#core/contracts/shift.ts";
import { ApiError } from "../api/client.ts";
import { errorText } from "../api/error-text.ts";
import { useLoad } from "../api/use-load.ts";
import { fullTime } from "../i18n/format.ts";
import { useCell } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import { Choice } from "../ui/choice.tsx";
import { EmptyState, ErrorState, LoadingState } from "../ui/states.tsx";
import { useNames } from "../ui/use-names.ts";
import { HandoverSheet } from "./handover/handover-sheet.tsx";
import "./handover/handover.css";
import "./quality/print.css";

/** Is it still to be signed? */
const isOpen = ({ status }: Pick<HandoverEntry, "status">): boolean => status === "draft" || status === "signed";

/** Shift handovers: those that were, and the one of this shift with its two signatures. */
export default function HandoverPage() {
  const { t } = useTranslation();
  const { api, positions } = useServices();
  const { language } = useNames();
  const desks = useCell(positions);
  const [position, setPosition] = useState<string>();
  const [chosen, setChosen] = useState<string>();
  const [fresh, setFresh] = useState<Handover>();
  const [failure, setFailure] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  /** Notes of the one shown that were typed and not saved. */
  const [typed, setTyped] = useState<string>();
  const shift = useLoad("shift", (signal) => api.quality.shift(signal));
  const list = useLoad("handovers", (signal) => api.quality.handovers(signal));
  const loaded = useLoad(chosen === undefined || fresh?.id === chosen ? undefined : `handover ${chosen}`, (signal) =>
    api.quality.handover(chosen ?? "", signal),
  );
  const shown = fresh?.id === chosen ? fresh : loaded.data;
  const take = (handover: Handover): void => {
    setFailure(undefined);
    setTyped(undefined);
    setFresh(handover);
    setChosen(handover.id);
    list.reload();
  };
  const show = (id: string): void => {
    setTyped(undefined);
    setFresh(undefined);
    setChosen(id);
  };
  const choose = (id: string): void => {
    setFailure(undefined);
    show(id);
  };
  // Somebody else has changed it: what was typed here outlives what is shown.
  const lookAgain = (notes: string | undefined): void => {
    setTyped(notes);
    setFresh(undefined);
    loaded.reload();
    list.reload();
  };
  // What is in the way is shown, so that it can be signed or given up. A colleague may have drawn it up a moment ago.
  const showOpen = async (): Promise<void> => {
    list.reload();
    try {
      const { items } = await api.quality.handovers();
      const inTheWay = items.find((one) => one.position === position && isOpen(one));
      if (inTheWay !== undefined) show(inTheWay.id);
    } catch (error) {
      setFailure(error);
    }
  };
  const draw = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      take(await api.quality.draw(position));
    } catch (error) {
      setFailure(error);
      if (error instanceof ApiError && error.code === "HANDOVER_OPEN") await showOpen();
    }
    setBusy(false);
  };
  const deskName = (id: string | undefined): string => {
    if (id === undefined) return t("alarmQuality.handover.wholeSite");
    const desk = desks.find((one) => one.id === id);
    return desk === undefined ? id : language === "en" ? desk.nameEn : desk.name;
  };
  return (
    <div className="handover-desk report">
      <aside className="panel handover-list no-print">
        {shift.data !== undefined && (
          <p className="handover-shift" data-testid="shift-now">
            <span className="soft">{t("alarmQuality.handover.shift")}</span>{" "}
            <strong>
              {fullTime(shift.data.shift.from).slice(5, 16)} – {fullTime(shift.data.shift.to).slice(11, 16)}
            </strong>
          </p>
        )}
        <Choice
          label={t("alarmQuality.position")}
          any={t("alarmQuality.handover.wholeSite")}
          value={position}
          options={desks.map(({ id }) => ({ value: id, label: deskName(id) }))}
          onChange={setPosition}
        />
        <Button type="primary" loading={busy} data-testid="handover-draw" onClick={() => void draw()}>
          {t("alarmQuality.handover.draw")}
        </Button>
        {failure !== undefined && (
          <p className="form-error" role="alert">
            {errorText(failure, t)}
          </p>
        )}
        <h2>{t("alarmQuality.handover.history")}</h2>
        {list.data === undefined &&
          (list.loading ? <LoadingState /> : <ErrorState error={list.error} onRetry={list.reload} />)}
        {list.data?.items.length === 0 && <p className="soft">{t("alarmQuality.handover.empty")}</p>}
        <ul>
          {list.data?.items.map(({ id, shift: span, position: desk, status }) => (
            <li key={id}>
              <button
                type="button"
                className="plain handover-entry"
                aria-pressed={id === chosen}
                data-testid="handover-entry"
                onClick={() => choose(id)}
              >
                <strong>
                  {fullTime(span.from).slice(5, 16)} – {fullTime(span.to).slice(11, 16)}
                </strong>
                <span>{deskName(desk)}</span>
                <span className={isOpen({ status }) ? "tag tag-warn" : "soft"}>
                  {t(`alarmQuality.handover.status.${status}`)}
                </span>
              </button>
            </li>
          ))}
        </ul>
      </aside>
      <section className="panel handover-sheet" aria-label={t("alarmQuality.handover.title")}>
        {shown !== undefined && (
          <HandoverSheet
            key={`${shown.id} ${shown.revision}`}
            handover={shown}
            desk={deskName(shown.position)}
            typed={typed}
            onLookAgain={lookAgain}
            onChange={take}
          />
        )}
        {shown === undefined && chosen === undefined && (
          <EmptyState icon="shift" title={t("alarmQuality.handover.choose")} />
        )}
        {shown === undefined &&
          chosen !== undefined &&
          (loaded.loading ? <LoadingState /> : <ErrorState error={loaded.error} onRetry={loaded.reload} />)}
      </section>
    </div>
  );
}
