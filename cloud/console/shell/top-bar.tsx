import { lazy, memo, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AlarmPriority } from "#core/model/alarm.ts";
import { shortTime, timeOfDay } from "../i18n/format.ts";
import { asksForAttention, PRIORITIES } from "../live/alarm-order.ts";
import { useCell, useFirst, useNow } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import { Icon } from "../ui/icon.tsx";
import { Link } from "../ui/link.tsx";
import { PriorityMark, PriorityShape } from "../ui/priority-mark.tsx";
import { useNames } from "../ui/use-names.ts";
import { SoundControls } from "./sound-controls.tsx";
import { LanguageSwitch, ThemeSwitch } from "./switches.tsx";
import { useSmall } from "./use-small.ts";

const PasswordDialog = lazy(() => import("./password-dialog.tsx"));

/** How many of a priority are open, as a shape and a number; its words are drawn anew only when a number changes. */
const CountChip = memo(function CountChip(props: {
  readonly priority: AlarmPriority;
  readonly open: number;
  readonly unacknowledged: number;
}) {
  const { priority, open, unacknowledged } = props;
  const { t } = useTranslation();
  const label = t("alarm.countOf", { priority: t(`alarm.priority.${priority}`), count: open, unacknowledged });
  return (
    <li
      className={`count-chip${unacknowledged > 0 ? ` on-${priority}` : ""}`}
      title={label}
      data-testid={`count-${priority}`}
    >
      <PriorityShape priority={priority} />
      <span aria-hidden="true">{open}</span>
      <span className="visually-hidden">{label}</span>
    </li>
  );
});

/** The most important unacknowledged alarm in one line, and how many are open: on every page. */
function AlarmBar() {
  const { t } = useTranslation();
  const { alarms, tally } = useServices();
  const top = useFirst(alarms);
  const names = useNames();
  const now = useNow(30_000);
  const { priorities } = useCell(tally);
  // The first of the list is unacknowledged if any is.
  const first = top !== undefined && asksForAttention(top) ? top : undefined;
  return (
    <section className="alarm-bar" aria-label={t("alarm.bar")} data-testid="alarm-bar">
      {first === undefined ? (
        <span className="none">{t("alarm.barNone")}</span>
      ) : (
        <Link to={`/alarms?alarm=${encodeURIComponent(first.id)}`} title={t("alarm.barOpen")}>
          <PriorityMark priority={first.priority} />
          <span className="soft">{shortTime(first.raisedAt, now)}</span>
          <strong className="cut">{names.language === "en" ? first.messageEn : first.message}</strong>
          <span className="soft cut">{names.place(first.area)}</span>
        </Link>
      )}
      <ul className="counts" aria-label={t("alarm.counts")}>
        {PRIORITIES.map((priority) => (
          <CountChip key={priority} priority={priority} {...priorities[priority]} />
        ))}
      </ul>
    </section>
  );
}

function LinkState() {
  const { t } = useTranslation();
  const { live } = useServices();
  const { status } = useCell(live.state);
  const shown = status === "off" ? "connecting" : status;
  return (
    <span className={`link-state link-${shown}`} role="status" data-testid="live-status">
      {t(`live.${shown}`)}
    </span>
  );
}

function Clock() {
  const now = useNow();
  return <time className="clock">{timeOfDay(new Date(now))}</time>;
}

function UserMenu() {
  const { t } = useTranslation();
  const { session } = useServices();
  const state = useCell(session.state);
  const [changes, setChanges] = useState(false);
  if (state.is !== "in") return null;
  const { name, displayName } = state.session.user;
  const roles = [...new Set(state.session.grants.map((grant) => grant.role))].join(", ");
  return (
    <>
      <button type="button" className="plain" popoverTarget="user-popover" data-testid="user-menu">
        <Icon name="user" />
        <span className="visually-hidden">{t("app.user")}</span>
        <span className="user-name">{displayName}</span>
      </button>
      <div id="user-popover" popover="auto" className="user-popover">
        <p className="soft">
          {name} · {roles}
        </p>
        <button
          type="button"
          className="plain"
          popoverTarget="user-popover"
          popoverTargetAction="hide"
          data-testid="change-password"
          onClick={() => setChanges(true)}
        >
          <Icon name="key" />
          {t("password.title")}
        </button>
        <button type="button" className="plain" data-testid="sign-out" onClick={() => void session.signOut()}>
          <Icon name="exit" />
          {t("app.signOut")}
        </button>
      </div>
      {changes && (
        <Suspense fallback={null}>
          <PasswordDialog onClose={() => setChanges(false)} />
        </Suspense>
      )}
    </>
  );
}

/** The line above every page. */
export function TopBar() {
  // There they are in the menu: the line belongs to the alarm.
  const small = useSmall();
  return (
    <header className="top">
      <AlarmBar />
      <div className="top-tools">
        <SoundControls />
        <LinkState />
        <Clock />
        {!small && (
          <>
            <LanguageSwitch />
            <ThemeSwitch />
          </>
        )}
        <UserMenu />
      </div>
    </header>
  );
}
