import { readFileSync } from "node:fs";
import path from "node:path";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { type TSchema, Type } from "typebox";
import { describe, expect, it } from "vitest";
import { AlarmAct } from "#core/contracts/alarm-acts.ts";
import { AlarmView } from "#core/contracts/alarms.ts";
import { formatBatch, parseBatch } from "#core/contracts/batch.ts";
import { Bundle } from "#core/contracts/bundle.ts";
import { CommandRequest } from "#core/contracts/commands.ts";
import { Page, Problem } from "#core/contracts/http.ts";
import { Ack, ConfigNotice, EventBatch, LaneItem } from "#core/contracts/lanes.ts";
import { LiveRequest } from "#core/contracts/live.ts";
import { Session, SignIn } from "#core/contracts/session.ts";
import { hubTopic, parseHubTopic } from "#core/contracts/topics.ts";
import { Command } from "#core/model/command.ts";

const ajv = new Ajv({ strict: false });
formats.default(ajv);
const golden = (name: string) =>
  JSON.parse(readFileSync(path.join(import.meta.dirname, "../../fixtures/contracts", `${name}.json`), "utf8"));
const faults = (schema: TSchema, value: unknown): unknown => (ajv.validate(schema, value) ? [] : ajv.errors);

describe("the golden payloads fit their schemas", () => {
  const batch = golden("event-batch");
  it("event batch and each of its items", () => {
    expect(faults(EventBatch, batch)).toEqual([]);
    for (const item of batch.items) expect(faults(LaneItem, item), item.kind).toEqual([]);
    expect(batch.items.map((item: { kind: string }) => item.kind)).toEqual([
      "alarm",
      "deviceEvent",
      "commandResult",
      "snapshot",
      "run",
      "notify",
      "gap",
      "configApplied",
      "clip",
      "certificates",
    ]);
  });
  const whole: readonly [string, TSchema, unknown][] = [
    ["ack", Ack, golden("ack")],
    ["configuration notice", ConfigNotice, golden("config-notice")],
    ["commands", Type.Array(Command), golden("commands")],
    ["bundle", Bundle, golden("bundle")],
    ["sign-in", SignIn, golden("session").signIn],
    ["session", Session, golden("session").session],
    ["page of alarms", Page(AlarmView), golden("alarms-page")],
    ["problem", Problem, golden("problem")],
    ["live requests", Type.Array(LiveRequest), golden("live").requests],
  ];
  it.each(whole)("%s", (_, schema, payload) => {
    expect(faults(schema, payload)).toEqual([]);
  });
});

describe("what may and what may not be unknown", () => {
  it("keeps and ignores a field that a newer gateway sends in an event", () => {
    const batch = golden("event-batch");
    expect(faults(LaneItem, { ...batch.items[0], newerField: 1 })).toEqual([]);
    expect(faults(EventBatch, { ...batch, newerField: 1 })).toEqual([]);
  });
  it("refuses an unknown field in an HTTP body", () => {
    expect(faults(SignIn, { username: "a", password: "b", remember: true })).not.toEqual([]);
    expect(faults(AlarmAct, { occurrence: 1, forced: true })).not.toEqual([]);
    expect(faults(CommandRequest, { point: "a/b/c/d", value: 1, force: true })).not.toEqual([]);
    expect(faults(LiveRequest, { t: "view", id: "v", kind: "alarms", all: true })).not.toEqual([]);
  });
  it("refuses an event batch of an unknown version or with a malformed epoch", () => {
    expect(faults(EventBatch, { ...golden("event-batch"), v: 2 })).not.toEqual([]);
    expect(faults(EventBatch, { ...golden("event-batch"), epoch: "abc" })).not.toEqual([]);
  });
});

describe("batch identity", () => {
  const epoch = "0123456789abcdef0123456789abcdef";
  it("is written and read back", () => {
    expect(formatBatch({ epoch, first: 0, last: 199 })).toBe(`${epoch}:0:199`);
    expect(parseBatch(`${epoch}:9007199254740990:9007199254740991`)).toEqual({
      epoch,
      first: 9_007_199_254_740_990,
      last: 9_007_199_254_740_991,
    });
  });
  it.each([`${epoch}:5:4`, `${epoch}:01:4`, "abc:1:2", `${epoch}:1`, `${epoch}:1:99007199254740993`, `${epoch}:-1:2`])(
    "refuses %s",
    (text) => {
      expect(() => parseBatch(text)).toThrow(expect.objectContaining({ code: "BATCH_IDENTITY_INVALID" }));
    },
  );
});

it("knows its own topics and no others", () => {
  expect(parseHubTopic(hubTopic("park", "gw-1", "events"))).toEqual({ site: "park", gateway: "gw-1", kind: "events" });
  expect(parseHubTopic("parkhub/v1/park/gw-1/other")).toBeUndefined();
  expect(parseHubTopic("parkhub/v1/park/gw-1/extra/events")).toBeUndefined();
  expect(parseHubTopic("spBv1.0/park/NDATA/gw-1")).toBeUndefined();
});
