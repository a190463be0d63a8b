import { describe, expect, it } from "vitest";
import { UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import type { Peer } from "#protocols/bacnet/codec/frame.ts";
import { decodeWhoIs, encodeIAm } from "#protocols/bacnet/codec/services/discovery.ts";
import { Ears } from "#protocols/bacnet/discovery/ears.ts";
import { peerOfText, peerText } from "#protocols/bacnet/discovery/peer-text.ts";
import { searchDevices } from "#protocols/bacnet/discovery/search.ts";
import type { Destination, Station } from "#protocols/bacnet/station/ports.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const AT: Peer = { host: "10.0.0.1", port: 47_808 };

/** A network that only listens, with a clock that the test moves. */
function network() {
  const ears = new Ears();
  const clock = new ManualClock(0);
  const asked: { readonly slice: unknown; readonly to: Destination; readonly at: number }[] = [];
  const station: Station = {
    request: async () => ({ kind: "timeout" }),
    routeTo: async () => undefined,
    announce: (_service, body, to) => void asked.push({ slice: decodeWhoIs(body), to, at: clock.monotonic() }),
  };
  const answer = (instance: number, peer: Peer = AT): void => {
    const body = encodeIAm({ device: { type: 8, instance }, maxApdu: 480, segmentation: 3, vendorId: 7 });
    ears.tell({ peer, service: UNCONFIRMED.iAm, body });
  };
  const ending = new AbortController();
  const deps = { station, clock, hear: ears.hear, signal: ending.signal };
  const advance = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 50) {
      clock.advance(50);
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
  };
  return { asked, deps, answer, advance, ears, ending };
}

describe("the search for BACnet devices", () => {
  it("asks slice by slice, with pauses, and gathers answers by instance", async () => {
    const { asked, deps, answer, advance } = network();
    const search = searchDevices(
      { to: [{ broadcast: "global" }], low: 100, high: 399, slice: 100, waitMs: 1000 },
      deps,
    );
    await advance(600);
    expect(asked).toEqual([
      { slice: { low: 100, high: 199 }, to: { broadcast: "global" }, at: 0 },
      { slice: { low: 200, high: 299 }, to: { broadcast: "global" }, at: 250 },
      { slice: { low: 300, high: 399 }, to: { broadcast: "global" }, at: 500 },
    ]);
    answer(320);
    answer(110);
    answer(110);
    answer(5000);
    await advance(1000);
    const { devices } = await search;
    expect(devices.map(({ instance }) => instance)).toEqual([110, 320]);
    expect(devices[0]).toMatchObject({ maxApdu: 480, segmentation: 3, vendorId: 7, alsoAt: [] });
  });

  it("covers all instances in slices of decades when nothing else is asked for", async () => {
    const { asked, deps, advance } = network();
    const search = searchDevices({ to: [AT], waitMs: 100 }, deps);
    await advance(2000);
    await search;
    expect(asked.map(({ slice }) => slice)).toEqual([
      { low: 0, high: 999 },
      { low: 1000, high: 9999 },
      { low: 10_000, high: 99_999 },
      { low: 100_000, high: 999_999 },
      { low: 1_000_000, high: 4_194_302 },
    ]);
  });

  it("keeps every address that claims an instance", async () => {
    const { deps, answer, advance } = network();
    const search = searchDevices({ to: [AT], low: 1, high: 1, waitMs: 500 }, deps);
    answer(1);
    answer(1, { host: "10.0.0.2", port: 47_808 });
    answer(1, { ...AT, station: { net: 7, mac: Uint8Array.of(3) } });
    await advance(600);
    const { devices } = await search;
    expect(devices.map(({ peer, alsoAt }) => [peerText(peer), ...alsoAt.map(peerText)])).toEqual([
      ["10.0.0.1:47808", "10.0.0.2:47808", "10.0.0.1:47808/7:03"],
    ]);
  });

  it("ends as soon as enough was found, or when it is given up, and hears nothing afterwards", async () => {
    const { deps, answer, ending } = network();
    const enough = searchDevices({ to: [AT], low: 1, high: 9, waitMs: 60_000, enough: 1 }, deps);
    answer(4);
    expect((await enough).devices).toHaveLength(1);
    answer(5);
    expect((await enough).devices).toHaveLength(1);
    const given = searchDevices({ to: [AT], waitMs: 60_000 }, deps);
    ending.abort();
    expect((await given).devices).toEqual([]);
  });

  it("ignores answers that do not decode and objects that are no device", async () => {
    const { deps, ears, advance } = network();
    const search = searchDevices({ to: [AT], waitMs: 100, low: 0, high: 9 }, deps);
    ears.tell({ peer: AT, service: UNCONFIRMED.iAm, body: Uint8Array.of(0xc4, 2) });
    const body = encodeIAm({ device: { type: 0, instance: 3 }, maxApdu: 480, segmentation: 3, vendorId: 7 });
    ears.tell({ peer: AT, service: UNCONFIRMED.iAm, body });
    await advance(200);
    expect((await search).devices).toEqual([]);
  });

  it.each([
    { low: -1, high: 3 },
    { low: 9, high: 3 },
    { low: 0, high: 4_194_303 },
    { slice: 10 },
    { low: 0, high: 9, slice: 0 },
  ])("refuses a range that is none: %j", async (range) => {
    await expect(searchDevices({ to: [AT], waitMs: 1, ...range }, network().deps)).rejects.toMatchObject({
      code: "BACNET_RANGE_INVALID",
    });
  });
});

describe("an address of a BACnet station as text", () => {
  it.each(["192.168.1.10:47808", "10.0.0.1:47809/2001:0c", "10.0.0.1:47808/5"])(
    "is the same after reading %s",
    (text) => {
      expect(peerText(peerOfText(text))).toBe(text);
    },
  );

  it("has port 47808 where none is given", () => {
    expect(peerOfText("192.168.1.10")).toEqual({ host: "192.168.1.10", port: 47_808 });
  });

  it.each(["", "host", "300.1.1.1", "1.2.3.4:0", "1.2.3.4:70000", "1.2.3.4/0:01", "1.2.3.4/65535:01", "1.2.3.4/5:1"])(
    "is refused where it is none: %j",
    (text) => {
      expect(() => peerOfText(text)).toThrow(expect.objectContaining({ code: "BACNET_ADDRESS_INVALID" }));
    },
  );
});
