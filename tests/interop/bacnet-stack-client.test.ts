import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { destination } from "#protocols/bacnet/codec/destination.ts";
import { OBJECT_TYPES, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import { typedList } from "#protocols/bacnet/codec/property-values.ts";
import { timeStamp } from "#protocols/bacnet/codec/timestamp.ts";
import type { SimulatedDevice } from "#simulators/device.ts";
import { extrasOf } from "#simulators/park-bacnet.ts";
import { buildDevices } from "#simulators/park-devices.ts";
import { type BacnetServer, bacnetObjectsOf } from "#simulators/servers/bacnet.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { airHandler, serveAirHandler } from "../contract/bacnet-fixture.ts";
import { only, workstation } from "../contract/bacnet-server-fixture.ts";
import { macOf, POLL, STACK, stackClient } from "./bacnet-peers.ts";

const INSTANCE = 1001;
const park = buildDevices(1, () => 0);

describe.skipIf(STACK === undefined)("clients of bacnet-stack with our devices", () => {
  const folder = STACK ?? "";
  const served: { device?: SimulatedDevice; server?: BacnetServer } = {};
  beforeAll(async () => {
    served.device = airHandler();
    served.server = await serveAirHandler(
      INSTANCE,
      {
        notificationClasses: [
          { instance: 1, name: "报警", description: "", priority: [30, 40, 50], ackRequired: [true, true, true] },
        ],
        events: {
          "supply-temperature": {
            algorithm: { kind: "outOfRange", lowLimit: 5, highLimit: 30, deadband: 1 },
            notificationClass: 1,
          },
        },
      },
      served.device,
    );
  });
  afterAll(() => served.server?.close());

  const port = (): number => served.server?.address.port ?? 0;
  const call = (program: string, args: readonly (string | number)[], listenMs?: number): Promise<string> =>
    stackClient(folder, {
      program,
      args: args.map(String),
      devices: [{ instance: INSTANCE, port: port() }],
      ...(listenMs === undefined ? {} : { listenMs }),
    });

  it.each(park.bacnet.map((device) => [device.id, device] as const))(
    "bacepics walks all objects of %s without an error",
    async (_id, device) => {
      const clock = new ManualClock(Date.UTC(2026, 2, 2));
      const options = { ...extrasOf(device), objects: bacnetObjectsOf(device), clock };
      const server = await serveAirHandler(INSTANCE, options, device);
      try {
        const known = { instance: INSTANCE, port: server.address.port };
        const args = ["-v", "-t", macOf(known.port), String(INSTANCE)];
        const printed = await stackClient(folder, { program: "bacepics", args, devices: [known] });
        expect(printed.match(/object-identifier: /g)?.length).toBeGreaterThan(20);
        expect(printed).toContain("End of BACnet Protocol Implementation Conformance Statement");
        // [BACnet 12.25.14] a log's buffer is read by ReadRange only
        const wrong = printed.split("\n").filter((line) => /BACnet (Error|Abort|Reject)|TSM Timeout/.test(line));
        expect(
          wrong.filter((line) => !line.includes("log-buffer: ?  -- BACnet Error: property: read-access-denied")),
        ).toEqual([]);
      } finally {
        await server.close();
      }
    },
    90_000,
  );

  it("bacrp and bacrpm read values, names and arrays", async () => {
    expect(await call("bacrp", [INSTANCE, 0, 1, 85])).toMatch(/18\.5/);
    // it prints a dot for each byte of UTF-8
    expect(await call("bacrp", [INSTANCE, 0, 1, 77])).toContain(`"${".".repeat(Buffer.byteLength("送风温度"))}"`);
    expect(await call("bacrp", [INSTANCE, 8, INSTANCE, 76, 0])).toMatch(/\d/);
    expect(await call("bacrpm", [INSTANCE, 0, 1, "85,111", 2, 1, "8"])).toMatch(/present-value: 18\.5/);
  });

  it("bacwpm commands and gives back", async () => {
    await call("bacwpm", [INSTANCE, 2, 1, "85", 8, 4, "24.5"]);
    expect(served.device?.read("supply-setpoint")).toBe(24.5);
    await call("bacwpm", [INSTANCE, 2, 1, "85", 8, 0, "0"]);
    expect(served.device?.read("supply-setpoint")).toBe(20);
  });

  it("bacscov is notified of what it subscribed to", async () => {
    const printed = await call("bacscov", [INSTANCE, 0, 1, 1, "unconfirmed", 60], 3000);
    expect(printed).toContain("Received Notification!");
    expect(printed).not.toMatch(/unable|error|abort|reject/i);
    // of a confirmed one it prints nothing; that it was acknowledged shows in that nothing is sent again
    await call("bacscov", [INSTANCE, 2, 1, 2, "confirmed", 60], 3000);
    expect(served.server?.subscriptions).toBe(2);
  });

  it("bacrr reads a trend log of a demo device", async () => {
    const [device] = park.bacnet;
    if (device === undefined) throw new Error("no device");
    const clock = new ManualClock(Date.UTC(2026, 2, 2));
    const options = { ...extrasOf(device), objects: bacnetObjectsOf(device), clock };
    const server = await serveAirHandler(INSTANCE, options, device);
    try {
      for (let i = 0; i < 20; i++) clock.advance(10_000);
      const devices = [{ instance: INSTANCE, port: server.address.port }];
      const args = [INSTANCE, 20, 1, 131, 1, 1, 10].map(String);
      const printed = await stackClient(folder, { program: "bacrr", args, devices });
      expect(printed.match(/\{\{2026-03-02-\d\d:\d\d:\d\d/g)?.length).toBeGreaterThan(5);
      expect(printed).not.toMatch(/error|abort|reject|timeout/i);
    } finally {
      await server.close();
    }
  });

  it("bacale puts a recipient into a list", async () => {
    const told =
      "(ValidDays=[1,2,3,4,5];FromTime=8:00:00.0;ToTime=18:00:00.0;Recipient=Device(type=8,instance=77);ProcessIdentifier=9;ConfirmedNotify=true;Transitions=[to-offnormal,to-fault])";
    await call("bacale", [INSTANCE, 15, 1, 102, -1, -1, told]);
    const { read } = await workstation({ address: { host: "127.0.0.1", port: port() } });
    const list = await read({ type: OBJECT_TYPES["notification-class"], instance: 1 }, PROPERTIES.recipientList);
    expect(typedList(destination, list)).toMatchObject([
      {
        validDays: [true, true, true, true, true, false, false],
        recipient: { type: "device", value: { type: 8, instance: 77 } },
        processId: 9,
        issueConfirmedNotifications: true,
        transitions: [true, true, false],
      },
    ]);
  });

  it("bacge sees an alarm, and bacackalarm acknowledges it by its time stamp and no other", async () => {
    const { read } = await workstation({ address: { host: "127.0.0.1", port: port() } });
    const input = { type: OBJECT_TYPES["analog-input"], instance: 1 };
    served.device?.write("supply-temperature", 40);
    await expect.poll(() => call("bacge", [INSTANCE]), { ...POLL, timeout: 30_000 }).toMatch(/1001\s+0\s+1\s+HL/);
    const acknowledged = async () => only(await read(input, PROPERTIES.ackedTransitions));
    expect(await acknowledged()).toEqual([false, true, true]);
    const [stamp] = typedList(timeStamp, await read(input, PROPERTIES.eventTimeStamps));
    if (stamp?.type !== "dateTime") throw new Error("no date and time");
    const { date, time } = stamp.value;
    const written = `${1900 + date.year}/${date.month}/${date.day}-${time.hour}:${time.minute}:${time.second}.${time.hundredths}`;
    const acknowledge = (of: string): Promise<string> =>
      call("bacackalarm", [INSTANCE, 1, "analog-input", 1, 3, of, "bacackalarm", "12:00:00.00"]);
    await acknowledge("2020/1/1-0:00:00.00").catch(() => {});
    expect(await acknowledged()).toEqual([false, true, true]);
    await acknowledge(written);
    expect(await acknowledged()).toEqual([true, true, true]);
    served.device?.write("supply-temperature", 18.5);
  }, 60_000);
});
