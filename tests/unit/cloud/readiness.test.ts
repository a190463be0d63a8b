import { afterEach, beforeEach, expect, it } from "vitest";
import { readiness } from "#cloud/readiness.ts";
import { DomainBench, type Domains } from "./domain-bench.ts";
import { SETPOINT, sampleOf, TEMPERATURE } from "./small-park.ts";

const AT = 1_790_000_000_000;
let bench: DomainBench;
let cloud: Domains;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
});
afterEach(() => bench.clear());

it("counts a point as heard once it had a value, and not because its gateway has waited for it in vain", () => {
  const ready = { ready: true } as const;
  const parts = readiness({
    db: cloud.db,
    store: { status: { ready: true, pending: 0 } },
    jobs: { status: ready },
    broker: () => ready,
    catalog: cloud.catalog,
    state: cloud.state,
    isOnline: () => true,
  });
  const all = cloud.catalog.points().length;
  const silent = { quality: "bad", reason: "stale" } as const;
  cloud.state.take([
    sampleOf(TEMPERATURE, null, { ...silent, observedAt: AT }),
    sampleOf(SETPOINT, null, { ...silent, observedAt: AT }),
  ]);
  expect(parts()["points"]).toEqual({ ready: false, detail: `0 of ${all} points heard` });
  cloud.state.take([
    sampleOf(TEMPERATURE, 21, { observedAt: AT + 1 }),
    sampleOf(SETPOINT, 20, { quality: "uncertain", reason: "stale", observedAt: AT + 1 }),
  ]);
  expect(parts()["points"]?.detail).toBe(`2 of ${all} points heard`);
});
