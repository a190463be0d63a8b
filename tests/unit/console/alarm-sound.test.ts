import { describe, expect, it } from "vitest";
import { Cell } from "#cloud/console/live/cell.ts";
import { LiveCollection } from "#cloud/console/live/collection.ts";
import { SOUND_PATTERNS } from "#cloud/console/sound/patterns.ts";
import { audibleOf, type HeardBy, isHeardBy, SoundDecision } from "#cloud/console/sound/sound-decision.ts";
import { SoundDesk } from "#cloud/console/sound/sound-desk.ts";
import { type AudioOutput, SoundPlayer } from "#cloud/console/sound/sound-player.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { alarmView } from "./alarm-fixture.ts";

const ALL: HeardBy = { areas: [], categories: [] };
const inside = (space: string | undefined, area: string): boolean => space === area;
const heard = (alarms: readonly AlarmView[], by: HeardBy = ALL) =>
  alarms.filter((alarm) => isHeardBy(alarm, by, inside)).flatMap((alarm) => audibleOf(alarm) ?? []);
const update = (decision: SoundDecision, alarms: readonly AlarmView[], flooding: boolean) => {
  decision.replace(heard(alarms));
  return decision.sounding(flooding);
};
const facility = (id: string, change: Partial<AlarmView> = {}): AlarmView =>
  alarmView(id, { law: "facility", category: "equipment", priority: "high", device: "park/gw-1/ahu-1", ...change });

describe("what is heard", () => {
  it("is what nobody has acknowledged and nothing holds back", () => {
    const list = [
      alarmView("a"),
      alarmView("b", { acknowledged: true }),
      facility("c", { suppression: ["shelved"] }),
      facility("d", { condition: "inactive", state: "D" }),
      alarmView("e", { condition: "latched", live: false, state: "latched" }),
    ];
    expect(heard(list).map(({ key }) => key)).toEqual(["a#1", "e#1"]);
  });

  it("follows the operator position", () => {
    const list = [alarmView("a"), facility("b", { area: "room" })];
    expect(heard(list, { areas: ["room"], categories: [] }).map(({ key }) => key)).toEqual(["b#1"]);
    expect(heard(list, { areas: [], categories: ["intrusion"] }).map(({ key }) => key)).toEqual(["a#1"]);
  });

  it("is the most important of them", () => {
    expect(update(new SoundDecision(), [facility("a"), alarmView("b")], false).priority).toBe("urgent");
  });
});

describe("silence [AL-17]", () => {
  it("covers what was heard, and ends for every new alarm", () => {
    const decision = new SoundDecision();
    update(decision, [facility("a")], false);
    decision.silence();
    expect(update(decision, [facility("a")], false)).toEqual({ priority: undefined, silenced: 1 });
    expect(update(decision, [facility("a"), facility("b")], false)).toEqual({ priority: "high", silenced: 1 });
  });

  it("ends for another occurrence, and for one that was acknowledged and alarms again", () => {
    const decision = new SoundDecision();
    update(decision, [facility("a")], false);
    decision.silence();
    expect(update(decision, [facility("a", { occurrence: 2 })], false).priority).toBe("high");
    decision.silence();
    update(decision, [facility("a", { occurrence: 2, acknowledged: true })], false);
    expect(update(decision, [facility("a", { occurrence: 2 })], false).priority).toBe("high");
  });

  it("ends for one that went and came back between two looks, and lasts for one that only changed", () => {
    const decision = new SoundDecision();
    const take = (alarm: AlarmView): void => decision.change(alarm.id, audibleOf(alarm));
    take(facility("a"));
    take(facility("b"));
    decision.silence();
    take(facility("a", { assignee: "somebody" }));
    expect(decision.sounding(false)).toEqual({ priority: undefined, silenced: 2 });
    decision.change("b", undefined);
    take(facility("b"));
    expect(decision.sounding(false)).toEqual({ priority: "high", silenced: 1 });
  });

  it("lets a cause sound once in a flood, but not what is more important, and never less of the security law", () => {
    const decision = new SoundDecision();
    update(decision, [facility("a")], true);
    decision.silence();
    const more = [facility("a"), facility("b")];
    expect(update(decision, more, true)).toEqual({ priority: undefined, silenced: 2 });
    expect(update(decision, [...more, facility("c", { priority: "urgent" })], true).priority).toBe("urgent");
    decision.silence();
    expect(update(decision, [...more, alarmView("d", { device: "park/gw-1/ahu-1" })], true).priority).toBe("urgent");
  });
});

/** What of Web Audio the player uses, without a sound device: its time stands where the test puts it. */
class Output implements AudioOutput {
  state = "suspended";
  currentTime = 0;
  readonly destination = {};
  readonly tones: number[] = [];
  refuses = false;
  closed = false;
  async close(): Promise<void> {
    this.closed = true;
    this.state = "closed";
  }
  async resume(): Promise<void> {
    if (this.refuses) throw new Error("not without a click");
    this.state = "running";
  }
  createOscillator() {
    const { tones } = this;
    return {
      frequency: { setValueAtTime: (value: number) => tones.push(value), linearRampToValueAtTime: () => undefined },
      connect: () => undefined,
      start: () => undefined,
      stop: () => undefined,
    };
  }
  createGain() {
    const gain = { setValueAtTime: () => undefined, linearRampToValueAtTime: () => undefined };
    return { gain, connect: () => undefined };
  }
}

describe("the player", () => {
  it("is blocked until it is woken by use, and says so when that is refused", async () => {
    const output = new Output();
    const player = new SoundPlayer({ available: () => true, open: () => output });
    expect(player.check()).toBe("blocked");
    output.refuses = true;
    await player.unlock();
    expect(player.check()).toBe("blocked");
    output.refuses = false;
    await player.unlock();
    expect(player.check()).toBe("ok");
  });

  it("opens nothing before the page has been used", async () => {
    const player = new SoundPlayer({ available: () => true, open: () => undefined });
    await player.unlock();
    expect(player.check()).toBe("blocked");
  });

  it("notices that the sound device is gone: its time stands still", async () => {
    const output = new Output();
    const player = new SoundPlayer({ available: () => true, open: () => output });
    await player.unlock();
    player.check();
    output.currentTime = 5;
    expect(player.check()).toBe("ok");
    expect(player.check()).toBe("stalled");
  });

  it("plays on another output when it is woken after that one stood still", async () => {
    const outputs = [new Output(), new Output()];
    let opened = 0;
    const player = new SoundPlayer({ available: () => true, open: () => outputs[opened++] });
    await player.unlock();
    player.check();
    await player.unlock();
    expect(opened).toBe(1);
    expect(player.check()).toBe("stalled");
    await player.unlock();
    expect(outputs.map(({ closed }) => closed)).toEqual([true, false]);
    expect(player.check()).toBe("ok");
    player.play(SOUND_PATTERNS.urgent, 0.5);
    expect(outputs.map(({ tones }) => tones.length)).toEqual([0, SOUND_PATTERNS.urgent.tones.length]);
    expect(player.check()).toBe("stalled");
  });

  it("says that a browser has no sound", () => {
    expect(new SoundPlayer({ available: () => false, open: () => undefined }).check()).toBe("absent");
  });

  it("plays every tone of a pattern, and none without loudness", async () => {
    const output = new Output();
    const player = new SoundPlayer({ available: () => true, open: () => output });
    await player.unlock();
    player.play(SOUND_PATTERNS.urgent, 0);
    expect(output.tones).toEqual([]);
    player.play(SOUND_PATTERNS.urgent, 0.5);
    expect(output.tones).toEqual([988, 740, 988, 740, 988, 740]);
  });
});

describe("the sounder of a workplace", () => {
  async function desk() {
    const clock = new ManualClock(Date.parse("2026-11-21T08:00:00.000Z"));
    const output = new Output();
    const alarms = new LiveCollection<AlarmView>({
      idOf: ({ id }) => id,
      compare: (a, b) => (a.id < b.id ? -1 : 1),
      schedule: (callback) => callback(),
    });
    const player = new SoundPlayer({ available: () => true, open: () => output });
    await player.unlock();
    const heardBy = new Cell(ALL);
    const sound = new SoundDesk({ clock, alarms, player, volume: new Cell(0.5), heardBy, inside });
    sound.start();
    const show = (...items: AlarmView[]): void => {
      alarms.apply({ t: "snap", id: "v", epoch: "e", seq: 1, items });
      clock.advance(100);
    };
    return { clock, output, sound, show, heardBy, alarms };
  }
  const URGENT_TONES = SOUND_PATTERNS.urgent.tones.length;

  it("repeats the pattern while an unacknowledged alarm is there, and stops with the acknowledgement", async () => {
    const { clock, output, sound, show } = await desk();
    show(alarmView("a"));
    expect(sound.state.get().sounding).toBe("urgent");
    expect(output.tones.length).toBe(URGENT_TONES);
    clock.advance(SOUND_PATTERNS.urgent.everyMs * 2);
    expect(output.tones.length).toBe(URGENT_TONES * 3);
    show(alarmView("a", { acknowledged: true }));
    clock.advance(60_000);
    expect(output.tones.length).toBe(URGENT_TONES * 3);
  });

  it("follows single changes as well as whole lists, and the places that become known later", async () => {
    const { clock, sound, alarms, heardBy } = await desk();
    const change = (up: readonly AlarmView[], rm: readonly string[]): void => {
      alarms.apply({ t: "delta", id: "v", epoch: "e", seq: 2, up, rm });
      clock.advance(100);
    };
    const sounding = (): string | undefined => sound.state.get().sounding;
    change([facility("a", { priority: "low" }), alarmView("b", { area: "hall" })], []);
    expect(sounding()).toBe("urgent");
    change([alarmView("b", { area: "hall", acknowledged: true })], []);
    expect(sounding()).toBe("low");
    change([], ["a"]);
    expect(sounding()).toBeUndefined();
    heardBy.set({ areas: ["hall"], categories: [] });
    change([alarmView("c", { area: "room" })], []);
    expect(sounding()).toBeUndefined();
    heardBy.set({ areas: ["room"], categories: [] });
    expect(sounding()).toBe("urgent");
  });

  it("goes over to the more important alarm at once", async () => {
    const { output, show } = await desk();
    show(facility("a", { priority: "low" }));
    const before = output.tones.length;
    show(facility("a", { priority: "low" }), alarmView("b"));
    expect(output.tones.length).toBe(before + URGENT_TONES);
  });

  it("is silent after silence, and sounds again for a new one", async () => {
    const { clock, output, sound, show } = await desk();
    show(alarmView("a"));
    sound.silence();
    const before = output.tones.length;
    clock.advance(60_000);
    expect(output.tones.length).toBe(before);
    expect(sound.state.get()).toMatchObject({ sounding: undefined, silenced: 1 });
    show(alarmView("a"), alarmView("b"));
    expect(output.tones.length).toBe(before + URGENT_TONES);
  });

  it("tells within seconds that it cannot be heard any more, and sounds again when it can", async () => {
    const { clock, output, sound, show } = await desk();
    show(alarmView("a"));
    output.state = "suspended";
    clock.advance(5000);
    expect(sound.state.get().audibility).toBe("blocked");
    const before = output.tones.length;
    await sound.unlock();
    expect(sound.state.get().audibility).toBe("ok");
    expect(output.tones.length).toBe(before + URGENT_TONES);
  });

  it("forgets what was silenced when the next person signs in", async () => {
    const { sound, show } = await desk();
    show(alarmView("a"));
    sound.silence();
    sound.stop();
    sound.start();
    expect(sound.state.get().sounding).toBe("urgent");
  });
});
