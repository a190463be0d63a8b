import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { BacnetConfig } from "#protocols/bacnet/config.ts";
import { settingsOf, stationOptionsOf } from "#protocols/bacnet/settings.ts";

const CONFIG = Compile(BacnetConfig);

describe("the section of a BACnet channel", () => {
  it("registers with a BBMD and attaches to several networks as it says", () => {
    const section = {
      interfaces: [
        { host: "10.1.0.5", port: 47_808, shared: true, broadcast: { host: "10.1.0.255" } },
        { host: "10.2.0.5", broadcast: { host: "10.2.0.255", port: 47_809 } },
      ],
      foreignDevice: { host: "10.9.0.1", ttlS: 120 },
    };
    expect(CONFIG.Check(section)).toBe(true);
    expect(stationOptionsOf(settingsOf(section))).toMatchObject({
      interfaces: [
        { host: "10.1.0.5", port: 47_808, shared: true, broadcast: { host: "10.1.0.255", port: 47_808 } },
        { host: "10.2.0.5", port: 0, shared: false, broadcast: { host: "10.2.0.255", port: 47_809 } },
      ],
      foreignDevice: { host: "10.9.0.1", port: 47_808, ttlS: 120 },
    });
    expect(stationOptionsOf(settingsOf({}))).not.toHaveProperty("foreignDevice");
  });

  it.each([
    { foreignDevice: { host: "10.9.0.256" } },
    { foreignDevice: { host: "bbmd.example" } },
    { foreignDevice: { host: "10.9.0" } },
    { foreignDevice: { host: "10.9.0.01" } },
    { foreignDevice: { port: 47_808 } },
    { foreignDevice: { host: "10.9.0.1", port: 0 } },
    { foreignDevice: { host: "10.9.0.1", ttlS: 9 } },
    { foreignDevice: { host: "10.9.0.1", ttlS: 65_536 } },
    { foreignDevice: { host: "10.9.0.1", bbmd: true } },
    { interfaces: [] },
    { interfaces: [{ host: "999.1.1.1" }] },
    { interfaces: [{ host: "10.1.0.5", broadcast: {} }] },
    { interfaces: Array.from({ length: 17 }, () => ({ host: "10.1.0.5" })) },
  ])("is refused where it cannot be meant: %j", (section) => {
    expect(CONFIG.Check(section)).toBe(false);
  });
});
