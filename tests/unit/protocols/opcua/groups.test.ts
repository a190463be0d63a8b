import { describe, expect, it } from "vitest";
import { OpcuaFault } from "#protocols/opcua/errors.ts";
import { inGroups } from "#protocols/opcua/server-facts.ts";

describe("items that a server takes in groups", () => {
  const items = Array.from({ length: 10 }, (_, at) => at);

  it("are given in the order they have, each once, in groups of the size it told", async () => {
    const groups: (readonly number[])[] = [];
    await inGroups(items, 4, async (group, from) => {
      expect(group[0]).toBe(from);
      groups.push(group);
    });
    expect(groups).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
  });

  it("are given in smaller groups when the server finds one too large, which it had not told", async () => {
    const taken: number[] = [];
    let largest = 0;
    await inGroups(items, 1000, async (group) => {
      if (group.length > 3) throw new OpcuaFault("read", "BadTooManyOperations");
      largest = Math.max(largest, group.length);
      taken.push(...group);
    });
    expect(taken).toEqual(items);
    expect(largest).toBe(3);
  });

  it("are not tried for ever when even one is too much, nor after another fault", async () => {
    const tooMuch = inGroups(items, 4, () => Promise.reject(new OpcuaFault("read", "BadResponseTooLarge")));
    await expect(tooMuch).rejects.toMatchObject({ status: "BadResponseTooLarge" });
    let calls = 0;
    const refused = inGroups(items, 4, () => {
      calls++;
      return Promise.reject(new OpcuaFault("read", "BadUserAccessDenied"));
    });
    await expect(refused).rejects.toMatchObject({ status: "BadUserAccessDenied" });
    expect(calls).toBe(1);
  });
});
