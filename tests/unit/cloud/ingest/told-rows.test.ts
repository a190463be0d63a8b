import { describe, expect, it } from "vitest";
import type { Range } from "#cloud/db/ranges.ts";
import { ToldRows } from "#cloud/ingest/told-rows.ts";
import { gatewayId } from "#core/ids.ts";

const EPOCH = "0".repeat(32);
const NEXT = "1".repeat(32);

/** What is told of batches, as `first-last` of their offsets; `stored` is what the cursor of gw-1 covers. */
class Telling {
  stored: readonly Range[] = [];
  readonly rows: ToldRows;

  constructor(most?: number) {
    const get = (key: { readonly gateway: string; readonly epoch: string }) =>
      key.gateway === "park/gw-1" && key.epoch === EPOCH ? ({ covered: this.stored } as never) : undefined;
    this.rows = new ToldRows({ get }, most);
  }

  offer(first: number, last: number, gateway = "gw-1", epoch = EPOCH): readonly string[] {
    const told: string[] = [];
    const start = 1000;
    this.rows.take({ gateway: gatewayId(`park/${gateway}`), epoch, first, last, start }, (from, to) =>
      told.push(`${from - start + first}-${to - 1 - start + first}`),
    );
    return told;
  }

  store(...covered: readonly Range[]): void {
    this.stored = covered;
    this.rows.settle({ gateway: gatewayId("park/gw-1"), lane: "telemetry", epoch: EPOCH });
  }
}

describe("the rows that are told on", () => {
  it("are all that come for the first time, and none of them again, stored or not", () => {
    const telling = new Telling();
    expect(telling.offer(1, 5)).toEqual(["1-5"]);
    expect(telling.offer(6, 9)).toEqual(["6-9"]);
    expect(telling.offer(1, 9)).toEqual([]);
    telling.store({ from: 1, to: 5 });
    expect(telling.offer(3, 7)).toEqual([]);
    telling.store({ from: 1, to: 9 });
    expect(telling.offer(8, 11)).toEqual(["10-11"]);
  });

  it("are those that were missing between others, told or stored", () => {
    const telling = new Telling();
    telling.store({ from: 1, to: 10 }, { from: 31, to: 40 });
    expect(telling.offer(21, 25)).toEqual(["21-25"]);
    expect(telling.offer(5, 45)).toEqual(["11-20", "26-30", "41-45"]);
    expect(telling.offer(5, 45)).toEqual([]);
  });

  it("are those of each gateway and epoch for itself", () => {
    const telling = new Telling();
    expect(telling.offer(1, 5)).toEqual(["1-5"]);
    expect(telling.offer(1, 5, "gw-2")).toEqual(["1-5"]);
    expect(telling.offer(1, 5, "gw-1", NEXT)).toEqual(["1-5"]);
    expect(telling.offer(1, 6)).toEqual(["6-6"]);
  });

  it("are remembered only until their cursor has them", () => {
    const telling = new Telling();
    for (let first = 1; first <= 2001; first += 20) telling.offer(first, first + 9);
    expect(telling.rows.pieces).toBe(101);
    telling.store({ from: 1, to: 990 }, { from: 1001, to: 1003 });
    expect(telling.rows.pieces).toBe(51);
    expect(telling.offer(1001, 1010)).toEqual([]);
    telling.store({ from: 1, to: 3000 });
    expect(telling.rows.pieces).toBe(0);
    expect(telling.offer(2995, 3001)).toEqual(["3001-3001"]);
  });

  it("are never remembered without end, whatever was given up", () => {
    const telling = new Telling(10);
    for (let i = 0; i < 100; i++) {
      telling.offer(1, 5, `gw-${i}`);
      telling.offer(1 + 10 * i, 5 + 10 * i, "gw-x");
      expect(telling.rows.pieces).toBeLessThanOrEqual(10);
    }
    expect(telling.offer(991, 995, "gw-x")).toEqual([]);
  });
});
