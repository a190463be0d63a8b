import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ESCALATE_AFTER_MS } from "#core/alarm/escalation.ts";
import { DomainBench, type Domains, LI, NOON, WANG } from "../domain-bench.ts";
import { GW1, GW2 } from "../small-park.ts";
import { GatewaySide } from "./gateway-side.ts";

const MINUTE_MS = 60_000;
/** How late a timer may be, ms. */
const LATE_MS = 1000;
const RUNS = 6;

const iso = (ms: number): string => new Date(ms).toISOString();

interface Times {
  readonly id: string;
  readonly transition: string;
  /** When it should have happened: at a time, or as soon as there was a process again. */
  readonly due: number;
}

/** Every moment at which a process begins, in order. */
function expectedAt(due: number, downs: readonly { from: number; to: number }[]): number {
  const down = downs.find(({ from, to }) => due >= from && due < to);
  return down === undefined ? due : down.to;
}

describe("shelving, escalation and maintenance permits", () => {
  it("each fire once, at their time or with the next start, however often the cloud is restarted", {
    timeout: 180_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            runMs: fc.integer({ min: 1, max: 12 * MINUTE_MS }),
            downMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 6 * MINUTE_MS })),
          }),
          { minLength: 1, maxLength: 6 },
        ),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        async (lives, shelvedMinutes, permitFrom, permitFor) => {
          const bench = new DomainBench();
          try {
            let cloud: Domains = await bench.open();
            const gateway = new GatewaySide(bench, () => cloud);
            // The loss of a gateway is an alarm of the cloud itself: its shelving ends here. The other one escalates.
            cloud.presence(GW2, false, NOON - 5000);
            bench.clock.advance(5000);
            const start = bench.clock.now();
            const [shelved] = cloud.alarms.list({ limit: 1, visible: "all" }).items;
            const id = shelved?.id ?? "";
            cloud.alarms.act(id, "shelve", { occurrence: 1, comment: "works", minutes: shelvedMinutes }, LI);
            const urgent = gateway.raise("intrusion");
            const from = start + permitFrom * MINUTE_MS;
            const until = from + permitFor * MINUTE_MS;
            const asked = { areas: ["building-a"], categories: ["comfort" as const], reason: "works" };
            const permit = cloud.maintenance.request({ ...asked, from: iso(from), until: iso(until) }, WANG);
            cloud.maintenance.approve(permit.id, {}, LI);
            const downs: { from: number; to: number }[] = [];
            for (const { runMs, downMs } of lives) {
              bench.clock.advance(runMs);
              const down = bench.clock.now();
              cloud = await bench.restart(cloud, undefined, () => bench.clock.setWallClock(down + downMs));
              downs.push({ from: down, to: down + downMs });
            }
            bench.clock.advance(60 * MINUTE_MS);
            const journal = [id, urgent.id].flatMap((one) => cloud.alarms.get(one)?.journal ?? []);
            const wanted: Times[] = [
              { id, transition: "unshelved", due: start + shelvedMinutes * MINUTE_MS },
              { id: urgent.id, transition: "escalated", due: start + (ESCALATE_AFTER_MS.urgent ?? 0) },
            ];
            for (const { id: alarm, transition, due } of wanted) {
              const found = journal.filter((entry) => entry.alarm === alarm && entry.transition === transition);
              expect(found.length, transition).toBe(1);
              const at = Date.parse(found[0]?.receivedAt ?? "");
              const expected = expectedAt(due, downs);
              expect(at - expected, transition).toBeGreaterThanOrEqual(0);
              expect(at - expected, transition).toBeLessThanOrEqual(LATE_MS);
            }
            const audit = cloud.audit.list({ limit: 1000 }).items.filter(({ target }) => target === permit.id);
            const [began, ended] = [expectedAt(from, downs), expectedAt(until, downs)];
            const times = (action: string): readonly number[] =>
              audit.filter((entry) => entry.action === action).map(({ at }) => Date.parse(at));
            if (began >= until) {
              expect(times("permit.lapse")).toHaveLength(1);
              expect(times("permit.begin")).toEqual([]);
            } else {
              expect(times("permit.begin").map((at) => at - began <= LATE_MS && at >= began)).toEqual([true]);
              expect(times("permit.end").map((at) => at - ended <= LATE_MS && at >= ended)).toEqual([true]);
            }
            expect(cloud.link.isOnline(GW1)).toBe(true);
          } finally {
            await bench.clear();
          }
        },
      ),
      { numRuns: RUNS },
    );
  });
});
