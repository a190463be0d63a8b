import { describe, expect, it } from "vitest";
import { checkAction, checkParams } from "#cloud/commands/check.ts";
import { driverByKind } from "#protocols/registry.ts";

const SERVER = "park/gw-1/fire-panel";
const actionsOf = (protocol: string): readonly string[] => driverByKind.get(protocol)?.actions ?? [];
const ask = (action: string) =>
  checkAction(
    SERVER,
    action,
    { device: { id: SERVER, protocol: "opcua", kind: "fire-panel" }, channel: undefined },
    actionsOf,
  );

describe("a device that keeps its alarms itself", () => {
  it.each(["acknowledgeCondition", "confirmCondition", "shelveCondition", "unshelveCondition"])(
    "takes %s from the alarm it belongs to, and from no command",
    (action) => {
      expect(actionsOf("opcua")).toContain(action);
      expect(() => ask(action)).toThrow(expect.objectContaining({ code: "ACTION_UNKNOWN" }));
    },
  );
});

describe("trust in a certificate", () => {
  it.each(["trustCertificate", "rejectCertificate"])("is a matter of the channel: no device takes %s", (action) => {
    expect(actionsOf("opcua")).toContain(action);
    expect(() => ask(action)).toThrow(expect.objectContaining({ code: "ACTION_UNKNOWN" }));
  });

  it("leaves what a device can do for itself", () => {
    expect(() => ask("callMethod")).not.toThrow();
    expect(() => ask("discover")).not.toThrow();
  });
});

describe("the parameters of a command", () => {
  it("hold no password: a command is kept and shown", () => {
    for (const name of ["password", "clientSecret"])
      expect(() => checkParams("reinitializeDevice", { state: "coldstart", [name]: "x" })).toThrow(
        expect.objectContaining({ code: "PARAM_SECRET" }),
      );
    expect(() => checkParams("reinitializeDevice", { state: "coldstart" })).not.toThrow();
  });
});
