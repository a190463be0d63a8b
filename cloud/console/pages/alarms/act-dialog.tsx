import { Modal } from "antd";
import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { commentNeeded, SHELVE_MINUTES } from "../../live/alarm-acts.ts";
import { PRIORITIES } from "../../live/alarm-order.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { PriorityMark } from "../../ui/priority-mark.tsx";
import { useNames } from "../../ui/use-names.ts";
import type { ActDetails } from "./act-requests.ts";
import { AssigneeField } from "./assignee-field.tsx";
import type { AlarmActs, AskedAct } from "./use-alarm-acts.ts";
import { useBackToList } from "./use-back-to-list.ts";
import "./act-dialog.css";

interface Props {
  readonly asked: AskedAct;
  readonly acts: AlarmActs;
  readonly onClose: (done: boolean) => void;
}

const CONFIRM_TEST_ID = { "data-testid": "act-confirm" };
const SHELVE_CHOICES = [...SHELVE_MINUTES, "once"] as const;
const PHRASES = ["onTheWay", "onSite", "falseAlarm", "test"] as const;

/** What is acted on: one by its message, several by their number of each priority. */
function Subject({ alarms }: Pick<AskedAct, "alarms">) {
  const { language, place } = useNames();
  const [first] = alarms;
  if (alarms.length === 1 && first !== undefined)
    return (
      <p className="act-subject">
        <PriorityMark priority={first.priority} />{" "}
        <strong>{language === "en" ? first.messageEn : first.message}</strong>
        <span className="soft"> {place(first.area)}</span>
      </p>
    );
  return (
    <ul className="act-counts" data-testid="act-counts">
      {PRIORITIES.map((priority) => {
        const count = alarms.filter((alarm) => alarm.priority === priority).length;
        return count === 0 ? null : (
          <li key={priority}>
            <PriorityMark priority={priority} /> × {count}
          </li>
        );
      })}
    </ul>
  );
}

type ShelveChoice = (typeof SHELVE_CHOICES)[number];

/** For how long it is shelved. It ends by itself, also where it waits for the return to normal. [AL-10] */
function Duration({ chosen, onChosen }: { chosen: ShelveChoice; onChosen: (choice: ShelveChoice) => void }) {
  const { t } = useTranslation();
  const label = (choice: ShelveChoice): string => {
    if (choice === "once") return t("alarm.dialog.once");
    return choice < 60 ? t("alarm.dialog.minutes", { count: choice }) : t("alarm.dialog.hours", { count: choice / 60 });
  };
  return (
    <fieldset className="act-durations">
      <legend>{t("alarm.dialog.duration")}</legend>
      {SHELVE_CHOICES.map((one) => (
        <label key={one} className={one === chosen ? "on" : ""}>
          <input
            type="radio"
            name="shelve-duration"
            value={one}
            checked={one === chosen}
            data-testid={`shelve-${one}`}
            onChange={() => onChosen(one)}
          />
          {label(one)}
        </label>
      ))}
    </fieldset>
  );
}

/** Says what will be done with which alarms, and asks for what the act needs. Enter confirms. */
export default function ActDialog({ asked: { act, alarms }, acts, onClose }: Props) {
  const { t } = useTranslation();
  const { session, preferences } = useServices();
  const state = useCell(session.state);
  const workplace = useCell(preferences.workplace);
  const [comment, setComment] = useState("");
  const [duration, setDuration] = useState<ShelveChoice>(SHELVE_MINUTES[1]);
  const [assignee, setAssignee] = useState<string | null>();
  const [busy, setBusy] = useState(false);
  useBackToList();
  const formId = useId();
  const commentId = useId();
  const needed = alarms.some((alarm) => commentNeeded(act, alarm));
  const given = comment.trim();
  const ready = (!needed || given !== "") && (act !== "assign" || assignee !== undefined);
  const who = state.is === "in" ? state.session.user.displayName : "";

  const details: ActDetails = {
    ...(given === "" ? {} : { comment: given }),
    ...(act === "shelve" ? (duration === "once" ? { once: true } : { minutes: duration }) : {}),
    ...(act === "assign" && assignee !== undefined ? { assignee } : {}),
  };
  const submit = async (): Promise<void> => {
    setBusy(true);
    const done = await acts.perform(act, alarms, details);
    setBusy(false);
    // What was partly refused has been told; the rest is done, so the dialog has nothing left to ask.
    if (done || alarms.length > 1) onClose(done);
  };
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (ready && !busy) void submit();
  };
  const focusFirst = (open: boolean): void => {
    if (open) document.querySelector<HTMLElement>(`[id="${formId}"] [data-first]`)?.focus();
  };
  const title =
    alarms.length === 1
      ? t(`alarm.dialog.title.${act}`)
      : t("alarm.dialog.titleMany", { act: t(`alarm.act.${act}`), count: alarms.length });
  return (
    <Modal
      open
      title={title}
      okText={t(`alarm.act.${act}`)}
      cancelText={t("common.cancel")}
      okButtonProps={{ disabled: !ready, htmlType: "submit", form: formId, ...CONFIRM_TEST_ID }}
      confirmLoading={busy}
      onCancel={() => onClose(false)}
      afterOpenChange={focusFirst}
    >
      <form id={formId} className="act-form" onSubmit={onSubmit} data-testid="act-dialog">
        <Subject alarms={alarms} />
        {(act === "shelve" || act === "outOfService") && <p className="form-note">{t(`alarm.dialog.note.${act}`)}</p>}
        {act === "shelve" && <Duration chosen={duration} onChosen={setDuration} />}
        {act === "assign" && <AssigneeField alarms={alarms} value={assignee} onValue={setAssignee} />}
        <label className="field-label" htmlFor={commentId}>
          {t(needed ? "alarm.dialog.commentNeeded" : "alarm.dialog.comment")}
        </label>
        <input
          id={commentId}
          className="text-input"
          data-testid="act-comment"
          data-first={act === "assign" ? undefined : ""}
          maxLength={500}
          autoComplete="off"
          required={needed}
          aria-required={needed}
          value={comment}
          onChange={({ target }) => setComment(target.value)}
        />
        <div className="act-phrases">
          {PHRASES.map((phrase) => (
            <button
              key={phrase}
              type="button"
              className="tag"
              onClick={() => setComment(t(`alarm.dialog.phrase.${phrase}`))}
            >
              {t(`alarm.dialog.phrase.${phrase}`)}
            </button>
          ))}
        </div>
        <p className="soft act-who" data-testid="act-who">
          {t("alarm.dialog.who", { who, workplace })}
        </p>
      </form>
    </Modal>
  );
}
