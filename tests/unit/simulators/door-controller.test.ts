import { describe, expect, it } from "vitest";
import { DOOR_MODES } from "#core/model/door.ts";
import {
  type AccessEvent,
  createDoorController,
  type DoorOptions,
  type SimulatedDoorController,
} from "#simulators/devices/door-controller.ts";

const NOON = Date.UTC(2026, 10, 20, 4, 0, 0);
/** A card whose number is no number. */
const LONG_CARD = "00012345678901234567";

interface Site {
  readonly controller: SimulatedDoorController;
  readonly changes: string[];
  readonly access: AccessEvent[];
  mode(door?: string): string | undefined;
  alarm(door?: string): unknown;
  pass(seconds: number): void;
}

function site(doors?: readonly DoorOptions[]): Site {
  const controller = createDoorController({
    id: "access-1",
    name: "门禁控制器",
    nameEn: "Access controller",
    ...(doors === undefined ? {} : { doors }),
  });
  const changes: string[] = [];
  const access: AccessEvent[] = [];
  controller.onChange((signal, value) => changes.push(`${signal} ${value}`));
  controller.onAccess((event) => access.push(event));
  controller.step(1, NOON);
  return {
    controller,
    changes,
    access,
    mode: (door = "door-1") => DOOR_MODES[Number(controller.read(`${door}-mode`)) - 1],
    alarm: (door = "door-1") => controller.read(`${door}-alarm`),
    pass: (seconds) => controller.step(seconds, NOON + seconds * 1000),
  };
}

describe("a simulated door", () => {
  it("opens for the access time that is asked for, and locks again in the mode it was in", () => {
    const { controller, mode, pass, changes } = site();
    expect(controller.operate("door-1", "access", { accessSeconds: 3 })).toBe("done");
    expect([mode(), controller.read("door-1-lock")]).toEqual(["Accessed", 3]);
    pass(2.9);
    expect(mode()).toBe("Accessed");
    pass(0.2);
    expect([mode(), controller.read("door-1-lock")]).toEqual(["Locked", 2]);
    expect(changes).toEqual(["door-1-mode 4", "door-1-lock 3", "door-1-mode 2", "door-1-lock 2"]);
  });

  it("goes back to unlocked after an access to an unlocked door, and keeps its own time without override", () => {
    const { controller, mode, pass } = site([
      { token: "door-1", name: "门", nameEn: "Door", capabilities: { accessTimingOverride: false } },
    ]);
    controller.operate("door-1", "unlock");
    controller.operate("door-1", "access", { accessSeconds: 60 });
    pass(4.9);
    expect(mode()).toBe("Accessed");
    pass(0.2);
    expect(mode()).toBe("Unlocked");
  });

  it("adds the extended time for people who need longer", () => {
    const { controller, mode, pass } = site();
    controller.operate("door-1", "access", { extended: true });
    pass(14);
    expect(mode()).toBe("Accessed");
    pass(1.1);
    expect(mode()).toBe("Locked");
  });

  it("obeys nothing but the release when locked down or locked open", () => {
    const { controller, mode } = site();
    controller.operate("door-1", "lockDown");
    for (const operation of ["access", "unlock", "lockOpen", "block", "lockOpenRelease"] as const) {
      expect(controller.operate("door-1", operation), operation).toBe("failed");
    }
    expect(mode()).toBe("LockedDown");
    expect(controller.operate("door-1", "lockDownRelease")).toBe("done");
    expect(mode()).toBe("Locked");
    controller.operate("door-1", "lockOpen");
    for (const operation of ["lock", "access", "lockDown", "lockDownRelease"] as const) {
      expect(controller.operate("door-1", operation), operation).toBe("failed");
    }
    expect([mode(), controller.read("door-1-lock")]).toEqual(["LockedOpen", 3]);
    expect(controller.operate("door-1", "lockOpenRelease")).toBe("done");
    expect(mode()).toBe("Unlocked");
    expect(controller.operate("door-1", "lockOpenRelease")).toBe("failed");
  });

  it("lets nobody in while blocked, and any other command ends that", () => {
    const { controller, mode } = site();
    controller.operate("door-1", "block");
    expect(controller.operate("door-1", "access")).toBe("failed");
    expect(controller.operate("door-1", "unlock")).toBe("done");
    expect(mode()).toBe("Unlocked");
  });

  it("refuses what its capabilities do not have", () => {
    const { controller, mode } = site();
    expect(controller.operate("door-1", "doubleLock")).toBe("not-supported");
    expect(controller.operate("door-3", "doubleLock")).toBe("done");
    expect(mode("door-3")).toBe("DoubleLocked");
    expect(controller.operate("door-3", "lockOpen")).toBe("not-supported");
    expect(() => controller.operate("door-9", "lock")).toThrow(expect.objectContaining({ code: "SIM_DOOR_UNKNOWN" }));
  });

  it("is forced when it opens while locked, until it is closed", () => {
    const { controller, alarm, changes } = site();
    controller.write("door-2-open", true);
    expect(alarm("door-2")).toBe(2);
    expect(changes).toEqual(["door-2-open true", "door-2-alarm 2"]);
    controller.write("door-2-open", false);
    expect(alarm("door-2")).toBe(1);
  });

  it("masks its alarms while it is meant to be open", () => {
    const { controller, alarm, pass } = site();
    controller.write("door-1-open", true);
    expect(alarm()).toBe(2);
    controller.operate("door-1", "unlock");
    expect(alarm()).toBe(1);
    pass(600);
    expect(alarm()).toBe(1);
  });

  it("is open too long when it is held after the access, and normal when it closes", () => {
    const { controller, alarm, pass } = site();
    controller.operate("door-1", "access", { accessSeconds: 2, openTooLongSeconds: 6 });
    controller.write("door-1-open", true);
    pass(5);
    expect(alarm()).toBe(1);
    pass(2);
    expect(alarm()).toBe(3);
    controller.write("door-1-open", false);
    expect(alarm()).toBe(1);
  });

  it("tells tamper and a broken lock once each, and a broken lock obeys nobody", () => {
    const { controller, changes, mode } = site();
    controller.write("door-1-tamper", true);
    controller.write("door-1-tamper", true);
    controller.write("door-1-fault", true);
    expect(changes).toEqual(["door-1-tamper true", "door-1-lock 4", "door-1-fault true"]);
    expect(controller.operate("door-1", "unlock")).toBe("failed");
    expect(mode()).toBe("Locked");
    controller.write("door-1-fault", false);
    expect(controller.operate("door-1", "unlock")).toBe("done");
  });

  it("does not take its mode, lock or alarm from a scenario: they follow the door", () => {
    const { controller, mode, alarm } = site();
    controller.write("door-1-mode", 3);
    controller.write("door-1-alarm", 2);
    expect([mode(), controller.read("door-1-lock"), alarm()]).toEqual(["Locked", 2, 1]);
  });
});

describe("a reader", () => {
  it("grants a known card by its text, leading zeros and all, and tells that the access was taken", () => {
    const { controller, access, mode } = site();
    controller.write("door-1-card", LONG_CARD);
    controller.write("door-1-open", true);
    expect(access.map(({ kind, credential, accessPoint }) => [kind, credential?.token, accessPoint])).toEqual([
      ["granted", "cred-001", "reader-door-1"],
      ["taken", "cred-001", "reader-door-1"],
    ]);
    expect([mode(), controller.read("door-1-alarm")]).toEqual(["Accessed", 1]);
  });

  it("tells that nobody came through", () => {
    const { controller, access, pass } = site();
    controller.write("door-1-card", "0004400817");
    pass(6);
    expect(access.map(({ kind }) => kind)).toEqual(["granted", "not-taken"]);
  });

  it("denies with the reason, and leaves the door as it is", () => {
    const { controller, access, mode } = site();
    const show = (door: string, card: string): void => controller.write(`${door}-card`, card);
    show("door-1", "0004400818");
    show("door-1", "0004400819");
    show("door-2", "0004400820");
    show("door-1", "12345678901234567");
    controller.operate("door-1", "block");
    show("door-1", LONG_CARD);
    expect(access.map(({ kind, reason, card }) => [kind, reason ?? card])).toEqual([
      ["denied", "CredentialNotEnabled"],
      ["denied", "CredentialExpired"],
      ["denied", "Unauthorized"],
      ["not-found", "12345678901234567"],
      ["denied", "Other"],
    ]);
    expect(mode("door-1")).toBe("Blocked");
    expect(mode("door-2")).toBe("Locked");
  });

  it("lets pass through an open door without touching its mode", () => {
    const { controller, access, mode } = site();
    controller.operate("door-1", "lockOpen");
    controller.write("door-1-card", LONG_CARD);
    expect([access.map(({ kind }) => kind), mode()]).toEqual([["granted"], "LockedOpen"]);
  });

  it("opens for somebody under duress, and tells it", () => {
    const { controller, access, mode } = site();
    controller.write("door-1-card", "0004400821");
    expect([access.map(({ kind }) => kind), mode()]).toEqual([["granted", "duress"], "Accessed"]);
  });

  it("reads nothing while it is disabled", () => {
    const { controller, access } = site();
    controller.write("door-1-reader", false);
    controller.write("door-1-card", LONG_CARD);
    expect(access).toEqual([]);
  });
});
