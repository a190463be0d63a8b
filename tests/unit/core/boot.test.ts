import { describe, expect, it } from "vitest";
import { formatBoot, judgeBoot, parseBoot } from "#core/contracts/boot.ts";

const A = "a".repeat(16);
const B = "b".repeat(16);
const EPOCH = "0123456789abcdef".repeat(2);

describe("the run of a gateway process", () => {
  it.each([
    { nonce: A, epoch: EPOCH },
    { nonce: A, epoch: EPOCH, machine: B },
  ])("is read as it was written", (boot) => {
    expect(parseBoot(formatBoot(boot))).toEqual(boot);
  });

  it.each(["", "null", `${A}:${EPOCH}`, `${A}:${EPOCH}:xyz`, `${A}0:${EPOCH}:`])("is refused as %j", (text) => {
    expect(() => parseBoot(text)).toThrow(expect.objectContaining({ code: "BOOT_INVALID" }));
  });

  it("is a restart when it was never heard before, and itself when it was heard last", () => {
    const first = judgeBoot([], A);
    expect(first).toEqual({ verdict: "next", runs: [A] });
    expect(judgeBoot(first.runs, A)).toEqual({ verdict: "same", runs: [A] });
    expect(judgeBoot(first.runs, B)).toEqual({ verdict: "next", runs: [A, B] });
  });

  it("is one of two living copies when it comes again after another", () => {
    const again = judgeBoot([A, B], A);
    expect(again).toEqual({ verdict: "copy", runs: [B, A] });
    expect(judgeBoot(again.runs, B).verdict).toBe("copy");
  });

  it("does not let the memory of runs grow for ever", () => {
    let runs: readonly string[] = [];
    for (let run = 0; run < 100; run++) runs = judgeBoot(runs, run.toString(16).padStart(16, "0")).runs;
    expect(runs).toHaveLength(16);
  });
});
