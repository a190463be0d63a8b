import { type RefObject, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { grouped, shortTime, timeOfDay } from "../../i18n/format.ts";
import { alarmsOfTab } from "../../live/alarm-filter.ts";
import { PRIORITIES, shownState } from "../../live/alarm-order.ts";
import { countHeldBack } from "../../live/alarm-tally.ts";
import { useCell, useItems, useNow } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import type { Audibility } from "../../sound/sound-player.ts";
import { Icon } from "../../ui/icon.tsx";
import { PriorityMark, PriorityShape } from "../../ui/priority-mark.tsx";
import { useNames } from "../../ui/use-names.ts";
import { STATE_ICONS } from "./alarm-cells.tsx";
import { useBlink } from "./use-blink.ts";
import "./wall-display.css";

/** How many rows have their place, now and after each change of the wall. */
function useCapacity(list: RefObject<HTMLElement | null>): number {
  const [capacity, setCapacity] = useState(0);
  useEffect(() => {
    const element = list.current;
    if (element === null) return undefined;
    const measure = (): void => {
      const style = getComputedStyle(element);
      // The style sheet knows how high a row is: on a narrow screen it has two lines.
      const rowPx = Number.parseFloat(style.fontSize) * Number.parseFloat(style.getPropertyValue("--row-em"));
      setCapacity(Math.max(1, Math.floor(element.clientHeight / rowPx)));
    };
    const sized = new ResizeObserver(measure);
    sized.observe(element);
    return () => sized.disconnect();
  }, [list]);
  return capacity;
}

/** Dark for as long as it is shown, whatever the browser prefers. */
function useDark(): void {
  const { preferences } = useServices();
  useEffect(() => {
    const root = document.documentElement;
    root.dataset["theme"] = "dark";
    return () => {
      root.dataset["theme"] = preferences.theme.get();
    };
  }, [preferences]);
}

type Loss = Exclude<Audibility, "ok"> | "muted";

/** Says large that this wall is not heard, and what makes it heard: nobody is to take it for armed. [HM-07] */
function SilentWall({ loss, onWake }: { readonly loss: Loss; readonly onWake: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="wall-silent" role="alert" data-testid="wall-silent" data-loss={loss}>
      <Icon name="silent" />
      <p>
        <strong>{t("alarm.wall.noSound")}</strong>
        <span>{t(`alarm.wall.loss.${loss}`)}</span>
      </p>
      {loss !== "absent" && (
        <button type="button" data-testid="wall-sound" onClick={onWake}>
          {t("alarm.sound.enable")}
        </button>
      )}
    </div>
  );
}

/** The alarm list for a wall: large, without controls but the one that wakes its sound, always at the most important. `/alarms?wall=1`. */
export default function WallDisplay() {
  const { t } = useTranslation();
  const { alarms, live, preferences, sound, tally } = useServices();
  const items = useItems(alarms);
  const names = useNames();
  const now = useNow();
  const { status, heardAt } = useCell(live.state);
  const { flooding, raised } = useCell(sound.flood);
  const { audibility } = useCell(sound.state);
  const volume = useCell(preferences.volume);
  const loss = audibility === "ok" ? (volume === 0 ? "muted" : undefined) : audibility;
  const wake = (): void => {
    if (volume === 0) preferences.setVolume(0.5);
    void sound.unlock();
  };
  const rows = useRef<HTMLOListElement>(null);
  useDark();
  useBlink(rows);
  const capacity = useCapacity(rows);
  const tallied = useCell(tally);
  const { priorities: counts } = tallied;
  const active = alarmsOfTab(items, "active");
  const heldBack = countHeldBack(tallied);
  return (
    <main className="wall" data-testid="wall">
      <header className="wall-head">
        <h1>{t("alarm.wall.title")}</h1>
        <ul className="wall-counts">
          {PRIORITIES.map((priority) => (
            <li key={priority} className={counts[priority].unacknowledged > 0 ? `on-${priority}` : ""}>
              <PriorityShape priority={priority} />
              <span>{t(`alarm.priority.${priority}`)}</span>
              <b>{grouped(counts[priority].open)}</b>
              <small>{t("alarm.pillNew", { count: counts[priority].unacknowledged })}</small>
            </li>
          ))}
        </ul>
        <time>{timeOfDay(new Date(now))}</time>
      </header>
      {status === "stale" && (
        <p className="wall-note wall-bad" role="alert">
          <Icon name="warning" />
          {t("live.staleBanner", { seconds: Math.max(0, Math.floor((now - heardAt) / 1000)) })}
        </p>
      )}
      {loss !== undefined && <SilentWall loss={loss} onWake={wake} />}
      {flooding && (
        <p className="wall-note">
          <Icon name="warning" /> <strong>{t("alarm.flood.title")}</strong> {t("alarm.flood.text", { count: raised })}
        </p>
      )}
      <ol ref={rows} className="wall-rows">
        {active.slice(0, capacity).map((alarm) => (
          <li key={alarm.id} className={alarm.acknowledged ? "row-quiet" : `row-loud row-${alarm.priority}`}>
            <PriorityMark priority={alarm.priority} quiet={alarm.acknowledged} />
            <time>{shortTime(alarm.raisedAt, now)}</time>
            <strong className="cut">{names.language === "en" ? alarm.messageEn : alarm.message}</strong>
            <span className="cut">{names.place(alarm.area)}</span>
            <span className="wall-state">
              <Icon name={STATE_ICONS[shownState(alarm)]} />
              <span className="wall-state-text">
                {t(`alarm.state.${shownState(alarm)}`)}
                {alarm.assignee !== undefined && ` @${alarm.assignee}`}
              </span>
            </span>
          </li>
        ))}
        {active.length === 0 && (
          <li className="wall-none">{heldBack > 0 ? t("alarm.emptyHeld", { count: heldBack }) : t("alarm.empty")}</li>
        )}
      </ol>
      <footer className="wall-foot">
        <span>{t("alarm.wall.held", { count: heldBack })}</span>
        {active.length > capacity && <span>{t("alarm.wall.more", { count: active.length - capacity })}</span>}
        <span>{t(`live.${status === "off" ? "connecting" : status}`)}</span>
      </footer>
    </main>
  );
}
