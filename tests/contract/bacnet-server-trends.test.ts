import { describe, expect, it } from "vitest";
import { CONFIRMED, OBJECT_TYPES, PROPERTIES, UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { decodeEventNotification } from "#protocols/bacnet/codec/services/event-notification.ts";
import { decodeLogMultipleRecords, decodeLogRecords } from "#protocols/bacnet/codec/services/log-records.ts";
import { decodeReadRangeAck, encodeReadRange, type Range } from "#protocols/bacnet/codec/services/read-range.ts";
import { encodeTimeSynchronization } from "#protocols/bacnet/codec/services/time-synchronization.ts";
import { dateTimeOf, unixMsOf } from "#protocols/bacnet/codec/timestamp.ts";
import type { BacnetValue, ObjectId } from "#protocols/bacnet/codec/values.ts";
import type { BacnetServerOptions } from "#simulators/servers/bacnet.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { airHandler, serveAirHandler } from "./bacnet-fixture.ts";
import { openBacnetJs } from "./bacnet-js.ts";
import { closeAfter, only, type Workstation, workstation } from "./bacnet-server-fixture.ts";

const POLL = { timeout: 10_000, interval: 10 };
const START = Date.UTC(2026, 2, 2, 0, 0);
const EVERY = 10_000;
const LOG: ObjectId = { type: OBJECT_TYPES["trend-log"], instance: 1 };
const GROUP: ObjectId = { type: OBJECT_TYPES["trend-log-multiple"], instance: 1 };
const yes: BacnetValue = { type: "boolean", value: true };
const no: BacnetValue = { type: "boolean", value: false };

/** A device that has recorded `records` values, 0.5 apart, one each ten seconds. */
async function logged(records: number, options: Partial<BacnetServerOptions> = {}) {
  const clock = new ManualClock(START);
  const device = airHandler();
  const server = closeAfter(
    await serveAirHandler(
      1001,
      {
        clock,
        covScanMs: EVERY,
        trends: [{ signal: "supply-temperature", everyMs: EVERY }],
        trendGroups: [{ name: "组", description: "", signals: ["supply-temperature", "fan-run"], everyMs: EVERY }],
        ...options,
      },
      device,
    ),
  );
  const more = (count: number, first = 0): void => {
    for (let i = 0; i < count; i++) {
      device.write("supply-temperature", (first + i) / 2);
      clock.advance(EVERY);
    }
  };
  // the first look only learns where in its interval the clock stands
  clock.advance(EVERY);
  more(records);
  return { clock, device, server, more, client: await workstation(server) };
}

async function read(client: Workstation, range?: Range, object = LOG) {
  const body = encodeReadRange({ object, property: PROPERTIES.logBuffer, ...(range === undefined ? {} : { range }) });
  return decodeReadRangeAck(await client.acked(CONFIRMED.readRange, body));
}

/** Values of records; what is no number by its type. */
function values(itemData: Uint8Array): readonly unknown[] {
  return decodeLogRecords(itemData).map(({ datum }) => (datum.type === "real" ? datum.value : datum.type));
}

describe("a trend log", () => {
  it("is read by position, sequence number and time, with the flags of first, last and more", async () => {
    const { client } = await logged(10);
    const byPosition = await read(client, { type: "byPosition", value: { referenceIndex: 1, count: 3 } });
    expect(values(byPosition.itemData)).toEqual([0, 0.5, 1]);
    expect(byPosition.resultFlags).toEqual({ firstItem: true, lastItem: false, moreItems: false });
    expect(byPosition.firstSequenceNumber).toBeUndefined();
    const bySequence = await read(client, {
      type: "bySequenceNumber",
      value: { referenceSequenceNumber: 8, count: 50 },
    });
    expect(values(bySequence.itemData)).toEqual([3.5, 4, 4.5]);
    expect(bySequence.resultFlags).toEqual({ firstItem: false, lastItem: true, moreItems: false });
    expect(bySequence.firstSequenceNumber).toBe(8);
    const referenceTime = dateTimeOf(START + 5 * EVERY, 0);
    const byTime = await read(client, { type: "byTime", value: { referenceTime, count: 2 } });
    expect(values(byTime.itemData)).toEqual([2, 2.5]);
    expect(byTime.firstSequenceNumber).toBe(5);
    const stamps = decodeLogRecords(byTime.itemData).map(({ timestamp }) => unixMsOf(timestamp, 0));
    expect(stamps).toEqual([START + 6 * EVERY, START + 7 * EVERY]);
  });

  it("gives as many records as fit one answer and says that there are more, until all were read", async () => {
    const { client } = await logged(300);
    const seen: unknown[] = [];
    let next = 1;
    for (let pages = 0; pages < 50; pages++) {
      const page = await read(client, {
        type: "bySequenceNumber",
        value: { referenceSequenceNumber: next, count: 1000 },
      });
      seen.push(...values(page.itemData));
      next += page.itemCount;
      if (!page.resultFlags.moreItems) break;
    }
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => i / 2));
  });

  it("keeps the newest 2000 and counts all", async () => {
    const { client } = await logged(2100);
    const counts = await client.readMultiple(
      LOG,
      PROPERTIES.recordCount,
      PROPERTIES.totalRecordCount,
      PROPERTIES.bufferSize,
    );
    expect(counts.map((result) => ("values" in result ? only(result.values) : result))).toEqual([2000, 2100, 2000]);
    const oldest = await read(client, { type: "byPosition", value: { referenceIndex: 1, count: 1 } });
    expect(values(oldest.itemData)).toEqual([50]);
  });

  it("records that it was disabled, enabled and purged", async () => {
    const { client, more } = await logged(1);
    await client.write(LOG, PROPERTIES.enable, no);
    more(5);
    await client.write(LOG, PROPERTIES.enable, yes);
    const all = decodeLogRecords((await read(client)).itemData).map(({ datum }) => datum);
    expect(all).toEqual([
      { type: "real", value: 0 },
      { type: "logStatus", value: [true, false, false] },
      { type: "logStatus", value: [false, false, false] },
    ]);
    await client.write(LOG, PROPERTIES.recordCount, { type: "unsigned", value: 0 });
    const [purged] = decodeLogRecords((await read(client)).itemData);
    expect(purged?.datum).toEqual({ type: "logStatus", value: [false, true, false] });
    expect(only(await client.read(LOG, PROPERTIES.totalRecordCount))).toBe(4);
  });

  it("outlives a power loss and says that it was interrupted; a cold start loses it", async () => {
    const { client, clock, server } = await logged(2);
    const up = server.reboot(1000);
    clock.advance(1000);
    await up;
    const kept = decodeLogRecords((await read(client)).itemData).map(({ datum }) => datum);
    expect(kept).toEqual([
      { type: "real", value: 0 },
      { type: "real", value: 0.5 },
      { type: "logStatus", value: [false, false, true] },
    ]);
    const upAgain = server.reboot(1000, "cold");
    clock.advance(1000);
    await upAgain;
    expect(only(await client.read(LOG, PROPERTIES.totalRecordCount))).toBe(1);
  });

  it("goes on while nobody can reach the device", async () => {
    const { client, server, more } = await logged(1);
    server.silence();
    more(5, 1);
    server.restore();
    expect(values((await read(client)).itemData)).toEqual([0, 0.5, 1, 1.5, 2, 2.5]);
  });

  it("records by how much its clock was set", async () => {
    const { client, clock } = await logged(1);
    const moment = dateTimeOf(clock.now() + 3_600_000, 0);
    client.announce(UNCONFIRMED.timeSynchronization, encodeTimeSynchronization(moment));
    await expect
      .poll(async () => decodeLogRecords((await read(client)).itemData).at(-1)?.datum, POLL)
      .toEqual({ type: "timeChange", value: 3600 });
  });

  it("records the status of its object, and NaN as what it is", async () => {
    const { client, device, clock } = await logged(0);
    device.write("supply-temperature", Number.NaN);
    clock.advance(EVERY);
    expect(decodeLogRecords((await read(client)).itemData)).toMatchObject([
      { datum: { type: "real", value: Number.NaN }, statusFlags: [false, true, false, false] },
    ]);
  });

  it("stops when full where it is told to", async () => {
    const trends = [{ signal: "supply-temperature", everyMs: EVERY, bufferSize: 3, stopWhenFull: true }];
    const { client } = await logged(10, { trends });
    expect(values((await read(client)).itemData)).toEqual([0, 0.5, 1]);
  });

  it("records changes beyond the COV increment where it has no interval", async () => {
    const { client } = await logged(4, { trends: [{ signal: "supply-temperature" }] });
    // 18.5 at first, then steps of 0.5, which is the signal's increment
    expect(values((await read(client)).itemData)).toEqual([18.5, 0, 0.5, 1, 1.5]);
  });

  it("tells each so many records that they are ready", async () => {
    const { client, more } = await logged(0, {
      notificationClasses: [
        {
          instance: 1,
          name: "类",
          description: "",
          priority: [1, 2, 3],
          ackRequired: [false, false, false],
        },
      ],
      trends: [{ signal: "supply-temperature", everyMs: EVERY, bufferReady: { notificationClass: 1, threshold: 5 } }],
    });
    const everyDay = Array.from({ length: 7 }, () => true);
    const { port } = client;
    await client.write(
      { type: OBJECT_TYPES["notification-class"], instance: 1 },
      PROPERTIES.recipientList,
      { type: "bitString", value: everyDay },
      { type: "time", value: { hour: 0, minute: 0, second: 0, hundredths: 0 } },
      { type: "time", value: { hour: 23, minute: 59, second: 59, hundredths: 99 } },
      // recipient: address [1] of network 0
      {
        type: "raw",
        tag: 1,
        context: true,
        constructed: true,
        value: Uint8Array.of(0x21, 0, 0x65, 6, 127, 0, 0, 1, port >> 8, port & 0xff),
      },
      { type: "unsigned", value: 1 },
      yes,
      { type: "bitString", value: [true, true, true] },
    );
    more(6);
    await expect.poll(() => client.asked.length, POLL).toBe(1);
    more(5);
    await expect.poll(() => client.asked.length, POLL).toBe(2);
    const told = client.asked.map(({ body }) => decodeEventNotification(body).eventValues);
    const bufferProperty = { device: { type: 8, instance: 1001 }, object: LOG, property: PROPERTIES.logBuffer };
    expect(told).toEqual([
      { type: "bufferReady", value: { bufferProperty, previousNotification: 0, currentNotification: 5 } },
      { type: "bufferReady", value: { bufferProperty, previousNotification: 5, currentNotification: 10 } },
    ]);
  });

  it("refuses its buffer to ReadProperty, and a range that names no moment", async () => {
    const { client } = await logged(1);
    await expect(client.read(LOG, PROPERTIES.logBuffer)).rejects.toThrow('"errorCode":27');
    const wild = dateTimeOf(START, 0);
    const referenceTime = { ...wild, date: { ...wild.date, year: 255 } };
    await expect(read(client, { type: "byTime", value: { referenceTime, count: 1 } })).rejects.toThrow(
      '"errorCode":37',
    );
    await expect(read(client, { type: "byPosition", value: { referenceIndex: 1, count: 0 } })).rejects.toThrow(
      '"errorCode":37',
    );
  });
});

it("records several properties at the same moments", async () => {
  const { client } = await logged(2);
  const { itemData } = await read(client, undefined, GROUP);
  expect(decodeLogMultipleRecords(itemData).map(({ data }) => data)).toEqual([
    {
      type: "values",
      value: [
        { type: "real", value: 0 },
        { type: "enumerated", value: 0 },
      ],
    },
    {
      type: "values",
      value: [
        { type: "real", value: 0.5 },
        { type: "enumerated", value: 0 },
      ],
    },
  ]);
});

it("reads ranges of lists and arrays by position", async () => {
  const { client } = await logged(0);
  const body = encodeReadRange({
    object: { type: OBJECT_TYPES.device, instance: 1001 },
    property: PROPERTIES.objectList,
    range: { type: "byPosition", value: { referenceIndex: 2, count: 2 } },
  });
  const { itemCount, itemData } = decodeReadRangeAck(await client.acked(CONFIRMED.readRange, body));
  expect([itemCount, [...itemData]]).toEqual([2, [0xc4, 0, 0, 0, 1, 0xc4, 0, 0x80, 0, 1]]);
});

it("gives its records to an independent client", async () => {
  const { server } = await logged(20);
  const { client } = await openBacnetJs();
  closeAfter(client);
  const answer = await client.readRange({ address: `127.0.0.1:${server.address.port}` }, LOG, 1, 20);
  expect(answer).toMatchObject({ itemCount: 20 });
});
