import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { PointView } from "#core/contracts/http.ts";
import { dateOf, shownTimeZone, timeOfDay } from "../../i18n/format.ts";
import type { Language } from "../../i18n/language.ts";
import { unitText, valueText, valueWithUnit } from "../../i18n/value-text.ts";
import type { TrendLines } from "../../live/history-lines.ts";
import type { Theme } from "../../preferences.ts";

const HEIGHT_PX = 208;
const DAY_S = 86_400;

interface Props {
  readonly lines: TrendLines;
  readonly point: PointView;
  /** Start of the range, Unix ms. */
  readonly from: number;
  readonly theme: Theme;
  readonly language: Language;
}

/** Marks of the time axis: the time of day, with the date where the range is longer than a day. */
function timeMarks(self: uPlot, marks: number[]): string[] {
  const span = (self.scales["x"]?.max ?? 0) - (self.scales["x"]?.min ?? 0);
  return marks.map((at) => {
    const date = new Date(at * 1000);
    return span > DAY_S * 1.5 ? dateOf(date).slice(5) : timeOfDay(date).slice(0, 5);
  });
}

/** From the lowest to the highest state that has a name, and what else was seen, with room for the line at both ends. */
function stateRange({ states }: PointView, seen: readonly number[]): [number, number] {
  const values = [...seen.filter(Number.isFinite), ...(states?.map(({ value }) => value) ?? [0, 1])];
  return [Math.min(...values) - 0.2, Math.max(...values) + 0.2];
}

function optionsOf({ point, language, from }: Props, band: boolean, widthPx: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const font = `11px ${style.getPropertyValue("--font")}`;
  const stroke = colour("--chart-line");
  const states = point.kind !== "number";
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const axis = {
    stroke: colour("--text-soft"),
    font,
    grid: { stroke: colour("--chart-grid"), width: 1 },
    ticks: { stroke: colour("--chart-grid"), width: 1, size: 4 },
  };
  const hidden: uPlot.Series = { show: true, stroke: "transparent", width: 0, points: { show: false } };
  return {
    width: widthPx,
    height: HEIGHT_PX,
    padding: [10, 10, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      // The whole range, also where nothing was stored: what is missing shall be seen.
      x: { range: (_self, _min, max) => [from / 1000, Math.max(max, Date.now() / 1000)] },
      ...(states ? { y: { range: (_self, min, max) => stateRange(point, [min, max]) } } : {}),
    },
    axes: [
      { ...axis, values: timeMarks, space: 64, size: 30 },
      {
        ...axis,
        size: (_self, values) => 16 + Math.max(24, ...(values ?? []).map((text) => text.length * (states ? 12 : 7))),
        ...(states
          ? {
              splits: (_self, _axis, min, max) =>
                Array.from(
                  { length: Math.min(20, Math.floor(max) - Math.ceil(min) + 1) },
                  (_, i) => Math.ceil(min) + i,
                ),
              values: (_self, marks) => marks.map((mark) => valueText(mark, point, language)),
            }
          : {}),
      },
    ],
    series: [
      {},
      {
        stroke,
        width: 1.6,
        points: { show: false },
        spanGaps: false,
        // A value holds until the next is reported: samples are steps, means are a line.
        ...(band || stepped === undefined ? {} : { paths: stepped }),
      },
      ...(band ? [hidden, hidden] : []),
    ],
    ...(band ? { bands: [{ series: [3, 2], fill: colour("--chart-band") }] } : {}),
  };
}

function dataOf({ times, main, band }: TrendLines): uPlot.AlignedData {
  const lines = band === undefined ? [main] : [main, band.min, band.max];
  return [[...times], ...lines.map((line) => [...line])] as uPlot.AlignedData;
}

/** The chart; under the pointer its time and value are told below it. */
export function TrendChart(props: Props) {
  const { lines, point, from, theme, language } = props;
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLParagraphElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(lines);
  latest.current = lines;
  const band = lines.band !== undefined;

  // Made anew for another point, range, theme or language; data comes below.
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const options = optionsOf(props, band, element.clientWidth);
    const tell = (self: uPlot): void => {
      if (readout.current)
        readout.current.textContent = readoutText(self.cursor.idx, latest.current, point, language, t);
    };
    const made = new uPlot(
      {
        ...options,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), shownTimeZone()),
        hooks: { setCursor: [tell] },
      },
      dataOf(latest.current),
      element,
    );
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [point.id, from, theme, language, band, t]);
  useEffect(() => plot.current?.setData(dataOf(lines)), [lines]);

  return (
    <>
      <div
        ref={box}
        className="chart"
        role="img"
        aria-label={summary(lines, point, language, t)}
        data-testid="trend-chart"
      />
      <p ref={readout} className="soft readout" aria-hidden="true" />
    </>
  );
}

type Texts = ReturnType<typeof useTranslation>["t"];

function readoutText(
  index: number | null | undefined,
  { times, main, band }: TrendLines,
  point: PointView,
  language: Language,
  t: Texts,
): string {
  const at = index === null || index === undefined ? undefined : times[index];
  if (at === undefined || index === null || index === undefined) return "";
  const date = new Date(at * 1000);
  const of = (value: number | null | undefined): string => valueWithUnit(value ?? null, point, language);
  const when = `${dateOf(date).slice(5)} ${timeOfDay(date)}`;
  if (band === undefined) return `${when}　${of(main[index])}`;
  return `${when}　${t("point.mean")} ${of(main[index])}　${t("point.min")} ${of(band.min[index])}　${t("point.max")} ${of(band.max[index])}`;
}

/** The chart in words, for who does not see it. */
function summary({ main, band }: TrendLines, point: PointView, language: Language, t: Texts): string {
  const known = [...main, ...(band?.min ?? []), ...(band?.max ?? [])].filter((value) => value !== null);
  if (known.length === 0) return t("point.noHistory");
  const unit = unitText(point);
  const of = (value: number): string => valueText(value, point, language);
  const low = known.reduce((a, b) => Math.min(a, b));
  const high = known.reduce((a, b) => Math.max(a, b));
  return `${t("point.trend")}: ${t("point.min")} ${of(low)} ${unit}, ${t("point.max")} ${of(high)} ${unit}`;
}
