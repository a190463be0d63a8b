import { expect, it } from "vitest";
import { FrozenOrder } from "#cloud/console/live/frozen-order.ts";

interface Row {
  readonly id: string;
  readonly state: string;
}
const row = (id: string, state = "new"): Row => ({ id, state });
const order = () => new FrozenOrder<Row>(({ id }) => id);

it("shows the present order while nobody aims", () => {
  const frozen = order();
  expect(frozen.arrange([row("a"), row("b")], false).rows.map(({ id }) => id)).toEqual(["a", "b"]);
  expect(frozen.arrange([row("b"), row("a")], false).rows.map(({ id }) => id)).toEqual(["b", "a"]);
});

it("keeps rows in their places with fresh content, and counts new ones instead of inserting them", () => {
  const frozen = order();
  frozen.arrange([row("a"), row("b")], true);
  const { rows, held } = frozen.arrange([row("c"), row("b", "acknowledged"), row("a")], true);
  expect(rows).toEqual([row("a"), row("b", "acknowledged")]);
  expect(held).toBe(1);
});

it("leaves a row that has left the list in its place and names it gone", () => {
  const frozen = order();
  frozen.arrange([row("a"), row("b")], true);
  const { rows, gone } = frozen.arrange([row("b")], true);
  expect(rows.map(({ id }) => id)).toEqual(["a", "b"]);
  expect([...gone]).toEqual(["a"]);
});

it("takes the present order on release, and holds that one", () => {
  const frozen = order();
  frozen.arrange([row("a")], true);
  frozen.release();
  expect(frozen.arrange([row("b"), row("a")], true)).toMatchObject({ rows: [row("b"), row("a")], held: 0 });
  expect(frozen.arrange([row("c"), row("b"), row("a")], true)).toMatchObject({ rows: [row("b"), row("a")], held: 1 });
});

it("takes the present order when the aiming ends", () => {
  const frozen = order();
  frozen.arrange([row("a")], true);
  expect(frozen.arrange([row("b"), row("a")], false)).toMatchObject({ rows: [row("b"), row("a")], held: 0 });
});
