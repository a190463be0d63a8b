import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import type { FieldCondition } from "#core/model/field-condition.ts";
import { DeviceAlarms } from "#protocols/bacnet/client/alarms/alarms.ts";
import { DeviceMemory } from "#protocols/bacnet/client/memory.ts";
import { CONFIRMED, NOTIFY_TYPE } from "#protocols/bacnet/codec/enums.ts";
import { encodeGetEventInformationAck } from "#protocols/bacnet/codec/services/alarms.ts";
import { Counters } from "#protocols/bacnet/counters.ts";
import { settingsOf } from "#protocols/bacnet/settings.ts";
import type { Outcome } from "#protocols/bacnet/station/ports.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { temporaryFolder } from "../../../contract/sia-dc09-field.ts";
import { AHU, contactWith, HIGH, high, INPUT, NEVER, NOW, stampAt } from "./alarm-fixture.ts";

const MINUTE = 60_000;
const POLL = { timeout: 5_000, interval: 5 };
const NOT_THERE: Outcome = { kind: "error", error: { errorClass: 2, errorCode: 32 }, body: new Uint8Array() };

let folder: ReturnType<typeof temporaryFolder>;
let memory: DeviceMemory;
let told: FieldCondition[];
/** Does the device say that its alarm is acknowledged? */
let acked: boolean;
const open: DeviceAlarms[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  memory = new DeviceMemory(folder.path, silentLogger);
  told = [];
  acked = false;
});
afterEach(() => {
  for (const alarms of open.splice(0)) alarms.close();
  memory.close();
  folder.remove();
});

function alarmsOf(): DeviceAlarms {
  const alarms = new DeviceAlarms({
    device: AHU,
    instance: 1001,
    clock: new ManualClock(NOW),
    logger: silentLogger,
    counters: new Counters(),
    settings: settingsOf({}).alarms,
    memory,
    recipientAt: async () => undefined,
    time: () => ({ utcOffsetMin: 0, driftMs: 0 }),
    own: () => [],
    onConditions: ({ conditions }) => void told.push(...conditions),
    storeEvent: async () => undefined,
  });
  open.push(alarms);
  return alarms;
}

/** In touch with the device, which started then and has been too hot since a minute ago. */
function contactOf(startedAt: string | undefined) {
  const contact = contactWith((service) => {
    if (service !== CONFIRMED.getEventInformation) return NOT_THERE;
    const summary = {
      object: INPUT,
      eventState: HIGH,
      acknowledgedTransitions: [acked, true, true],
      eventTimeStamps: [stampAt(NOW - MINUTE), NEVER, NEVER],
      notifyType: NOTIFY_TYPE.alarm,
      eventEnable: [true, true, true],
      eventPriorities: [100, 100, 100],
    };
    return { kind: "ack", body: encodeGetEventInformationAck({ summaries: [summary], moreEvents: false }) };
  });
  return { ...contact, startedAt: () => startedAt };
}

describe("an alarm that waited when the device was lost, and is acknowledged there when it is back", () => {
  it("was acknowledged by somebody, where the device has not started again", async () => {
    const alarms = alarmsOf();
    await alarms.begin(contactOf("first"));
    expect(told.at(-1)).toMatchObject({ active: true, acknowledged: false });
    acked = true;
    await alarms.begin(contactOf("first"));
    expect(told.at(-1)).toMatchObject({ active: true, acknowledged: true });
  });

  it("was acknowledged by nobody, where it has: its flags are set by the start", async () => {
    const alarms = alarmsOf();
    await alarms.begin(contactOf("first"));
    acked = true;
    const again = contactOf("second");
    await alarms.begin(again);
    await alarms.begin(again);
    expect(told.at(-1)).toMatchObject({ active: true });
    expect(told.filter(({ acknowledged }) => acknowledged === true)).toEqual([]);
  });

  it("was acknowledged by nobody also where the gateway was started anew in between", async () => {
    const before = alarmsOf();
    await before.begin(contactOf("first"));
    before.close();
    acked = true;
    await alarmsOf().begin(contactOf("second"));
    expect(told.at(-1)).toMatchObject({ active: true });
    expect(told.filter(({ acknowledged }) => acknowledged === true)).toEqual([]);
  });
});

describe("an acknowledgement that seems older than its alarm", () => {
  it("makes the gateway look: the device's clock was set back, and it is true", async () => {
    const alarms = alarmsOf();
    await alarms.begin(contactOf(undefined));
    expect(told.at(-1)).toMatchObject({ acknowledged: false });
    acked = true;
    const late = high(2 * MINUTE, { notifyType: NOTIFY_TYPE.ackNotification, ackRequired: false });
    expect(await alarms.notified(late)).toBe(true);
    await expect.poll(() => told.at(-1)?.acknowledged, POLL).toBe(true);
  });
});
