import { decodeBody, encodeBody, type Field, rowsOf } from "./fields.ts";
import { type BacnetValue, decodeValues, encodeValues } from "./values.ts";

/**
 * The value of a property as the production that it is, e.g. Local_Date and Effective_Period. Works on the raw trees
 * that reading a property gives. @throws BACNET_MALFORMED when it is another production
 */
export function typedValue<T>(field: Field<T>, values: readonly BacnetValue[]): T {
  return decodeBody(field, encodeValues(values));
}

/** A list or array property as the productions that its elements are, e.g. Recipient_List. @throws BACNET_MALFORMED */
export function typedList<T>(field: Field<T>, values: readonly BacnetValue[]): readonly T[] {
  return typedValue(rowsOf(field), values);
}

/** A production as the value of a property, to be written or served. @throws BACNET_MALFORMED when it does not fit its type */
export function rawValue<T>(field: Field<T>, value: T): readonly BacnetValue[] {
  return decodeValues(encodeBody(field, value));
}

/** Productions as the value of a list or array property. @throws BACNET_MALFORMED when one does not fit its type */
export function rawList<T>(field: Field<T>, list: readonly T[]): readonly BacnetValue[] {
  return rawValue(rowsOf(field), list);
}
