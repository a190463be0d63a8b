import { describe, expect, it } from "vitest";
import { decodeFrame, encodeApduFrame, encodeNetworkFrame, GLOBAL_BROADCAST } from "#protocols/bacnet/codec/frame.ts";
import { type Bvlc, decodeBvlc, encodeBvlc } from "#protocols/bacnet/codec/link.ts";
import type { NetworkMessage } from "#protocols/bacnet/codec/network.ts";
import { golden, hex } from "./golden.ts";

const HOST = { host: "192.168.1.5", port: 47_808 };
const TABLE = [
  { ...HOST, mask: "255.255.255.255" },
  { host: "10.0.0.9", port: 47_809, mask: "255.255.255.0" },
];

const LINK: readonly { readonly name: string; readonly bvlc: Bvlc }[] = [
  { name: "bvlc-result", bvlc: { function: "result", code: 0x30 } },
  { name: "bvlc-write-bdt", bvlc: { function: "writeBroadcastDistributionTable", entries: TABLE } },
  { name: "bvlc-read-bdt", bvlc: { function: "readBroadcastDistributionTable" } },
  { name: "bvlc-read-bdt-ack", bvlc: { function: "readBroadcastDistributionTableAck", entries: TABLE } },
  { name: "bvlc-register-foreign-device", bvlc: { function: "registerForeignDevice", ttlS: 300 } },
  { name: "bvlc-read-fdt", bvlc: { function: "readForeignDeviceTable" } },
  {
    name: "bvlc-read-fdt-ack",
    bvlc: { function: "readForeignDeviceTableAck", entries: [{ ...HOST, ttlS: 300, remainingS: 250 }] },
  },
  { name: "bvlc-delete-fdt-entry", bvlc: { function: "deleteForeignDeviceTableEntry", entry: HOST } },
];

const MESSAGES: readonly { readonly name: string; readonly unicast?: true; readonly message: NetworkMessage }[] = [
  { name: "network-who-is-router", message: { type: "whoIsRouter", net: 2001 } },
  { name: "network-i-am-router", message: { type: "iAmRouter", nets: [2001, 2002] } },
  { name: "network-i-could-be-router", message: { type: "iCouldBeRouter", net: 2003, performance: 1 } },
  { name: "network-reject", unicast: true, message: { type: "reject", reason: 1, net: 2009 } },
  { name: "network-router-busy", message: { type: "routerBusy", nets: [2001] } },
  { name: "network-router-available", message: { type: "routerAvailable", nets: [] } },
  { name: "network-initialize-routing-table", unicast: true, message: { type: "initializeRoutingTable", ports: [] } },
  {
    name: "network-initialize-routing-table-ack",
    unicast: true,
    message: {
      type: "initializeRoutingTableAck",
      ports: [
        { net: 2001, port: 1, info: new Uint8Array() },
        { net: 2002, port: 2, info: Uint8Array.of(0x6d, 0x73) },
      ],
    },
  },
  {
    name: "network-establish-connection",
    unicast: true,
    message: { type: "establishConnection", net: 2001, terminationMin: 5 },
  },
  { name: "network-disconnect-connection", unicast: true, message: { type: "disconnectConnection", net: 2001 } },
  { name: "network-what-is-network-number", message: { type: "whatIsNetworkNumber" } },
  { name: "network-number-is", message: { type: "networkNumberIs", net: 1000, configured: true } },
];

describe("golden frames of the link and network layers", () => {
  it.each(LINK)("$name decodes to what its source meant and encodes to the same bytes", ({ name, bvlc }) => {
    expect(decodeBvlc(golden(name))).toEqual(bvlc);
    expect(hex(encodeBvlc(bvlc))).toBe(hex(golden(name)));
  });

  it.each(MESSAGES)("$name decodes to what its source meant and encodes to the same bytes", (one) => {
    const { name, message, unicast } = one;
    const frame = { kind: "networkMessage", message, broadcast: unicast !== true };
    expect(decodeFrame(golden(name))).toEqual(frame);
    const link = unicast === true ? "originalUnicast" : "originalBroadcast";
    expect(hex(encodeNetworkFrame(message, { link }))).toBe(hex(golden(name)));
  });

  it("sends a Who-Is of a foreign device to all networks through its BBMD", () => {
    const whoIs = { type: "unconfirmedRequest", service: 8, body: new Uint8Array() } as const;
    const everywhere = { net: GLOBAL_BROADCAST, mac: new Uint8Array() };
    const sent = encodeApduFrame(whoIs, { link: "distributeBroadcast", destination: everywhere });
    expect(hex(sent)).toBe(hex(golden("bvlc-distribute-broadcast")));
    expect(decodeFrame(sent)).toEqual({ kind: "apdu", apdu: whoIs, broadcast: true });
  });

  it("keeps a vendor's network layer message untouched", () => {
    const message = { type: "other", code: 0x80, body: Uint8Array.of(1, 4, 7) } as const;
    expect(decodeFrame(encodeNetworkFrame(message))).toMatchObject({ kind: "networkMessage", message });
  });
});
