import { describe, expect, it } from "vitest";
import { LiveCollection } from "#cloud/console/live/collection.ts";

interface Item {
  readonly id: string;
  readonly rank: number;
  readonly closed?: boolean;
}
const compare = (a: Item, b: Item): number => a.rank - b.rank || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function collection(schedule: (callback: () => void) => void = (callback) => callback()) {
  return new LiveCollection<Item>({ idOf: ({ id }) => id, compare, keep: (item) => item.closed !== true, schedule });
}
const ids = (items: readonly Item[]): string => items.map(({ id }) => id).join("");
const at = { id: "v1", epoch: "e", seq: 1 };

describe("a live collection", () => {
  it("shows a snapshot in order, and only then counts as loaded", () => {
    const items = collection();
    expect(items.isLoaded()).toBe(false);
    items.apply({
      t: "snap",
      ...at,
      items: [
        { id: "b", rank: 2 },
        { id: "a", rank: 1 },
      ],
    });
    expect(ids(items.items())).toBe("ab");
    expect(items.isLoaded()).toBe(true);
  });

  it("moves a changed item to its new place and shows it once", () => {
    const items = collection();
    items.apply({
      t: "snap",
      ...at,
      items: [
        { id: "a", rank: 1 },
        { id: "b", rank: 2 },
        { id: "c", rank: 3 },
      ],
    });
    items.apply({ t: "delta", ...at, up: [{ id: "a", rank: 9 }], rm: ["b"] });
    expect(ids(items.items())).toBe("ca");
  });

  it("takes an item that may not stay as removed", () => {
    const items = collection();
    items.apply({
      t: "snap",
      ...at,
      items: [
        { id: "a", rank: 1 },
        { id: "b", rank: 2, closed: true },
      ],
    });
    items.upsert({ id: "a", rank: 1, closed: true });
    expect(items.items()).toEqual([]);
    expect(items.get("a")).toBeUndefined();
  });

  it("never changes an array that it has handed out", () => {
    const items = collection();
    items.apply({ t: "snap", ...at, items: [{ id: "a", rank: 1 }] });
    const before = items.items();
    items.upsert({ id: "b", rank: 0 });
    expect(ids(before)).toBe("a");
    expect(ids(items.items())).toBe("ba");
  });

  it("tells who follows what has changed since the last drawing, each item once, and before the readers", () => {
    const frames: (() => void)[] = [];
    const items = collection((callback) => frames.push(callback));
    const told: string[] = [];
    items.follow(({ put, gone, all }) => told.push(`${all ? "all " : ""}+${ids(put)} -${gone.join("")}`));
    items.subscribe(() => told.push("drawn"));
    const a = { id: "a", rank: 1 };
    items.apply({ t: "snap", ...at, items: [a, { id: "b", rank: 2 }] });
    items.upsert({ id: "c", rank: 3 });
    frames.shift()?.();
    items.apply({
      t: "delta",
      ...at,
      up: [
        { id: "a", rank: 4 },
        { id: "d", rank: 5 },
      ],
      rm: ["b"],
    });
    items.upsert({ id: "d", rank: 6, closed: true });
    items.upsert({ id: "a", rank: 7 });
    frames.shift()?.();
    items.clear();
    frames.shift()?.();
    expect(told).toEqual(["all +abc -", "drawn", "+a -bd", "drawn", "all + -", "drawn"]);
  });

  it("draws many changes of one frame once", () => {
    const frames: (() => void)[] = [];
    const items = collection((callback) => frames.push(callback));
    let drawn = 0;
    items.subscribe(() => drawn++);
    for (let i = 0; i < 20; i++) items.upsert({ id: String(i), rank: i });
    expect(frames).toHaveLength(1);
    frames[0]?.();
    expect(drawn).toBe(1);
    expect(items.items()).toHaveLength(20);
  });

  it("holds the same as sorting anew, however changes are cut into messages", () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    const items = collection();
    const expected = new Map<string, Item>();
    items.apply({ t: "snap", ...at, items: [] });
    for (let round = 0; round < 300; round++) {
      const up = new Map<string, Item>();
      for (let i = random(random(10) === 0 ? 200 : 6); i >= 0; i--) {
        const id = String(random(400));
        up.set(id, { id, rank: random(5) });
      }
      const rm = [String(random(400)), String(random(400))].filter((id) => !up.has(id));
      for (const id of rm) expected.delete(id);
      for (const item of up.values()) expected.set(item.id, item);
      items.apply({ t: "delta", ...at, up: [...up.values()], rm });
      expect(items.items()).toEqual([...expected.values()].sort(compare));
    }
  });
});
