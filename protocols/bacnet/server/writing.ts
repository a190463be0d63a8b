import { ERROR_CODE } from "../codec/enums.ts";
import type { PropertyWrite } from "../codec/services/property.ts";
import { type Property, propertyError, type Written } from "./object.ts";

/** What a value of each type holds. */
interface Contents {
  readonly boolean: boolean;
  readonly unsigned: number;
  readonly real: number;
  readonly enumerated: number;
  readonly bitString: readonly boolean[];
}

/**
 * Writer of a property that holds one value of the given type. `accept` takes the value, or gives the error code that refuses it.
 */
export function writesOne<T extends keyof Contents>(
  type: T,
  accept: (value: Contents[T]) => number | undefined,
): NonNullable<Property["write"]> {
  return ({ values }: PropertyWrite): Written => {
    const [value] = values;
    if (value === undefined || values.length > 1 || value.type !== type) {
      return propertyError(ERROR_CODE.invalidDataType);
    }
    // the type of a value says what it holds
    const refused = accept((value as { readonly value: unknown }).value as Contents[T]);
    return refused === undefined ? undefined : propertyError(refused);
  };
}

/** Writer of a bit string of exactly `length` bits. */
export function writesBits(length: number, accept: (bits: readonly boolean[]) => void): NonNullable<Property["write"]> {
  return writesOne("bitString", (bits) => {
    if (bits.length !== length) return ERROR_CODE.valueOutOfRange;
    accept(bits);
    return undefined;
  });
}
