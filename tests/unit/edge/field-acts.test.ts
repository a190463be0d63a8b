import { expect, it } from "vitest";
import type { FieldAct } from "#core/alarm/field.ts";
import { tellField } from "#edge/field-acts.ts";
import type { ActionRequest, ActionResult } from "#protocols/driver.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const act: FieldAct = {
  device: "park/gw-1/ahu-1",
  condition: "analog-input:1",
  action: "acknowledgeCondition",
  by: "li",
  comment: "seen",
  alarm: "a-1",
};

it("tells a device who acknowledged, and gives its refusal with the reason", async () => {
  const asked: ActionRequest[] = [];
  const results: ActionResult[] = [
    { status: "done" },
    { status: "failed", code: "BACNET_ERROR_5_14", message: "services/invalidTimeStamp" },
  ];
  const supervisor = {
    act: async (request: ActionRequest): Promise<ActionResult> => {
      asked.push(request);
      return results.shift() ?? { status: "done" };
    },
  };
  const clock = new ManualClock(0);
  expect(await tellField(supervisor, clock, act)).toBeUndefined();
  expect(await tellField(supervisor, clock, act)).toBe("BACNET_ERROR_5_14: services/invalidTimeStamp");
  const params = { condition: "analog-input:1", by: "li", comment: "seen" };
  expect(asked[0]).toEqual({ device: act.device, action: act.action, params });
});
