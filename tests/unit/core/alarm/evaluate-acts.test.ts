import { describe, expect, it } from "vitest";
import { AlarmEvaluator } from "#core/alarm/evaluate.ts";
import { letter } from "#core/alarm/lifecycle.ts";
import { deviceId } from "#core/ids.ts";
import type { AlarmCommand } from "#core/model/command.ts";
import {
  ahu,
  bad,
  broken,
  command,
  evaluator,
  event,
  fault,
  hot,
  intrusion,
  motion,
  panel,
  sample,
  temperature,
  transitions,
  zone3,
} from "./evaluator-fixtures.ts";
import { EPOCH, START } from "./fixtures.ts";

describe("silent devices", () => {
  it("AL-16 IN-04 raises one communication alarm for a device, however often it is told, and hides its facility alarms", () => {
    const { alarms } = evaluator([hot, broken]);
    alarms.onSample(sample(temperature, 31));
    alarms.onSample(sample(fault, true));
    const offline = { device: ahu, online: false, reason: "BACNET_TIMEOUT", at: START + 50 };
    const lost = alarms.onDevice(offline);
    expect(lost.map(({ transition, alarm }) => [transition, alarm.definition])).toEqual([
      ["raised", `comm:${ahu}`],
      ["stale", "ahu-1.hot"],
      ["suppressed", "ahu-1.hot"],
      ["stale", "ahu-1.fault"],
      ["suppressed", "ahu-1.fault"],
    ]);
    expect(lost[0]?.alarm).toMatchObject({
      category: "communication",
      law: "facility",
      source: ahu,
      device: ahu,
      area: "roof",
      message: "1号空调机组 通信中断",
      messageEn: "AHU 1: communication lost",
      value: "BACNET_TIMEOUT",
      raisedAt: START + 50,
    });
    expect(lost[2]?.comment).toBe(`comm:${ahu}`);
    expect([...alarms.onDevice(offline), ...alarms.onSample(bad(fault)), ...alarms.onSample(bad(temperature))]).toEqual(
      [],
    );
    expect(alarms.alarms().map(letter)).toEqual(["F", "F", "B"]);
  });

  it("AL-11 AL-16 shows them again when the device answers, stale until their value is heard", () => {
    const { alarms } = evaluator([hot, broken]);
    alarms.onSample(sample(fault, true));
    alarms.onDevice({ device: ahu, online: false, at: START });
    const back = alarms.onDevice({ device: ahu, online: true, at: START + 9 });
    expect(back.map(({ transition, alarm }) => [transition, alarm.definition, alarm.stale])).toEqual([
      ["cleared", `comm:${ahu}`, undefined],
      ["unsuppressed", "ahu-1.fault", true],
    ]);
    expect(transitions(alarms.onSample(sample(fault, true)))).toEqual(["fresh"]);
    expect(alarms.onDevice({ device: ahu, online: true, at: START + 10 })).toEqual([]);
  });

  it("AL-16 does not take a device that answers for a point that was heard", () => {
    const { alarms } = evaluator([broken]);
    alarms.onSample(sample(fault, true));
    alarms.onSample(sample(fault, false));
    alarms.onDevice({ device: ahu, online: false, at: START });
    expect(transitions(alarms.onDevice({ device: ahu, online: true, at: START }))).toEqual(["cleared", "unsuppressed"]);
    expect(transitions(alarms.onSample(sample(fault, false)))).toEqual(["fresh"]);
  });

  it("AL-16 marks a security alarm of a silent device stale but never hides it", () => {
    const { alarms } = evaluator([intrusion]);
    alarms.onSample(sample(zone3, true));
    const lost = alarms.onDevice({ device: panel, online: false, at: START });
    expect(transitions(lost)).toEqual(["raised", "stale"]);
    expect(alarms.alarms().map(letter)).toEqual(["B", "B"]);
  });

  it("says fresh of a finished event when its device answers again", () => {
    const { alarms } = evaluator([motion]);
    alarms.onEvent(event());
    const camera = deviceId("park/gw-1/camera-1");
    alarms.onDevice({ device: camera, online: false, at: START });
    expect(transitions(alarms.onDevice({ device: camera, online: true, at: START }))).toEqual(["cleared", "fresh"]);
  });
});

describe("commands", () => {
  it("AL-02 AL-15 names who acted and when, wherever that was", () => {
    const { alarms } = evaluator([broken]);
    const id = alarms.onSample(sample(fault, true))[0]?.alarm.id ?? "";
    const done = alarms.command(command(id, "acknowledge", { reason: "on my way" }));
    expect(done).toMatchObject({
      changes: [
        {
          transition: "acknowledged",
          actor: "li.wei",
          comment: "on my way",
          alarm: { acknowledgedAt: START - 7, acknowledgedBy: "li.wei" },
        },
      ],
    });
    expect(alarms.command(command(id, "acknowledge"))).toEqual({ changes: [] });
  });

  it("says why it refuses", () => {
    const { alarms } = evaluator([intrusion]);
    const id = alarms.onSample(sample(zone3, true))[0]?.alarm.id ?? "";
    const code = (one: AlarmCommand) => alarms.command(one).refused?.code;
    expect(code(command("0".repeat(32), "acknowledge"))).toBe("ALARM_UNKNOWN");
    expect(code(command(id, "reset"))).toBe("ALARM_STILL_ACTIVE");
    expect(code(command(id, "shelve", { until: START + 1000, reason: "r" }))).toBe("ALARM_SHELVE_FORBIDDEN");
    expect(code(command(id, "outOfService"))).toBe("ALARM_REASON_MISSING");
    alarms.onSample(sample(zone3, false));
    expect(code(command(id, "reset"))).toBe("ALARM_NOT_ACKNOWLEDGED");
    alarms.onSample(sample(zone3, true));
    expect(code(command(id, "acknowledge"))).toBe("ALARM_OCCURRENCE_STALE");
  });

  it("AL-08 resets a latched alarm and raises the next intrusion as a new episode", () => {
    const { alarms } = evaluator([intrusion]);
    const id = alarms.onSample(sample(zone3, true))[0]?.alarm.id ?? "";
    alarms.onSample(sample(zone3, false));
    alarms.command(command(id, "acknowledge"));
    expect(alarms.command(command(id, "reset")).changes).toMatchObject([{ transition: "reset", closed: true }]);
    expect(alarms.command(command(id, "reset"))).toEqual({ changes: [] });
    expect(alarms.onSample(sample(zone3, true))[0]).toMatchObject({ transition: "raised", episode: 2 });
  });

  it("AL-02 never lets an act on a closed episode touch the next one", () => {
    const { alarms } = evaluator([broken]);
    const id = alarms.onSample(sample(fault, true))[0]?.alarm.id ?? "";
    alarms.command(command(id, "acknowledge"));
    alarms.onSample(sample(fault, false));
    alarms.onSample(sample(fault, true));
    expect(alarms.command(command(id, "acknowledge")).refused?.code).toBe("ALARM_UNKNOWN");
    expect(alarms.alarms().map(letter)).toEqual(["B"]);
  });

  it("AL-10 takes an alarm from the shelf by itself at the end of its time, also after a restart", () => {
    const { alarms, clock, late } = evaluator([broken]);
    const id = alarms.onSample(sample(fault, true))[0]?.alarm.id ?? "";
    alarms.command(command(id, "acknowledge"));
    const until = START + 10_000;
    expect(transitions(alarms.command(command(id, "shelve", { until, reason: "spare part ordered" })).changes)).toEqual(
      ["shelved"],
    );
    const restored = JSON.parse(JSON.stringify(alarms.snapshot()));
    clock.advance(9999);
    expect(late).toEqual([]);
    clock.advance(1);
    expect(late).toMatchObject([
      { transition: "unshelved", alarm: { occurrence: 2, acknowledged: false, live: true } },
    ]);
    const again = evaluator([broken], { restored });
    again.clock.advance(10_000);
    expect(again.late).toEqual(late);
  });

  it("AL-10 keeps an alarm on the shelf until its time when the wall clock was set back", () => {
    const { alarms, clock, late } = evaluator([broken]);
    const id = alarms.onSample(sample(fault, true))[0]?.alarm.id ?? "";
    alarms.command(command(id, "shelve", { until: START + 10_000, reason: "r" }));
    clock.setWallClock(clock.now() - 4000);
    clock.advance(10_000);
    expect(late).toEqual([]);
    clock.advance(4000);
    expect(transitions(late)).toEqual(["unshelved"]);
  });

  it("AL-12 takes out of service and back on command only", () => {
    const { alarms, clock, late } = evaluator([broken]);
    const id = alarms.onSample(sample(fault, true))[0]?.alarm.id ?? "";
    alarms.command(command(id, "outOfService", { reason: "work order 7" }));
    clock.advance(30 * 86_400_000);
    expect([late, alarms.alarms().map(letter)]).toEqual([[], ["G"]]);
    expect(transitions(alarms.command(command(id, "returnToService")).changes)).toEqual(["returnedToService"]);
  });
});

describe("restart", () => {
  it("AL-14 raises nothing twice and loses no return to normal", () => {
    const before = evaluator([broken, intrusion]);
    before.alarms.onSample(sample(fault, true));
    before.alarms.onSample(sample(zone3, true));
    const restored = JSON.parse(JSON.stringify(before.alarms.snapshot()));
    const { alarms } = evaluator([broken, intrusion], { restored });
    expect(alarms.alarms()).toEqual(before.alarms.alarms());
    expect(alarms.onSample(sample(fault, true))).toEqual([]);
    expect(transitions(alarms.onSample(sample(zone3, false)))).toEqual(["cleared"]);
  });

  it("mints no id again when only the counters were kept", () => {
    const { alarms } = evaluator([broken], { restored: { episodes: { "ahu-1.fault": 7 }, alarms: [] } });
    expect(alarms.onSample(sample(fault, true))[0]?.episode).toBe(8);
  });

  it("AL-14 goes on with the communication alarm of a device", () => {
    const before = evaluator([broken]);
    before.alarms.onDevice({ device: ahu, online: false, at: START });
    const { alarms } = evaluator([broken], { restored: before.alarms.snapshot() });
    expect(alarms.onDevice({ device: ahu, online: false, at: START + 5 })).toEqual([]);
    expect(transitions(alarms.onDevice({ device: ahu, online: true, at: START + 9 }))).toEqual(["cleared"]);
  });

  it("clears an alarm whose definition was taken away and leaves a security alarm to a person", () => {
    const before = evaluator([broken, intrusion]);
    before.alarms.onSample(sample(fault, true));
    const id = before.alarms.onSample(sample(zone3, true))[0]?.alarm.id ?? "";
    const { clock } = before;
    const alarms = new AlarmEvaluator({
      origin: "park/gw-1",
      epoch: EPOCH,
      definitions: [],
      context: { zone: () => undefined, point: () => undefined, device: () => undefined },
      clock,
      restored: before.alarms.snapshot(),
      onChanges: () => undefined,
    });
    const cleared = alarms.start();
    expect(cleared.map(({ transition, comment, alarm }) => [transition, comment, letter(alarm)])).toEqual([
      ["cleared", "definition removed", "D"],
      ["cleared", "definition removed", "latched"],
    ]);
    alarms.command(command(id, "acknowledge"));
    expect(alarms.command(command(id, "reset")).changes[0]?.closed).toBe(true);
  });
});
