import { useTranslation } from "react-i18next";
import type { DeviceEventView } from "#core/contracts/devices.ts";
import { useLoad } from "../../api/use-load.ts";
import { fullTime } from "../../i18n/format.ts";
import { useServices } from "../../services-context.ts";

interface Props {
  readonly device: string;
  /** The range that is shown, Unix ms. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Loads again when it changes. */
  readonly round: number;
}

/** Which outages in the range were filled up from the device's own trend logs. */
export function HealedNotes({ device, fromMs, toMs, round }: Props) {
  const { t } = useTranslation();
  const { api } = useServices();
  // an hour is exact enough to ask for, and does not change with each second that a trend goes on
  const sinceMs = Math.floor(fromMs / 3_600_000) * 3_600_000;
  const since = new Date(sinceMs).toISOString();
  const healed = useLoad(`${device} ${since} ${round}`, (signal) => api.healedHistory(device, since, signal));
  const shown = (healed.data?.items ?? []).flatMap((event) => {
    const stretch = stretchOf(event);
    return stretch !== undefined && stretch.from <= toMs && stretch.to >= fromMs ? [{ event, ...stretch }] : [];
  });
  return shown.map(({ event, from, to, points, records }) => (
    <p key={event.id} className="soft trend-note" data-testid="trend-healed">
      {t("point.healed", {
        from: fullTime(new Date(from).toISOString()),
        to: fullTime(new Date(to).toISOString()),
        points,
        records,
      })}
    </p>
  ));
}

function stretchOf({ data = {} }: DeviceEventView) {
  const { from, to, points, records } = data;
  const known =
    typeof from === "number" && typeof to === "number" && typeof points === "number" && typeof records === "number";
  return known ? { from, to, points, records } : undefined;
}
