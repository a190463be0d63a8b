import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { AlarmEvaluator } from "#core/alarm/evaluate.ts";
import { systemClock } from "#core/clock.ts";
import { pointId } from "#core/ids.ts";
import type { AlarmCategory, AlarmCondition } from "#core/model/alarm.ts";
import { type ModbusAddress, modbus } from "#protocols/modbus/index.ts";
import { SiaDriver } from "#protocols/sia-dc09/driver.ts";
import { boundDevice } from "#tests/fixtures/modbus/field.ts";
import { type Arrival, frame, misbehavingServer } from "#tests/fixtures/modbus/misbehaving-server.ts";
import { node } from "#tests/fixtures/opcua/server-process.ts";
import { freePort } from "#tests/free-port.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { FAN_ALARM, told, WITH_ALARMS } from "./bacnet-alarm-fixture.ts";
import { airHandler } from "./bacnet-fixture.ts";
import { COV_ONLY, DEVICE, drive, POLL, RUN, serve, settled, values } from "./bacnet-harness.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";
import { CAMERA, cameraField } from "./onvif-field.ts";
import { nodePoints, PANEL, type PanelField, panelField, point } from "./opcua-field.ts";
import { dialling, KEY_128, panelBinding, temporaryFolder } from "./sia-dc09-field.ts";

/** How long the field shows it, ms: one notification says that it came, the next that it is gone. */
const PULSE_MS = 50;
const SCAN_MS = 5;
const ALARM_POLL_MS = 250;
/** Servers take their time on a busy machine, and so do their answers. */
const TEST_MS = 60_000;
const PATIENT = { keepAliveMs: 5000, connectTimeoutMs: 15_000, requestTimeoutMs: 15_000 } as const;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** Something is there and, after the pulse, no longer. */
async function pulse(show: (there: boolean) => unknown): Promise<void> {
  await show(true);
  await new Promise<void>((resolve) => systemClock.after(PULSE_MS, resolve));
  await show(false);
}

/** What the alarms of a gateway make of all that a driver told, in its order. */
function alarmsOf(recording: Recording, condition: AlarmCondition, category: AlarmCategory): readonly string[] {
  const alarms = new AlarmEvaluator({
    origin: "park/gw-1",
    epoch: "0123456789abcdef0123456789abcdef",
    definitions: [{ id: "pulse", category, priority: "high", condition, message: "脉冲", messageEn: "Pulse" }],
    context: { zone: () => undefined, point: () => undefined, device: () => undefined },
    clock: new ManualClock(systemClock.now()),
    onChanges: () => undefined,
  });
  alarms.start();
  const changes = [
    ...recording.samples.flatMap((sample) => alarms.onSample(sample)),
    ...recording.events.flatMap((event) => alarms.onEvent(event)),
    ...recording.conditions.flatMap((report) => alarms.onConditions(report)),
  ];
  alarms.stop();
  return changes
    .filter(({ alarm, transition }) => alarm.definition === "pulse" && ["raised", "cleared"].includes(transition))
    .map(({ transition }) => transition);
}

const ONE_ALARM = ["raised", "cleared"];

describe("AL-01 a pulse of 50 ms in the field is an alarm", { timeout: TEST_MS }, () => {
  it("on BACnet, told by change of value", async () => {
    const device = airHandler();
    const server = await serve({ covScanMs: SCAN_MS }, device);
    const [, recording] = await drive(server.address.port, COV_ONLY);
    await settled(recording);
    await pulse((there) => device.write("fan-run", there));
    await expect.poll(() => values(recording, RUN), POLL).toEqual([false, true, false]);
    expect(alarmsOf(recording, { type: "equals", point: RUN, value: true }, "equipment")).toEqual(ONE_ALARM);
  });

  it("on BACnet, told by the device's own event", async () => {
    const device = airHandler();
    const server = await serve({ ...WITH_ALARMS, covScanMs: SCAN_MS }, device);
    const [, recording] = await drive(server.address.port, { ...COV_ONLY, alarms: { pollMs: 60_000, network: 1 } });
    await settled(recording);
    await expect.poll(() => recording.conditions.some(({ complete }) => complete), POLL).toBe(true);
    await pulse((there) => device.write("fan-run", there));
    await expect.poll(() => told(recording, FAN_ALARM).at(-1)?.active, POLL).toBe(false);
    const condition = { type: "field", device: DEVICE, condition: FAN_ALARM } as const;
    expect(alarmsOf(recording, condition, "equipment")).toEqual(ONE_ALARM);
  });

  it("on ONVIF, told by an event", async () => {
    const field = await cameraField();
    closing.push(() => field.close());
    await expect.poll(() => field.latest("motion")?.quality, POLL).toBe("good");
    await pulse((there) => field.camera.write("tamper", there));
    await expect.poll(() => field.events("tamper").map(({ state }) => state), POLL).toEqual([true, false]);
    expect(alarmsOf(field.recording, { type: "event", device: CAMERA, kind: "tamper" }, "tamper")).toEqual(ONE_ALARM);
    const { point: id } = field.recording.samples.find((sample) => sample.point.endsWith("/tamper")) ?? {};
    expect(alarmsOf(field.recording, { type: "equals", point: id ?? "", value: true }, "tamper")).toEqual(ONE_ALARM);
  });

  it("on SIA DC-09, told by the panel", async () => {
    const folder = temporaryFolder();
    closing.push(() => folder.remove());
    const [port, recording] = [await freePort(), recordDriver({ folder: folder.path })];
    const driver = new SiaDriver({ port }, recording.deps);
    closing.push(() => driver.stop());
    await driver.start(new AbortController().signal);
    await driver.bind([
      panelBinding("panel", { account: "1001", key: KEY_128 }, { "zone-1": { signal: "zoneAlarm", zone: "1" } }),
    ]);
    const clock = new ManualClock(systemClock.now());
    const panel = dialling(port, { account: "1001", key: KEY_128, clock });
    closing.push(() => panel.close());
    const zone = pointId("park/gw-1/panel/zone-1");
    const waiting = (): number => {
      clock.advance(PULSE_MS);
      return panel.waiting;
    };
    await expect.poll(waiting, POLL).toBe(0);
    for (const there of [true, false]) {
      panel.write("zone-1-alarm", there);
      clock.advance(PULSE_MS);
    }
    await expect.poll(waiting, POLL).toBe(0);
    await expect
      .poll(() => recording.samples.filter((sample) => sample.point === zone).map(({ value }) => value), POLL)
      .toEqual([false, true, false]);
    expect(alarmsOf(recording, { type: "equals", point: zone, value: true }, "intrusion")).toEqual(ONE_ALARM);
  });
});

describe("AL-01 a pulse of 50 ms at an OPC UA server is an alarm", { timeout: TEST_MS }, () => {
  const zone = `${node("Zone1")}/FireAlarm`;
  let field: PanelField;
  beforeAll(async () => {
    field = await panelField({ config: PATIENT });
    await field.bind(nodePoints(["Boolean"], { samplingMs: 0 }));
    await vi.waitUntil(() => field.recording.conditions.some(({ complete }) => complete), POLL);
  }, TEST_MS);
  afterAll(() => field?.close());

  it("told by a monitored item", async () => {
    const samples = () => field.recording.samples.filter((sample) => sample.point === point("Boolean"));
    await field.server.set("Boolean", false);
    await expect.poll(() => samples().at(-1), POLL).toMatchObject({ value: false, quality: "good" });
    const before = samples().length;
    await pulse((there) => field.server.set("Boolean", there));
    await expect.poll(() => samples().slice(before), POLL).toMatchObject([{ value: true }, { value: false }]);
    const condition = { type: "equals", point: point("Boolean"), value: true } as const;
    expect(alarmsOf({ ...field.recording, samples: samples().slice(before) }, condition, "fire")).toEqual(ONE_ALARM);
  });

  it("told by a condition", async () => {
    await pulse((active) => field.server.do({ kind: "alarm", name: "Zone1", active }));
    await expect.poll(() => told(field.recording, zone).map(({ active }) => active), POLL).toEqual([true, false]);
    expect(alarmsOf(field.recording, { type: "field", device: PANEL, condition: zone }, "fire")).toEqual(ONE_ALARM);
  });
});

describe("AL-01 a pulse on Modbus, which is polled, is an alarm", () => {
  const address = (register: number): ModbusAddress => ({
    table: "holdingRegister",
    register,
    type: "uint16",
    poll: "alarm",
  });
  const input = pointId("s/g/panel/input");

  /** A panel with one register, asked every poll of the alarm class. `poll` lets one pass. */
  async function panel() {
    const server = await misbehavingServer();
    closing.push(() => server.close());
    const field = { register: 0, polls: 0 };
    server.onRequest = (arrival: Arrival) => {
      field.polls++;
      arrival.socket.write(frame({ ...arrival, pdu: [3, 2, field.register >> 8, field.register & 0xff] }));
    };
    const clock = new ManualClock(systemClock.now());
    const recording = recordDriver({ clock });
    const driver = await modbus.create({}, recording.deps);
    closing.push(() => driver.stop());
    await driver.start(new AbortController().signal);
    await driver.bind([boundDevice("panel", { port: server.port }, { input: address(0) })]);
    await expect.poll(() => recording.latest(input)?.value, POLL).toBe(0);
    const poll = async (): Promise<void> => {
      const before = field.polls;
      clock.advance(ALARM_POLL_MS);
      await expect.poll(() => field.polls, POLL).toBe(before + 1);
    };
    return { field, recording, poll };
  }

  it("when it lasts two polls", async () => {
    const { field, recording, poll } = await panel();
    field.register = 1;
    await poll();
    await poll();
    field.register = 0;
    await poll();
    await expect.poll(() => recording.samples.map(({ value }) => value), POLL).toEqual([0, 1, 0]);
    expect(alarmsOf(recording, { type: "equals", point: input, value: 1 }, "intrusion")).toEqual(ONE_ALARM);
  });

  it("however short, when the device latches its input until it was read", async () => {
    const { field, recording, poll } = await panel();
    for (const input of [1, 0]) field.register ||= input;
    await poll();
    field.register = 0;
    await poll();
    await expect.poll(() => recording.samples.map(({ value }) => value), POLL).toEqual([0, 1, 0]);
    expect(alarmsOf(recording, { type: "equals", point: input, value: 1 }, "intrusion")).toEqual(ONE_ALARM);
  });

  it("however short, when the device counts its pulses", async () => {
    const { field, recording, poll } = await panel();
    field.register++;
    await poll();
    await expect.poll(() => recording.samples.map(({ value }) => value), POLL).toEqual([0, 1]);
    const counted = { type: "rate", point: input, rise: 0.5, per: "second", windowMs: 1000, deadband: 0 } as const;
    expect(alarmsOf(recording, counted, "equipment")[0]).toBe("raised");
  });
});
