import { describe, expect, it } from "vitest";
import { AlarmEvaluator } from "#core/alarm/evaluate.ts";
import { systemClock } from "#core/clock.ts";
import { CONFIRMED, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import {
  decodeGetEventInformationAck,
  encodeAcknowledgeAlarm,
  encodeGetEventInformation,
} from "#protocols/bacnet/codec/services/alarms.ts";
import type { SimulatedDevice } from "#simulators/device.ts";
import type { BacnetServer } from "#simulators/servers/bacnet.ts";
import { completes, last, TEMPERATURE_ALARM, told, WITH_ALARMS } from "./bacnet-alarm-fixture.ts";
import { airHandler } from "./bacnet-fixture.ts";
import { DEVICE, drive, POINTS, POLL, serve, settled } from "./bacnet-harness.ts";
import { only, workstation } from "./bacnet-server-fixture.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";

const TEMPERATURE = { type: 0, instance: 1 };
/** The alarm comes back so long after a restart, if its cause is still there. */
const DELAY_S = 1;
const HIGH_LIMIT = 3;

interface Field {
  readonly server: BacnetServer;
  readonly device: SimulatedDevice;
  readonly recording: Recording;
}

/** A driver with an air handler that is too hot, which nobody has acknowledged. */
async function alarmed(): Promise<Field> {
  const device = airHandler();
  const events = {
    "supply-temperature": {
      algorithm: { kind: "outOfRange", lowLimit: 5, highLimit: 30, deadband: 1 } as const,
      notificationClass: 1,
      timeDelayS: DELAY_S,
    },
  };
  const recording = recordDriver();
  const server = await serve({ ...WITH_ALARMS, events }, device);
  await drive(server.address.port, { pollMs: 200, safetyPollMs: 55_000 }, POINTS, recording);
  await settled(recording);
  await expect.poll(() => completes(recording).length, POLL).toBeGreaterThan(0);
  device.write("supply-temperature", 35);
  await expect
    .poll(() => last(recording, TEMPERATURE_ALARM), POLL)
    .toMatchObject({ active: true, acknowledged: false });
  return { server, device, recording };
}

/** What the hub makes of all that the driver has told. */
function journalOf(recording: Recording) {
  const alarms = new AlarmEvaluator({
    origin: "park/gw-1",
    epoch: "e",
    definitions: [],
    context: { device: () => undefined, point: () => undefined, zone: () => undefined },
    clock: systemClock,
    onChanges: () => {},
  });
  const journal = recording.conditions.flatMap((report) => alarms.onConditions(report));
  return { journal: journal.map(({ transition, actor }) => [transition, actor]), open: alarms.alarms() };
}

/** The device's list of what is in alarm or unacknowledged. */
async function listed(server: BacnetServer) {
  const client = await workstation(server);
  const page = await client.acked(CONFIRMED.getEventInformation, encodeGetEventInformation({}));
  return { client, summaries: decodeGetEventInformationAck(page).summaries };
}

/** Waits for another list of alarms of the device in which the temperature is not active. */
async function forgotten(recording: Recording, since: number): Promise<void> {
  const empty = (): boolean =>
    completes(recording)
      .slice(since)
      .some((list) => !list.some(({ condition, active }) => condition === TEMPERATURE_ALARM && active));
  await expect.poll(empty, POLL).toBe(true);
}

describe("a restart of a BACnet device", () => {
  it("acknowledges nothing: what it has forgotten is over and waits for a person [ISA-18.2 state D]", async () => {
    const { server, device, recording } = await alarmed();
    const before = completes(recording).length;
    device.write("supply-temperature", 20);
    await server.reboot(20);
    await forgotten(recording, before);
    // the device says of itself that everything is acknowledged, and lists nothing
    const { client, summaries } = await listed(server);
    expect(summaries).toEqual([]);
    expect(only(await client.read(TEMPERATURE, PROPERTIES.ackedTransitions))).toEqual([true, true, true]);
    expect(told(recording, TEMPERATURE_ALARM).some(({ acknowledged }) => acknowledged === true)).toBe(false);
    const { journal, open } = journalOf(recording);
    expect(journal.map(([transition]) => transition)).toEqual(["raised", "cleared"]);
    expect(open).toMatchObject([{ condition: "inactive", acknowledged: false }]);
  });

  it("leaves an alarm whose cause is still there unacknowledged, in the time until the device judges it again and after it", async () => {
    const { server, recording } = await alarmed();
    const before = completes(recording).length;
    const earlier = last(recording, TEMPERATURE_ALARM)?.sourceTime ?? 0;
    await server.reboot(20);
    await forgotten(recording, before);
    await expect
      .poll(() => last(recording, TEMPERATURE_ALARM), POLL)
      .toMatchObject({ active: true, acknowledged: false });
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.sourceTime ?? 0, POLL).toBeGreaterThan(earlier);
    expect(journalOf(recording).journal.filter(([transition]) => transition === "acknowledged")).toEqual([]);
    // and a person's acknowledgement afterwards counts as ever
    const { client, summaries } = await listed(server);
    const timeStamp = summaries[0]?.eventTimeStamps[0];
    if (timeStamp === undefined) throw new Error("the alarm is not listed");
    const body = encodeAcknowledgeAlarm({
      processId: 9,
      eventObject: TEMPERATURE,
      eventStateAcknowledged: HIGH_LIMIT,
      timeStamp,
      acknowledgmentSource: "other",
      timeOfAcknowledgment: timeStamp,
    });
    await client.acked(CONFIRMED.acknowledgeAlarm, body);
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.acknowledged, POLL).toBe(true);
    expect(journalOf(recording).journal.at(-1)).toEqual(["acknowledged", "field"]);
  });

  it("while it was cut off acknowledges nothing either", async () => {
    const { server, device, recording } = await alarmed();
    const before = completes(recording).length;
    server.silence();
    await expect.poll(() => recording.reachability(DEVICE).at(-1), POLL).toBe(false);
    device.write("supply-temperature", 20);
    await server.reboot(20);
    server.restore();
    await forgotten(recording, before);
    const { journal, open } = journalOf(recording);
    expect(journal.map(([transition]) => transition)).toEqual(["raised", "cleared"]);
    expect(open).toMatchObject([{ condition: "inactive", acknowledged: false }]);
  });
});
