import { describe, expect, it } from "vitest";
import { ESCALATE_AFTER_MS, escalationLimit } from "#core/alarm/escalation.ts";
import type { AlarmPriority, Law } from "#core/model/alarm.ts";

const MINUTE_MS = 60_000;
const limit = (law: Law, priority: AlarmPriority, ...positions: Parameters<typeof escalationLimit>[1]) =>
  escalationLimit({ law, priority }, positions);

describe("how long an alarm may stay unacknowledged", () => {
  it("is the hub's own time where no position looks after it, or the position names none", () => {
    expect(limit("facility", "high")).toBe(ESCALATE_AFTER_MS.high);
    expect(limit("facility", "high", {}, { escalateMinutes: { urgent: 1 } })).toBe(ESCALATE_AFTER_MS.high);
    expect(limit("facility", "low")).toBeUndefined();
  });

  it("is what its position says, longer or shorter, also where the hub would never tell it further", () => {
    expect(limit("facility", "high", { escalateMinutes: { high: 45 } })).toBe(45 * MINUTE_MS);
    expect(limit("facility", "low", { escalateMinutes: { low: 240 } })).toBe(240 * MINUTE_MS);
  });

  it("is the shortest of all positions that look after it, the hub's time for those that name none", () => {
    const [late, soon] = [{ escalateMinutes: { high: 45 } }, { escalateMinutes: { high: 2 } }];
    expect(limit("facility", "high", late, soon)).toBe(2 * MINUTE_MS);
    expect(limit("facility", "high", late, {})).toBe(ESCALATE_AFTER_MS.high);
  });

  it("has no end where every position says never", () => {
    const never = { escalateMinutes: { high: 0 } };
    expect(limit("facility", "high", never)).toBeUndefined();
    expect(limit("facility", "high", never, { escalateMinutes: { high: 20 } })).toBe(20 * MINUTE_MS);
  });

  it("always has an end under the security law where the hub gives it one", () => {
    expect(limit("security", "urgent", { escalateMinutes: { urgent: 0 } })).toBe(ESCALATE_AFTER_MS.urgent);
    expect(limit("security", "urgent", { escalateMinutes: { urgent: 1 } })).toBe(MINUTE_MS);
  });
});
