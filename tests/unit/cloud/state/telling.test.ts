import { expect, it } from "vitest";
import { ProcessLiveBus } from "#cloud/live/bus.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import { CurrentState } from "#cloud/state/service.ts";
import { pointId } from "#core/ids.ts";
import type { Point } from "#core/model/point.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const MANY = 2500;

/** A site of many points and nothing else. */
const SITE: readonly Point[] = Array.from({ length: MANY }, (_, i) => ({
  id: `park/gw-1/meter/p-${i}`,
  name: "点",
  nameEn: "Point",
  kind: "number",
  space: "park",
  tags: [],
  writable: false,
  revision: 1,
  address: {},
}));

it("a flood of changes is told a part at a time, each point once with its newest value", () => {
  const clock = new ManualClock(1_790_000_000_000);
  const told: { id: string; value: unknown }[] = [];
  const bus = new ProcessLiveBus((error) => {
    throw error;
  });
  bus.subscribe(({ kind, id, item }) => {
    if (kind === "points") told.push({ id, value: (item as { current: { value: unknown } }).current.value });
  });
  const byId = new Map(SITE.map((point) => [point.id, point]));
  const state = new CurrentState({
    catalog: {
      points: () => SITE,
      point: (id) => byId.get(id),
      devices: () => [],
      device: () => undefined,
      onChange: () => undefined,
    },
    points: new PointNumbers(),
    clock,
    bus,
    isOnline: () => true,
  });
  const flood = (value: number): void =>
    state.take(SITE.map(({ id }) => ({ point: pointId(id), value, quality: "good", observedAt: clock.now() })));
  flood(1);
  flood(2);
  const atOnce = told.length;
  expect(atOnce).toBeGreaterThan(100);
  expect(atOnce).toBeLessThan(MANY);
  clock.advance(1000);
  expect(clock.pending).toBe(0);
  const last = new Map(told.map(({ id, value }) => [id, value]));
  expect(last.size).toBe(MANY);
  expect([...last.values()].every((value) => value === 2)).toBe(true);
  expect(told.length).toBeLessThanOrEqual(MANY + atOnce);
});
