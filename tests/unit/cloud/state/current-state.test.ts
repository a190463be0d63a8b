import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deviceId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import { DomainBench, type Domains } from "../domain-bench.ts";
import { AHU, CAMERA, DETECTOR, GW1, GW2, LABEL, LIGHT, MODE, SETPOINT, sampleOf, TEMPERATURE } from "../small-park.ts";

const AT = 1_790_000_000_000;
let bench: DomainBench;
let cloud: Domains;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
});
afterEach(() => bench.clear());

const lost = (id: Sample["point"], observedAt = AT): Sample =>
  sampleOf(id, null, { quality: "bad", reason: "commLost", observedAt });
const pointsOf = (query: Partial<Parameters<Domains["state"]["points"]>[0]>) =>
  cloud.state.points({ limit: 100, visible: "all", ...query });
const ids = (query: Parameters<typeof pointsOf>[0]): string[] => pointsOf(query).items.map(({ id }) => id);

describe("the current value of a point", () => {
  it("is unknown until something was heard", () => {
    expect(cloud.state.current(TEMPERATURE)).toEqual({
      value: null,
      quality: "bad",
      reason: "noValue",
      observedAt: null,
    });
  });

  it("is the newest one, with its times, whatever the order in which samples come", () => {
    cloud.state.take([sampleOf(TEMPERATURE, 21, { observedAt: AT + 2, sourceTime: AT + 1 })]);
    cloud.state.take([sampleOf(TEMPERATURE, 20, { observedAt: AT + 1 })]);
    expect(cloud.state.current(TEMPERATURE)).toEqual({
      value: 21,
      quality: "good",
      sourceTime: new Date(AT + 1).toISOString(),
      observedAt: new Date(AT + 2).toISOString(),
    });
    expect(cloud.state.sample(TEMPERATURE)?.value).toBe(21);
  });

  it("is what a birth says, also when the clock of the gateway was set back meanwhile", () => {
    cloud.state.take([sampleOf(TEMPERATURE, 21, { observedAt: AT + 1e9 })]);
    cloud.state.takeBirth([sampleOf(TEMPERATURE, 22, { observedAt: AT })]);
    expect(cloud.state.current(TEMPERATURE).value).toBe(22);
    cloud.state.take([sampleOf(TEMPERATURE, 23, { observedAt: AT + 1 })]);
    expect(cloud.state.current(TEMPERATURE).value).toBe(23);
  });

  it("follows the later of two samples of the same time", () => {
    cloud.state.take([sampleOf(TEMPERATURE, 20), sampleOf(TEMPERATURE, 21)]);
    expect(cloud.state.current(TEMPERATURE).value).toBe(21);
  });

  it("is never good while its gateway is away; what was bad stays bad for its own reason", () => {
    cloud.state.take([sampleOf(TEMPERATURE, 21), lost(DETECTOR), sampleOf(LIGHT, true)]);
    cloud.presence(GW1, false, AT);
    expect(cloud.state.current(TEMPERATURE)).toMatchObject({ value: 21, quality: "uncertain", reason: "stale" });
    expect(cloud.state.current(DETECTOR)).toMatchObject({ quality: "bad", reason: "commLost" });
    expect(cloud.state.current(LIGHT)).toMatchObject({ value: true, quality: "good" });
    cloud.presence(GW1, true, AT);
    expect(cloud.state.current(TEMPERATURE)).toMatchObject({ value: 21, quality: "good" });
  });

  it("of a point that the site does not have is not kept", () => {
    const unknown = `${AHU}/unknown` as Sample["point"];
    cloud.state.take([sampleOf(unknown, 1)]);
    expect(cloud.state.sample(unknown)).toBeUndefined();
    expect(cloud.state.point(unknown)).toBeUndefined();
  });
});

describe("a point as shown", () => {
  it("names its device, gateway and protocol and hides what only the driver needs", () => {
    cloud.state.take([sampleOf(SETPOINT, 22)]);
    const view = cloud.state.point(SETPOINT);
    expect(view).toMatchObject({ id: SETPOINT, device: AHU, gateway: GW1, protocol: "bacnet", unit: "degreesCelsius" });
    expect(view?.current.value).toBe(22);
    expect(view).not.toHaveProperty("address");
    expect(cloud.state.point(LABEL)?.unit).toBeNull();
    expect(cloud.state.point(LABEL)).not.toHaveProperty("priority");
  });
});

describe("the list of points", () => {
  it.each([
    ["all, by id", {}, [LABEL, MODE, SETPOINT, TEMPERATURE, DETECTOR, LIGHT]],
    ["those of a device", { device: "park/gw-1/panel" }, [DETECTOR]],
    ["those of a gateway", { gateway: GW2 }, [LIGHT]],
    ["those whose id or name holds a text, in any case", { q: "SETPOINT" }, [SETPOINT]],
    ["those whose name does", { q: "名", device: "park/gw-2/lights" }, [LIGHT]],
    ["those of visible spaces", { visible: new Set(["fence"]) }, [DETECTOR, LIGHT]],
    ["nothing for who may see nothing", { visible: new Set<string>() }, []],
  ] as const)("gives %s", (_what, query, expected) => {
    expect(ids(query)).toEqual(expected);
  });

  it("is paged without loss or repetition and counts all pages", () => {
    const first = pointsOf({ limit: 4, count: true });
    const second = pointsOf({ limit: 4, cursor: first.nextCursor ?? "" });
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids({}));
    expect([first.total, second.total, second.nextCursor]).toEqual([6, undefined, undefined]);
  });

  it("ends where a page ends exactly", () => {
    expect(pointsOf({ limit: 6 }).nextCursor).toBeUndefined();
  });

  it.each(["x", "W10", "WzFd", Buffer.from('["a","b"]').toString("base64url")])("refuses the cursor %s", (cursor) => {
    expect(() => pointsOf({ cursor })).toThrow(expect.objectContaining({ code: "CURSOR_INVALID" }));
  });
});

describe("a device", () => {
  it("is not known to be reachable before anything was heard of it", () => {
    expect(cloud.state.device(AHU)).toMatchObject({ online: false, reason: "noValue", points: 4 });
    expect(cloud.state.device("none")).toBeUndefined();
  });

  it("is offline when all its points are unreachable, since the last of them became so", () => {
    cloud.state.take([lost(SETPOINT, AT), lost(TEMPERATURE, AT + 5)]);
    expect(cloud.state.device(AHU)).toMatchObject({
      online: false,
      reason: "commLost",
      since: new Date(AT + 5).toISOString(),
    });
    cloud.state.take([sampleOf(SETPOINT, 22, { observedAt: AT + 10 })]);
    const back = cloud.state.device(AHU);
    expect(back).toMatchObject({ online: true });
    expect(back).not.toHaveProperty("since");
  });

  it("that answers with a fault is reachable all the same", () => {
    cloud.state.take([sampleOf(SETPOINT, null, { quality: "bad", reason: "deviceFault" })]);
    expect(cloud.state.device(AHU)?.online).toBe(true);
  });

  it("that its gateway says is gone is offline since then, and its good values stale, until it is born again", () => {
    cloud.state.take([sampleOf(SETPOINT, 22), sampleOf(DETECTOR, false), lost(TEMPERATURE)]);
    cloud.changes.length = 0;
    cloud.state.deviceDead(deviceId(AHU), AT + 7);
    expect(cloud.state.device(AHU)).toMatchObject({
      online: false,
      reason: "commLost",
      since: new Date(AT + 7).toISOString(),
    });
    expect(cloud.state.current(SETPOINT)).toMatchObject({ value: 22, quality: "uncertain", reason: "stale" });
    expect(cloud.state.current(TEMPERATURE)).toMatchObject({ quality: "bad", reason: "commLost" });
    expect(cloud.state.current(DETECTOR).quality).toBe("good");
    expect(cloud.changes.map(({ kind, id }) => `${kind} ${id}`)).toContain(`devices ${AHU}`);
    cloud.state.takeBirth([sampleOf(SETPOINT, 23, { observedAt: AT + 9 })]);
    expect(cloud.state.device(AHU)?.online).toBe(true);
    expect(cloud.state.current(SETPOINT)).toMatchObject({ value: 23, quality: "good" });
  });

  it("is offline with its gateway", () => {
    cloud.state.take([sampleOf(SETPOINT, 22)]);
    cloud.presence(GW1, false, AT);
    expect(cloud.state.device(AHU)).toMatchObject({ online: false, reason: "gatewayOffline" });
  });

  it("is listed by id where it may be seen", () => {
    const list = cloud.state.devices({ limit: 100, visible: new Set(["fence"]), count: true });
    expect(list.items.map(({ id }) => id)).toEqual([CAMERA, "park/gw-1/panel", "park/gw-2/lights"]);
    expect(list.total).toBe(3);
  });
});

describe("who looks", () => {
  const told = (): string[] => cloud.changes.map(({ kind, id }) => `${kind} ${id}`);

  it("is told each new value with its place, and nothing for an old one", () => {
    cloud.state.take([sampleOf(TEMPERATURE, 21, { observedAt: AT + 2 })]);
    cloud.changes.length = 0;
    cloud.state.take([
      sampleOf(TEMPERATURE, 22, { observedAt: AT + 3 }),
      sampleOf(TEMPERATURE, 20, { observedAt: AT }),
    ]);
    expect(cloud.changes).toHaveLength(1);
    expect(cloud.changes[0]).toMatchObject({ kind: "points", id: TEMPERATURE, space: "floor-1" });
    expect(cloud.changes[0]?.item).toMatchObject({ current: { value: 22 } });
  });

  it("is told once when a device falls silent and once when it answers again", () => {
    cloud.state.take([sampleOf(SETPOINT, 22), sampleOf(TEMPERATURE, 21)]);
    cloud.changes.length = 0;
    cloud.state.take([lost(SETPOINT, AT + 1)]);
    expect(told()).toEqual([`points ${SETPOINT}`]);
    cloud.state.take([lost(TEMPERATURE, AT + 2)]);
    expect(told().at(-1)).toBe(`devices ${AHU}`);
    cloud.state.take([
      sampleOf(SETPOINT, 22, { observedAt: AT + 3 }),
      sampleOf(TEMPERATURE, 21, { observedAt: AT + 3 }),
    ]);
    expect(told().filter((line) => line === `devices ${AHU}`)).toHaveLength(2);
  });

  it("is told of every point and device of a gateway that goes, and of no other", () => {
    cloud.changes.length = 0;
    cloud.state.gatewayChanged(GW2);
    expect(told()).toEqual([`points ${LIGHT}`, "devices park/gw-2/lights"]);
  });
});
