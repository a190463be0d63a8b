import { describe, expect, it } from "vitest";
import { CONFIRMED, OBJECT_TYPES } from "#protocols/bacnet/codec/enums.ts";
import { mergedScan } from "#protocols/bacnet/discovery/compare.ts";
import type { FoundObject } from "#protocols/bacnet/discovery/object-details.ts";
import { pointsOf } from "#protocols/bacnet/discovery/point-list.ts";
import { type DeviceScan, scanDevice } from "#protocols/bacnet/discovery/scan.ts";
import { searchDevices } from "#protocols/bacnet/discovery/search.ts";
import type { BacnetServerOptions } from "#simulators/servers/bacnet.ts";
import { airHandler, manyInputs, serveAirHandler } from "#tests/contract/bacnet-fixture.ts";
import { openBacnetJs } from "#tests/contract/bacnet-js.ts";
import { closeAfter, scanner } from "./discovery-fixture.ts";

const serve = async (extra = 0, options: Partial<BacnetServerOptions> = {}) =>
  closeAfter(await serveAirHandler(1001, options, airHandler("ahu-1", manyInputs(extra))));

const named = ({ objects }: DeviceScan, type: keyof typeof OBJECT_TYPES, instance = 1): FoundObject | undefined =>
  objects.find(({ object }) => object.type === OBJECT_TYPES[type] && object.instance === instance);

const NAMES = ["送风温度", "送风温度设定", "风机运行", "风机启停", "模式", "序列号"];

describe("a scan of a BACnet device", () => {
  it("reads the device, then of each object what a point needs", async () => {
    const server = await serve(0, { vendorId: 260 });
    const client = await scanner();
    const scan = await scanDevice(await client.find(server.address.port), client);
    expect(scan).toMatchObject({ instance: 1001, vendorId: 260, complete: true, problems: [], alsoAt: [] });
    expect(scan.address).toBe(`127.0.0.1:${server.address.port}`);
    expect(scan.facts).toMatchObject({ name: "空调机组 ahu-1", modelName: "Parkhub simulator", databaseRevision: 1 });
    expect(scan.facts.services).toEqual(expect.arrayContaining(["readPropertyMultiple", "readRange", "subscribeCov"]));
    expect(scan.facts.objectTypes).toEqual(expect.arrayContaining(["analog-input", "multi-state-value"]));
    expect(scan.objects.map(({ name }) => name)).toEqual(NAMES);
    expect(named(scan, "analog-input")).toMatchObject({ units: 62, covIncrement: 0.5, commandable: false });
    expect(named(scan, "analog-value")).toMatchObject({ commandable: true, min: 5, max: 40 });
    expect(named(scan, "binary-value")).toMatchObject({ states: ["停", "启"], commandable: true });
    expect(named(scan, "multi-state-value")).toMatchObject({ states: ["关", "制冷", "制热"], numberOfStates: 3 });
  });

  it("takes 5,000 objects in segments, never more than two requests at a time", async () => {
    const server = await serve(5000);
    const client = await scanner();
    const told: number[] = [];
    const device = await client.find(server.address.port);
    const scan = await scanDevice(device, { ...client, progress: (done) => told.push(done) });
    expect(scan.complete).toBe(true);
    expect(scan.objects).toHaveLength(5006);
    expect(new Set(scan.objects.map(({ name }) => name)).size).toBe(5006);
    expect(client.mostAtOnce()).toBeLessThanOrEqual(2);
    expect(told.at(-1)).toBe(5006);
    expect(client.requests.length).toBeLessThan(1500);
  });

  it("reads the object list element by element where the device sends neither segments nor large answers", async () => {
    const server = await serve(300);
    server.faults.set("small-apdu", { bytes: 206 });
    server.faults.set("no-segmentation");
    const client = await scanner();
    const scan = await scanDevice(await client.find(server.address.port), client);
    expect(scan).toMatchObject({ complete: true, maxApdu: 206, problems: [] });
    expect(scan.objects).toHaveLength(306);
    expect(scan.objects.every(({ name }) => name !== "")).toBe(true);
  });

  it("reads property by property where the device has no ReadPropertyMultiple, and asks for it only once", async () => {
    const server = await serve(5);
    server.faults.set("no-rpm");
    const client = await scanner();
    const scan = await scanDevice(await client.find(server.address.port), client);
    expect(scan.complete).toBe(true);
    expect(scan.objects.map(({ name }) => name).slice(0, 6)).toEqual(NAMES);
    expect(named(scan, "multi-state-value")).toMatchObject({ states: ["关", "制冷", "制热"], commandable: true });
    const multiple = client.requests.filter(({ service }) => service === CONFIRMED.readPropertyMultiple);
    expect(multiple.length).toBeLessThanOrEqual(3);
  });

  it("halves its questions at a device that aborts large ones", async () => {
    const server = await serve(40);
    server.faults.set("rpm-abort", { above: 4 });
    const client = await scanner();
    const scan = await scanDevice(await client.find(server.address.port), client);
    expect(scan.complete).toBe(true);
    expect(scan.objects.filter(({ name }) => name !== "")).toHaveLength(46);
  });

  it("reads names in GBK", async () => {
    const server = await serve();
    server.faults.set("charset", { as: "gbk" });
    const client = await scanner();
    const scan = await scanDevice(await client.find(server.address.port), client);
    expect(scan.objects.map(({ name }) => name)).toEqual(NAMES);
    expect(named(scan, "multi-state-value")?.states).toEqual(["关", "制冷", "制热"]);
  });

  it("sorts points by the device's structured views", async () => {
    const views = [
      { name: "SV-1", description: "空调系统", nodeType: "equipment", signals: ["supply-temperature", "mode"] },
    ] as const;
    const server = await serve(0, { views });
    const client = await scanner();
    const scan = await scanDevice(await client.find(server.address.port), client);
    expect(named(scan, "structured-view")?.members).toHaveLength(2);
    const paths = Object.fromEntries(pointsOf(scan).map(({ name, path }) => [name, path]));
    expect(paths).toMatchObject({ 送风温度: ["空调系统"], 模式: ["空调系统"], 风机运行: undefined });
  });

  it("says so when the device falls silent on the way, and later reads only the rest", async () => {
    const server = await serve(400);
    const client = await scanner();
    const device = await client.find(server.address.port);
    const progress = (done: number): void => {
      if (done > 100) server.silence();
    };
    const scan = await scanDevice(device, { ...client, progress });
    expect(scan.complete).toBe(false);
    expect(scan.objects.length).toBeGreaterThan(100);
    expect(scan.objects.length).toBeLessThan(400);
    expect(scan.problems).toEqual([expect.stringContaining("fell silent")]);
    server.restore();
    const asked = (): number => client.requests.length;
    const begun = asked();
    const rest = await scanDevice(device, { ...client, earlier: scan });
    expect(rest).toMatchObject({ complete: true, problems: [] });
    expect(new Set(rest.objects.map(({ name }) => name)).size).toBe(406);
    // what was read before is not read again
    const restRequests = asked() - begun;
    const whole = await scanDevice(device, client);
    expect(whole.objects).toEqual(rest.objects);
    expect(asked() - begun - restRequests).toBeGreaterThan(restRequests);
  });

  it("does not take over what an earlier revision said of objects that a scan that was given up had not reached", async () => {
    const server = await serve(400);
    const client = await scanner();
    const device = await client.find(server.address.port);
    const whole = await scanDevice(device, client);
    const former = {
      ...whole,
      facts: { ...whole.facts, databaseRevision: 7 },
      objects: whole.objects.map((found) => ({ ...found, name: `former ${found.name}` })),
    };
    const progress = (done: number): void => {
      if (done > 100) server.silence();
    };
    const cut = await scanDevice(device, { ...client, earlier: former, progress });
    server.restore();
    const kept = mergedScan(former, cut);
    expect(kept.objects).toHaveLength(whole.objects.length);
    const rest = await scanDevice(device, { ...client, earlier: JSON.parse(JSON.stringify(mergedScan(kept, cut))) });
    expect(rest.complete).toBe(true);
    expect(rest.objects.filter(({ name }) => name.startsWith("former"))).toEqual([]);
  });

  it("takes over an earlier scan where the Database_Revision is the same", async () => {
    const server = await serve(200);
    const client = await scanner();
    const device = await client.find(server.address.port);
    const earlier = await scanDevice(device, client);
    const before = client.requests.length;
    const again = await scanDevice(device, { ...client, earlier });
    expect(client.requests.length - before).toBe(1);
    expect(again.objects).toEqual(earlier.objects);
    const other = { ...earlier, facts: { ...earlier.facts, databaseRevision: 7 } };
    await scanDevice(device, { ...client, earlier: other });
    expect(client.requests.length - before).toBeGreaterThan(3);
  });

  it("tells two devices with the same instance, and scans the first", async () => {
    const first = await serve();
    const second = await serve();
    const client = await scanner();
    const to = [first, second].map(({ address }) => ({ ...address }));
    const { devices } = await searchDevices({ to, low: 1000, high: 1999, waitMs: 300 }, client);
    expect(devices).toHaveLength(1);
    const [device] = devices;
    if (device === undefined) return;
    expect(device.alsoAt).toHaveLength(1);
    const scan = await scanDevice(device, client);
    expect(scan.objects).toHaveLength(6);
    expect(scan.problems).toEqual([expect.stringContaining("two devices have the same instance")]);
  });

  it("reads a device that is built on an independent stack", async () => {
    const { client: peer, port } = await openBacnetJs();
    closeAfter({ close: async () => peer.close() });
    const texts: Record<string, string> = { "8:77": "independent", "0:77": "outside air", "19:77": "mode" };
    const error = { type: 105, value: { type: "BacnetError", errorClass: 2, errorCode: 32 } };
    const objects = [
      { type: 12, value: { type: 8, instance: 5 } },
      { type: 12, value: { type: 0, instance: 1 } },
      { type: 12, value: { type: 19, instance: 2 } },
    ];
    const valuesOf = (type: number, property: number): readonly unknown[] => {
      const text = texts[`${type}:${property}`];
      if (text !== undefined) return [{ type: 7, value: text }];
      if (type === 8 && property === 76) return objects;
      if (type === 0 && property === 117) return [{ type: 9, value: 62 }];
      if (type === 19 && property === 74) return [{ type: 2, value: 2 }];
      if (type === 19 && property === 110) return ["low", "high"].map((value) => ({ type: 7, value }));
      return [error];
    };
    peer.on("whoIs", ({ header }) => peer.iAmResponse(header?.sender ?? {}, 5, 3, 260));
    peer.on("readProperty", ({ header, invokeId, payload: { objectId, property } }) => {
      const values = valuesOf(objectId.type, property.id);
      peer.readPropertyResponse(header?.sender ?? {}, invokeId ?? 0, objectId, property, values as never);
    });
    peer.on("readPropertyMultiple", ({ header, invokeId, payload }) => {
      const answer = payload.properties.map(({ objectId, properties }) => ({
        objectId,
        values: properties.map(({ id, index }) => ({ property: { id, index }, value: valuesOf(objectId.type, id) })),
      }));
      peer.readPropertyMultipleResponse(header?.sender ?? {}, invokeId ?? 0, answer as never);
    });
    const ours = await scanner();
    const scan = await scanDevice(await ours.find(port, 5), ours);
    expect(scan).toMatchObject({ complete: true, facts: { name: "independent" } });
    expect(pointsOf(scan)).toMatchObject([
      { id: "outside-air", kind: "number", unit: "degC", writable: false },
      {
        id: "mode",
        kind: "enum",
        states: [
          { value: 1, name: "low" },
          { value: 2, name: "high" },
        ],
      },
    ]);
  });
});
