import { describe, expect, it } from "vitest";
import { type PollSource, type Turn, Turns } from "#protocols/modbus/turns.ts";

/** A device that has something to read for ever. */
const busy = (name: string): PollSource<string> => ({ take: (pollClass) => `${name} ${pollClass}` });

function taken(turns: Turns<string>, count: number, writes: (turn: number) => boolean = () => false): Turn[] {
  return Array.from({ length: count }, (_, index) => {
    const turn = turns.next(writes(index));
    if (turn === undefined) return expect.unreachable("somebody waits");
    turns.used(turn);
    if (turn !== "write") turns.take(turn);
    return turn;
  });
}

describe("turns on a line", () => {
  it("go to writes before alarm polls before normal before slow ones", () => {
    const turns = new Turns<string>();
    const device = busy("a");
    turns.ready(device, "slow");
    turns.ready(device, "normal");
    expect(turns.next(false)).toBe("normal");
    turns.ready(device, "alarm");
    expect(turns.next(false)).toBe("alarm");
    expect(turns.next(true)).toBe("write");
  });

  it("go to every class now and then, however much more urgent work there is", () => {
    const turns = new Turns<string>();
    for (const pollClass of ["alarm", "normal", "slow"] as const) turns.ready(busy("a"), pollClass);
    const order = taken(turns, 400, () => true);
    const count = (turn: Turn): number => order.filter((each) => each === turn).length;
    for (const pollClass of ["alarm", "normal", "slow"] as const) expect(count(pollClass)).toBeGreaterThan(20);
    expect(count("write")).toBeGreaterThan(200);
  });

  it("go round among the devices of a class", () => {
    const turns = new Turns<string>();
    for (const name of ["a", "b", "c"]) turns.ready(busy(name), "normal");
    expect(Array.from({ length: 6 }, () => turns.take("normal"))).toEqual(
      ["a", "b", "c", "a", "b", "c"].map((name) => `${name} normal`),
    );
  });

  it("pass over who has nothing to read, until it says so again", () => {
    const turns = new Turns<string>();
    const idle: PollSource<string> = { take: () => undefined };
    turns.ready(idle, "normal");
    turns.ready(busy("b"), "normal");
    expect(turns.take("normal")).toBe("b normal");
    expect(turns.take("normal")).toBe("b normal");
    turns.remove(idle);
    expect(turns.waiting).toBe(true);
  });
});
