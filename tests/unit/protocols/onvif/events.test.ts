import { describe, expect, it } from "vitest";
import type { Notification, PropertyOperation } from "#protocols/onvif/codec/notification.ts";
import { EventStates } from "#protocols/onvif/event-states.ts";
import { type FieldEvent, mapNotification } from "#protocols/onvif/map.ts";

interface Told {
  readonly topic: string;
  readonly source?: Readonly<Record<string, string>>;
  readonly key?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly operation?: PropertyOperation;
}

function event({ topic, source = {}, key = {}, data = {}, operation }: Told): FieldEvent | undefined {
  const notification: Notification = {
    topic: `tns1:${topic}`,
    source: new Map(Object.entries(source)),
    key: new Map(Object.entries(key)),
    data: new Map(Object.entries(data)),
    ...(operation === undefined ? {} : { operation }),
  };
  return mapNotification(notification);
}

function mapped(told: Told): FieldEvent {
  const found = event(told);
  if (found === undefined) throw new Error(`${told.topic} is not mapped`);
  return found;
}

const motion = (state: boolean, operation: PropertyOperation, source = "VS_1"): FieldEvent =>
  mapped({ topic: "VideoSource/MotionAlarm", source: { Source: source }, data: { State: String(state) }, operation });

const inside = (object: string, state: boolean, operation: PropertyOperation): FieldEvent =>
  mapped({
    topic: "RuleEngine/FieldDetector/ObjectsInside",
    source: { Rule: "gate" },
    key: { ObjectId: object },
    data: operation === "Deleted" ? {} : { IsInside: String(state) },
    operation,
  });

const reboot = (at: string, operation: PropertyOperation): FieldEvent =>
  mapped({ topic: "Monitoring/OperatingTime/LastReboot", data: { Status: at }, operation });

describe("topics of cameras", () => {
  it.each([
    ["VideoSource/MotionAlarm", "State", "motion"],
    ["RuleEngine/CellMotionDetector/Motion", "IsMotion", "motion"],
    ["VideoSource/GlobalSceneChange/ImagingService", "State", "tamper"],
    ["VideoSource/GlobalSceneChange/AnalyticsService", "State", "tamper"],
    ["RuleEngine/FieldDetector/ObjectsInside", "IsInside", "fieldIntrusion"],
    ["Device/Trigger/DigitalInput", "LogicalState", "digitalInput"],
    ["Device/Trigger/Relay", "LogicalState", "relay"],
    ["Device/HardwareFailure/FanFailure", "Failed", "hardwareFailure"],
    ["Device/HardwareFailure/TemperatureCritical", "Critical", "hardwareFailure"],
  ])("%s becomes an event with its state", (topic, item, kind) => {
    const state = (value: string): unknown => event({ topic, data: { [item]: value }, operation: "Changed" });
    expect(state("true")).toMatchObject({ kind, state: true, repeated: false });
    expect(state("0")).toMatchObject({ kind, state: false });
    expect(state("perhaps")).toBeUndefined();
  });

  it("takes the words of a relay's logical state", () => {
    const relay = { topic: "Device/Trigger/Relay", source: { RelayToken: "R1" } };
    expect(event({ ...relay, data: { LogicalState: "active" } })).toMatchObject({ state: true, tokens: ["R1"] });
    expect(event({ ...relay, data: { LogicalState: "inactive" } })).toMatchObject({ state: false });
  });

  it("takes a crossed line for an instant, with rule and object as strings", () => {
    const crossed = { topic: "RuleEngine/LineDetector/Crossed", source: { Rule: "7" }, data: { ObjectId: "0015" } };
    expect(event(crossed)).toMatchObject({
      kind: "lineCrossed",
      state: undefined,
      data: { topic: "tns1:RuleEngine/LineDetector/Crossed", Rule: "7", ObjectId: "0015" },
    });
  });

  it("has no event for other topics", () => {
    expect(event({ topic: "Monitoring/ProcessorUsage", data: { Value: "3" } })).toBeUndefined();
    expect(event({ topic: "VideoSource/MotionAlarmX", data: { State: "true" } })).toBeUndefined();
  });
});

describe("states and edges", () => {
  it("tells each change once, and nothing when a device repeats itself", () => {
    const states = new EventStates();
    expect(states.apply(motion(false, "Initialized"))).toBeUndefined();
    expect(states.apply(motion(true, "Changed"))).toEqual({ state: true, recovered: false });
    expect(states.apply(motion(true, "Changed"))).toBeUndefined();
    expect(states.apply(motion(true, "Initialized"))).toBeUndefined();
    expect(states.apply(motion(false, "Changed"))).toEqual({ state: false, recovered: false });
  });

  it("tells an alarm that stood already when listening began, or arose while nobody listened", () => {
    const states = new EventStates();
    expect(states.apply(motion(true, "Initialized"))).toEqual({ state: true, recovered: true });
    states.doubtAll();
    expect(states.read("motion", undefined)).toMatchObject({ state: true, confirmed: false });
    expect(states.apply(motion(false, "Initialized"))).toEqual({ state: false, recovered: true });
    expect(states.read("motion", undefined)).toMatchObject({ state: false, confirmed: true });
  });

  it("tells each crossing of a line", () => {
    const states = new EventStates();
    const crossed = mapped({
      topic: "RuleEngine/LineDetector/Crossed",
      source: { Rule: "1" },
      data: { ObjectId: "1" },
    });
    expect([states.apply(crossed), states.apply(crossed)]).toEqual([
      { state: undefined, recovered: false },
      { state: undefined, recovered: false },
    ]);
    expect(states.read("lineCrossed", "1")?.state).toBe(true);
    states.clear("lineCrossed");
    expect(states.read("lineCrossed", "1")?.state).toBe(false);
  });

  it("holds a signal as long as any of its sources holds, or the one a token names", () => {
    const states = new EventStates();
    for (const source of ["VS_1", "VS_2"]) states.apply(motion(false, "Initialized", source));
    states.apply(motion(true, "Changed", "VS_2"));
    expect(states.read("motion", undefined)?.state).toBe(true);
    expect(states.read("motion", "VS_1")?.state).toBe(false);
    expect(states.read("motion", "VS_2")?.state).toBe(true);
    expect(states.read("motion", "VS_3")).toBeUndefined();
    expect(states.read("tamper", undefined)).toBeUndefined();
  });

  it("ends the intrusion of an object that has left the scene", () => {
    const states = new EventStates();
    states.apply(inside("5", false, "Initialized"));
    expect(states.apply(inside("5", true, "Changed"))).toEqual({ state: true, recovered: false });
    expect(states.apply(inside("5", true, "Deleted"))).toEqual({ state: false, recovered: false });
    expect(states.read("fieldIntrusion", "gate")).toMatchObject({ state: false, confirmed: true });
  });

  it("does not fill up with objects that came and went", () => {
    const states = new EventStates();
    for (let object = 0; object < 2000; object++) {
      expect(states.apply(inside(String(object), true, "Initialized"))?.state).toBe(true);
      expect(states.apply(inside(String(object), true, "Deleted"))?.state).toBe(false);
    }
  });

  it("ends the intrusion of an object that a new subscription does not tell of any more", () => {
    const states = new EventStates();
    states.apply(inside("5", true, "Initialized"));
    states.apply(inside("6", true, "Initialized"));
    states.doubtAll();
    states.apply(inside("6", true, "Initialized"));
    expect(states.endUnconfirmed().map((ended) => ended.data["ObjectId"])).toEqual(["5"]);
    expect(states.read("fieldIntrusion", undefined)).toMatchObject({ state: true, confirmed: true });
    states.doubtAll();
    expect(states.endUnconfirmed().length).toBe(1);
    expect(states.read("fieldIntrusion", undefined)).toMatchObject({ state: false, confirmed: true });
  });

  it("tells a restart when the time of the last start has moved, not when it wavers", () => {
    const states = new EventStates();
    expect(states.apply(reboot("2026-11-20T01:00:00Z", "Initialized"))).toBeUndefined();
    expect(states.apply(reboot("2026-11-20T01:00:01Z", "Initialized"))).toBeUndefined();
    expect(states.apply(reboot("2026-11-20T02:00:00Z", "Initialized"))).toEqual({ state: undefined, recovered: true });
  });

  it("keeps no more than a bounded number of states that hold", () => {
    const states = new EventStates();
    for (let source = 0; source < 500; source++) states.apply(motion(true, "Initialized", String(source)));
    expect(states.apply(motion(true, "Changed", "one too many"))).toBeUndefined();
    expect(states.apply(motion(false, "Changed", "7"))?.state).toBe(false);
  });

  it("hears the intrusion of the thousandth object of a camera that never says that one is gone", () => {
    const states = new EventStates();
    for (let object = 0; object < 1000; object++) {
      expect(states.apply(inside(String(object), true, "Changed"))?.state).toBe(true);
      expect(states.apply(inside(String(object), false, "Changed"))?.state).toBe(false);
    }
    states.apply(motion(true, "Changed"));
    for (let object = 0; object < 1000; object++) states.apply(inside(String(object), false, "Changed"));
    expect(states.read("fieldIntrusion", "gate")).toMatchObject({ state: false, confirmed: true });
    expect(states.read("motion", undefined)).toMatchObject({ state: true });
  });
});
