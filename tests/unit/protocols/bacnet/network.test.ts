import { beforeEach, describe, expect, it } from "vitest";
import { decodeFrame, encodeApduFrame, encodeNetworkFrame, type Peer } from "#protocols/bacnet/codec/frame.ts";
import { type Bvlc, decodeBvlc, encodeBvlc } from "#protocols/bacnet/codec/link.ts";
import type { Outcome } from "#protocols/bacnet/station/ports.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { type Attached, attach, Ether, interfaceAt, never, PORT } from "./station-ether.ts";
import { ipAddresses, openRouter, type Router } from "./station-router.ts";

const WHO_IS = 8;
const WRITE = 15;
const NOTHING = new Uint8Array();
const BODY = Uint8Array.of(1, 2, 3);

/** Names of the BVLC functions that went to a host. */
function functionsTo(ether: Ether, host: string): readonly string[] {
  return ether.to(host).map((datagram) => decodeBvlc(datagram).function);
}

describe("a BACnet station on IP networks", () => {
  let clock: ManualClock;
  let ether: Ether;

  beforeEach(() => {
    clock = new ManualClock(0);
    ether = new Ether();
  });

  it("broadcasts at each of its interfaces, hears broadcasts, and passes over its own", async () => {
    const interfaces = [interfaceAt("10.0.1.1"), interfaceAt("10.0.2.1")];
    const hub = await attach(ether, clock, "10.0.1.1", { interfaces });
    const one = await attach(ether, clock, "10.0.1.7");
    const two = await attach(ether, clock, "10.0.2.7");
    hub.station.announce(WHO_IS, BODY, { broadcast: "local" });
    expect(one.announced).toEqual([{ peer: hub.at, service: WHO_IS, body: BODY }]);
    expect(two.announced).toEqual([{ peer: { host: "10.0.2.1", port: PORT }, service: WHO_IS, body: BODY }]);
    expect([hub.announced.length, hub.counters.get("echoes")]).toEqual([0, 2]);
    two.station.announce(WHO_IS, BODY, { broadcast: "global" });
    expect(hub.announced).toEqual([{ peer: two.at, service: WHO_IS, body: BODY }]);
    expect(one.announced).toHaveLength(1);
  });

  it("answers from the interface at which it was asked, also whom no subnet names", async () => {
    const interfaces = [interfaceAt("10.0.1.1"), interfaceAt("10.0.2.1")];
    await attach(ether, clock, "10.0.1.1", { interfaces });
    const far = await attach(ether, clock, "192.168.9.9");
    const peer = { host: "10.0.2.1", port: PORT };
    const outcome = await far.station.request({ peer, service: WRITE, body: BODY, signal: never });
    expect(outcome).toEqual({ kind: "ack", body: BODY });
  });

  it("refuses to be what it is not: a BBMD", async () => {
    await attach(ether, clock, "10.0.1.1");
    const asked: Bvlc[] = [
      { function: "registerForeignDevice", ttlS: 60 },
      { function: "readForeignDeviceTable" },
      { function: "readBroadcastDistributionTable" },
      { function: "distributeBroadcast", npdu: Uint8Array.of(1, 0, 0x10, 8) },
      { function: "writeBroadcastDistributionTable", entries: [] },
      { function: "deleteForeignDeviceTableEntry", entry: { host: "10.0.0.1", port: 1 } },
    ];
    for (const bvlc of asked) {
      ether.send(encodeBvlc(bvlc), { host: "10.0.1.66", port: PORT }, { host: "10.0.1.1", port: PORT });
    }
    const codes = ether.to("10.0.1.66").map((datagram) => decodeBvlc(datagram));
    expect(codes).toEqual([0x30, 0x40, 0x20, 0x60, 0x10, 0x50].map((code) => ({ function: "result", code })));
  });

  describe("with a BBMD elsewhere", () => {
    let bbmd: Attached;
    let neighbour: Attached;
    let far: Attached;
    const foreignDevice = { host: "10.0.1.1", port: PORT, ttlS: 60 };
    const interfaces = [{ host: "10.0.9.1", port: PORT }];
    const mask = "255.255.255.255";

    beforeEach(async () => {
      const farBbmd = { host: "10.0.2.1", port: PORT, mask };
      bbmd = await attach(ether, clock, "10.0.1.1", { bbmd: { peers: [farBbmd] } });
      const back = { host: "10.0.1.1", port: PORT, mask };
      await attach(ether, clock, "10.0.2.1", { bbmd: { peers: [back] } });
      neighbour = await attach(ether, clock, "10.0.1.7");
      far = await attach(ether, clock, "10.0.2.7");
    });

    it("registers, reaches all subnets by broadcast and takes their broadcasts and answers", async () => {
      const hub = await attach(ether, clock, "10.0.9.1", { foreignDevice, interfaces });
      expect(hub.station.foreignState).toBe("registered");
      expect(bbmd.station.foreignDevices).toEqual([{ host: "10.0.9.1", port: PORT, ttlS: 60, remainingS: 90 }]);
      hub.station.announce(WHO_IS, BODY, { broadcast: "local" });
      for (const heard of [bbmd, neighbour, far]) {
        expect(heard.announced).toEqual([{ peer: hub.at, service: WHO_IS, body: BODY }]);
      }
      // the answer goes to the origin, never to the BBMD
      const answered = far.announced[0]?.peer ?? far.at;
      far.station.announce(0, BODY, answered);
      expect(hub.announced).toEqual([{ peer: far.at, service: 0, body: BODY }]);
      for (const speaker of [neighbour, far, bbmd]) speaker.station.announce(0, NOTHING, { broadcast: "local" });
      expect(hub.announced.slice(1).map(({ peer }) => peer)).toEqual([neighbour.at, far.at, bbmd.at]);
      const notified = await far.station.request({ peer: hub.at, service: 2, body: BODY, signal: never });
      expect(notified.kind).toBe("ack");
    });

    it("renews at half of the lifetime", async () => {
      const hub = await attach(ether, clock, "10.0.9.1", { foreignDevice, interfaces });
      clock.advance(600_000);
      expect(hub.counters.get("foreignRegistrations")).toBe(21);
      expect(hub.station.foreignState).toBe("registered");
      await hub.station.close();
      clock.advance(91_000);
      expect(bbmd.station.foreignDevices).toEqual([]);
    });

    it("goes on asking a BBMD that is silent, and says that it is", async () => {
      ether.fate = (one) => (one.to.host === "10.0.1.1" ? [] : [one]);
      const hub = await attach(ether, clock, "10.0.9.1", { foreignDevice, interfaces });
      clock.advance(10_000);
      expect(hub.station.foreignState).toBe("silent");
      ether.fate = (one) => [one];
      clock.advance(31_000);
      expect(hub.station.foreignState).toBe("registered");
      expect(hub.counters.get("foreignSilences")).toBeGreaterThan(2);
    });

    it("registers again at once when the BBMD has forgotten it", async () => {
      const hub = await attach(ether, clock, "10.0.9.1", { foreignDevice, interfaces });
      await bbmd.station.close();
      await attach(ether, clock, "10.0.1.1", { bbmd: { peers: [] } });
      hub.station.announce(WHO_IS, BODY, { broadcast: "local" });
      expect([hub.station.foreignState, hub.counters.get("foreignRefusals")]).toEqual(["registered", 1]);
      hub.station.announce(WHO_IS, BODY, { broadcast: "local" });
      expect(neighbour.announced).toHaveLength(1);
    });

    it("tries a station that is no BBMD again, with growing pauses", async () => {
      const noBbmd = { host: "10.0.1.7", port: PORT, ttlS: 60 };
      const hub = await attach(ether, clock, "10.0.9.1", { foreignDevice: noBbmd, interfaces });
      expect(hub.station.foreignState).toBe("refused");
      clock.advance(120_000);
      expect(hub.counters.get("foreignRefusals")).toBe(8);
    });

    it("believes no result that is not its BBMD's", async () => {
      const hub = await attach(ether, clock, "10.0.9.1", { foreignDevice, interfaces });
      ether.send(encodeBvlc({ function: "result", code: 0x30 }), neighbour.at, hub.at);
      expect([hub.station.foreignState, hub.counters.get("linkMessages")]).toEqual(["registered", 1]);
    });

    it("the BBMD keeps no more than so many foreign devices, and passes on nothing for others", () => {
      for (let i = 0; i < 200; i++) {
        const from = { host: `10.7.${i >> 4}.${i & 15}`, port: PORT };
        ether.send(encodeBvlc({ function: "registerForeignDevice", ttlS: 60 }), from, bbmd.at);
      }
      expect(bbmd.station.foreignDevices).toHaveLength(128);
      const stranger = { host: "10.7.99.1", port: PORT };
      const npdu = Uint8Array.of(1, 0, 0x10, WHO_IS);
      ether.send(encodeBvlc({ function: "distributeBroadcast", npdu }), stranger, bbmd.at);
      expect(neighbour.announced).toEqual([]);
      expect(functionsTo(ether, stranger.host)).toEqual(["result"]);
    });
  });

  describe("with a router", () => {
    let hub: Attached;
    let device: Attached;
    let router: Router;
    const NET = 5;
    const ROUTER = { host: "10.0.1.9", port: PORT };
    const behind = (mac: number): Peer => ({ ...ROUTER, station: { net: NET, mac: Uint8Array.of(mac) } });

    beforeEach(async () => {
      hub = await attach(ether, clock, "10.0.1.1");
      device = await attach(ether, clock, "10.5.5.12");
      const fieldAddresses = {
        addressOf: (mac: Uint8Array) => ({ host: `10.5.5.${mac[0]}`, port: PORT }),
        macOf: ({ host }: { readonly host: string }) => Uint8Array.of(Number(host.split(".")[3])),
      };
      const { open } = ether;
      router = await openRouter(
        { net: 1, at: interfaceAt(ROUTER.host), open, ...ipAddresses },
        { net: NET, at: interfaceAt("10.5.5.1"), open, ...fieldAddresses },
      );
    });

    function ask(peer: Peer, body = BODY): Promise<Outcome> {
      return hub.station.request({ peer, service: WRITE, body, signal: never });
    }

    it("finds the router to a network once, and asks a device behind it", async () => {
      expect(await hub.station.routeTo(NET, never)).toEqual(ROUTER);
      expect(hub.station.routes).toEqual([{ net: NET, router: ROUTER }]);
      const sent = ether.carried.length;
      expect(await hub.station.routeTo(NET, never)).toEqual(ROUTER);
      expect(ether.carried).toHaveLength(sent);
      expect(await ask(behind(12))).toEqual({ kind: "ack", body: BODY });
      expect(device.asked.map(({ peer }) => peer.station?.net)).toEqual([1]);
    });

    it("exchanges answers in segments through the router", async () => {
      device.station.setAbilities({ maxApdu: 480 });
      const body = new Uint8Array(5000).fill(7);
      device.answer = () => ({ kind: "ack", body });
      expect(await ask(behind(12))).toEqual({ kind: "ack", body });
    });

    it("learns the way from what comes in, and broadcasts to one network or to all", async () => {
      hub.station.announce(WHO_IS, BODY, { broadcast: NET });
      expect(device.announced).toHaveLength(1);
      hub.station.announce(WHO_IS, BODY, { broadcast: "global" });
      expect(device.announced).toHaveLength(2);
      hub.station.announce(WHO_IS, BODY, { broadcast: "local" });
      expect(device.announced).toHaveLength(2);
      const asker = device.announced[0]?.peer;
      expect(asker?.station?.net).toBe(1);
      if (asker !== undefined) device.station.announce(0, BODY, asker);
      expect(hub.announced).toEqual([{ peer: behind(12), service: 0, body: BODY }]);
      expect(hub.station.routes).toEqual([{ net: NET, router: ROUTER }]);
      // with the router known, the others on the network are left in peace
      hub.station.announce(WHO_IS, BODY, { broadcast: NET });
      expect(ether.carried.at(-2)?.to).toEqual(ROUTER);
      expect(device.announced).toHaveLength(3);
    });

    it("gives up a network that no router leads to, after asking again", async () => {
      const found = hub.station.routeTo(77, never);
      const second = hub.station.routeTo(77, never);
      clock.advance(3000);
      expect([await found, await second]).toEqual([undefined, undefined]);
      const asked = ether.to("10.0.1.255").map((datagram) => decodeFrame(datagram));
      const question = { kind: "networkMessage", message: { type: "whoIsRouter", net: 77 }, broadcast: true };
      expect(asked).toEqual([question, question, question]);
      expect(clock.pending).toBe(0);
      const given = new AbortController();
      const cancelled = hub.station.routeTo(77, given.signal);
      given.abort();
      expect(await cancelled).toBeUndefined();
      const closing = hub.station.routeTo(77, never);
      await hub.station.close();
      expect(await closing).toBeUndefined();
      expect(clock.pending).toBe(0);
    });

    it("goes on asking for a second caller when the first has given up", async () => {
      const given = new AbortController();
      const first = hub.station.routeTo(77, given.signal);
      const second = hub.station.routeTo(77, never);
      given.abort();
      expect(await first).toBeUndefined();
      clock.advance(3000);
      expect(await second).toBeUndefined();
      expect(ether.to("10.0.1.255")).toHaveLength(3);
      expect(clock.pending).toBe(0);
    });

    it("drops a route when its router says that it leads nowhere, and believes nobody else", async () => {
      await hub.station.routeTo(NET, never);
      const reject = encodeNetworkFrame({ type: "reject", reason: 1, net: NET });
      ether.send(reject, { host: "10.0.1.66", port: PORT }, hub.at);
      expect(hub.station.routes).toHaveLength(1);
      router.say({ type: "reject", reason: 1, net: NET }, hub.at);
      expect([hub.station.routes, hub.counters.get("routesLost")]).toEqual([[], 1]);
    });

    it("leaves a network alone while its router is busy, and its requests do not time out meanwhile", async () => {
      await hub.station.routeTo(NET, never);
      ether.fate = (one) => (one.to.host === "10.5.5.12" ? [] : [one]);
      const first = ask(behind(12));
      const second = ask(behind(13));
      router.say({ type: "routerBusy", nets: [NET] }, hub.at);
      const sent = ether.carried.length;
      clock.advance(29_000);
      expect(ether.carried).toHaveLength(sent);
      ether.fate = (one) => [one];
      clock.advance(1000);
      expect((await first).kind).toBe("ack");
      clock.advance(4000);
      expect((await second).kind).toBe("timeout");
      const third = ask(behind(12));
      router.say({ type: "routerBusy", nets: [] }, hub.at);
      const fourth = ask(behind(12));
      router.say({ type: "routerAvailable", nets: [] }, hub.at);
      clock.advance(100);
      expect([(await third).kind, (await fourth).kind]).toEqual(["ack", "ack"]);
    });

    it("asks one device of a network at a time, as fast as the line allows", async () => {
      await hub.station.routeTo(NET, never);
      const answers: (() => void)[] = [];
      device.answer = ({ body }) => new Promise((resolve) => answers.push(() => resolve({ kind: "ack", body })));
      const asked = Array.from({ length: 10 }, () => ask(behind(12)));
      expect(device.asked).toHaveLength(1);
      for (let i = 0; i < 10; i++) {
        answers[i]?.();
        await asked[i];
        clock.advance(50);
        expect(device.asked).toHaveLength(Math.min(10, i + 2));
      }
    });

    it("keeps a bounded number of routes, those heard of last", () => {
      const nets = Array.from({ length: 600 }, (_, i) => i + 1);
      router.say({ type: "iAmRouter", nets }, hub.at);
      router.say({ type: "iAmRouter", nets: nets.map((net) => net + 1000) }, hub.at);
      expect(hub.station.routes).toHaveLength(1024);
      expect(hub.station.routes.at(-1)).toEqual({ net: 1600, router: ROUTER });
    });

    it("is no router: what is for another network it leaves, and counts", () => {
      const destination = { net: 9, mac: Uint8Array.of(1) };
      const apdu = { type: "unconfirmedRequest", service: WHO_IS, body: NOTHING } as const;
      ether.send(encodeApduFrame(apdu, { destination }), ROUTER, hub.at);
      expect([hub.announced.length, hub.counters.get("notForUs")]).toEqual([0, 1]);
    });
  });
});
