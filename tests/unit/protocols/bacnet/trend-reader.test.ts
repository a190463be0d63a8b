import { describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { Abilities } from "#protocols/bacnet/client/abilities.ts";
import type { Contact } from "#protocols/bacnet/client/contact.ts";
import { PropertyReader } from "#protocols/bacnet/client/polling.ts";
import { type Approach, LogReader, type Wanted } from "#protocols/bacnet/client/trends/trend-reader.ts";
import { sequenceAfter } from "#protocols/bacnet/client/trends/trend-sequence.ts";
import { ABORT, CONFIRMED, ERROR_CLASS, ERROR_CODE, OBJECT_TYPES, REJECT } from "#protocols/bacnet/codec/enums.ts";
import { encodeLogRecords, type LogRecord } from "#protocols/bacnet/codec/services/log-records.ts";
import { decodeReadRange, encodeReadRangeAck } from "#protocols/bacnet/codec/services/read-range.ts";
import { dateTimeOf } from "#protocols/bacnet/codec/timestamp.ts";
import { Counters } from "#protocols/bacnet/counters.ts";
import type { Outcome } from "#protocols/bacnet/station/ports.ts";

const LOG = { type: OBJECT_TYPES["trend-log"], instance: 1 };
const START = Date.UTC(2026, 2, 2);
const EVERY = 60_000;
const refused: Outcome = {
  kind: "error",
  error: { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.parameterOutOfRange },
  body: new Uint8Array(),
};

interface Faults {
  readonly refuses?: readonly Approach[];
  /** Answers with so many records at most. */
  readonly most?: number;
  /** Gives up with Abort when more are asked for. */
  readonly abortsAbove?: number;
  /** Records made while it is read, one a request: the oldest gives way. */
  readonly moves?: boolean;
  readonly oldest?: number;
  answer?(outcome: Outcome, request: number): Outcome;
}

/** A device that answers ReadRange of one log of `count` records, one a minute, the i-th with the value i. */
function device(count: number, faults: Faults = {}) {
  const asked: { readonly by: Approach; readonly count: number }[] = [];
  const first = faults.oldest ?? 1;
  const record = (index: number): LogRecord => ({
    timestamp: dateTimeOf(START + index * EVERY, 0),
    datum: { type: "real", value: index },
  });
  const answered = (body: Uint8Array): Outcome => {
    const { object, property, range } = decodeReadRange(body);
    if (range === undefined) return refused;
    asked.push({ by: range.type, count: range.value.count });
    if (faults.refuses?.includes(range.type)) return refused;
    if (range.value.count > (faults.abortsAbove ?? Number.POSITIVE_INFINITY))
      return { kind: "abort", reason: ABORT.segmentationNotSupported };
    const moved = faults.moves ? asked.length - 1 : 0;
    const from = ((): number => {
      switch (range.type) {
        case "bySequenceNumber":
          return range.value.referenceSequenceNumber - first;
        case "byPosition":
          return range.value.referenceIndex - 1 + moved;
        default: {
          const times = Array.from({ length: count + moved }, (_, i) => START + i * EVERY);
          const reference = range.value.referenceTime;
          return times.findIndex((at) => JSON.stringify(dateTimeOf(at, 0)) === JSON.stringify(reference)) + 1;
        }
      }
    })();
    // across the wrap of the numbers
    const start = from < 0 ? from + 0xffff_ffff : from;
    const end = Math.min(count + moved, start + Math.min(range.value.count, faults.most ?? 1000));
    const indexes = Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);
    return {
      kind: "ack",
      body: encodeReadRangeAck({
        object,
        property,
        resultFlags: { firstItem: start === 0, lastItem: end === count + moved, moreItems: end < count + moved },
        itemCount: indexes.length,
        itemData: encodeLogRecords(indexes.map(record)),
        ...(range.type === "byPosition" ? {} : { firstSequenceNumber: sequenceAfter(first, start) }),
      }),
    };
  };
  const counters = new Counters();
  const abilities = new Abilities({ vendorId: 0, maxApdu: 480 }, undefined, { clock: systemClock, save() {} });
  let requests = 0;
  const ask: Contact["ask"] = async (service, body) => {
    expect(service).toBe(CONFIRMED.readRange);
    requests += 1;
    const outcome = answered(body);
    return faults.answer?.(outcome, requests) ?? outcome;
  };
  const contact: Contact = {
    peer: { host: "127.0.0.1", port: 47_808 },
    signal: new AbortController().signal,
    ask,
    reader: new PropertyReader(ask, abilities, counters),
    abilities,
    startedAt: () => undefined,
  };
  const reader = new LogReader(contact, () => counters.add("malformed"));
  /** Reads the newest `last` records. */
  const read = async (last: number) => {
    const wanted: Wanted = {
      object: LOG,
      first: sequenceAfter(first, count - last),
      count: last,
      counts: { count, total: sequenceAfter(first, count - 1) },
      fromLocalMs: START + (count - last - 1) * EVERY,
    };
    const reading = await reader.read(wanted, 1);
    if (reading.kind !== "read") return reading.kind;
    return reading.rows.map(({ content }) => (content.type === "values" ? content.value[0]?.value : content.type));
  };
  return { asked, read, counters };
}

const newest = (count: number, last: number) => Array.from({ length: last }, (_, i) => count - last + i);

describe("records of a trend log", () => {
  it("are read by sequence number, page by page, each small enough for one answer", async () => {
    const { asked, read } = device(300);
    expect(await read(100)).toEqual(newest(300, 100));
    expect(new Set(asked.map(({ by }) => by))).toEqual(new Set(["bySequenceNumber"]));
    // 480 bytes hold 18 records and the rest of the message
    expect(Math.max(...asked.map(({ count }) => count))).toBeLessThanOrEqual(20);
  });

  it("are all read where the device gives fewer than asked for", async () => {
    const { read } = device(300, { most: 3 });
    expect(await read(50)).toEqual(newest(300, 50));
  });

  it("are read across the wrap of their sequence numbers", async () => {
    const { read } = device(100, { oldest: 0xffff_ffff - 20 });
    expect(await read(90)).toEqual(newest(100, 90));
  });

  it("are read by position where the device knows no sequence numbers", async () => {
    const { asked, read } = device(300, { refuses: ["bySequenceNumber"] });
    expect((await read(100)).slice(-100)).toEqual(newest(300, 100));
    expect(asked[0]?.by).toBe("bySequenceNumber");
    // and it is not asked for them again
    asked.length = 0;
    expect((await read(10)).slice(-10)).toEqual(newest(300, 10));
    expect(asked.every(({ by }) => by === "byPosition")).toBe(true);
  });

  it("are read by position without a gap while the buffer moves on", async () => {
    const { read } = device(300, { refuses: ["bySequenceNumber"], moves: true });
    const values = [...(await read(60))];
    expect(values).toEqual(Array.from({ length: values.length }, (_, i) => Number(values[0]) + i));
    expect(values.length).toBeGreaterThanOrEqual(58);
  });

  it("are read by time where the device knows neither numbers nor positions", async () => {
    const { read } = device(300, { refuses: ["bySequenceNumber", "byPosition"] });
    expect(await read(100)).toEqual(newest(300, 100));
  });

  it("are given up where it can do none of these", async () => {
    const { asked, read } = device(300, { refuses: ["bySequenceNumber", "byPosition", "byTime"] });
    expect(await read(100)).toBe("unable");
    expect(asked.map(({ by }) => by)).toEqual(["bySequenceNumber", "byPosition", "byTime"]);
  });

  it("are asked for in smaller pages by a device that gives up over large ones", async () => {
    const { asked, read } = device(300, { abortsAbove: 4 });
    expect(await read(30)).toEqual(newest(300, 30));
    // after it was learned, no more is asked for
    expect(asked.slice(-5).every(({ count }) => count <= 4)).toBe(true);
  });

  it("are not asked for ever from a device that gives always the same", async () => {
    let first: Outcome | undefined;
    const { asked, read } = device(300, { answer: (outcome) => (first ??= outcome) });
    expect(await read(200)).toHaveLength(18);
    expect(asked).toHaveLength(2);
  });

  it("are left when the device falls silent", async () => {
    const { read } = device(300, { answer: (outcome, request) => (request < 3 ? outcome : { kind: "timeout" }) });
    expect(await read(200)).toBe("silent");
  });

  it("are not asked for in other ways from a device without ReadRange", async () => {
    const { asked, read } = device(300, { answer: () => ({ kind: "reject", reason: REJECT.unrecognizedService }) });
    expect(await read(200)).toBe("unable");
    expect(asked).toHaveLength(1);
  });

  it("that cannot be decoded are counted and end what is read", async () => {
    const { read, counters } = device(300, {
      answer: (outcome, request) => (request === 2 ? { kind: "ack", body: Uint8Array.of(1, 2, 3) } : outcome),
    });
    expect(await read(200)).toEqual(newest(300, 200).slice(0, 18));
    expect(counters.get("malformed")).toBe(1);
  });
});
