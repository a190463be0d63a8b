import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MqttClients } from "#cloud/gateways/mqtt-clients.ts";
import { type ParkApi, parkApi, type SignedIn } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

let park: ParkApi;
let admin: SignedIn;
beforeEach(async () => {
  park = await parkApi();
  admin = await park.person("admin", { role: "administrator", space: PARK.root });
});
afterEach(() => park.close());

const NODE = { kind: "foreignNode", name: "press-hall", edgeNode: "plc-7" } as const;
const post = (payload: object) => park.ask("POST", "/mqtt-clients", { as: admin, payload });

/** What the database holds, as after a restart. */
const reopened = () =>
  new MqttClients({
    db: park.db,
    catalog: park.deps.catalog,
    audit: park.deps.audit,
    clock: park.clock,
    reserved: ["parkhub"],
  });

describe("a foreign client of the broker", () => {
  it("is made with a password that is shown once and holds over a restart", async () => {
    const made = await post(NODE);
    expect(made.statusCode).toBe(201);
    const { password, ...entry } = made.json();
    expect(entry).toEqual({
      kind: "foreignNode",
      name: "press-hall",
      clientId: "press-hall",
      node: "small-park/plc-7",
      space: PARK.root,
      completeness: "unknown",
      createdAt: expect.any(String),
    });
    expect((await park.ask("GET", "/mqtt-clients", { as: admin })).json().items).toEqual([entry]);
    const clients = reopened();
    expect(await clients.verify("press-hall", password)).toMatchObject({
      kind: "foreignNode",
      node: "small-park/plc-7",
    });
    expect(await clients.verify("press-hall", `${password}x`)).toBeUndefined();
    expect(await clients.verify("nobody", password)).toBeUndefined();
    expect(clients.node("small-park/plc-7")?.name).toBe("press-hall");
  });

  it("lets nobody in any more once it is removed, and says so to whoever holds its connection", async () => {
    const clients = reopened();
    const actor = { name: "admin", grants: [] };
    const reader = { kind: "reader", name: "scada", clientId: "scada-1", mayCommand: true } as const;
    const { password } = await clients.add(reader, actor);
    expect(await clients.verify("scada", password)).toMatchObject({ clientId: "scada-1", mayCommand: true });
    const removed: string[] = [];
    clients.onRemoved(({ clientId }) => removed.push(clientId));
    expect(clients.remove("scada", actor)).toBe(true);
    expect(clients.remove("scada", actor)).toBe(false);
    expect(removed).toEqual(["scada-1"]);
    expect(await clients.verify("scada", password)).toBeUndefined();
    expect(await reopened().verify("scada", password)).toBeUndefined();
    const { items } = park.deps.audit.list({ limit: 10 });
    expect(items.map(({ action, target }) => [action, target])).toEqual(
      expect.arrayContaining([
        ["mqttClient.add", "scada"],
        ["mqttClient.remove", "scada"],
      ]),
    );
  });

  it("never takes the place of another: name, client id, edge node, gateway, our own host", async () => {
    await post(NODE);
    const refusals = [
      [{ ...NODE, edgeNode: "plc-8" }, 409, "MQTT_CLIENT_EXISTS"],
      [{ kind: "reader", name: "scada", clientId: "press-hall" }, 409, "MQTT_CLIENT_EXISTS"],
      [{ ...NODE, name: "other" }, 409, "MQTT_NODE_TAKEN"],
      [{ ...NODE, name: "other", edgeNode: "gw-1" }, 409, "MQTT_NODE_TAKEN"],
      [{ kind: "reader", name: "parkhub" }, 400, "MQTT_NAME_RESERVED"],
      [{ ...NODE, name: "other", edgeNode: "plc-9", space: "nowhere" }, 400, "SPACE_UNKNOWN"],
      [{ kind: "reader", name: "small-park:gw-1" }, 400, "VALIDATION"],
      [{ kind: "reader", name: "scada", edgeNode: "plc-9" }, 400, "VALIDATION"],
    ] as const;
    for (const [payload, status, code] of refusals) {
      const answer = await post(payload);
      expect([answer.statusCode, answer.json().code], JSON.stringify(payload)).toEqual([status, code]);
    }
    expect(park.deps.mqttClients.list()).toHaveLength(1);
  });

  it("is made once when two ask at the same time", async () => {
    const codes = (await Promise.all([post(NODE), post(NODE)])).map(({ statusCode }) => statusCode);
    expect(codes.sort()).toEqual([201, 409]);
  });
});
