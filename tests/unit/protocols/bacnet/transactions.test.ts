import { beforeEach, describe, expect, it } from "vitest";
import type { Apdu } from "#protocols/bacnet/codec/apdu.ts";
import type { Peer } from "#protocols/bacnet/codec/frame.ts";
import { encodeError } from "#protocols/bacnet/codec/services/error.ts";
import { type AnswerApdu, ClientTransactions } from "#protocols/bacnet/station/client-transactions.ts";
import { StationCounters } from "#protocols/bacnet/station/counters.ts";
import { FULL_ABILITIES } from "#protocols/bacnet/station/framing.ts";
import { Pacer } from "#protocols/bacnet/station/pacer.ts";
import type { Outcome, PeerLimits } from "#protocols/bacnet/station/ports.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const A: Peer = { host: "10.0.0.1", port: 47_808 };
const B: Peer = { host: "10.0.0.2", port: 47_808 };
const READ = 12;
const WRITE = 15;
const BODY = Uint8Array.of(1, 2, 3);
const never = new AbortController().signal;

type Sent = { readonly peer: Peer; readonly apdu: Apdu };

describe("the client side of the BACnet transaction machine", () => {
  let clock: ManualClock;
  let counters: StationCounters;
  let sent: Sent[];
  let transactions: ClientTransactions;

  beforeEach(() => {
    clock = new ManualClock(0);
    counters = new StationCounters();
    sent = [];
    transactions = new ClientTransactions({
      clock,
      counters,
      pacer: new Pacer(clock, { peer: { window: 4 }, network: { window: 1 }, networks: new Map() }),
      apduTimeoutMs: 1000,
      segmentTimeoutMs: 1000,
      segmentWaitMs: 4000,
      retries: 2,
      abilities: () => FULL_ABILITIES,
      send: (peer, apdu) => sent.push({ peer, apdu }),
    });
  });

  function ask(peer: Peer = A, service = READ, signal = never): Promise<Outcome> {
    return transactions.request({ peer, service, body: BODY, signal });
  }
  /** What the peer sends, handed on as a station does. */
  function receive(peer: Peer, apdu: AnswerApdu): void {
    if (!transactions.received(peer, apdu)) transactions.unclaimed(peer, apdu);
  }
  function requests(): { peer: Peer; invokeId: number }[] {
    return sent.flatMap(({ peer, apdu }) =>
      apdu.type === "confirmedRequest" ? [{ peer, invokeId: apdu.invokeId }] : [],
    );
  }
  function lastId(): number {
    return requests().at(-1)?.invokeId ?? -1;
  }
  function ack(peer: Peer, invokeId: number, body: Uint8Array = BODY, service = READ): void {
    receive(peer, { type: "complexAck", invokeId, service, body });
  }
  function part(invokeId: number, sequenceNumber: number, moreFollows: boolean, proposedWindowSize = 2): void {
    const segment = { sequenceNumber: sequenceNumber % 256, proposedWindowSize, moreFollows };
    const body = Uint8Array.of(sequenceNumber % 251);
    receive(A, { type: "complexAck", invokeId, service: READ, segment, body });
  }
  function segmentAcks(): readonly string[] {
    return sent.flatMap(({ apdu }) =>
      apdu.type === "segmentAck" ? [`${apdu.negative ? "nak" : "ack"} ${apdu.sequenceNumber}`] : [],
    );
  }

  it("gives the body of the acknowledgement", async () => {
    const asked = ask();
    ack(A, lastId(), Uint8Array.of(9));
    expect(await asked).toEqual({ kind: "ack", body: Uint8Array.of(9) });
  });

  it("never gives one device's answer to a request of another with the same id", async () => {
    const first = ask(A);
    const second = ask(B);
    expect(requests().map(({ invokeId }) => invokeId)).toEqual([0, 0]);
    ack(A, 0, Uint8Array.of(1));
    expect(await first).toEqual({ kind: "ack", body: Uint8Array.of(1) });
    ack(A, 0, Uint8Array.of(66));
    expect(counters.get("late")).toBe(1);
    ack(B, 0, Uint8Array.of(2));
    expect(await second).toEqual({ kind: "ack", body: Uint8Array.of(2) });
  });

  it("ignores an answer to another service", async () => {
    const asked = ask();
    ack(A, lastId(), BODY, WRITE);
    expect(counters.get("unexpected")).toBe(1);
    ack(A, lastId(), Uint8Array.of(5));
    expect(await asked).toEqual({ kind: "ack", body: Uint8Array.of(5) });
  });

  it("tries again with the same id, then times out, and does not use the id for a while", async () => {
    const asked = ask();
    clock.advance(3000);
    expect(await asked).toEqual({ kind: "timeout" });
    expect(requests().map(({ invokeId }) => invokeId)).toEqual([0, 0, 0]);
    expect(["requests", "retries", "timeouts"].map((name) => counters.get(name as "requests"))).toEqual([1, 2, 1]);
    for (let i = 1; i < 256; i++) {
      const other = ask();
      ack(A, lastId());
      await other;
    }
    const wrapped = ask();
    expect(lastId()).toBe(1);
    ack(A, 0, Uint8Array.of(66));
    expect(counters.get("late")).toBe(1);
    ack(A, 1, Uint8Array.of(7));
    expect(await wrapped).toEqual({ kind: "ack", body: Uint8Array.of(7) });
  });

  it("settles every one of 600 requests to a live device while another is silent", async () => {
    const silent = Array.from({ length: 10 }, () => ask(B));
    const live = Array.from({ length: 600 }, () => ask(A));
    for (let answered = 0; answered < 600; ) {
      await Promise.resolve();
      const open = requests().filter(({ peer }) => peer === A);
      for (const { invokeId } of open.slice(answered)) {
        ack(A, invokeId);
        answered++;
      }
    }
    expect((await Promise.all(live)).filter(({ kind }) => kind !== "ack")).toEqual([]);
    for (let round = 0; round < 3; round++) {
      clock.advance(3000);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
    expect((await Promise.all(silent)).map(({ kind }) => kind)).toEqual(Array.from({ length: 10 }, () => "timeout"));
  });

  it("keeps to its window per device", async () => {
    const asked = Array.from({ length: 6 }, () => ask());
    expect(requests()).toHaveLength(4);
    ack(A, 0);
    await asked[0];
    await Promise.resolve();
    expect(requests()).toHaveLength(5);
  });

  it("tells error, reject and abort apart", async () => {
    const outcomes = [ask(), ask(), ask()];
    receive(A, {
      type: "error",
      invokeId: 0,
      service: READ,
      body: encodeError({ errorClass: 1, errorCode: 31 }),
    });
    receive(A, { type: "reject", invokeId: 1, reason: 9 });
    receive(A, { type: "abort", invokeId: 2, server: true, reason: 4 });
    expect(await Promise.all(outcomes)).toEqual([
      { kind: "error", error: { errorClass: 1, errorCode: 31 }, body: new Uint8Array([145, 1, 145, 31]) },
      { kind: "reject", reason: 9 },
      { kind: "abort", reason: 4 },
    ]);
  });

  it("puts segments together and acknowledges the first, each full window and the last", async () => {
    const asked = ask();
    for (let i = 0; i < 6; i++) part(0, i, i < 5);
    expect(await asked).toEqual({ kind: "ack", body: Uint8Array.of(0, 1, 2, 3, 4, 5) });
    expect(segmentAcks()).toEqual(["ack 0", "ack 2", "ack 4", "ack 5"]);
  });

  it("asks again after a gap and passes over a duplicate", async () => {
    const asked = ask();
    part(0, 0, true, 4);
    part(0, 1, true, 4);
    part(0, 1, true, 4);
    part(0, 3, true, 4);
    expect(segmentAcks()).toEqual(["ack 0", "nak 1"]);
    part(0, 2, true, 4);
    part(0, 3, false, 4);
    expect(await asked).toEqual({ kind: "ack", body: Uint8Array.of(0, 1, 2, 3) });
  });

  it("counts segments on beyond 255", async () => {
    const asked = ask();
    for (let i = 0; i < 300; i++) part(0, i, i < 299, 16);
    const outcome = await asked;
    expect(outcome.kind === "ack" && outcome.body.length).toBe(300);
  });

  it("says again what it has when the device goes on with nothing, and takes what comes then", async () => {
    const asked = ask();
    part(0, 0, true);
    clock.advance(1000);
    expect(segmentAcks()).toEqual(["ack 0", "ack 0"]);
    part(0, 1, false);
    expect(await asked).toEqual({ kind: "ack", body: Uint8Array.of(0, 1) });
    expect(clock.pending).toBe(0);
  });

  it("gives up a segmented answer that stops in the middle and says so to the device", async () => {
    const asked = ask();
    part(0, 0, true);
    clock.advance(4000);
    expect(await asked).toEqual({ kind: "timeout" });
    expect(sent.at(-1)?.apdu).toMatchObject({ type: "abort", server: false, reason: 10 });
  });

  it("gives up an answer whose device sends the same segment over and over", async () => {
    let settled: Outcome | undefined;
    void ask().then((outcome) => {
      settled = outcome;
    });
    part(lastId(), 0, true);
    for (let i = 0; i < 20; i++) {
      clock.advance(900);
      part(lastId(), 0, true);
      await Promise.resolve();
    }
    expect(settled).toEqual({ kind: "timeout" });
    expect(clock.pending).toBe(0);
  });

  it("aborts an answer without end", async () => {
    const asked = ask();
    const body = new Uint8Array(1400);
    for (let i = 0; i < 400; i++) {
      const segment = { sequenceNumber: i % 256, proposedWindowSize: 16, moreFollows: true };
      receive(A, { type: "complexAck", invokeId: 0, service: READ, segment, body });
    }
    expect(await asked).toEqual({ kind: "abort", reason: 1 });
  });

  it("ends the sender's waiting when a segment comes for a request that is over", () => {
    part(77, 0, true);
    expect(sent.at(-1)?.apdu).toEqual({ type: "abort", invokeId: 77, server: false, reason: 2 });
  });

  it("settles as cancelled when the caller gives up and when it is closed", async () => {
    const caller = new AbortController();
    const given = ask(A, READ, caller.signal);
    const waiting = Array.from({ length: 8 }, () => ask(A));
    caller.abort();
    expect(await given).toEqual({ kind: "cancelled" });
    transactions.close();
    expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(Array.from({ length: 8 }, () => "cancelled"));
    expect(await ask()).toEqual({ kind: "cancelled" });
  });

  describe("sending a request in segments", () => {
    const limits: PeerLimits = { maxApdu: 50, takesSegments: true };
    // 44 bytes fit a segment
    const LARGE = Uint8Array.from({ length: 44 * 20 }, (_, i) => i % 256);

    function askLarge(): Promise<Outcome> {
      return transactions.request({ peer: A, service: WRITE, body: LARGE, signal: never, limits });
    }
    function segments(): readonly { sequenceNumber: number; moreFollows: boolean; bytes: number }[] {
      return sent.flatMap(({ apdu }) => {
        if (apdu.type !== "confirmedRequest" || apdu.segment === undefined) return [];
        const { sequenceNumber, moreFollows } = apdu.segment;
        return [{ sequenceNumber, moreFollows, bytes: apdu.body.length }];
      });
    }
    function acknowledge(sequenceNumber: number, actualWindowSize = 8, negative = false): void {
      receive(A, { type: "segmentAck", invokeId: 0, server: true, negative, sequenceNumber, actualWindowSize });
    }

    it("sends the first alone, then as many at once as the device takes", async () => {
      const asked = askLarge();
      expect(segments()).toEqual([{ sequenceNumber: 0, moreFollows: true, bytes: 44 }]);
      acknowledge(0);
      expect(segments()).toHaveLength(9);
      acknowledge(8);
      acknowledge(16);
      expect(segments().map(({ sequenceNumber }) => sequenceNumber)).toEqual(Array.from({ length: 20 }, (_, i) => i));
      expect(segments().at(-1)).toEqual({ sequenceNumber: 19, moreFollows: false, bytes: 44 });
      acknowledge(19);
      receive(A, { type: "simpleAck", invokeId: 0, service: WRITE });
      expect(await asked).toEqual({ kind: "ack", body: new Uint8Array() });
      expect(clock.pending).toBe(0);
    });

    it("sends again from where the device says that the next is missing", async () => {
      const asked = askLarge();
      acknowledge(0);
      acknowledge(3, 4, true);
      expect(segments().map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 4, 5, 6, 7]);
      receive(A, { type: "abort", invokeId: 0, server: true, reason: 1 });
      expect(await asked).toEqual({ kind: "abort", reason: 1 });
      expect(clock.pending).toBe(0);
    });

    it("sends a window again that nobody acknowledges, and gives up in the end", async () => {
      const asked = askLarge();
      acknowledge(0, 2);
      clock.advance(1000);
      expect(segments().map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 2, 1, 2]);
      clock.advance(2000);
      expect(await asked).toEqual({ kind: "timeout" });
      expect(sent.at(-1)?.apdu).toEqual({ type: "abort", invokeId: 0, server: false, reason: 10 });
      expect(clock.pending).toBe(0);
    });

    it("does not let a device that only ever refuses make it send for ever", async () => {
      const asked = askLarge();
      for (let i = 0; i < 100; i++) {
        acknowledge(255, 8, true);
        clock.advance(40);
      }
      expect(await asked).toEqual({ kind: "timeout" });
      expect(segments().length).toBeLessThan(40);
    });

    it("counts segments on beyond 255", async () => {
      const body = new Uint8Array(44 * 300);
      const asked = transactions.request({ peer: A, service: WRITE, body, signal: never, limits });
      acknowledge(0, 16);
      for (let last = 16; last < 299; last += 16) acknowledge(last % 256, 16);
      acknowledge(299 % 256, 16);
      expect(segments()).toHaveLength(300);
      receive(A, { type: "simpleAck", invokeId: 0, service: WRITE });
      expect((await asked).kind).toBe("ack");
    });

    it("begins anew when the answer does not come, and takes one that comes in segments", async () => {
      const asked = askLarge();
      acknowledge(0, 16);
      acknowledge(16, 16);
      acknowledge(19, 16);
      clock.advance(1000);
      expect(segments().at(-1)).toMatchObject({ sequenceNumber: 0, moreFollows: true });
      const first = { sequenceNumber: 0, proposedWindowSize: 1, moreFollows: true };
      receive(A, { type: "complexAck", invokeId: 0, service: WRITE, segment: first, body: Uint8Array.of(1) });
      const last = { sequenceNumber: 1, proposedWindowSize: 1, moreFollows: false };
      receive(A, { type: "complexAck", invokeId: 0, service: WRITE, segment: last, body: Uint8Array.of(2) });
      expect(await asked).toEqual({ kind: "ack", body: Uint8Array.of(1, 2) });
      expect(clock.pending).toBe(0);
    });

    it("sends nothing that the device cannot take", async () => {
      const request = { peer: A, service: WRITE, body: LARGE, signal: never };
      const outcome = await transactions.request({ ...request, limits: { maxApdu: 50, takesSegments: false } });
      expect(outcome).toEqual({ kind: "abort", reason: 11 });
      expect(sent).toEqual([]);
    });
  });

  it("forgets devices that it asked once", async () => {
    for (let i = 0; i < 2000; i++) {
      const peer = { host: `10.1.${i >> 8}.${i & 255}`, port: 47_808 };
      const asked = ask(peer);
      ack(peer, 0);
      await asked;
    }
    expect(transactions.size).toBeLessThanOrEqual(64);
  });

  it("remembers those whose answers may still come, until they cannot", async () => {
    const silent = Array.from({ length: 100 }, (_, i) => ask({ host: `10.1.0.${i}`, port: 47_808 }));
    clock.advance(3000);
    await Promise.all(silent);
    expect(transactions.size).toBe(100);
    clock.advance(10 * 3000);
    for (let i = 0; i < 200; i++) {
      const asked = ask({ host: `10.2.0.${i}`, port: 47_808 });
      ack({ host: `10.2.0.${i}`, port: 47_808 }, 0);
      await asked;
    }
    expect(transactions.size).toBeLessThan(200);
  });
});
