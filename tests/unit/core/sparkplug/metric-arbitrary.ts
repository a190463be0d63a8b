import fc from "fast-check";
import type { Metric, PropertyValue } from "#core/sparkplug/payload.ts";
import { DataType, type MetricValue } from "#core/sparkplug/payload.ts";

const integer = (min: number, max: number): fc.Arbitrary<MetricValue> => fc.integer({ min, max });
/** As the decoder gives it: a number where no digit is lost, else a bigint. */
const narrow = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
const long = (min: bigint, max: bigint): fc.Arbitrary<MetricValue> => fc.bigInt({ min, max }).map(narrow);
const text = fc.string({ unit: "grapheme", maxLength: 200 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => new Uint8Array(array));
const safe = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }));

/** Values of every scalar datatype over its whole range. */
export const VALUES: readonly (readonly [DataType, fc.Arbitrary<MetricValue>])[] = [
  [DataType.Int8, integer(-128, 127)],
  [DataType.Int16, integer(-32_768, 32_767)],
  [DataType.Int32, integer(-2_147_483_648, 2_147_483_647)],
  [DataType.Int64, long(-(2n ** 63n), 2n ** 63n - 1n)],
  [DataType.UInt8, integer(0, 255)],
  [DataType.UInt16, integer(0, 65_535)],
  [DataType.UInt32, integer(0, 4_294_967_295)],
  [DataType.UInt64, long(0n, 2n ** 64n - 1n)],
  [DataType.Float, fc.float()],
  [DataType.Double, fc.double()],
  [DataType.Boolean, fc.boolean()],
  [DataType.String, text],
  [DataType.DateTime, safe],
  [DataType.Text, text],
  [DataType.UUID, fc.uuid()],
  [DataType.Bytes, bytes],
  [DataType.File, bytes],
];

const typedValue = fc.oneof(
  ...VALUES.map(([datatype, value]) => fc.record({ datatype: fc.constant(datatype), value: fc.option(value) })),
);
const property: fc.Arbitrary<PropertyValue> = typedValue
  .filter(({ datatype }) => datatype !== DataType.Bytes && datatype !== DataType.File)
  .map(({ datatype, value }) => ({ type: datatype, value }));
const mark = fc.option(fc.constant(true), { nil: undefined });

/** Any metric we can write, as our decoder gives it back. */
export const metricArbitrary: fc.Arbitrary<Metric> = fc
  .record({
    name: fc.option(text, { nil: undefined }),
    alias: fc.option(safe, { nil: undefined }),
    timestamp: fc.option(safe, { nil: undefined }),
    isHistorical: mark,
    isTransient: mark,
    properties: fc.option(
      fc.dictionary(fc.string({ maxLength: 40 }), property, { maxKeys: 4, noNullPrototype: true }),
      {
        nil: undefined,
      },
    ),
    typed: typedValue,
  })
  .map(({ typed, ...metric }) => ({ ...metric, ...typed, isNull: typed.value === null ? true : undefined }));
