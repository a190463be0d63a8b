import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { ConditionReport } from "#core/model/field-condition.ts";
import { readEventList, readEventRows } from "#protocols/bacnet/client/alarms/alarm-information.ts";
import { DeviceAlarms } from "#protocols/bacnet/client/alarms/alarms.ts";
import { DeviceMemory } from "#protocols/bacnet/client/memory.ts";
import { CONFIRMED, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import { rawList } from "#protocols/bacnet/codec/property-values.ts";
import {
  decodeGetEventInformation,
  type EventSummary,
  encodeGetAlarmSummaryAck,
  encodeGetEventInformationAck,
} from "#protocols/bacnet/codec/services/alarms.ts";
import { decodeEventNotification } from "#protocols/bacnet/codec/services/event-notification.ts";
import {
  decodeReadProperty,
  decodeReadPropertyMultiple,
  encodeReadPropertyAck,
  encodeReadPropertyMultipleAck,
  type ObjectProperty,
  type PropertyResult,
} from "#protocols/bacnet/codec/services/property.ts";
import { type BacnetTimeStamp, timeStamp } from "#protocols/bacnet/codec/timestamp.ts";
import { Counters } from "#protocols/bacnet/counters.ts";
import { settingsOf } from "#protocols/bacnet/settings.ts";
import type { Outcome } from "#protocols/bacnet/station/ports.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { AHU, contactWith, HIGH, INPUT, NEVER, NORMAL, NOW, stampAt } from "./alarm-fixture.ts";
import { bodyOf, GOLDEN_NAMES } from "./golden.ts";

const UNKNOWN_SERVICE: Outcome = { kind: "reject", reason: 9 };
const SILENT: Outcome = { kind: "timeout" };
const acked = (body: Uint8Array): Outcome => ({ kind: "ack", body });
const summary = (instance: number): EventSummary => ({
  object: { type: 0, instance },
  eventState: HIGH,
  acknowledgedTransitions: [false, true, true],
  eventTimeStamps: [stampAt(NOW), NEVER, NEVER],
  notifyType: 0,
  eventEnable: [true, true, true],
  eventPriorities: [30, 40, 50],
});

describe("the list of what is in alarm", () => {
  const list = (answer: (service: number, body: Uint8Array) => Outcome) =>
    readEventList(contactWith(answer), new Counters());

  it("is read page by page, from the last object of the page before", async () => {
    const asked: (number | undefined)[] = [];
    const told = await list((_, body) => {
      const last = decodeGetEventInformation(body).lastReceivedObject?.instance;
      asked.push(last);
      const next = (last ?? 0) + 1;
      return acked(encodeGetEventInformationAck({ summaries: [summary(next)], moreEvents: next < 3 }));
    });
    expect(told).toMatchObject({ kind: "told", rows: [1, 2, 3].map((instance) => ({ object: { instance } })) });
    expect(asked).toEqual([undefined, 1, 2]);
  });

  it("ends where a device gives the same page for ever, or none with the promise of more", async () => {
    const page = (summaries: readonly EventSummary[]) => async () =>
      list(() => acked(encodeGetEventInformationAck({ summaries, moreEvents: true })));
    expect(await page([summary(1)])()).toMatchObject({ kind: "told", rows: [{ object: INPUT }] });
    expect(await page([])()).toEqual({ kind: "told", rows: [] });
  });

  it("comes from GetAlarmSummary where the device has no GetEventInformation", async () => {
    const row = { object: INPUT, alarmState: HIGH, acknowledgedTransitions: [false, true, true] };
    const told = await list((service) =>
      service === CONFIRMED.getAlarmSummary ? acked(encodeGetAlarmSummaryAck([row])) : UNKNOWN_SERVICE,
    );
    expect(told).toEqual({
      kind: "told",
      rows: [{ object: INPUT, state: HIGH, acked: [false, true, true], notifyType: 0 }],
    });
  });

  it("is none where the device has neither, cannot say, or answers nonsense", async () => {
    expect(await list(() => UNKNOWN_SERVICE)).toEqual({ kind: "unsupported" });
    expect(await list(() => SILENT)).toEqual({ kind: "silent" });
    expect(await list(() => ({ kind: "abort", reason: 4 }))).toEqual({ kind: "failed" });
    expect(await list(() => acked(Uint8Array.of(1, 2, 3)))).toMatchObject({ kind: "unsupported" });
  });
});

/** What a device without alarm services holds of its one input. */
class Input {
  state = NORMAL;
  stamps: readonly BacnetTimeStamp[] = [NEVER, NEVER, NEVER];
  readonly asked: number[] = [];

  readonly answer = (service: number, body: Uint8Array): Outcome => {
    this.asked.push(service);
    if (service === CONFIRMED.readProperty) {
      const one = decodeReadProperty(body);
      const result = this.#read(one);
      return "values" in result
        ? acked(encodeReadPropertyAck({ ...one, values: result.values }))
        : { kind: "error", error: result.error, body: new Uint8Array() };
    }
    if (service !== CONFIRMED.readPropertyMultiple) return UNKNOWN_SERVICE;
    const results = decodeReadPropertyMultiple(body).map(({ object, properties }) => ({
      object,
      results: properties.map((property) => this.#read({ object, ...property })),
    }));
    return acked(encodeReadPropertyMultipleAck(results));
  };

  #read({ object, property, index }: ObjectProperty): PropertyResult {
    const at = { property, ...(index === undefined ? {} : { index }) };
    if (property === PROPERTIES.objectList) {
      return { ...at, values: [0, 1].map((instance) => ({ type: "objectId", value: { type: 0, instance } })) };
    }
    if (object.instance === INPUT.instance) {
      if (property === PROPERTIES.eventState) return { ...at, values: [{ type: "enumerated", value: this.state }] };
      if (property === PROPERTIES.eventTimeStamps) return { ...at, values: rawList(timeStamp, this.stamps) };
      if (property === PROPERTIES.ackedTransitions) {
        return { ...at, values: [{ type: "bitString", value: [true, true, true] }] };
      }
      if (property === PROPERTIES.objectName)
        return { ...at, values: [{ type: "characterString", value: "回风温度" }] };
    }
    return { ...at, error: { errorClass: 2, errorCode: 32 } };
  }
}

describe("the alarms of one device", () => {
  let folder: string;
  let memory: DeviceMemory;
  let clock: ManualClock;
  let reports: ConditionReport[];
  let events: DeviceEvent[];
  let alarms: DeviceAlarms;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "parkhub-alarms-"));
    memory = new DeviceMemory(folder, silentLogger);
    clock = new ManualClock(NOW);
    reports = [];
    events = [];
    alarms = new DeviceAlarms({
      device: AHU,
      instance: 1001,
      clock,
      logger: silentLogger,
      counters: new Counters(),
      settings: settingsOf({}).alarms,
      memory,
      recipientAt: async () => undefined,
      time: () => ({ utcOffsetMin: 0, driftMs: 0 }),
      own: () => [],
      onConditions: (report) => reports.push(report),
      storeEvent: async (event) => void events.push(event),
    });
  });
  afterEach(() => {
    alarms.close();
    memory.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("without any alarm service are found by the event states of its objects, again and again", async () => {
    const input = new Input();
    const contact = contactWith(input.answer);
    await alarms.begin(contact);
    expect(reports.at(-1)).toEqual({ device: AHU, conditions: [], complete: true });
    input.state = HIGH;
    input.stamps = [stampAt(NOW + 1000), NEVER, NEVER];
    clock.advance(31_000);
    await expect
      .poll(() => reports.at(-1))
      .toMatchObject({
        complete: true,
        conditions: [{ condition: "analog-input:1", active: true, message: "回风温度 高于上限 / above high limit" }],
      });
  });

  it("are asked of those objects only that have any", async () => {
    const input = new Input();
    const contact = contactWith(input.answer);
    await alarms.begin(contact);
    const [, withAlarm] = await Promise.all([
      readEventRows(contact, [{ type: 0, instance: 0 }], false),
      readEventRows(contact, [INPUT], true),
    ]);
    expect(withAlarm).toMatchObject([{ object: INPUT, facts: { name: "回风温度" } }]);
    await alarms.renewed(false);
    const last = contact.asked.findLast(({ service }) => service === CONFIRMED.readPropertyMultiple);
    const objects = decodeReadPropertyMultiple(last?.body ?? new Uint8Array()).map(({ object }) => object.instance);
    expect(objects).toEqual([1]);
  });

  // the frames are those of an encoder that is not ours; tests/fixtures/bacnet/README.md says which
  const notifications = GOLDEN_NAMES.filter((name) => name.startsWith("event-"));
  it.each(notifications)("are stored, whatever they tell: %s", async (name) => {
    const notification = decodeEventNotification(bodyOf(name));
    expect(await alarms.notified(notification)).toBe(true);
    expect(await alarms.notified(notification)).toBe(true);
    expect(events).toHaveLength(1);
    expect(events[0]?.id).toMatch(/^bacnet-[0-9a-f]{32}$/);
    const conditions = reports.flatMap((report) => report.conditions);
    const abnormal = notification.notifyType === 0 && notification.toState !== NORMAL;
    expect(conditions.filter(({ active }) => active)).toHaveLength(abnormal ? 1 : 0);
    for (const { message } of conditions) expect(message?.length).toBeGreaterThan(0);
  });
});
