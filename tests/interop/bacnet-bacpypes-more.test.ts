import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OBJECT_TYPES, PROPERTIES, UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import type { Peer } from "#protocols/bacnet/codec/frame.ts";
import { decodeIAm, encodeWhoIs } from "#protocols/bacnet/codec/services/discovery.ts";
import { decodeReadPropertyAck, encodeReadProperty } from "#protocols/bacnet/codec/services/property.ts";
import type { ObjectId } from "#protocols/bacnet/codec/values.ts";
import { airHandler, manyInputs, serveAirHandler } from "../contract/bacnet-fixture.ts";
import { workstation } from "../contract/bacnet-server-fixture.ts";
import { bacpypesClient, POLL, PYPES, startBacpypesRouter, type ThirdParty } from "./bacnet-peers.ts";

const ROUTER = 998;
const BEHIND: ObjectId = { type: OBJECT_TYPES.device, instance: 997 };
const { signal } = new AbortController();

describe.skipIf(PYPES === undefined)("our client with a router of BACpypes3", () => {
  const peer: { router?: ThirdParty } = {};
  beforeAll(async () => {
    peer.router = await startBacpypesRouter(PYPES ?? "", ROUTER);
  }, 60_000);
  afterAll(() => peer.router?.close());

  it("finds it by the network, finds the device there, and reads it in segments", async () => {
    if (peer.router === undefined) throw new Error("not started");
    const { address } = peer.router;
    // loopback knows no broadcast: the router is told instead of all
    const interfaces = [{ host: "127.0.0.1", port: 0, broadcast: address }];
    const one = await workstation({ address }, { interfaces, abilities: { maxApdu: 480 } });
    expect(await one.station.routeTo(200, signal)).toEqual(address);
    one.station.announce(UNCONFIRMED.whoIs, encodeWhoIs({ low: 997, high: 997 }), { broadcast: 200 });
    await expect
      .poll(() => one.announced.filter(({ body }) => decodeIAm(body).device.instance === BEHIND.instance), POLL)
      .toHaveLength(1);
    const [said] = one.announced.filter(({ body }) => decodeIAm(body).device.instance === BEHIND.instance);
    expect(said?.peer).toEqual({ ...address, station: { net: 200, mac: Uint8Array.of(3) } } satisfies Peer);
    const read = async (property: number): Promise<readonly unknown[]> => {
      const body = encodeReadProperty({ object: BEHIND, property });
      const outcome = await one.station.request({ peer: said?.peer ?? address, service: 12, body, signal });
      if (outcome.kind !== "ack") throw new Error(JSON.stringify(outcome));
      return decodeReadPropertyAck(outcome.body).values;
    };
    expect(await read(PROPERTIES.objectName)).toMatchObject([{ value: "Field device" }]);
    expect((await read(PROPERTIES.objectList)).length).toBeGreaterThan(300);
  });
});

describe.skipIf(PYPES === undefined)("a client of BACpypes3 with our device", () => {
  it("finds it, reads it in segments, is notified, commands and gives back", async () => {
    const server = await serveAirHandler(1001, {}, airHandler("ahu-1", manyInputs(300)));
    try {
      expect(await bacpypesClient(PYPES ?? "", server.address.port, 1001)).toEqual({
        iAm: [1001],
        objects: 307,
        name: "送风温度",
        multiple: ["18.5", expect.anything(), "degrees-celsius", "20.0"],
        told: expect.arrayContaining(["present-value", "status-flags"]),
        commanded: 24.5,
        givenBack: 20,
      });
    } finally {
      await server.close();
    }
  }, 60_000);
});
