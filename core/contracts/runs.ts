import { type Static, Type } from "typebox";
import { RuleOutcome, RunStepStatus } from "../linkage/rule.ts";
import { ClipView } from "./clips.ts";
import { Time } from "./http.ts";

/** One run of a linkage rule with its steps. */
export const RunView = Type.Object({
  id: Type.String(),
  rule: Type.String(),
  alarm: Type.Optional(Type.String()),
  ranOn: Type.String(),
  outcome: RuleOutcome,
  reason: Type.Optional(Type.String()),
  startedAt: Time,
  finishedAt: Time,
  steps: Type.Array(
    Type.Object({
      action: Type.String(),
      target: Type.Optional(Type.String()),
      status: RunStepStatus,
      startedAt: Time,
      finishedAt: Time,
      detail: Type.Optional(Type.String()),
      snapshot: Type.Optional(Type.String({ description: "URL of what the step produced." })),
      clip: Type.Optional(ClipView),
    }),
  ),
});
export type RunView = Static<typeof RunView>;
