import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { codeText, errorText } from "../../api/error-text.ts";
import { type AlarmActName, actBlocked, actsAtOnce, type Blocked } from "../../live/alarm-acts.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { type ActDetails, actRequests } from "./act-requests.ts";

/** An act that waits for its dialog. */
export interface AskedAct {
  readonly act: AlarmActName;
  readonly alarms: readonly AlarmView[];
}

/** What people do with alarms. Each act tells its result by itself. */
export interface AlarmActs {
  /** Does it at once, or asks in a dialog for what is missing. What cannot be done says why. */
  ask(act: AlarmActName, alarms: readonly AlarmView[]): void;
  /** True when all were done. */
  perform(act: AlarmActName, alarms: readonly AlarmView[], details: ActDetails): Promise<boolean>;
  blocked(act: AlarmActName, alarm: AlarmView): Blocked | undefined;
  readonly asked: AskedAct | undefined;
  readonly close: () => void;
  /** Ids of alarms of which an act is under way. */
  readonly busy: ReadonlySet<string>;
  /** Acts that have ended so far: an act may change the journal and nothing else. */
  readonly ended: number;
}

const NONE: ReadonlySet<string> = new Set();
/** The acts of the signed-in user. Every act names the occurrence that was looked at, and the workplace. */
export function useAlarmActs(): AlarmActs {
  const { t } = useTranslation();
  const { api, alarms, live, session, preferences, toasts } = useServices();
  const state = useCell(session.state);
  const station = useCell(preferences.workplace);
  const permissions = state.is === "in" ? state.permissions : NONE;
  const [busy, setBusy] = useState<ReadonlySet<string>>(NONE);
  const [ended, setEnded] = useState(0);
  const [asked, setAsked] = useState<AskedAct>();

  return useMemo(() => {
    const requests = actRequests(api, station);
    const blocked = (act: AlarmActName, alarm: AlarmView): Blocked | undefined => actBlocked(act, alarm, permissions);
    /** The live view tells what became of it, and may do so before the answer, which is older then: it counts only without one. */
    const take = (acted: readonly AlarmView[]): void => {
      if (live.state.get().status !== "live") for (const alarm of acted) alarms.upsert(alarm);
    };
    const many = async (act: AlarmActName, wanted: readonly AlarmView[], details: ActDetails): Promise<boolean> => {
      const {
        done,
        alarms: acted,
        refused,
      } = act === "acknowledge" || act === "shelve"
        ? await requests.together(act, wanted, details)
        : await requests.oneByOne(act, wanted, details);
      take(acted);
      const counts = { act: t(`alarm.act.${act}`), done };
      if (refused[0] === undefined) toasts.show("done", t("alarm.dialog.done", counts));
      else
        toasts.show(
          "warning",
          t("alarm.dialog.partly", { ...counts, refused: refused.length, reason: codeText(refused[0], t) }),
        );
      return refused.length === 0;
    };
    const perform: AlarmActs["perform"] = async (act, wanted, details) => {
      const ids = wanted.map(({ id }) => id);
      setBusy((old) => new Set([...old, ...ids]));
      try {
        if (wanted.length !== 1) return await many(act, wanted, details);
        for (const alarm of wanted) take([await requests.one(act, alarm, details)]);
        return true;
      } catch (error) {
        toasts.show("error", errorText(error, t));
        return false;
      } finally {
        setEnded((count) => count + 1);
        setBusy((old) => new Set([...old].filter((id) => !ids.includes(id))));
      }
    };
    const ask: AlarmActs["ask"] = (act, wanted) => {
      const possible = wanted.filter((alarm) => blocked(act, alarm) === undefined);
      const [first] = possible;
      const why = wanted[0] === undefined ? undefined : blocked(act, wanted[0]);
      if (first === undefined) {
        if (why !== undefined) toasts.show("warning", t(`alarm.blocked.${why}`));
      } else if (possible.length === 1 && actsAtOnce(act, first)) void perform(act, possible, {});
      else setAsked({ act, alarms: possible });
    };
    return { ask, perform, blocked, asked, close: () => setAsked(undefined), busy, ended };
  }, [api, alarms, live, toasts, permissions, station, t, busy, asked, ended]);
}
