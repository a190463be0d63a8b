import type { KpiResult } from "#core/alarm/kpi.ts";
import { figureNamed } from "#core/alarm/kpi-figures.ts";
import { BUCKET_MS, DAY_MS, HOUR_MS, judged, KPI_TARGETS } from "#core/alarm/kpi-numbers.ts";
import { hourStart, type WallClock } from "#core/alarm/periods.ts";
import type { KpiFigures, KpiSplit, KpiView } from "#core/contracts/alarm-quality.ts";
import { CSV_BOM, csvLine } from "#core/csv.ts";
import { iso } from "../time.ts";

/** A longer stretch is shown by the hour. */
const FINE_MS = 31 * DAY_MS;

/** Figures rounded to what they tell. */
function rounded(figures: KpiFigures): KpiFigures {
  const twoPlaces = (value: number): number => Math.round(value * 100) / 100;
  const { averageAlarmRate, perHour, perDay, bucketsOver10Percent, hoursOver30Percent, floodPercent, top10Percent } =
    figures;
  return {
    ...figures,
    averageAlarmRate: twoPlaces(averageAlarmRate),
    perHour: twoPlaces(perHour),
    perDay: twoPlaces(perDay),
    bucketsOver10Percent: twoPlaces(bucketsOver10Percent),
    hoursOver30Percent: twoPlaces(hoursOver30Percent),
    floodPercent: twoPlaces(floodPercent),
    top10Percent: twoPlaces(top10Percent),
  };
}

/** The key figures in the shape of the HTTP API. */
export function kpiView(
  { total, groups, buckets, floods }: KpiResult,
  asked: { from: number; to: number; by: KpiSplit; timeZone: string; clock: WallClock },
): KpiView {
  const { from, to, by, timeZone, clock } = asked;
  const fine = to - from <= FINE_MS;
  const counts = new Map<number, number>();
  for (const { t, count } of buckets) {
    const start = fine ? t : hourStart(t, clock);
    counts.set(start, (counts.get(start) ?? 0) + count);
  }
  return {
    from: iso(from),
    to: iso(to),
    timeZone,
    by,
    total: rounded(total),
    groups: groups.map(({ key, span, figures }) => ({
      key,
      from: iso(span.from),
      to: iso(span.to),
      figures: rounded(figures),
    })),
    targets: [...KPI_TARGETS],
    rates: {
      bucketMs: fine ? BUCKET_MS : HOUR_MS,
      buckets: [...counts].map(([t, count]) => ({ t: iso(t), count })),
      floods: floods.map((flood) => ({
        from: iso(flood.from),
        to: flood.to === undefined ? null : iso(flood.to),
        count: flood.count,
        peak: flood.peak,
      })),
    },
  };
}

/** Columns of the CSV file: the name of the figure, and its heading in both languages. */
const COLUMNS: readonly (readonly [string, string, string])[] = [
  ["alarmCount", "报警数", "Alarms"],
  ["averageAlarmRate", "平均每10分钟", "Average per 10 min"],
  ["maximumAlarmRate", "10分钟峰值", "Peak in 10 min"],
  ["perHour", "每小时", "Per hour"],
  ["perDay", "每天", "Per day"],
  ["bucketsOver10Percent", "超过10条的10分钟占比%", "10-min periods over 10, %"],
  ["hoursOver30Percent", "超过30条的小时占比%", "Hours over 30, %"],
  ["floodPercent", "泛滥时间占比%", "Time in flood, %"],
  ["floodCount", "泛滥次数", "Floods"],
  ["top10Percent", "前10名占比%", "Top 10 share, %"],
  ["chatteringCount", "抖动报警", "Chattering alarms"],
  ["fleetingCount", "瞬时报警", "Fleeting alarms"],
  ["staleCount", "陈旧报警", "Stale alarms"],
  ["priority.urgent", "紧急%", "Urgent, %"],
  ["priority.high", "高%", "High, %"],
  ["priority.medium", "中%", "Medium, %"],
  ["priority.low", "低%", "Low, %"],
  ["shelvedCount", "搁置数", "Shelved"],
  ["unauthorisedCount", "未授权抑制", "Unauthorised suppressions"],
];
const WORDS = {
  "zh-CN": {
    part: "分组",
    from: "开始",
    to: "结束",
    median: "确认中位数(秒)",
    p95: "确认P95(秒)",
    total: "合计",
    target: "目标",
    limit: "限值",
    source: "依据",
    state: "评价",
    good: "达标",
    fair: "偏高",
    bad: "超标",
  },
  en: {
    part: "Part",
    from: "From",
    to: "To",
    median: "Time to acknowledge, median (s)",
    p95: "Time to acknowledge, p95 (s)",
    total: "Total",
    target: "Target",
    limit: "Limit",
    source: "Source",
    state: "Assessment",
    good: "on target",
    fair: "high",
    bad: "off target",
  },
} as const;
const SIGNS = { atMost: "≤", below: "<", atLeast: "≥" } as const;

const seconds = (ms: number | null): number | null => (ms === null ? null : Math.round(ms / 100) / 10);

/** The key figures as a CSV file: the parts, the total, and below each figure its target and who says so. [RFC 4180] */
export function kpiCsv(view: KpiView, language: "zh-CN" | "en"): string {
  const words = WORDS[language];
  const heading = (column: (typeof COLUMNS)[number]): string => (language === "en" ? column[2] : column[1]);
  const line = (part: string, from: string, to: string, figures: KpiFigures): string =>
    csvLine([
      part,
      from,
      to,
      ...COLUMNS.map(([name]) => Math.round(figureNamed(figures, name) * 100) / 100),
      seconds(figures.acknowledge.medianMs),
      seconds(figures.acknowledge.p95Ms),
    ]);
  const under = (label: string, of: (target: KpiView["targets"][number]) => string): string =>
    csvLine([
      label,
      "",
      "",
      ...COLUMNS.map(([name]) => {
        const target = view.targets.find(({ figure }) => figure === name);
        return target === undefined ? "" : of(target);
      }),
      "",
      "",
    ]);
  return [
    CSV_BOM,
    csvLine([words.part, words.from, words.to, ...COLUMNS.map(heading), words.median, words.p95]),
    ...view.groups.map(({ key, from, to, figures }) => line(key, from, to, figures)),
    line(words.total, view.from, view.to, view.total),
    under(words.target, ({ sense, target }) => `${SIGNS[sense]} ${target}`),
    under(words.limit, ({ sense, limit }) => (limit === undefined ? "" : `${SIGNS[sense]} ${limit}`)),
    under(words.state, (target) => words[judged(figureNamed(view.total, target.figure), target)]),
    under(words.source, ({ source }) => source),
  ].join("");
}
