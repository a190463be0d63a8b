import {
  DataChangeNotification,
  DataValue,
  MonitoredItemNotification,
  NotificationMessage,
  PublishRequest,
  PublishResponse,
  RepublishRequest,
  RepublishResponse,
} from "node-opcua";
import { beforeEach, describe, expect, it } from "vitest";
import type { HubError } from "#core/errors.ts";
import { newCounters, type OpcuaCounters } from "#protocols/opcua/counters.ts";
import { OpcuaFault } from "#protocols/opcua/errors.ts";
import { Publishing, type Subscription } from "#protocols/opcua/publishing.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const ID = 7;

function message(sequenceNumber: number, empty = false): NotificationMessage {
  const item = new MonitoredItemNotification({ clientHandle: sequenceNumber, value: new DataValue({}) });
  return new NotificationMessage({
    sequenceNumber,
    publishTime: new Date(0),
    notificationData: empty ? [] : [new DataChangeNotification({ monitoredItems: [item] })],
  });
}

/** The server's side of the publishing service, answered by hand. */
class Server {
  readonly kept = new Map<number, NotificationMessage>();
  readonly acknowledged: number[] = [];
  gone = false;
  #waiting: { resolve(response: PublishResponse): void; reject(error: Error): void }[] = [];

  get outstanding(): number {
    return this.#waiting.length;
  }

  readonly ask = <R>(request: object): Promise<R> => {
    if (request instanceof RepublishRequest) {
      const found = this.kept.get(request.retransmitSequenceNumber);
      if (this.gone) return Promise.reject(new OpcuaFault("republish", "BadSubscriptionIdInvalid"));
      if (found === undefined) return Promise.reject(new OpcuaFault("republish", "BadMessageNotAvailable"));
      return Promise.resolve(new RepublishResponse({ notificationMessage: found }) as R);
    }
    if (!(request instanceof PublishRequest)) throw new TypeError("not asked for here");
    for (const one of request.subscriptionAcknowledgements ?? []) this.acknowledged.push(one.sequenceNumber);
    return new Promise<R>((resolve, reject) => {
      this.#waiting.push({ resolve: (response) => resolve(response as R), reject });
    });
  };

  async answer(notificationMessage: NotificationMessage): Promise<void> {
    this.#waiting.shift()?.resolve(new PublishResponse({ subscriptionId: ID, notificationMessage }));
    await settled();
  }

  async refuse(status: string): Promise<void> {
    this.#waiting.shift()?.reject(new OpcuaFault("publish", status));
    await settled();
  }
}

/** Everything that promises had to do is done. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("the publishing of an OPC UA server", () => {
  let clock: ManualClock;
  let server: Server;
  let counters: OpcuaCounters;
  let told: number[];
  let broken: HubError[];
  let missed: number;
  let publishing: Publishing;
  let subscription: Subscription;

  beforeEach(async () => {
    clock = new ManualClock(0);
    server = new Server();
    counters = newCounters();
    told = [];
    broken = [];
    missed = 0;
    publishing = new Publishing({
      clock,
      counters,
      ask: server.ask,
      onBroken: (cause) => broken.push(cause),
      onMissed: () => {
        missed++;
      },
    });
    subscription = {
      id: ID,
      keepAliveMs: 1000,
      expected: 1,
      data: (items) => told.push(...items.map(({ clientHandle }) => clientHandle)),
      events: () => undefined,
    };
    publishing.add(subscription);
    await settled();
  });

  it("keeps requests waiting at the server and acknowledges what was taken", async () => {
    expect(server.outstanding).toBe(3);
    await server.answer(message(1));
    await server.answer(message(2));
    await server.answer(message(3, true));
    expect(told).toEqual([1, 2]);
    expect(server.outstanding).toBe(3);
    expect(server.acknowledged).toEqual([1, 2]);
    expect(broken).toEqual([]);
  });

  it("is broken after three signs of life in silence, and not before", async () => {
    clock.advance(2900);
    await server.answer(message(1, true));
    clock.advance(3000);
    expect(broken).toEqual([]);
    clock.advance(200);
    expect(broken).toMatchObject([{ code: "OPCUA_TIMEOUT" }]);
    expect(counters.silences).toBe(1);
  });

  it("asks again for messages that are missing, and tells all in order", async () => {
    await server.answer(message(1));
    server.kept.set(2, message(2)).set(3, message(3));
    await server.answer(message(4));
    await server.answer(message(5));
    expect(told).toEqual([1, 2, 3, 4, 5]);
    expect(counters).toMatchObject({ republished: 2, missed: 0 });
    expect(missed).toBe(0);
  });

  it("says so when missing messages are gone for good, and goes on", async () => {
    await server.answer(message(1));
    server.kept.set(2, message(2));
    await server.answer(message(4));
    await server.answer(message(5));
    expect(told).toEqual([1, 2, 4, 5]);
    expect(counters).toMatchObject({ republished: 1, missed: 1 });
    expect(missed).toBe(1);
  });

  it("notices by a sign of life that a message is missing", async () => {
    server.kept.set(1, message(1));
    await server.answer(message(2, true));
    expect(told).toEqual([1]);
    await server.answer(message(2));
    expect(told).toEqual([1, 2]);
  });

  it("tells nothing twice", async () => {
    await server.answer(message(1));
    await server.answer(message(1));
    await server.answer(message(2));
    expect(told).toEqual([1, 2]);
  });

  it("counts on after the largest sequence number with 1", async () => {
    subscription.expected = 0xffff_ffff;
    await server.answer(message(0xffff_ffff));
    await server.answer(message(1));
    expect(told).toEqual([0xffff_ffff, 1]);
    expect(counters.missed).toBe(0);
  });

  it("keeps fewer requests at a server that has too many", async () => {
    await server.refuse("BadTooManyPublishRequests");
    expect(server.outstanding).toBe(2);
    await server.answer(message(1));
    expect(server.outstanding).toBe(2);
    expect(broken).toEqual([]);
  });

  it("asks anew when a request waited for too long at the server", async () => {
    await server.refuse("BadTimeout");
    expect(server.outstanding).toBe(3);
    expect(broken).toEqual([]);
  });

  it.each(["BadNoSubscription", "BadSessionIdInvalid", "BadSecureChannelClosed"])("is broken by %s", async (status) => {
    await server.refuse(status);
    expect(broken).toMatchObject([{ status }]);
  });

  it("goes on after a loss of the connection with what the server kept", async () => {
    await server.answer(message(1));
    publishing.end();
    server.kept.set(2, message(2)).set(3, message(3));
    const next = new Publishing({
      clock,
      counters,
      ask: server.ask,
      onBroken: () => undefined,
      onMissed: () => undefined,
    });
    expect(await next.resume(subscription)).toBe(true);
    expect(told).toEqual([1, 2, 3]);
    next.end();
  });

  it("does not go on with a subscription that the server has lost", async () => {
    publishing.end();
    server.gone = true;
    const next = new Publishing({
      clock,
      counters,
      ask: server.ask,
      onBroken: () => undefined,
      onMissed: () => undefined,
    });
    expect(await next.resume(subscription)).toBe(false);
    next.end();
    expect(clock.pending).toBe(0);
  });
});
