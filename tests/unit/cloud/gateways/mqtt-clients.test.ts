import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { MqttClients } from "#cloud/gateways/mqtt-clients.ts";
import type { ForeignClient } from "#cloud/ports.ts";
import { gatewayId } from "#core/ids.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const ACTOR = { name: "admin", grants: [] };
const NODE = gatewayId("park/plc-7");
const PRESS: ForeignClient = { kind: "foreignNode", name: "press", clientId: "press-1", node: NODE, space: "hall" };
const SCADA: ForeignClient = { kind: "reader", name: "scada", clientId: "scada", mayCommand: true };

let db: Db;
let gateways: string[];
beforeEach(async () => {
  db = await openRecords(":memory:");
  gateways = ["park/gw-1"];
});
afterEach(() => db.close());

const open = (): MqttClients =>
  new MqttClients({
    db,
    catalog: {
      site: "park",
      gateways: () => gateways.map((id) => ({ id: gatewayId(id), name: id, nameEn: id })),
      spaces: () => [{ id: "hall", kind: "building", name: "Hall", nameEn: "Hall" }],
    },
    audit: { append: () => undefined },
    clock: new ManualClock(1_790_000_000_000),
    reserved: ["parkhub"],
  });

describe("foreign clients of the broker", () => {
  it("are kept as they were made, with the hash of their password", async () => {
    const clients = open();
    const made = [await clients.add(SCADA, ACTOR), await clients.add(PRESS, ACTOR)];
    const again = open();
    expect(again.list()).toEqual([
      { ...PRESS, createdAt: 1_790_000_000_000 },
      { ...SCADA, createdAt: 1_790_000_000_000 },
    ]);
    expect(await again.verify("scada", made[0]?.password ?? "")).toMatchObject(SCADA);
    expect(await again.verify("press", made[0]?.password ?? "")).toBeUndefined();
  });

  it("are told apart from gateways: a node whose place a gateway takes is let in and heard no more", async () => {
    const clients = open();
    const { password } = await clients.add(PRESS, ACTOR);
    expect(clients.node(NODE)).toMatchObject({ space: "hall" });
    gateways.push(NODE);
    expect(clients.node(NODE)).toBeUndefined();
    expect(await clients.verify("press", password)).toBeUndefined();
  });

  it("do not get their password's right back by being made again", async () => {
    const clients = open();
    const first = await clients.add(SCADA, ACTOR);
    expect(await clients.verify("scada", first.password)).toBeDefined();
    clients.remove("scada", ACTOR);
    const second = await clients.add(SCADA, ACTOR);
    expect(await clients.verify("scada", first.password)).toBeUndefined();
    expect(await clients.verify("scada", second.password)).toBeDefined();
  });
});
