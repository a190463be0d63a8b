import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HostOutput } from "#core/sparkplug/host-output.ts";
import { DataType, encodePayload } from "#core/sparkplug/payload.ts";
import { bench, REORDER_MS, reasons, T, types, values } from "./host-bench.ts";

describe("a host application and the order of messages", () => {
  test("seq goes on from 255 to 0", () => {
    const b = bench();
    b.nbirth(0, [], 254);
    b.dbirth(255);
    expect(values(b.ddata(0, 20))).toEqual([20]);
  });

  test("tck-id-operational-behavior-host-reordering-success: what came too early waits for what is missing", () => {
    const b = bench().born();
    expect(b.ddata(4, 4)).toEqual([]);
    expect(b.ddata(3, 3)).toEqual([]);
    expect(b.clock.pending).toBe(1);
    expect(values(b.ddata(2, 2))).toEqual([2, 3, 4]);
    expect(b.clock.pending).toBe(0);
    expect(values(b.ddata(5, 5))).toEqual([5]);
    b.clock.advance(60_000);
    expect(b.timedOut).toEqual([]);
  });

  test("tck-id-operational-behavior-host-reordering-rebirth: after the time-out it asks and passes on what it holds", () => {
    const b = bench().born();
    b.ddata(4, 4);
    b.ddata(3, 3);
    b.clock.advance(REORDER_MS - 1);
    expect(b.timedOut).toEqual([]);
    b.clock.advance(1);
    expect(types(b.timedOut)).toEqual(["rebirthNeeded", "data", "data"]);
    expect(reasons(b.timedOut)).toEqual(["sequenceGap"]);
    expect(values(b.timedOut)).toEqual([3, 4]);
    expect(b.timedOut[1]).toMatchObject({ afterGap: true });
  });

  test("after a gap data goes on, marked, and the request is repeated until the NBIRTH", () => {
    const b = bench().born();
    b.ddata(3, 3);
    b.clock.advance(REORDER_MS);
    expect(b.ddata(4, 4)).toMatchObject([{ type: "data", afterGap: true }]);
    b.timedOut.length = 0;
    b.clock.advance(5000);
    expect(reasons(b.timedOut)).toEqual(["sequenceGap"]);
    b.clock.advance(10_000);
    expect(reasons(b.ddata(5, 5))).toEqual(["sequenceGap"]);
    b.born();
    expect(b.ddata(2, 6)).toMatchObject([{ type: "data", afterGap: false }]);
  });

  test("a second gap gets its own time-out", () => {
    const b = bench().born();
    b.ddata(3, 3);
    b.clock.advance(REORDER_MS - 500);
    b.ddata(5, 5);
    expect(values(b.ddata(2, 2))).toEqual([2, 3]);
    b.clock.advance(REORDER_MS - 1);
    expect(b.timedOut).toEqual([]);
    b.clock.advance(1);
    expect(values(b.timedOut)).toEqual([5]);
  });

  test("without a time-out a gap is given up at once", () => {
    const b = bench({ reorderTimeoutMs: 0 }).born();
    expect(types(b.ddata(3, 3))).toEqual(["rebirthNeeded", "data"]);
    expect(values(b.ddata(4, 4))).toEqual([4]);
  });

  test("the messages held are bounded in number", () => {
    const b = bench({ maxHeldMessages: 2 }).born();
    expect([b.ddata(3, 3), b.ddata(5, 5)]).toEqual([[], []]);
    const outputs = b.ddata(4, 4);
    expect(reasons(outputs)).toEqual(["sequenceGap"]);
    expect(values(outputs)).toEqual([3, 5, 4]);
    expect(values(b.ddata(5, 6))).toEqual([6]);
  });

  test("the messages held are bounded in bytes", () => {
    const b = bench({ maxHeldBytes: 200 }).born();
    const large = (seq: number): HostOutput[] =>
      b.send("DDATA/gw-1/ahu-1", seq, [{ alias: 11, value: seq, properties: { p: { value: "x".repeat(150) } } }]);
    expect(large(3)).toEqual([]);
    expect(values(large(4))).toEqual([3, 4]);
  });

  test("the same seq twice while a gap is open gives up waiting", () => {
    const b = bench().born();
    b.ddata(3, 3);
    expect(values(b.ddata(3, 33))).toEqual([3, 33]);
    expect(values(b.ddata(4, 4))).toEqual([4]);
  });

  test("held messages of the time before an NBIRTH are never read with its aliases", () => {
    const b = bench().born();
    b.ddata(3, 3);
    expect(types(b.nbirth(1))).toEqual(["discarded", "nodeBorn"]);
    b.dbirth(1, 11, "otherMetric");
    expect(b.ddata(2, 2)).toMatchObject([{ metrics: [{ name: "otherMetric", value: 2 }] }]);
    b.clock.advance(60_000);
    expect(b.timedOut).toEqual([]);
  });

  test("a DBIRTH that overtakes is held too, so that its data is not refused", () => {
    const b = bench();
    b.nbirth();
    expect(b.ddata(2, 2)).toEqual([]);
    expect(types(b.dbirth(1))).toEqual(["deviceBorn", "data"]);
  });

  test("a payload that cannot be read is a gap like one that is lost", () => {
    const b = bench().born();
    expect(types(b.host.receive("spBv1.0/park/DDATA/gw-1/ahu-1", Uint8Array.of(0x12, 9), T))).toEqual(["malformed"]);
    b.ddata(3, 3);
    b.clock.advance(REORDER_MS);
    expect(reasons(b.timedOut)).toEqual(["sequenceGap"]);
  });

  test("nodes are independent", () => {
    const b = bench().born();
    b.ddata(3, 3);
    const bytes = encodePayload({ metrics: [{ name: "bdSeq", datatype: DataType.Int64, value: 0 }], seq: 0 });
    expect(b.host.receive("spBv1.0/park/NBIRTH/gw-2", bytes, T)).toMatchObject([
      { type: "nodeBorn", node: "park/gw-2" },
    ]);
    expect(values(b.ddata(2, 2))).toEqual([2, 3]);
  });

  test("whatever the order within the time-out, every value comes out once and in the order it was sent", () => {
    const jitter = fc.array(fc.nat(40), { minLength: 2, maxLength: 600 });
    fc.assert(
      fc.property(jitter, (delays) => {
        const b = bench().born();
        const sent = delays.map((delay, i) => ({ i, at: i + delay })).sort((x, y) => x.at - y.at || x.i - y.i);
        const received = sent.flatMap(({ i }) => values(b.ddata((i + 2) % 256, i)));
        expect(received).toEqual(delays.map((_, i) => i));
        expect(b.clock.pending).toBe(0);
      }),
      { numRuns: 40 },
    );
  });
});
