import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ExternalBroker } from "#cloud/broker/external-broker.ts";
import { Violations } from "#cloud/broker/violations.ts";
import { type Logger, silentLogger } from "#core/logger.ts";
import { BrokerLink } from "#edge/uplink-link.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const CONNECT = 1;
const SUBSCRIBE = 8;
const PINGREQ = 12;
/** Longer than anybody waits for an answer, ms. */
const PATIENCE_MS = 6_000;
const WILL = { topic: "spBv1.0/park/NDEATH/gw-1", payload: new Uint8Array([1]), qos: 1, retain: false } as const;

let server: Server;
let sockets: Socket[];
let connects: number;
let clock: ManualClock;
let port = 0;
/** It does answer subscriptions: with a refusal of the first filter. */
let refuses: boolean;
/** What was logged, as level and what the line says. */
let said: string[];
const logger: Logger = {
  ...silentLogger,
  warn: (fields) => void said.push(`warn ${(fields as { cause?: string }).cause ?? ""}`),
  error: (_fields, message) => void said.push(`error ${message}`),
};

/** A broker that takes every connection, answers pings, and never answers a subscription. */
beforeEach(async () => {
  sockets = [];
  connects = 0;
  said = [];
  refuses = false;
  clock = new ManualClock(1_790_000_000_000);
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      const kind = (bytes[0] ?? 0) >> 4;
      if (kind === CONNECT) {
        connects++;
        socket.write(Buffer.from([0x20, 2, 0, 0]));
      } else if (kind === SUBSCRIBE && refuses) socket.write(refusalOf(bytes));
      else if (kind === PINGREQ) socket.write(Buffer.from([0xd0, 0]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

/** A SUBACK that refuses the first of the cloud's filters and grants the other seven. */
function refusalOf(subscribe: Buffer): Buffer {
  const id = (subscribe[1] ?? 0) < 0x80 ? 2 : 3;
  return Buffer.from([0x90, 10, ...subscribe.subarray(id, id + 2), 0x80, 1, 1, 1, 1, 1, 1, 1]);
}

/** Waits for the next connection, letting the time of deadlines and retries pass. */
async function connectedAgain(): Promise<void> {
  await expect.poll(() => connects).toBe(1);
  clock.advance(PATIENCE_MS - 2_000);
  expect(sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(1);
  await expect
    .poll(() => {
      clock.advance(PATIENCE_MS);
      return connects;
    })
    .toBeGreaterThan(1);
}

describe("a broker that takes connections and answers no subscription", () => {
  it("is left by a gateway, which tries again", async () => {
    const link = new BrokerLink({
      address: () => `mqtt://127.0.0.1:${port}`,
      username: "park:gw-1",
      password: "x",
      clock,
      logger,
      will: () => WILL,
      subscriptions: ["parkhub/v1/park/gw-1/ack"],
      onUp: () => undefined,
      onDown: () => undefined,
      onMessage: () => undefined,
    });
    link.start();
    try {
      await connectedAgain();
      expect(link.up).toBe(false);
      expect(said.filter((line) => line.startsWith("error"))).toEqual([]);
      expect(said).toContain("warn no SUBACK within 5 s");
    } finally {
      await stopped(link.stop());
    }
  });

  it("is left by the cloud, which tries again and says what it waits for", async () => {
    const broker = cloudBroker();
    try {
      await connectedAgain();
      expect(broker.status).toEqual({ ready: false, detail: expect.stringMatching(/: no SUBACK within 5 s$/) });
      expect(said.filter((line) => line.startsWith("error"))).toEqual([]);
      expect(said).toContain("warn no SUBACK within 5 s");
    } finally {
      await stopped(broker.close());
    }
  });
});

describe("a broker that refuses a subscription", () => {
  it("is told as such by the cloud", async () => {
    refuses = true;
    const broker = cloudBroker();
    try {
      await expect.poll(() => broker.status.detail).toMatch(/: the broker refused a subscription$/);
      expect(said).toContain("error the broker refused a subscription");
    } finally {
      await stopped(broker.close());
    }
  });
});

function cloudBroker(): ExternalBroker {
  const broker = new ExternalBroker({
    url: `mqtt://cloud:x@127.0.0.1:${port}`,
    site: "park",
    host: "parkhub",
    knows: () => true,
    violations: new Violations({ logger: silentLogger, clock }),
    clock,
    logger,
  });
  broker.attach({ message: () => undefined, disconnected: () => undefined });
  return broker;
}

/** Closing waits on the clock for a broker that hangs. */
async function stopped(closing: Promise<void>): Promise<void> {
  let over = false;
  void closing.then(() => (over = true));
  await expect
    .poll(() => {
      clock.advance(PATIENCE_MS);
      return over;
    })
    .toBe(true);
}
