import { Button } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { DeviceEventView } from "#core/contracts/devices.ts";
import type { DoorView } from "#core/contracts/doors.ts";
import { eventWords } from "#core/linkage/event-words.ts";
import { useLoad } from "../../api/use-load.ts";
import { fullTime, shortTime } from "../../i18n/format.ts";
import { named } from "../../i18n/language.ts";
import { zhCN } from "../../i18n/zh-cn.ts";
import { useNow } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { EmptyState, ErrorState, LoadingState } from "../../ui/states.tsx";
import { useNames } from "../../ui/use-names.ts";

/** Stands in an answer for what the reader may not know. */
const MASKED = "***";
/** Events of a door are no live kind: asked again so often, ms. */
const AGAIN_MS = 3000;
const BAD: ReadonlySet<string> = new Set(["accessDenied", "doorForced", "doorTamper", "doorFault", "duress"]);

type ReasonKey = keyof typeof zhCN.door.denyReason;
const isReason = (reason: string): reason is ReasonKey => Object.hasOwn(zhCN.door.denyReason, reason);

/** What happened at a door, newest first: who, whether let through, and why not. */
export function AccessLog({ door }: { readonly door: DoorView }) {
  const { t } = useTranslation();
  const { api } = useServices();
  const { language } = useNames();
  const [older, setOlder] = useState<{ items: readonly DeviceEventView[]; nextCursor?: string | undefined }>();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const newest = useLoad(door.id, (signal) => api.doorEvents(door.id, undefined, signal));
  const { reload } = newest;
  // Whatever changes at the door has left an event.
  const mark = `${door.state} ${door.open} ${door.alarm}`;
  useEffect(() => reload(), [mark, reload]);
  useEffect(() => {
    const timer = setInterval(reload, AGAIN_MS);
    return () => clearInterval(timer);
  }, [reload]);
  const cursor = older === undefined ? newest.data?.nextCursor : older.nextCursor;
  const more = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      const page = await api.doorEvents(door.id, cursor);
      setOlder({ items: [...(older?.items ?? newest.data?.items ?? []), ...page.items], nextCursor: page.nextCursor });
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  const events = [
    ...new Map([...(newest.data?.items ?? []), ...(older?.items ?? [])].map((event) => [event.id, event])).values(),
  ];
  return (
    <>
      <div className="access-head">
        <h2>{t("door.log")}</h2>
        <span className="soft cut">{named(door, language)}</span>
      </div>
      {newest.data === undefined && newest.loading && <LoadingState />}
      {newest.error !== undefined && <ErrorState error={newest.error} onRetry={reload} />}
      {newest.data !== undefined && events.length === 0 && <EmptyState icon="door" title={t("door.logEmpty")} />}
      <ol className="access-events" data-testid="access-log">
        {events.map((event) => (
          <AccessEvent key={event.id} event={event} />
        ))}
      </ol>
      {failure !== undefined && <ErrorState error={failure} onRetry={() => void more()} />}
      {cursor !== undefined && failure === undefined && (
        <div className="access-more">
          <Button loading={busy} onClick={() => void more()}>
            {t("common.more")}
          </Button>
        </div>
      )}
    </>
  );
}

function AccessEvent({ event }: { readonly event: DeviceEventView }) {
  const { t } = useTranslation();
  const { language } = useNames();
  const now = useNow(60_000);
  const { kind, state, data = {}, observedAt, sourceTime } = event;
  const text = (name: string): string | undefined => {
    const value = data[name];
    if (value === undefined || value === "") return undefined;
    return value === MASKED ? t("door.masked") : String(value);
  };
  const who = [text("holder"), text("credential") ?? text("card")].filter((part) => part !== undefined);
  const reason = text("reason");
  const bad = BAD.has(kind) && state !== false;
  return (
    <li className={bad ? "access-bad" : ""} data-testid="access-event" data-kind={kind}>
      <time dateTime={sourceTime ?? observedAt} title={fullTime(sourceTime ?? observedAt)}>
        {shortTime(sourceTime ?? observedAt, now)}
      </time>
      <span>
        <i aria-hidden="true">{bad ? "✕" : kind === "accessGranted" || kind === "accessTaken" ? "✓" : "·"}</i>{" "}
        <strong>{eventWords(kind, language)}</strong>
        {state === false && <span className="soft"> · {t("alarm.transition.cleared")}</span>}
        {who.length > 0 && <span> · {[...new Set(who)].join(" · ")}</span>}
        {reason !== undefined && (
          <small className="soft">{isReason(reason) ? t(`door.denyReason.${reason}`) : reason}</small>
        )}
      </span>
    </li>
  );
}
