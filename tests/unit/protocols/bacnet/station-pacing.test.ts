import { beforeEach, describe, expect, it } from "vitest";
import type { Peer } from "#protocols/bacnet/codec/frame.ts";
import { Pacer, type PacerOptions } from "#protocols/bacnet/station/pacer.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const IP: Peer = { host: "10.0.0.2", port: 47_808 };
const behindRouter = (mac: number, net = 5): Peer => ({
  host: "10.0.0.9",
  port: 47_808,
  station: { net, mac: Uint8Array.of(mac) },
});

describe("the pace of a BACnet station", () => {
  let clock: ManualClock;
  let begun: string[];

  beforeEach(() => {
    clock = new ManualClock(0);
    begun = [];
  });

  function pacer(options: Partial<PacerOptions> = {}): Pacer {
    return new Pacer(clock, { peer: { window: 4 }, network: { window: 1 }, networks: new Map(), ...options });
  }
  function enter(to: Pacer, peer: Peer, name: string): () => void {
    return to.enter(peer, () => begun.push(name));
  }

  it("keeps a network behind a router to one request at a time, its devices in turn", () => {
    const paced = pacer();
    for (const name of ["a1", "a2", "a3"]) enter(paced, behindRouter(1), name);
    enter(paced, behindRouter(2), "b1");
    enter(paced, behindRouter(3), "c1");
    expect(begun).toEqual(["a1"]);
    for (const mac of [1, 1, 2, 3, 1]) paced.leave(behindRouter(mac));
    expect(begun).toEqual(["a1", "a2", "b1", "c1", "a3"]);
  });

  it("does not let one network wait for another", () => {
    const paced = pacer();
    enter(paced, behindRouter(1, 5), "net 5");
    enter(paced, behindRouter(1, 6), "net 6");
    enter(paced, IP, "ip");
    expect(begun).toEqual(["net 5", "net 6", "ip"]);
  });

  it("gives a network the pace that is configured for it", () => {
    const paced = pacer({ networks: new Map([[6, { window: 3 }]]) });
    for (const name of ["1", "2", "3", "4"]) enter(paced, behindRouter(Number(name), 6), name);
    expect(begun).toEqual(["1", "2", "3"]);
  });

  it("begins so many requests per second on a network, and goes on by itself", () => {
    const paced = pacer({ peer: { window: 100 }, network: { window: 100, requestsPerS: 10 } });
    for (let i = 0; i < 50; i++) enter(paced, behindRouter(i % 4), `${i}`);
    expect(begun).toHaveLength(1);
    clock.advance(1000);
    expect(begun).toHaveLength(11);
    clock.advance(3900);
    expect(begun).toHaveLength(50);
    expect(clock.pending).toBe(0);
  });

  it("begins so many requests per second to a device, while others go on", () => {
    const paced = pacer({ peer: { window: 100, requestsPerS: 2 } });
    for (const name of ["1", "2", "3"]) enter(paced, IP, name);
    enter(paced, { ...IP, host: "10.0.0.3" }, "other");
    expect(begun).toEqual(["1", "other"]);
    clock.advance(1000);
    expect(begun).toEqual(["1", "other", "2", "3"]);
  });

  it("counts repetitions for the rate", () => {
    const paced = pacer({ network: { window: 9, requestsPerS: 10 } });
    enter(paced, behindRouter(1), "first");
    for (let i = 0; i < 9; i++) paced.repeated(behindRouter(1));
    enter(paced, behindRouter(1), "second");
    clock.advance(900);
    expect(begun).toEqual(["first"]);
    clock.advance(100);
    expect(begun).toEqual(["first", "second"]);
  });

  it("leaves a network alone while its router is busy", () => {
    const paced = pacer({ network: { window: 2 } });
    enter(paced, behindRouter(1), "before");
    paced.pause(5, 30_000);
    enter(paced, behindRouter(2), "meanwhile");
    expect(paced.pausedMs(behindRouter(2))).toBe(30_000);
    clock.advance(29_999);
    expect(begun).toEqual(["before"]);
    clock.advance(1);
    expect(begun).toEqual(["before", "meanwhile"]);
    paced.leave(behindRouter(1));
    paced.leave(behindRouter(2));
    paced.pause(5, 30_000);
    enter(paced, behindRouter(3), "after");
    paced.pause(5, 0);
    expect(begun.at(-1)).toBe("after");
    expect(clock.pending).toBe(0);
  });

  it("is not held for ever by a router that goes on saying that it is busy", () => {
    const paced = pacer();
    enter(paced, behindRouter(1), "first");
    paced.leave(behindRouter(1));
    paced.pause(5, 30_000);
    enter(paced, behindRouter(1), "second");
    for (let second = 0; second < 160; second++) {
      clock.advance(1000);
      if (begun.length < 2) paced.pause(5, 30_000);
    }
    expect(begun).toEqual(["first", "second"]);
  });

  it("passes over those who gave up", () => {
    const paced = pacer();
    enter(paced, behindRouter(1), "first");
    const cancel = enter(paced, behindRouter(1), "given up");
    enter(paced, behindRouter(2), "last");
    cancel();
    paced.leave(behindRouter(1));
    expect(begun).toEqual(["first", "last"]);
  });

  it("forgets those who were asked once, not those who are to be spared", () => {
    const paced = pacer({ network: { window: 1, requestsPerS: 1 } });
    for (let i = 0; i < 5000; i++) {
      const peer = { host: `10.${i >> 8}.0.${i & 255}`, port: 47_808 };
      enter(paced, peer, "once");
      paced.leave(peer);
    }
    expect(paced.size).toBeLessThanOrEqual(64);
    enter(paced, behindRouter(1), "spared");
    paced.leave(behindRouter(1));
    for (let i = 0; i < 200; i++) {
      const peer = { host: `10.77.0.${i}`, port: 47_808 };
      enter(paced, peer, "once");
      paced.leave(peer);
    }
    begun = [];
    enter(paced, behindRouter(1), "again");
    expect(begun).toEqual([]);
    clock.advance(1000);
    expect(begun).toEqual(["again"]);
  });
});
