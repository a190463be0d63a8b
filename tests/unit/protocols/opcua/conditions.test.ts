import { DataType, EventFieldList, type NodeId, Variant } from "node-opcua";
import { beforeEach, describe, expect, it } from "vitest";
import { deviceId } from "#core/ids.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { ConditionReport } from "#core/model/field-condition.ts";
import { Conditions } from "#protocols/opcua/conditions.ts";
import { newCounters } from "#protocols/opcua/counters.ts";
import { eventFilter } from "#protocols/opcua/event-fields.ts";
import { standardNode } from "#protocols/opcua/node-ids.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const ALARM = 2915;
const REFRESH_START = 2787;
const REFRESH_END = 2788;
const OVERFLOW = 3035;

const asNode = (value: NodeId): Variant => new Variant({ dataType: DataType.NodeId, value });
const asFlag = (value: boolean): Variant => new Variant({ dataType: DataType.Boolean, value });

let ids = 0;

/** An event with these fields, by the browse path of the filter; the ConditionId has none. */
function event(type: number, fields: Readonly<Record<string, Variant>> = {}): EventFieldList {
  const all: Readonly<Record<string, Variant>> = {
    EventId: new Variant({ dataType: DataType.ByteString, value: Buffer.from(`event ${++ids}`) }),
    EventType: asNode(standardNode(type)),
    ...fields,
  };
  const eventFields = (eventFilter().selectClauses ?? []).map(
    ({ browsePath }) => all[(browsePath ?? []).map(({ name }) => name).join("/")] ?? new Variant({}),
  );
  return new EventFieldList({ clientHandle: 1, eventFields });
}

const alarm = (number: number, active = true): EventFieldList =>
  event(ALARM, {
    "": asNode(standardNode(90_000 + number)),
    Retain: asFlag(active),
    "ActiveState/Id": asFlag(active),
    "AckedState/Id": asFlag(!active),
  });

describe("the conditions of an OPC UA server", () => {
  let reports: ConditionReport[];
  let events: DeviceEvent[];
  let wanted: number;
  let conditions: Conditions;

  beforeEach(() => {
    reports = [];
    events = [];
    wanted = 0;
    conditions = new Conditions({
      device: deviceId("park/gw-1/panel"),
      clock: new ManualClock(0),
      counters: newCounters(),
      onConditions: (report) => reports.push(report),
      onEvent: (told) => events.push(told),
      onRefreshRequired: () => {
        wanted++;
      },
    });
    conditions.begin([]);
    conditions.events([event(REFRESH_START), alarm(1), alarm(2), event(REFRESH_END)]);
  });

  const complete = (): readonly (readonly string[])[] =>
    reports.filter((report) => report.complete).map((report) => report.conditions.map(({ condition }) => condition));

  it("are told complete after a refresh, without those that it did not repeat", () => {
    conditions.events([event(REFRESH_START), alarm(2)]);
    conditions.events([event(REFRESH_END)]);
    expect(complete()).toEqual([["i=90001", "i=90002"], ["i=90002"]]);
  });

  it("are not told complete after a refresh during which the server discarded events: none is over for that", () => {
    conditions.events([event(REFRESH_START), event(OVERFLOW), alarm(2), event(REFRESH_END)]);
    expect(complete().length).toBe(1);
    expect(conditions.known("i=90001")).toBeDefined();
    expect(wanted).toBe(1);
  });

  it("are not told complete after a refresh of which messages are lost", () => {
    conditions.events([event(REFRESH_START)]);
    conditions.interrupted();
    conditions.events([alarm(2), event(REFRESH_END)]);
    expect(complete().length).toBe(1);
    conditions.events([event(REFRESH_START), alarm(1), event(REFRESH_END)]);
    expect(complete().at(-1)).toEqual(["i=90001"]);
  });

  it("say once that events may be missing, however often the server's queue runs over, until a refresh is whole", () => {
    for (let time = 0; time < 5; time++) conditions.events([event(OVERFLOW), event(REFRESH_END)]);
    expect(events.map(({ kind, data }) => [kind, data?.["cause"]])).toEqual([["eventsMayBeMissing", "overflow"]]);
    conditions.events([event(REFRESH_START), event(REFRESH_END), event(OVERFLOW)]);
    expect(events.length).toBe(2);
  });

  it("keeps a condition that a server restored at its start without an event id", () => {
    const nameless = event(ALARM, {
      EventId: new Variant({}),
      "": asNode(standardNode(90_001)),
      Retain: asFlag(true),
      "ActiveState/Id": asFlag(true),
      "AckedState/Id": asFlag(false),
    });
    conditions.events([event(REFRESH_START), nameless, event(REFRESH_END)]);
    expect(reports.at(-1)).toMatchObject({ complete: true, conditions: [{ active: true }] });
  });
});
