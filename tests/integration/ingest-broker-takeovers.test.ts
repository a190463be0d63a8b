import type { MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gatewayId } from "#core/ids.ts";
import { BrokerDoor } from "#tests/fixtures/cloud/broker-door.ts";

const NAME = "park:gw-1";
const GATEWAY = gatewayId("park/gw-1");

let door: BrokerDoor;
let gone: number[];

beforeEach(async () => {
  gone = [];
  door = await BrokerDoor.open();
  door.broker.attach({ message: () => undefined, disconnected: (_gateway, session) => void gone.push(session) });
});
afterEach(() => door.close());

/** Connects as the gateway and listens to its commands; undefined when another one was faster. */
async function listening(): Promise<MqttClient | undefined> {
  const client = await door.knock(NAME);
  if (client === undefined || typeof client === "number") return undefined;
  await client.subscribeAsync("parkhub/v1/park/gw-1/commands", { qos: 1 }).catch(() => undefined);
  return client;
}

describe("connections of one identity", () => {
  it("are one in the end, however many come at the same moment", { timeout: 60_000 }, async () => {
    for (let round = 0; round < 8; round++) {
      const all = (await Promise.all([listening(), listening(), listening(), listening()])).filter(
        (client) => client !== undefined,
      );
      await expect.poll(() => all.filter(({ connected }) => connected).length, { message: `round ${round}` }).toBe(1);
      expect(door.broker.isReachable(GATEWAY)).toBe(true);
      const [last] = all.filter(({ connected }) => connected);
      await last?.endAsync();
      await expect.poll(() => door.broker.isReachable(GATEWAY), { message: `after round ${round}` }).toBe(false);
    }
  });

  it("that follow each other at once are each told to be gone, and none passes for there that is not", {
    timeout: 60_000,
  }, async () => {
    let sessions = 0;
    for (let round = 0; round < 15; round++) {
      const first = await listening();
      const second = listening();
      first?.stream.destroy();
      const later = await second;
      expect(later?.connected, `round ${round}`).toBe(true);
      expect(door.broker.isReachable(GATEWAY), `round ${round}`).toBe(true);
      later?.stream.destroy();
      sessions += 2;
      await expect.poll(() => door.broker.isReachable(GATEWAY), { message: `after round ${round}` }).toBe(false);
      await expect.poll(() => new Set(gone).size, { message: `after round ${round}` }).toBe(sessions);
    }
    expect(gone).toHaveLength(sessions);
  });
});
