import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { PointView } from "#core/contracts/points.ts";
import type { Quality } from "#core/model/quality.ts";
import { dateOf, shownTimeZone, timeOfDay } from "../../i18n/format.ts";
import type { Translate } from "../../i18n/index.ts";
import type { Language } from "../../i18n/language.ts";
import { unitText, valueText, valueWithUnit } from "../../i18n/value-text.ts";
import type { TrendLines } from "../../live/history-lines.ts";
import type { Theme } from "../../preferences.ts";
import { qualityText } from "../../ui/quality-badge.tsx";

const HEIGHT_PX = 208;
const DAY_S = 86_400;
/** A shorter drag is a click. */
const NARROWEST_PX = 4;

interface Props {
  readonly lines: TrendLines;
  readonly point: PointView;
  /** The range, Unix ms. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly theme: Theme;
  readonly language: Language;
  /** Somebody has dragged over these times. */
  readonly onZoom: (fromMs: number, toMs: number) => void;
}

/** Marks of the time axis: as much of date and time as tells them apart. */
function timeMarks(self: uPlot, marks: number[]): string[] {
  const span = (self.scales["x"]?.max ?? 0) - (self.scales["x"]?.min ?? 0);
  return marks.map((at) => {
    const date = new Date(at * 1000);
    if (span > DAY_S * 400) return dateOf(date).slice(0, 7);
    if (span > DAY_S * 1.5) return dateOf(date).slice(5);
    return span > 300 ? timeOfDay(date).slice(0, 5) : timeOfDay(date);
  });
}

/** From the lowest to the highest state that has a name, and what else was seen, with room for the line at both ends. */
function stateRange({ states }: PointView, seen: readonly number[]): [number, number] {
  const values = [...seen.filter(Number.isFinite), ...(states?.map(({ value }) => value) ?? [0, 1])];
  return [Math.min(...values) - 0.2, Math.max(...values) + 0.2];
}

function optionsOf(
  { point, language }: Pick<Props, "point" | "language">,
  range: () => [number, number],
  historical: () => readonly number[],
  band: boolean,
  widthPx: number,
): uPlot.Options {
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
    cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false, setScale: false } },
    scales: {
      // The whole range, also where nothing was stored: what is missing shall be seen.
      x: { range },
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
        // A dot stands where the value was told after the fact.
        points: { show: () => historical().length > 0, size: 5, filter: () => [...historical()] },
        spanGaps: false,
        // A value holds until the next is reported: samples are steps, means are a line.
        ...(band || stepped === undefined ? {} : { paths: stepped }),
      },
      ...(band
        ? [hidden, hidden]
        : [
            {
              stroke: colour("--text-soft"),
              width: 1.6,
              dash: [4, 4],
              points: { show: false },
              spanGaps: false,
              ...(stepped === undefined ? {} : { paths: stepped }),
            },
          ]),
    ],
    ...(band ? { bands: [{ series: [3, 2], fill: colour("--chart-band") }] } : {}),
  };
}

function dataOf({ times, main, uncertain, band }: TrendLines): uPlot.AlignedData {
  const lines = band === undefined ? [main, uncertain ?? times.map(() => null)] : [main, band.min, band.max];
  return [[...times], ...lines.map((line) => [...line])] as uPlot.AlignedData;
}

/** The chart; under the pointer its time and value are told below it. */
export function TrendChart(props: Props) {
  const { lines, point, theme, language } = props;
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLParagraphElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const band = lines.band !== undefined;

  // Made anew for another point, theme or language; range and data come below.
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const range = (): [number, number] => [latest.current.fromMs / 1000, latest.current.toMs / 1000];
    const historical = (): readonly number[] => latest.current.lines.historical ?? [];
    const options = optionsOf({ point: latest.current.point, language }, range, historical, band, element.clientWidth);
    const tell = (self: uPlot): void => {
      if (readout.current)
        readout.current.textContent = readoutText(
          self.cursor.idx,
          latest.current.lines,
          latest.current.point,
          language,
          t,
        );
    };
    const zoom = (self: uPlot): void => {
      const { left, width } = self.select;
      if (width < NARROWEST_PX) return;
      const at = (px: number): number => self.posToVal(px, "x") * 1000;
      self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      latest.current.onZoom(at(left), at(left + width));
    };
    const made = new uPlot(
      {
        ...options,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), shownTimeZone()),
        hooks: { setCursor: [tell], setSelect: [zoom] },
      },
      dataOf(latest.current.lines),
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
  }, [point.id, theme, language, band, t]);
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

function readoutText(
  index: number | null | undefined,
  { times, main, uncertain, notes, band, historical }: TrendLines,
  point: PointView,
  language: Language,
  t: Translate,
): string {
  const at = index === null || index === undefined ? undefined : times[index];
  if (at === undefined || index === null || index === undefined) return "";
  const date = new Date(at * 1000);
  const of = (value: number | null | undefined): string => valueWithUnit(value ?? null, point, language);
  const when = `${dateOf(date)} ${timeOfDay(date)}`;
  const note = notes[index];
  if (typeof note === "number") return `${when}　${t("point.badSamples", { count: note })}`;
  if (note !== undefined) {
    const [quality, reason] = note.split("|");
    const current = { quality: quality as Quality, ...(reason === undefined ? {} : { reason }) };
    return `${when}　${of(uncertain?.[index])}　${qualityText(current, t)}`;
  }
  const origin = historical?.includes(index) ? `　${t("point.historical")}` : "";
  if (band === undefined) return `${when}　${of(main[index])}${origin}`;
  return `${when}　${t("point.mean")} ${of(main[index])}　${t("point.min")} ${of(band.min[index])}　${t("point.max")} ${of(band.max[index])}`;
}

/** The chart in words, for who does not see it. */
function summary({ main, band }: TrendLines, point: PointView, language: Language, t: Translate): string {
  const known = [...main, ...(band?.min ?? []), ...(band?.max ?? [])].filter((value) => value !== null);
  if (known.length === 0) return t("point.noHistory");
  const unit = unitText(point);
  const of = (value: number): string => valueText(value, point, language);
  const low = known.reduce((a, b) => Math.min(a, b));
  const high = known.reduce((a, b) => Math.max(a, b));
  return `${t("point.trend")}: ${t("point.min")} ${of(low)} ${unit}, ${t("point.max")} ${of(high)} ${unit}`;
}
