import { type Static, Type } from "typebox";
import { Quality } from "../model/quality.ts";
import { Value } from "../model/sample.ts";
import { Time } from "./http.ts";

const Figure = Type.Union([Type.Number(), Type.Null()]);
const Unit = Type.Union([Type.String(), Type.Null()]);

/** What a bucket may be asked for. `twa`: the time-weighted mean; `increase`: of a counter, roll-overs and replaced meters included. */
export const AGGREGATES = ["min", "max", "mean", "first", "last", "count", "twa", "increase"] as const;
export type Aggregate = (typeof AGGREGATES)[number];

/** How buckets without a usable value are shown: left out, as null, with the value before, or on a line between the neighbours. */
export const Fill = Type.Enum(["none", "null", "previous", "linear"]);
export type Fill = Static<typeof Fill>;

/** One bucket of a series. Only what was asked for is there, but `t`, `count` and `bad` always. */
export const SeriesBucket = Type.Object({
  t: Time,
  count: Type.Integer({ description: "Usable samples." }),
  bad: Type.Integer({ description: "Samples that are bad or hold no value." }),
  min: Type.Optional(Figure),
  max: Type.Optional(Figure),
  mean: Type.Optional(Figure),
  first: Type.Optional(Value),
  last: Type.Optional(Value),
  twa: Type.Optional(Figure),
  increase: Type.Optional(Figure),
  filled: Type.Optional(Type.Boolean({ description: "Made by `fill`; nothing was measured." })),
});
export type SeriesBucket = Static<typeof SeriesBucket>;

/** History of one point: samples, or buckets. */
export const HistoryView = Type.Object({
  point: Type.String(),
  unit: Unit,
  samples: Type.Optional(
    Type.Array(
      Type.Object({
        t: Time,
        value: Value,
        quality: Quality,
        reason: Type.Optional(Type.String()),
        historical: Type.Optional(
          Type.Boolean({
            description: "Taken from the device's own record after an outage; `t` is the device's time.",
          }),
        ),
      }),
    ),
  ),
  buckets: Type.Optional(
    Type.Array(
      Type.Object({
        t: Time,
        min: Figure,
        max: Figure,
        mean: Figure,
        last: Value,
        count: Type.Integer(),
        bad: Type.Integer(),
      }),
    ),
  ),
  truncated: Type.Optional(
    Type.Boolean({ description: "More samples than one answer carries: go on from `nextFrom`, or use `agg`." }),
  ),
  nextFrom: Type.Optional(Type.String({ format: "date-time", description: "`from` of the next page." })),
});
export type HistoryView = Static<typeof HistoryView>;

/** Buckets of several points over one axis of time. */
export const HistorySeriesView = Type.Object({
  from: Time,
  to: Time,
  interval: Type.String({ description: "Width of the buckets, as it may be asked for." }),
  series: Type.Array(Type.Object({ point: Type.String(), unit: Unit, buckets: Type.Array(SeriesBucket) })),
});
export type HistorySeriesView = Static<typeof HistorySeriesView>;
