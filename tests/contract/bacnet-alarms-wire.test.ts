import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { deviceId } from "#core/ids.ts";
import { tshark, writePcap } from "#tests/pcap.ts";
import { peer } from "#tests/peers.ts";
import { completes, last, TEMPERATURE_ALARM, WITH_ALARMS } from "./bacnet-alarm-fixture.ts";
import { airHandler } from "./bacnet-fixture.ts";
import { DEVICE, drive, never, POINTS, POLL, serve, settled, tapped } from "./bacnet-harness.ts";
import { recordDriver } from "./driver-contract.ts";

const ANY = 255;
const SCHEDULE = {
  instance: 1,
  name: "时间表",
  description: "Office hours",
  weekly: [[{ time: { hour: 7, minute: 0, second: 0, hundredths: 0 }, value: { type: "unsigned", value: 2 } }]],
  exceptions: [
    {
      period: { type: "date", value: { year: ANY, month: 10, day: 1, weekday: ANY } },
      timeValues: [],
      priority: 10,
    },
  ],
  default: { type: "unsigned", value: 1 },
} as const;

const program = peer("tshark");
describe.skipIf(program === undefined)("what the driver says of alarms, clocks and schedules", () => {
  it("is well formed to tshark in both directions", async () => {
    const device = airHandler();
    const weekly = [...SCHEDULE.weekly, [], [], [], [], [], []];
    const server = await serve({ ...WITH_ALARMS, schedules: [{ ...SCHEDULE, weekly }] }, device);
    const relay = await tapped(server);
    const recording = recordDriver();
    // the device's own notifications do not come by the relay; golden frames are their proof
    const config = { pollMs: 200, alarms: { pollMs: 1000, network: 1 }, clock: { sync: "utc" as const } };
    const [driver] = await drive(relay.port, config, POINTS, recording);
    await settled(recording);
    await expect.poll(() => completes(recording).length, POLL).toBeGreaterThan(0);
    device.write("supply-temperature", 35);
    const act = (action: string, params: Record<string, string | number> = {}, target = DEVICE) =>
      driver.act({ device: target, action, params }, never);
    await server.reboot(20, "warm");
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.active, POLL).toBe(true);
    const results = [
      await act("acknowledgeCondition", { condition: TEMPERATURE_ALARM, by: "值班员 王" }),
      await act("timeSync"),
      await act("readSchedule", { object: "schedule:1" }),
      await act("writeWeeklySchedule", { object: "schedule:1", weekly: JSON.stringify(Array(7).fill([])) }),
      await act("whoHas", { object: "analog-input:1" }, deviceId("park/gw-1/bacnet")),
      await act("deviceCommunicationControl", { state: "disableInitiation", minutes: 1 }),
      await act("reinitializeDevice", { state: "warmstart" }),
    ];
    expect(results.map(({ status }) => status)).toEqual(results.map(() => "done"));
    const folder = mkdtempSync(path.join(tmpdir(), "bacnet-alarms-"));
    try {
      const file = path.join(folder, "alarms.pcap");
      const { port } = relay;
      const packets = relay.seen.map(({ fromClient, clientPort, payload }) => ({
        protocol: "udp" as const,
        srcPort: fromClient ? clientPort : port,
        dstPort: fromClient ? port : clientPort,
        payload,
      }));
      writePcap(file, packets);
      const decode = ["-d", `udp.port==${port},bvlc`];
      const faults = ["-Y", "_ws.malformed || _ws.expert.severity >= 0x800000"];
      expect(tshark(program ?? "", file, [...decode, ...faults])).toEqual([]);
      const fields = ["bacapp.confirmed_service", "bacapp.unconfirmed_service"].flatMap((name) => ["-e", name]);
      const lines = tshark(program ?? "", file, [...decode, "-T", "fields", ...fields]);
      const seen = new Set(lines.map((line) => line.replaceAll("\t", "/")));
      // AcknowledgeAlarm, AddListElement, GetEventInformation, DeviceCommunicationControl, ReinitializeDevice
      for (const confirmed of [0, 8, 29, 17, 20]) expect(seen, `${confirmed}`).toContain(`${confirmed}/`);
      // Who-Has, I-Have, UTCTimeSynchronization
      for (const unconfirmed of [7, 1, 9]) expect(seen, `${unconfirmed}`).toContain(`/${unconfirmed}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
