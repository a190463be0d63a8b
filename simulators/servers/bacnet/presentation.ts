import { PROPERTIES, RELIABILITY } from "#protocols/bacnet/codec/enums.ts";
import type { PropertyResult } from "#protocols/bacnet/codec/services/property.ts";
import type { BacnetValue } from "#protocols/bacnet/codec/values.ts";
import type { ServedObject } from "#protocols/bacnet/server/object.ts";
import { familyOf } from "#protocols/bacnet/server/points/coding.ts";
import type { BacnetFaults } from "./faults.ts";
import { gbkBytes } from "./gbk.ts";

/** Texts that people entered at the device, in whatever character set it has. */
const TEXTS: ReadonlySet<number> = new Set([
  PROPERTIES.objectName,
  PROPERTIES.description,
  PROPERTIES.activeText,
  PROPERTIES.inactiveText,
  PROPERTIES.stateText,
  PROPERTIES.eventMessageTexts,
]);
// [BACnet 20.2.9]
const UTF_8 = 0;
const DBCS = 1;
const UCS_2 = 4;
const ISO_8859_1 = 5;
const CODE_PAGE_936 = [0x03, 0xa8];
const CHARACTER_STRING_TAG = 7;

/** What clients see of a property while faults are on. */
export function presented(faults: BacnetFaults): (object: ServedObject, result: PropertyResult) => PropertyResult {
  return (object, result) => {
    if (!("values" in result)) return result;
    const values = amended(faults, object, result.property, result.values);
    return values === undefined ? result : { ...result, values };
  };
}

function amended(
  faults: BacnetFaults,
  object: ServedObject,
  property: number,
  values: readonly BacnetValue[],
): readonly BacnetValue[] | undefined {
  const charset = faults.of("charset");
  if (charset !== undefined && TEXTS.has(property)) return values.map((value) => encoded(value, charset.as));
  if (familyOf(object.id.type) !== "analog") return undefined;
  const units = faults.of("wrong-units");
  if (units !== undefined && property === PROPERTIES.units) return [{ type: "enumerated", value: units.units }];
  const nan = faults.of("nan");
  return nan === undefined ? undefined : withoutValue(property, values, nan.flagged);
}

function withoutValue(
  property: number,
  values: readonly BacnetValue[],
  flagged: boolean,
): readonly BacnetValue[] | undefined {
  const [value] = values;
  if (property === PROPERTIES.presentValue) return [{ type: "real", value: Number.NaN }];
  if (!flagged) return undefined;
  if (property === PROPERTIES.reliability) return [{ type: "enumerated", value: RELIABILITY.noSensor }];
  if (property !== PROPERTIES.statusFlags || value?.type !== "bitString") return undefined;
  const [inAlarm = false, , overridden = false, outOfService = false] = value.value;
  return [{ type: "bitString", value: [inAlarm, true, overridden, outOfService] }];
}

function encoded(value: BacnetValue, as: string): BacnetValue {
  if (value.type !== "characterString") return value;
  const content = contentOf(value.value, as);
  return { type: "raw", tag: CHARACTER_STRING_TAG, context: false, constructed: false, value: content };
}

function contentOf(text: string, as: string): Uint8Array {
  switch (as) {
    case "ucs-2":
      return Uint8Array.from([
        UCS_2,
        ...Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)).flatMap((unit) => [
          unit >> 8,
          unit & 0xff,
        ]),
      ]);
    case "gbk-as-utf-8":
      return Uint8Array.from([UTF_8, ...gbkBytes(text)]);
    case "gbk-as-iso-8859-1":
      return Uint8Array.from([ISO_8859_1, ...gbkBytes(text)]);
    default:
      return Uint8Array.from([DBCS, ...CODE_PAGE_936, ...gbkBytes(text)]);
  }
}
