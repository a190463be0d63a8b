import type { ObjectId } from "./content.ts";
import { objectId, text, unsigned } from "./context.ts";
import { anyPrimitive, anyValues, application, choice, type Field, optional, sequence, wrapped } from "./fields.ts";
import { atApplication } from "./tags.ts";
import type { BacnetValue } from "./values.ts";

/** A property of an object, or one element of it; element 0 of an array is its length. [BACnet 21, BACnetPropertyReference] */
export interface PropertyReference {
  readonly property: number;
  readonly index?: number;
}

/** A property of a given object. [BACnet 21, BACnetObjectPropertyReference] */
export interface ObjectPropertyReference extends PropertyReference {
  readonly object: ObjectId;
}

/** A property of an object of this or another device. [BACnet 21, BACnetDeviceObjectPropertyReference] */
export interface DeviceObjectPropertyReference extends ObjectPropertyReference {
  readonly device?: ObjectId;
}

/** An object of this or another device. [BACnet 21, BACnetDeviceObjectReference] */
export interface DeviceObjectReference {
  readonly device?: ObjectId;
  readonly object: ObjectId;
}

/** A property with its value. [BACnet 21, BACnetPropertyValue] */
export interface PropertyValue extends PropertyReference {
  readonly values: readonly BacnetValue[];
  /** 1-16 where it is a write. */
  readonly priority?: number;
}

/** A property of an object of a device, with its value. [BACnet 21, BACnetDeviceObjectPropertyValue] */
export interface DeviceObjectPropertyValue extends PropertyReference {
  readonly device: ObjectId;
  readonly object: ObjectId;
  readonly values: readonly BacnetValue[];
}

/** Address of a station: network 0 is the local one, an empty `mac` a broadcast; on BACnet/IP four bytes of address and two of port. [BACnet 21, BACnetAddress] */
export interface BacnetAddress {
  readonly network: number;
  readonly mac: Uint8Array;
}

/** Who is told: a device by its instance, or an address. [BACnet 21, BACnetRecipient] */
export type Recipient =
  | { readonly type: "device"; readonly value: ObjectId }
  | { readonly type: "address"; readonly value: BacnetAddress };

/** A recipient and the process there. [BACnet 21, BACnetRecipientProcess] */
export interface RecipientProcess {
  readonly recipient: Recipient;
  readonly processId: number;
}

/** A device and where it was last seen. [BACnet 21, BACnetAddressBinding] */
export interface AddressBinding {
  readonly device: ObjectId;
  readonly address: BacnetAddress;
}

/** A tag of an object: a name with or without a value. [BACnet 21, BACnetNameValue] */
export interface NameValue {
  readonly name: string;
  /** One value, or a date and a time. */
  readonly values: readonly BacnetValue[];
}

/** BACnetPropertyReference. */
export const propertyReference: Field<PropertyReference> = sequence<PropertyReference>({
  property: unsigned(0),
  index: optional(unsigned(1)),
});

/** BACnetObjectPropertyReference. */
export const objectPropertyReference: Field<ObjectPropertyReference> = sequence<ObjectPropertyReference>({
  object: objectId(0),
  property: unsigned(1),
  index: optional(unsigned(2)),
});

/** BACnetDeviceObjectPropertyReference. */
export const deviceObjectPropertyReference: Field<DeviceObjectPropertyReference> =
  sequence<DeviceObjectPropertyReference>({
    object: objectId(0),
    property: unsigned(1),
    index: optional(unsigned(2)),
    device: optional(objectId(3)),
  });

/** BACnetDeviceObjectReference. */
export const deviceObjectReference: Field<DeviceObjectReference> = sequence<DeviceObjectReference>({
  device: optional(objectId(0)),
  object: objectId(1),
});

/** BACnetPropertyValue. */
export const propertyValue: Field<PropertyValue> = sequence<PropertyValue>({
  property: unsigned(0),
  index: optional(unsigned(1)),
  values: anyValues(2),
  priority: optional(unsigned(3)),
});

/** BACnetDeviceObjectPropertyValue. */
export const deviceObjectPropertyValue: Field<DeviceObjectPropertyValue> = sequence<DeviceObjectPropertyValue>({
  device: objectId(0),
  object: objectId(1),
  property: unsigned(2),
  index: optional(unsigned(3)),
  values: anyValues(4),
});

/** BACnetAddress. */
export const bacnetAddress: Field<BacnetAddress> = sequence<BacnetAddress>({
  network: application("unsigned"),
  mac: application("octetString"),
});

/** BACnetRecipient. */
export const recipient: Field<Recipient> = choice<Recipient>("BACnetRecipient", {
  device: objectId(0),
  address: wrapped(1, bacnetAddress),
});

/** BACnetRecipientProcess. */
export const recipientProcess: Field<RecipientProcess> = sequence<RecipientProcess>({
  recipient: wrapped(0, recipient),
  processId: unsigned(1),
});

/** BACnetAddressBinding. */
export const addressBinding: Field<AddressBinding> = sequence<AddressBinding>({
  device: application("objectId"),
  address: bacnetAddress,
});

// [BACnet 21, BACnetNameValue] the value has no tags of its own: it lasts as long as application tags follow
const taggedValues: Field<readonly BacnetValue[]> = {
  at: atApplication,
  read(reader) {
    const values: BacnetValue[] = [];
    while (atApplication(reader)) values.push(anyPrimitive.read(reader));
    return values;
  },
  write(writer, values) {
    for (const value of values) anyPrimitive.write(writer, value);
  },
};

/** BACnetNameValue. */
export const nameValue: Field<NameValue> = sequence<NameValue>({ name: text(0), values: taggedValues });
