import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { OpcuaDevice } from "#protocols/opcua/config.ts";

const DEVICE = Compile(OpcuaDevice);
const server = { endpointUrl: "opc.tcp://10.0.0.5:4840" };

describe("the section of an OPC UA server", () => {
  it.each([
    ["nobody", {}],
    ["a name with its password", { username: "hub", password: "x" }],
    ["a certificate with its key", { userCertificate: "PEM", userPrivateKey: "PEM" }],
  ])("takes as user %s", (_what, user) => {
    expect(DEVICE.Check({ ...server, ...user })).toBe(true);
  });

  it.each([
    ["a certificate without its key", { userCertificate: "PEM" }],
    ["a key without its certificate", { userPrivateKey: "PEM" }],
  ])("refuses as user %s: it would come as nobody", (_what, user) => {
    expect(DEVICE.Check({ ...server, ...user })).toBe(false);
  });
});
