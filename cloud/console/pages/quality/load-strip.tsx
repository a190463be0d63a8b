import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { LoadNow } from "#core/contracts/alarm-quality.ts";
import type { LiveMessage } from "#core/contracts/live.ts";
import { shortTime } from "../../i18n/format.ts";
import { useServices } from "../../services-context.ts";
import { Icon } from "../../ui/icon.tsx";
import { useNames } from "../../ui/use-names.ts";

/** The loads after a message of the live view. */
export function withLoads(
  held: ReadonlyMap<string, LoadNow>,
  message: LiveMessage<LoadNow>,
): ReadonlyMap<string, LoadNow> {
  if (message.t === "error") return held;
  if (message.t === "snap") return new Map(message.items.map((load) => [load.id, load]));
  const next = new Map(held);
  for (const id of message.rm) next.delete(id);
  for (const load of message.up) next.set(load.id, load);
  return next;
}

/** How loaded the operators are right now: of the site, and of each position. Live. */
export function LoadStrip() {
  const { t } = useTranslation();
  const { live } = useServices();
  const { language } = useNames();
  const [loads, setLoads] = useState<ReadonlyMap<string, LoadNow>>(() => new Map());
  useEffect(
    () => live.view<LoadNow>("loads", undefined, (message) => setLoads((held) => withLoads(held, message))),
    [live],
  );
  const shown = useMemo(() => [...loads.values()], [loads]);
  if (shown.length === 0) return null;
  return (
    <section className="loads no-print" aria-label={t("alarmQuality.now")} data-testid="loads">
      {shown.map(({ id, name, nameEn, count, flood, since, floodCount }) => (
        <div key={id} className={`load${flood ? " load-flood" : ""}`} data-testid="load">
          <strong>{language === "en" ? nameEn : name}</strong>
          <span>{t("alarmQuality.inLastTen", { count })}</span>
          {flood ? (
            <span className="tag tag-warn">
              <Icon name="warning" />
              {t("alarmQuality.flooding", { count: floodCount ?? 0, time: shortTime(since, Date.now()) })}
            </span>
          ) : (
            <span className="soft">{t("alarmQuality.calm")}</span>
          )}
        </div>
      ))}
    </section>
  );
}
