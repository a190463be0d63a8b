import { describe, expect, it } from "vitest";
import { GatewayQueues } from "#cloud/broker/gateway-queues.ts";
import type { GatewayMessage } from "#cloud/ports.ts";
import { gatewayId } from "#core/ids.ts";
import { KeptLog } from "#tests/fixtures/cloud/logged.ts";

const GATEWAY = gatewayId("park/gw-1");

function open(limits = { gatewayMessages: 3, bytes: 1000 }) {
  const log = new KeptLog();
  const taken: string[] = [];
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  let slow = true;
  const queues = new GatewayQueues({
    logger: log,
    limits,
    handle({ payload }) {
      taken.push(Buffer.from(payload).toString());
      if (!slow) return undefined;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      ends.push({ resolve, reject });
      return promise;
    },
  });
  const offer = (text: string, key = "gw-1"): void => {
    const message: GatewayMessage = { gateway: GATEWAY, session: 1, topic: "t", payload: Buffer.from(text) };
    queues.offer(key, message);
  };
  return { queues, log, taken, ends, offer, hurry: () => (slow = false) };
}

describe("the queues of gateways on one connection", () => {
  it("hand on at once while nothing waits, and in order after what waits", async () => {
    const { taken, ends, offer, queues } = open();
    offer("1");
    offer("2");
    offer("3");
    expect(taken).toEqual(["1"]);
    ends[0]?.resolve();
    await expect.poll(() => taken).toEqual(["1", "2"]);
    offer("4");
    ends[1]?.resolve();
    await expect.poll(() => taken).toEqual(["1", "2", "3"]);
    ends[2]?.resolve();
    await expect.poll(() => taken).toEqual(["1", "2", "3", "4"]);
    expect(queues.bytes).toBe(0);
  });

  it("drop what no longer fits, say so once, and take the next when there is room", async () => {
    const { queues, taken, ends, offer, log, hurry } = open();
    for (const text of ["1", "2", "3", "4", "5", "6"]) offer(text);
    expect(queues.dropped).toBe(2);
    expect(log.lines).toHaveLength(1);
    hurry();
    ends[0]?.resolve();
    await expect.poll(() => taken).toEqual(["1", "2", "3", "4"]);
    offer("7");
    expect(taken.at(-1)).toBe("7");
    expect(queues.bytes).toBe(0);
  });

  it("hold no more bytes than they may, of all gateways together", () => {
    const { queues, offer } = open({ gatewayMessages: 100, bytes: 250 });
    offer("first", "a");
    offer("first", "b");
    for (let nr = 0; nr < 5; nr++) for (const key of ["a", "b"]) offer("x".repeat(50), key);
    expect(queues.bytes).toBe(250);
    expect(queues.dropped).toBe(5);
  });

  it("go on after a message that could not be taken in", async () => {
    const { taken, ends, offer, log } = open();
    offer("1");
    offer("2");
    ends[0]?.reject(new Error("closed"));
    await expect.poll(() => taken).toEqual(["1", "2"]);
    expect(log.lines).toHaveLength(1);
  });
});
