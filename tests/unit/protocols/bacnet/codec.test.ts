import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorCode } from "#core/errors.ts";
import { type Apdu, decodeApdu, encodeApdu, maxApduCode } from "#protocols/bacnet/codec/apdu.ts";
import {
  abortName,
  errorName,
  eventStateName,
  eventTypeName,
  objectTypeName,
  propertyName,
  propertyStateName,
  rejectName,
  reliabilityName,
} from "#protocols/bacnet/codec/enums.ts";
import { decodeFrame, encodeFrame } from "#protocols/bacnet/codec/frame.ts";
import { decodeBvlc, decodeNpdu, encodeBvlc, encodeNpdu } from "#protocols/bacnet/codec/link.ts";
import {
  decodeCovNotification,
  decodeSubscribeCov,
  encodeCovNotification,
} from "#protocols/bacnet/codec/services/cov.ts";
import { decodeIAm, decodeWhoIs } from "#protocols/bacnet/codec/services/discovery.ts";
import { decodeError } from "#protocols/bacnet/codec/services/error.ts";
import {
  decodeReadProperty,
  decodeReadPropertyAck,
  decodeReadPropertyMultiple,
  decodeReadPropertyMultipleAck,
  decodeWriteProperty,
  encodeReadPropertyMultiple,
  encodeReadPropertyMultipleAck,
  encodeWriteProperty,
} from "#protocols/bacnet/codec/services/property.ts";
import { type BacnetValue, decodeValues, encodeValues } from "#protocols/bacnet/codec/values.ts";

// the whole count only with PARKHUB_TEST_LONG=1
const RUNS = process.env["PARKHUB_TEST_LONG"] === "1" ? 50_000 : 500;
const byte = fc.integer({ min: 0, max: 255 });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const objectId = fc.record({
  type: fc.integer({ min: 0, max: 1023 }),
  instance: fc.integer({ min: 0, max: 4_194_303 }),
});
const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const ucs2 = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) });

const primitive: fc.Arbitrary<BacnetValue> = fc.oneof(
  fc.constant<BacnetValue>({ type: "null" }),
  fc.boolean().map((value): BacnetValue => ({ type: "boolean", value })),
  fc.maxSafeNat().map((value): BacnetValue => ({ type: "unsigned", value })),
  fc.maxSafeNat().map((value): BacnetValue => ({ type: "enumerated", value })),
  fc.integer({ min: -(2 ** 46), max: 2 ** 46 }).map((value): BacnetValue => ({ type: "signed", value })),
  fc.float().map((value): BacnetValue => ({ type: "real", value })),
  fc.double().map((value): BacnetValue => ({ type: "double", value })),
  bytes(300).map((value): BacnetValue => ({ type: "octetString", value })),
  fc.string({ unit: "grapheme" }).map((value): BacnetValue => ({ type: "characterString", value })),
  ucs2.map((value): BacnetValue => ({ type: "characterString", value, charset: "ucs-2" })),
  latin1.map((value): BacnetValue => ({ type: "characterString", value, charset: "iso-8859-1" })),
  fc.array(fc.boolean(), { maxLength: 70 }).map((value): BacnetValue => ({ type: "bitString", value })),
  fc
    .record({ year: byte, month: byte, day: byte, weekday: byte })
    .map((value): BacnetValue => ({ type: "date", value })),
  fc
    .record({ hour: byte, minute: byte, second: byte, hundredths: byte })
    .map((value): BacnetValue => ({ type: "time", value })),
  objectId.map((value): BacnetValue => ({ type: "objectId", value })),
);
const raw: fc.Arbitrary<BacnetValue> = fc.oneof(
  fc
    .record({ tag: fc.integer({ min: 0, max: 254 }), value: bytes(20) })
    .map(({ tag, value }): BacnetValue => ({ type: "raw", tag, context: true, constructed: false, value })),
  fc.record({ tag: fc.integer({ min: 0, max: 254 }), inner: fc.array(primitive, { maxLength: 4 }) }).map(
    ({ tag, inner }): BacnetValue => ({
      type: "raw",
      tag,
      context: true,
      constructed: true,
      value: encodeValues(inner),
    }),
  ),
);
const value = fc.oneof({ weight: 5, arbitrary: primitive }, { weight: 1, arbitrary: raw });

const segment = fc.option(
  fc.record({
    sequenceNumber: byte,
    proposedWindowSize: fc.integer({ min: 1, max: 127 }),
    moreFollows: fc.boolean(),
  }),
  { nil: undefined },
);
const apdu: fc.Arbitrary<Apdu> = fc.oneof(
  fc
    .record({
      invokeId: byte,
      service: byte,
      segmentedResponseAccepted: fc.boolean(),
      maxSegments: fc.integer({ min: 0, max: 7 }),
      maxApdu: fc.constantFrom(50, 128, 206, 480, 1024, 1476),
      segment,
      body: bytes(100),
    })
    .map(({ segment: part, ...rest }): Apdu => ({ type: "confirmedRequest", ...rest, ...(part && { segment: part }) })),
  fc
    .record({ invokeId: byte, service: byte, segment, body: bytes(100) })
    .map(({ segment: part, ...rest }): Apdu => ({ type: "complexAck", ...rest, ...(part && { segment: part }) })),
  fc.record({ service: byte, body: bytes(100) }).map((rest): Apdu => ({ type: "unconfirmedRequest", ...rest })),
  fc.record({ invokeId: byte, service: byte }).map((rest): Apdu => ({ type: "simpleAck", ...rest })),
  fc
    .record({
      invokeId: byte,
      negative: fc.boolean(),
      server: fc.boolean(),
      sequenceNumber: byte,
      actualWindowSize: byte,
    })
    .map((rest): Apdu => ({ type: "segmentAck", ...rest })),
  fc.record({ invokeId: byte, service: byte, body: bytes(20) }).map((rest): Apdu => ({ type: "error", ...rest })),
  fc.record({ invokeId: byte, reason: byte }).map((rest): Apdu => ({ type: "reject", ...rest })),
  fc.record({ invokeId: byte, server: fc.boolean(), reason: byte }).map((rest): Apdu => ({ type: "abort", ...rest })),
);

const reference = fc
  .record({ property: fc.integer({ min: 0, max: 4_194_303 }), index: fc.option(fc.nat(), { nil: undefined }) })
  .map(({ property, index }) => (index === undefined ? { property } : { property, index }));
const values = fc.array(value, { maxLength: 4 });
const errorPair = fc.record({ errorClass: fc.nat(100), errorCode: fc.nat(1000) });

describe("the BACnet codec", () => {
  it("gives back every value it encoded", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 8 }), (list) => {
        expect(decodeValues(encodeValues(list))).toEqual(list);
      }),
    );
  });

  it("gives back every APDU it encoded", () => {
    fc.assert(
      fc.property(apdu, (one) => {
        expect(decodeApdu(encodeApdu(one))).toEqual(one);
      }),
    );
  });

  it("gives back every NPDU and BVLC it encoded", () => {
    const mac = fc.uint8Array({ minLength: 1, maxLength: 7 });
    const npdu = fc.record(
      {
        expectingReply: fc.boolean(),
        priority: fc.integer({ min: 0, max: 3 }),
        destination: fc.record({ net: fc.nat(0xffff), mac: bytes(7), hopCount: byte }),
        source: fc.record({ net: fc.nat(0xfffe), mac }),
        apdu: bytes(50),
      },
      { requiredKeys: ["expectingReply", "priority", "apdu"] },
    );
    fc.assert(
      fc.property(npdu, fc.ipV4(), fc.nat(0xffff), (one, host, port) => {
        expect(decodeNpdu(encodeNpdu(one))).toEqual(one);
        const bvlc = { function: "forwarded", origin: { host, port }, npdu: encodeNpdu(one) } as const;
        expect(decodeBvlc(encodeBvlc(bvlc))).toEqual(bvlc);
      }),
    );
  });

  it("gives back every service body it encoded", () => {
    const result = fc.oneof(
      fc.tuple(reference, values).map(([at, list]) => ({ ...at, values: list })),
      fc.tuple(reference, errorPair).map(([at, error]) => ({ ...at, error })),
    );
    const answer = fc.array(fc.record({ object: objectId, results: fc.array(result, { maxLength: 5 }) }), {
      maxLength: 5,
    });
    const asked = fc.array(fc.record({ object: objectId, properties: fc.array(reference, { maxLength: 5 }) }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(answer, asked, (acks, requests) => {
        expect(decodeReadPropertyMultipleAck(encodeReadPropertyMultipleAck(acks))).toEqual(acks);
        expect(decodeReadPropertyMultiple(encodeReadPropertyMultiple(requests))).toEqual(requests);
      }),
    );
    const write = fc.tuple(objectId, reference, values, fc.integer({ min: 1, max: 16 }));
    fc.assert(
      fc.property(write, ([object, at, list, priority]) => {
        const request = { object, ...at, values: list, priority };
        expect(decodeWriteProperty(encodeWriteProperty(request))).toEqual(request);
      }),
    );
    const told = fc.record({
      processId: fc.nat(),
      device: objectId,
      object: objectId,
      timeRemainingS: fc.nat(),
      values: fc.array(
        fc.tuple(reference, values).map(([at, list]) => ({ ...at, values: list })),
        { maxLength: 4 },
      ),
    });
    fc.assert(
      fc.property(told, (notification) => {
        expect(decodeCovNotification(encodeCovNotification(notification))).toEqual(notification);
      }),
    );
  });

  it("throws nothing but BACNET_MALFORMED, whatever the bytes", { timeout: 300_000 }, () => {
    const decoders = [
      decodeFrame,
      decodeNpdu,
      decodeApdu,
      decodeValues,
      decodeWhoIs,
      decodeIAm,
      decodeError,
      decodeReadProperty,
      decodeReadPropertyAck,
      decodeReadPropertyMultiple,
      decodeReadPropertyMultipleAck,
      decodeWriteProperty,
      decodeSubscribeCov,
      decodeCovNotification,
    ];
    const attempt = (datagram: Uint8Array): void => {
      for (const decode of decoders) {
        try {
          decode(datagram);
        } catch (error) {
          expect(errorCode(error)).toBe("BACNET_MALFORMED");
        }
      }
    };
    fc.assert(fc.property(bytes(60), attempt), { numRuns: RUNS });
    const ack = fc.array(
      fc.record({
        object: objectId,
        results: fc.array(
          fc.tuple(reference, values).map(([at, list]) => ({ ...at, values: list })),
          { maxLength: 3 },
        ),
      }),
      { minLength: 1, maxLength: 4 },
    );
    const mutations = fc.array(fc.tuple(fc.nat(), byte), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(ack, mutations, fc.nat(), (results, changes, cut) => {
        const body = encodeReadPropertyMultipleAck(results);
        for (const [at, to] of changes) body[at % body.length] = to;
        attempt(body);
        attempt(body.subarray(0, cut % body.length));
        attempt(encodeFrame({ type: "complexAck", invokeId: 1, service: 14, body }));
      }),
      { numRuns: RUNS },
    );
  });

  it("keeps a value of an unknown kind byte for byte and reads on behind it", () => {
    const constructed = {
      type: "raw",
      tag: 2,
      context: true,
      constructed: true,
      value: Uint8Array.of(0x1e, 0x09, 0x05, 0x1f),
    } as const;
    const dbcs = {
      type: "raw",
      tag: 7,
      context: false,
      constructed: false,
      value: Uint8Array.of(1, 3, 0xa8, 0xb0),
    } as const;
    const list: readonly BacnetValue[] = [constructed, dbcs, { type: "unsigned", value: 7 }];
    expect(decodeValues(encodeValues(list))).toEqual(list);
  });

  it("keeps an integer beyond 2^53 raw instead of rounding it", () => {
    const wide = Uint8Array.of(0x25, 8, 0xff, 0, 0, 0, 0, 0, 0, 1);
    expect(decodeValues(wide)).toEqual([
      { type: "raw", tag: 2, context: false, constructed: false, value: wide.subarray(2) },
    ]);
    expect(encodeValues(decodeValues(wide))).toEqual(wide);
  });

  it("keeps content that breaks the rules of its type raw, and reads on behind it", () => {
    const broken: readonly (readonly [number, readonly number[]])[] = [
      [0, [1]],
      [2, []],
      [3, []],
      [4, [1, 2, 3]],
      [5, [1, 2, 3, 4]],
      [7, []],
      [7, [4, 0x98]],
      [8, []],
      [8, [9, 1]],
      [10, [126, 11]],
      [11, [1, 2, 3]],
      [12, [0]],
    ];
    const list: readonly BacnetValue[] = [
      ...broken.map(([tag, content]) => {
        const value = Uint8Array.from(content);
        return { type: "raw", tag, context: false, constructed: false, value } as const;
      }),
      { type: "real", value: 21.5 },
    ];
    expect(decodeValues(encodeValues(list))).toEqual(list);
  });

  it("keeps a bit string raw that is longer than any of the standard", () => {
    const long = { type: "raw", tag: 8, context: false, constructed: false, value: new Uint8Array(8193) } as const;
    expect(decodeValues(encodeValues([long]))).toEqual([long]);
  });

  it("names errors, types and reasons as the standard does, and gives the number of what it has no name for", () => {
    expect(errorName(1, 31)).toBe("object/unknownObject");
    expect(errorName(64, 300)).toBe("64/300");
    expect([objectTypeName(20), objectTypeName(64), objectTypeName(200)]).toEqual([
      "trend-log",
      "color-temperature",
      "proprietary-200",
    ]);
    expect([propertyName(131), propertyName(5000)]).toEqual(["logBuffer", "5000"]);
    expect([rejectName(9), abortName(4), reliabilityName(7)]).toEqual([
      "unrecognizedService",
      "segmentationNotSupported",
      "unreliableOther",
    ]);
    expect([eventStateName(3), eventTypeName(5), propertyStateName(254)]).toEqual([
      "highLimit",
      "outOfRange",
      "extendedValue",
    ]);
  });

  it("refuses nesting without end", () => {
    expect(() => decodeValues(new Uint8Array(5000).fill(0x0e))).toThrow(
      expect.objectContaining({ code: "BACNET_MALFORMED" }),
    );
  });

  it("refuses a datagram whose length field lies", () => {
    const lie = Uint8Array.of(0x81, 0x0a, 0, 9, 1, 0, 0x10, 8);
    expect(() => decodeFrame(lie)).toThrow(expect.objectContaining({ code: "BACNET_MALFORMED" }));
  });

  it("names the largest standard APDU length that fits", () => {
    expect([20, 50, 206, 479, 480, 1475, 1476, 9000].map(maxApduCode)).toEqual([0, 0, 2, 2, 3, 4, 5, 5]);
  });
});
