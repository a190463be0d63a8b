import { App } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AlarmView } from "#core/contracts/http.ts";
import { codeText, errorText } from "../../api/error-text.ts";
import { acknowledgeBlocked, type Blocked, resetBlocked } from "../../live/alarm-acts.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";

/** What people do with alarms. Each act tells its result by itself. */
export interface AlarmActs {
  acknowledge(alarm: AlarmView): Promise<void>;
  /** True when all were acknowledged. */
  acknowledgeMany(alarms: readonly AlarmView[], comment: string | undefined): Promise<boolean>;
  reset(alarm: AlarmView): Promise<void>;
  acknowledgeBlocked(alarm: AlarmView): Blocked | undefined;
  resetBlocked(alarm: AlarmView): Blocked | undefined;
  /** Ids of alarms of which an act is under way. */
  readonly busy: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** The acts of the signed-in user. Every act names the occurrence that was looked at. */
export function useAlarmActs(): AlarmActs {
  const { t } = useTranslation();
  const { api, alarms, session } = useServices();
  const { message } = App.useApp();
  const state = useCell(session.state);
  const permissions = state.is === "in" ? state.permissions : NONE;
  const [busy, setBusy] = useState<ReadonlySet<string>>(NONE);

  return useMemo(() => {
    const act = async (
      alarm: AlarmView,
      kind: "acknowledge" | "reset",
      blocked: Blocked | undefined,
    ): Promise<void> => {
      if (blocked !== undefined) {
        void message.warning(t(`alarm.blocked.${blocked}`));
        return;
      }
      setBusy((old) => new Set([...old, alarm.id]));
      try {
        alarms.upsert(await api.actOnAlarm(alarm.id, kind, { occurrence: alarm.occurrence }));
      } catch (error) {
        void message.error(errorText(error, t));
      } finally {
        setBusy((old) => new Set([...old].filter((id) => id !== alarm.id)));
      }
    };
    const acknowledgeMany: AlarmActs["acknowledgeMany"] = async (wanted, comment) => {
      try {
        const answer = await api.acknowledgeMany(
          wanted.map(({ id, occurrence }) => ({ id, occurrence })),
          comment,
        );
        const refused = answer.items.flatMap(({ problem }) => (problem === undefined ? [] : [problem.code]));
        for (const { alarm } of answer.items) if (alarm !== undefined) alarms.upsert(alarm);
        const done = answer.items.length - refused.length;
        if (refused[0] === undefined) {
          void message.success(t("alarm.bulk.done", { count: done }));
          return true;
        }
        void message.warning(
          t("alarm.bulk.partly", { done, refused: refused.length, reason: codeText(refused[0], t) }),
        );
      } catch (error) {
        void message.error(errorText(error, t));
      }
      return false;
    };
    return {
      acknowledge: (alarm) => act(alarm, "acknowledge", acknowledgeBlocked(alarm, permissions)),
      acknowledgeMany,
      reset: (alarm) => act(alarm, "reset", resetBlocked(alarm, permissions)),
      acknowledgeBlocked: (alarm) => acknowledgeBlocked(alarm, permissions),
      resetBlocked: (alarm) => resetBlocked(alarm, permissions),
      busy,
    };
  }, [api, alarms, message, permissions, t, busy]);
}
