import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DeviceEventQuery } from "#cloud/ports.ts";
import type { DeviceEventItem } from "#core/contracts/lanes.ts";
import { DomainBench, type Domains, NOON } from "../domain-bench.ts";
import { CAMERA, DOORS, doorPark, GW1, GW2 } from "../small-park.ts";

let bench: DomainBench;
let cloud: Domains;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open(doorPark());
});
afterEach(() => bench.clear());

const item = (id: string, event: Partial<DeviceEventItem["event"]> = {}): DeviceEventItem => ({
  offset: 0,
  at: NOON,
  kind: "deviceEvent",
  event: { id, device: CAMERA, kind: "motion", state: true, observedAt: NOON, data: { rule: "line-1" }, ...event },
});
/** Somebody is refused at a door. */
const denied = (id: string, door: string, at = NOON) =>
  item(id, {
    device: DOORS,
    kind: "accessDenied",
    observedAt: at,
    sourceTime: at - 5,
    data: { door, reason: "CredentialNotEnabled", credentialToken: "00012345678901234567", cardNumber: "0042" },
  });
const list = (query: Partial<DeviceEventQuery> = {}) =>
  cloud.events.list({ limit: 100, visible: "all", personal: "all", ...query });
const ids = (query: Partial<DeviceEventQuery> = {}) => list(query).items.map(({ id }) => id);

describe("a device event", () => {
  it("is kept once and listed newest first, with times in ISO 8601", () => {
    cloud.item(GW1, item("e-1"));
    cloud.item(GW1, item("e-1"));
    cloud.item(GW1, denied("e-2", "d2"));
    expect(ids()).toEqual(["e-2", "e-1"]);
    expect(list().items[0]).toEqual({
      id: "e-2",
      device: DOORS,
      kind: "accessDenied",
      state: true,
      sourceTime: "2026-11-22T03:59:59.995Z",
      observedAt: "2026-11-22T04:00:00.000Z",
      data: { door: "d2", reason: "CredentialNotEnabled", credentialToken: "00012345678901234567", cardNumber: "0042" },
    });
  });

  it("of another gateway's device is refused", () => {
    expect(() => cloud.item(GW2, item("e-1"))).toThrow(expect.objectContaining({ code: "EVENT_FOREIGN" }));
    expect(ids()).toEqual([]);
  });

  it("is found by device, kind, door and time", () => {
    cloud.item(GW1, item("e-1"));
    cloud.item(GW1, denied("e-2", "d1", NOON + 1000));
    cloud.item(GW1, denied("e-3", "d2", NOON + 2000));
    expect(ids({ device: CAMERA })).toEqual(["e-1"]);
    expect(ids({ kind: "accessDenied" })).toEqual(["e-3", "e-2"]);
    expect(ids({ door: { device: DOORS, token: "d1" } })).toEqual(["e-2"]);
    expect(ids({ from: NOON + 1000, to: NOON + 2000 })).toEqual(["e-2"]);
  });

  it("is seen where its door lies, not where the controller hangs", () => {
    cloud.item(GW1, denied("inside", "d1"));
    cloud.item(GW1, denied("outside", "d2"));
    cloud.item(GW1, denied("unknown-door", "d9"));
    expect(ids({ visible: new Set(["fence"]) })).toEqual(["outside"]);
    expect(ids({ visible: new Set(["floor-1"]) })).toEqual(["unknown-door", "inside"]);
    expect(ids({ visible: new Set() })).toEqual([]);
  });

  it("tells who somebody is only where the reader may know it", () => {
    cloud.item(GW1, denied("inside", "d1"));
    cloud.item(GW1, denied("outside", "d2"));
    const [outside, inside] = list({ personal: new Set(["fence"]) }).items;
    expect(outside?.data).toMatchObject({ credentialToken: "00012345678901234567", cardNumber: "0042" });
    expect(inside?.data).toEqual({
      door: "d1",
      reason: "CredentialNotEnabled",
      credentialToken: "***",
      cardNumber: "***",
    });
  });

  it("of a panel hides its words where they are about a user, and nowhere else", () => {
    const panel = (id: string, data: Record<string, string>) =>
      cloud.item(GW1, item(id, { device: "park/gw-1/panel", kind: "panelEvent", data }));
    panel("of-a-zone", { code: "BA", zone: "3", text: "Hall" });
    panel("of-a-user", { code: "CL", user: "12", text: "Wang Fang" });
    expect(list({ personal: new Set() }).items.map(({ data }) => data)).toEqual([
      { code: "CL", user: "***", text: "***" },
      { code: "BA", zone: "3", text: "Hall" },
    ]);
  });

  it("comes page by page without gap or repetition, also while new ones come", () => {
    for (let i = 1; i <= 5; i++) cloud.item(GW1, item(`e-${i}`));
    const first = list({ limit: 2, count: true });
    expect([first.items.map(({ id }) => id), first.total]).toEqual([["e-5", "e-4"], 5]);
    cloud.item(GW1, item("e-6"));
    const second = list({ limit: 2, cursor: first.nextCursor ?? "" });
    const third = list({ limit: 2, cursor: second.nextCursor ?? "" });
    expect([...second.items, ...third.items].map(({ id }) => id)).toEqual(["e-3", "e-2", "e-1"]);
    expect(third.nextCursor).toBeUndefined();
  });
});
