import { beforeEach, describe, expect, it } from "vitest";
import type { Apdu } from "#protocols/bacnet/codec/apdu.ts";
import type { Peer } from "#protocols/bacnet/codec/frame.ts";
import { encodeError } from "#protocols/bacnet/codec/services/error.ts";
import { Counters } from "#protocols/bacnet/counters.ts";
import { type Outcome, Transactions } from "#protocols/bacnet/transactions.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const A: Peer = { host: "10.0.0.1", port: 47_808 };
const B: Peer = { host: "10.0.0.2", port: 47_808 };
const READ = 12;
const WRITE = 15;
const BODY = Uint8Array.of(1, 2, 3);
const never = new AbortController().signal;

type Sent = { readonly peer: Peer; readonly apdu: Apdu };

describe("the BACnet transaction machine", () => {
  let clock: ManualClock;
  let counters: Counters;
  let sent: Sent[];
  let transactions: Transactions;

  beforeEach(() => {
    clock = new ManualClock(0);
    counters = new Counters();
    sent = [];
    transactions = new Transactions({
      clock,
      counters,
      apduTimeoutMs: 1000,
      retries: 2,
      window: 4,
      send: (peer, apdu) => sent.push({ peer, apdu }),
    });
  });

  function ask(peer: Peer = A, service = READ, signal = never): Promise<Outcome> {
    return transactions.request({ peer, service, body: BODY, signal });
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
    transactions.received(peer, { type: "complexAck", invokeId, service, body });
  }
  function part(invokeId: number, sequenceNumber: number, moreFollows: boolean, proposedWindowSize = 2): void {
    const segment = { sequenceNumber: sequenceNumber % 256, proposedWindowSize, moreFollows };
    const body = Uint8Array.of(sequenceNumber % 251);
    transactions.received(A, { type: "complexAck", invokeId, service: READ, segment, body });
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
    expect(counters.snapshot()).toMatchObject({ requests: 1, retries: 2, timeouts: 1 });
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
    transactions.received(A, {
      type: "error",
      invokeId: 0,
      service: READ,
      body: encodeError({ errorClass: 1, errorCode: 31 }),
    });
    transactions.received(A, { type: "reject", invokeId: 1, reason: 9 });
    transactions.received(A, { type: "abort", invokeId: 2, server: true, reason: 4 });
    expect(await Promise.all(outcomes)).toEqual([
      { kind: "error", error: { errorClass: 1, errorCode: 31 } },
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

  it("gives up a segmented answer that stops in the middle and says so to the device", async () => {
    const asked = ask();
    part(0, 0, true);
    clock.advance(4000);
    expect(await asked).toEqual({ kind: "timeout" });
    expect(sent.at(-1)?.apdu).toMatchObject({ type: "abort", server: false, reason: 10 });
  });

  it("aborts an answer without end", async () => {
    const asked = ask();
    const body = new Uint8Array(1400);
    for (let i = 0; i < 400; i++) {
      const segment = { sequenceNumber: i % 256, proposedWindowSize: 16, moreFollows: true };
      transactions.received(A, { type: "complexAck", invokeId: 0, service: READ, segment, body });
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
});
