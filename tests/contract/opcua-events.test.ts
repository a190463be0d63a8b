import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FieldCondition } from "#core/model/field-condition.ts";
import type { ActionResult } from "#protocols/driver.ts";
import { node } from "#tests/fixtures/opcua/server-process.ts";
import { never, nodePoints, PANEL, type PanelField, POLL, panelField } from "./opcua-field.ts";

const ZONE_1 = `${node("Zone1")}/FireAlarm`;
const ZONE_2 = `${node("Zone2")}/FireAlarm`;

describe("conditions of an OPC UA server", () => {
  let field: PanelField;
  beforeEach(async () => {
    field = await panelField();
  });
  afterEach(async () => {
    await field.close();
  });

  const act = (action: string, params: Record<string, string | number> = {}): Promise<ActionResult> =>
    field.driver.act({ device: PANEL, action, params: { condition: ZONE_1, ...params } }, never);
  const alarm = (name: string, active: boolean): Promise<unknown> => field.server.do({ kind: "alarm", name, active });
  /** The last that was told of a condition. */
  const told = (name = ZONE_1): FieldCondition | undefined =>
    field.recording.conditions.flatMap(({ conditions }) => conditions).findLast(({ condition }) => condition === name);
  const complete = (): readonly (readonly string[])[] =>
    field.recording.conditions
      .filter((report) => report.complete)
      .map(({ conditions }) => conditions.map(({ condition }) => condition).sort());

  it("are told complete at the beginning, with those that stood already [MP-01]", async () => {
    await alarm("Zone2", true);
    await field.bind(nodePoints(["Float"]));
    await expect.poll(complete, POLL).toEqual([[ZONE_2]]);
    expect(told(ZONE_2)).toMatchObject({
      device: PANEL,
      active: true,
      acknowledged: false,
      shelved: false,
      priority: "urgent",
      message: "火警",
      sourceTime: expect.any(Number),
    });
  });

  it("are followed through activation, acknowledgement, confirmation and return to normal [MP-02]", async () => {
    await field.bind(nodePoints(["Float"]));
    await expect.poll(complete, POLL).toEqual([[]]);
    await alarm("Zone1", true);
    await expect.poll(() => told(), POLL).toMatchObject({ active: true, acknowledged: false });
    expect(await act("acknowledgeCondition", { comment: "值班员已确认" })).toEqual({ status: "done" });
    await expect.poll(() => told(), POLL).toMatchObject({ active: true, acknowledged: true, confirmed: false });
    // somebody was faster: what was wished for holds
    expect(await act("acknowledgeCondition", { comment: "again" })).toEqual({ status: "done" });
    expect(await act("confirmCondition", { comment: "seen" })).toEqual({ status: "done" });
    await expect.poll(() => told(), POLL).toMatchObject({ active: true, acknowledged: true, confirmed: true });
    expect(await field.server.do({ kind: "conditions" })).toMatchObject({ Zone1: { acked: true, confirmed: true } });
    await alarm("Zone1", false);
    await expect.poll(() => told(), POLL).toMatchObject({ active: false, acknowledged: true });
  });

  it("are confirmed at once after they were acknowledged, although the acknowledgement made a new event", async () => {
    await field.bind(nodePoints(["Float"]));
    await expect.poll(complete, POLL).toEqual([[]]);
    await alarm("Zone1", true);
    await expect.poll(() => told(), POLL).toMatchObject({ active: true });
    expect(await act("acknowledgeCondition")).toEqual({ status: "done" });
    expect(await act("confirmCondition")).toEqual({ status: "done" });
  });

  it("are shelved for a time and unshelved", async () => {
    await field.bind(nodePoints(["Float"]));
    await alarm("Zone1", true);
    await expect.poll(() => told(), POLL).toMatchObject({ active: true, shelved: false });
    expect(await act("shelveCondition", { minutes: 5 })).toEqual({ status: "done" });
    await expect
      .poll(async () => JSON.stringify(await field.server.do({ kind: "conditions" })), POLL)
      .toContain('"Zone1":{"acked":false,"confirmed":false,"shelved":true}');
    expect(await act("unshelveCondition")).toEqual({ status: "done" });
    await expect
      .poll(async () => JSON.stringify(await field.server.do({ kind: "conditions" })), POLL)
      .toContain('"Zone1":{"acked":false,"confirmed":false,"shelved":false}');
    expect(await act("shelveCondition", { minutes: -1 })).toMatchObject({ status: "rejected" });
  });

  it("cannot be acted on when the server retains none of that name", async () => {
    await field.bind(nodePoints(["Float"]));
    await expect.poll(complete, POLL).toEqual([[]]);
    expect(await act("acknowledgeCondition")).toMatchObject({ status: "rejected", code: "OPCUA_CONDITION_UNKNOWN" });
  });

  it("are not told when the device takes no events", async () => {
    await field.bind(nodePoints(["Float"]), { events: false });
    await expect.poll(() => field.recording.reachability(PANEL), POLL).toEqual([true]);
    await alarm("Zone1", true);
    await field.server.set("Float", 8.5);
    await expect.poll(() => field.recording.samples.some(({ value }) => value === 8.5), POLL).toBe(true);
    expect(field.recording.conditions).toEqual([]);
  });

  it("leave other events as panel events, with long numbers masked", async () => {
    await field.bind(nodePoints(["Float"]));
    await expect.poll(complete, POLL).toEqual([[]]);
    await field.server.do({ kind: "event", message: "card 1234567890 at door 3" });
    await expect.poll(() => field.recording.events.length, POLL).toBe(1);
    expect(field.recording.events[0]).toMatchObject({
      device: PANEL,
      kind: "panelEvent",
      sourceTime: expect.any(Number),
      data: { message: "card ***90 at door 3", severity: 300, eventType: "i=2041" },
    });
  });
});
