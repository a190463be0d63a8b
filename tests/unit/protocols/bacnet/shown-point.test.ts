import { expect, it } from "vitest";
import { definitionOf, PointMirror, type ShownPoint } from "#protocols/bacnet/northbound/shown-point.ts";

const POWER_FACTOR: ShownPoint = {
  id: "park/gw-1/meter-1/power-factor",
  number: 1,
  name: "功率因数",
  nameEn: "Power factor",
  kind: "number",
};
const increment = (more: Partial<ShownPoint>): number | undefined => {
  const point = { ...POWER_FACTOR, ...more };
  return definitionOf(point, new PointMirror(point)).covIncrement;
};

it("tells by COV what its deadband or its decimals let count, and every change where neither is said [BACnet 13.1.1]", () => {
  expect(increment({ deadband: 2, precision: 1 })).toBe(2);
  expect(increment({ precision: 2 })).toBe(0.01);
  expect(increment({})).toBe(0);
});
