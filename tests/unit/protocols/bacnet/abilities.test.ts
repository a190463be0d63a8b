import { describe, expect, it } from "vitest";
import { Abilities, type Learned } from "#protocols/bacnet/client/abilities.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const DEVICE = { vendorId: 7, maxApdu: 480 };

function learning(remembered?: Learned, clock = new ManualClock(0)): { abilities: Abilities; saved: Learned[] } {
  const saved: Learned[] = [];
  const abilities = new Abilities(DEVICE, remembered, { clock, save: (learned) => saved.push(learned) });
  return { abilities, saved };
}

describe("what a BACnet device can take", () => {
  it("is kept once for what is learned at once, and taken up after a restart", () => {
    const { abilities, saved } = learning();
    abilities.answerTooLarge(400);
    abilities.lacks("multiple");
    for (let object = 0; object < 55; object++) abilities.lacksReliability(object);
    abilities.flush();
    expect(saved).toHaveLength(1);
    const again = learning(saved[0]).abilities;
    expect(again.budget).toBe(200);
    expect(again.readsMultiple).toBe(false);
    expect([again.hasReliability(54), again.hasReliability(55)]).toEqual([false, true]);
  });

  it("is not kept where nothing was learned", () => {
    const { abilities, saved } = learning();
    expect(abilities.identified("M1 | 1.0 | ", 3)).toBe(false);
    abilities.flush();
    expect(saved).toEqual([]);
  });

  it("is learned anew when another vendor's device, another model or a new firmware answers under its instance", () => {
    const { abilities, saved } = learning();
    abilities.lacks("multiple");
    abilities.identified("M1 | 1.0 | ", 3);
    abilities.flush();
    const other = new Abilities({ vendorId: 8, maxApdu: 480 }, saved[0], {
      clock: new ManualClock(0),
      save: () => {},
    });
    expect(other.readsMultiple).toBe(true);
    const same = learning(saved[0]).abilities;
    expect(same.readsMultiple).toBe(false);
    expect(same.identified("M1 | 2.0 | ", 3)).toBe(true);
    expect(same.readsMultiple).toBe(true);
  });

  it("forgets of its objects alone when only the database has changed", () => {
    const { abilities, saved } = learning();
    abilities.lacks("multiple");
    abilities.lacksReliability(1);
    abilities.identified(undefined, 3);
    abilities.flush();
    const again = learning(saved[0]).abilities;
    expect(again.identified(undefined, 4)).toBe(true);
    expect([again.readsMultiple, again.hasReliability(1)]).toEqual([false, true]);
  });

  it("is doubted after a week", () => {
    const { abilities, saved } = learning();
    abilities.answerTooLarge(400);
    abilities.flush();
    expect(learning(saved[0], new ManualClock(8 * 24 * 3_600_000)).abilities.budget).toBe(480);
  });
});
