import { describe, expect, it } from "vitest";
import { type EvidenceSources, factsOf } from "#cloud/evidence/sources.ts";
import type { AlarmDetail } from "#core/contracts/alarms.ts";
import type { EvidenceGap } from "#core/contracts/evidence.ts";

const RAISED = Date.UTC(2026, 10, 21, 2);
const alarm = {
  id: "a",
  device: "park/gw-1/ahu-1",
  raisedAt: new Date(RAISED).toISOString(),
  runs: [],
} as unknown as AlarmDetail;

/** Sources with so many commands in the time of the alarm, of which the last one moved its device, and so many points. */
function sources(commands: number, points: number): EvidenceSources {
  const made = Array.from({ length: commands }, (_, i) => ({
    id: `c-${i}`,
    requestedBy: "li.wei",
    device: i === commands - 1 ? alarm.device : "park/gw-1/other",
  }));
  return {
    journal: { chained: () => [] },
    audit: { about: () => [] },
    procedures: () => [],
    commands: (_from: number, _to: number, limit: number) => made.slice(0, limit),
    catalog: {
      point: () => undefined,
      points: () => Array.from({ length: points }, (_, i) => ({ id: `${alarm.device}/p-${i}` })),
    },
  } as unknown as EvidenceSources;
}

describe("the facts of an evidence pack", () => {
  it("hold what moved the device of the alarm, however much else was commanded meanwhile, and miss nothing", () => {
    const missing: EvidenceGap[] = [];
    const { commands, points } = factsOf(sources(3000, 50), alarm, RAISED, missing);
    expect([commands.map(({ id }) => id), points.length, missing]).toEqual([["c-2999"], 50, []]);
  });

  it("name what there was no room for", () => {
    const missing: EvidenceGap[] = [];
    const { points } = factsOf(sources(10_001, 51), alarm, RAISED, missing);
    expect(points).toHaveLength(50);
    expect(missing).toEqual([
      { what: "trends", why: "truncated" },
      { what: "commands", why: "truncated" },
    ]);
  });
});
