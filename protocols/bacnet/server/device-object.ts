import { type CovSubscription, covSubscription } from "../codec/destination.ts";
import { OBJECT_TYPES, PROPERTIES, SEGMENTATION } from "../codec/enums.ts";
import type { Peer } from "../codec/frame.ts";
import { type Recipient, recipient as recipientField } from "../codec/references.ts";
import { type BacnetTimeStamp, timeStamp as timeStampField } from "../codec/timestamp.ts";
import type { ObjectId } from "../codec/values.ts";
import type { Abilities } from "../station/framing.ts";
import { listProperty } from "./collections.ts";
import type { CovSubscription as Held } from "./cov-engine.ts";
import type { DeviceClock } from "./device-clock.ts";
import {
  arrayOf,
  bits,
  boolean,
  enumerated,
  identity,
  listOf,
  listOfAll,
  optional,
  type Property,
  type PropertyEntry,
  required,
  type ServedObject,
  single,
  singleOf,
  text,
  unsigned,
} from "./object.ts";

/** What a device says of itself. */
export interface DeviceDefinition {
  /** Device instance, 0-4194302. */
  readonly instance: number;
  readonly name: string;
  readonly description: string;
  readonly vendorId: number;
  readonly vendorName: string;
  readonly modelName: string;
  readonly firmwareRevision: string;
  readonly applicationSoftwareVersion: string;
  readonly location?: string;
  /** Local time plus it is UTC, minutes, or what that is at a time, Unix ms; 0 when absent, -480 in China. */
  readonly utcOffsetMin?: number | ((at: number) => number);
  /** How it stamps its events; `dateTime` when absent. [BACnet 21, BACnetTimeStamp] */
  readonly eventTimeStamps?: BacnetTimeStamp["type"];
  /** For DeviceCommunicationControl and ReinitializeDevice; any is taken when absent. */
  readonly password?: string;
  /** Another number for other objects, 0-4294967295; 1 when absent. [BACnet 12.11, Database_Revision] */
  readonly databaseRevision?: number;
}

/** BACnetRestartReason, as far as a served device gives them. [BACnet 21] */
export const RESTART_REASON = { unknown: 0, coldstart: 1, warmstart: 2, detectedPowerLost: 3 } as const;

/** What the Device object reads of its server. */
export interface DeviceFacts {
  readonly clock: DeviceClock;
  /** The other objects, in the order of the Object_List. */
  readonly objects: () => readonly ServedObject[];
  readonly abilities: () => Abilities;
  /** Bits of BACnetServicesSupported that are set. */
  readonly services: () => readonly number[];
  readonly subscriptions: () => readonly Held[];
}

const PROTOCOL_VERSION = 1;
const PROTOCOL_REVISION = 14;
// as many as that revision has [BACnet 21, BACnetServicesSupported and BACnetObjectTypesSupported]
const SERVICE_BITS = 40;
const OBJECT_TYPE_BITS = 55;
const APDU_TIMEOUT_MS = 3000;
const APDU_RETRIES = 3;
const MAX_SEGMENTS = 255;
const MAX_RECIPIENTS = 16;
const OPERATIONAL = 0;

/** The Device object. [BACnet 12.11] */
export class DeviceObject implements ServedObject {
  readonly name: string;
  readonly properties: ReadonlyMap<number, Property>;
  readonly #definition: DeviceDefinition;
  readonly #facts: DeviceFacts;
  #instance: number;
  #restartReason: number = RESTART_REASON.unknown;
  #restartedAt: number;
  #restartRecipients: readonly Recipient[] = [];

  constructor(definition: DeviceDefinition, facts: DeviceFacts) {
    this.name = definition.name;
    this.#definition = definition;
    this.#facts = facts;
    this.#instance = definition.instance;
    this.#restartedAt = facts.clock.now();
    this.properties = new Map([
      ...this.#self(),
      ...this.#protocol(),
      ...this.#time(),
      ...this.#restarts(),
      optional(PROPERTIES.activeCovSubscriptions, () => listOfAll(covSubscription, facts.subscriptions().map(shown))),
    ]);
  }

  get vendorId(): number {
    return this.#definition.vendorId;
  }

  get id(): ObjectId {
    return { type: OBJECT_TYPES.device, instance: this.#instance };
  }

  /** Gives itself out as another device. */
  impersonate(instance: number | undefined): void {
    this.#instance = instance ?? this.#definition.instance;
  }

  /** It has started again, for a RESTART_REASON. */
  restarted(reason: number): void {
    this.#restartReason = reason;
    this.#restartedAt = this.#facts.clock.now();
  }

  /** Who is told of a restart. [BACnet 19.3] */
  get restartRecipients(): readonly Recipient[] {
    return this.#restartRecipients;
  }

  #self(): readonly PropertyEntry[] {
    const { name, description, location, vendorName, vendorId, modelName } = this.#definition;
    const [, ...named] = identity(this.id, name);
    const entries: PropertyEntry[] = [
      required(PROPERTIES.objectIdentifier, () => single({ type: "objectId", value: this.id })),
      ...named,
      required(PROPERTIES.systemStatus, () => single(enumerated(OPERATIONAL))),
      required(PROPERTIES.vendorName, () => single(text(vendorName))),
      required(PROPERTIES.vendorIdentifier, () => single(unsigned(vendorId))),
      required(PROPERTIES.modelName, () => single(text(modelName))),
      required(PROPERTIES.firmwareRevision, () => single(text(this.#definition.firmwareRevision))),
      required(PROPERTIES.applicationSoftwareVersion, () => single(text(this.#definition.applicationSoftwareVersion))),
      optional(PROPERTIES.description, () => single(text(description))),
    ];
    if (location !== undefined) entries.push(optional(PROPERTIES.location, () => single(text(location))));
    return entries;
  }

  #protocol(): readonly PropertyEntry[] {
    const { objects, abilities, services } = this.#facts;
    const all = (): readonly ObjectId[] => [this.id, ...objects().map(({ id }) => id)];
    const views = (): readonly ObjectId[] => all().filter(({ type }) => type === OBJECT_TYPES["structured-view"]);
    const objectIds = (ids: readonly ObjectId[]) => arrayOf(ids.map((value) => ({ type: "objectId", value })));
    return [
      required(PROPERTIES.protocolVersion, () => single(unsigned(PROTOCOL_VERSION))),
      required(PROPERTIES.protocolRevision, () => single(unsigned(PROTOCOL_REVISION))),
      required(PROPERTIES.protocolServicesSupported, () => single(bits(bitsSet(SERVICE_BITS, services())))),
      required(PROPERTIES.protocolObjectTypesSupported, () =>
        single(
          bits(
            bitsSet(
              OBJECT_TYPE_BITS,
              all().map(({ type }) => type),
            ),
          ),
        ),
      ),
      required(PROPERTIES.objectList, () => objectIds(all())),
      optional(PROPERTIES.structuredObjectList, () => objectIds(views())),
      required(PROPERTIES.maxApduLengthAccepted, () => single(unsigned(abilities().maxApdu))),
      required(PROPERTIES.segmentationSupported, () => single(enumerated(segmentationOf(abilities())))),
      optional(PROPERTIES.maxSegmentsAccepted, () => single(unsigned(MAX_SEGMENTS))),
      required(PROPERTIES.apduTimeout, () => single(unsigned(APDU_TIMEOUT_MS))),
      optional(PROPERTIES.apduSegmentTimeout, () => single(unsigned(APDU_TIMEOUT_MS))),
      required(PROPERTIES.numberOfApduRetries, () => single(unsigned(APDU_RETRIES))),
      required(PROPERTIES.deviceAddressBinding, () => listOf([])),
      required(PROPERTIES.databaseRevision, () => single(unsigned(this.#definition.databaseRevision ?? 1))),
    ];
  }

  #time(): readonly PropertyEntry[] {
    const { clock } = this.#facts;
    return [
      optional(PROPERTIES.localDate, () => single({ type: "date", value: clock.local().date })),
      optional(PROPERTIES.localTime, () => single({ type: "time", value: clock.local().time })),
      optional(PROPERTIES.utcOffset, () => single({ type: "signed", value: clock.utcOffsetMin })),
      optional(PROPERTIES.daylightSavingsStatus, () => single(boolean(false))),
    ];
  }

  #restarts(): readonly PropertyEntry[] {
    const { clock } = this.#facts;
    const recipients = {
      field: recipientField,
      get: () => this.#restartRecipients,
      set: (list: readonly Recipient[]) => {
        this.#restartRecipients = list;
      },
      most: MAX_RECIPIENTS,
    };
    return [
      optional(PROPERTIES.lastRestartReason, () => single(enumerated(this.#restartReason))),
      optional(PROPERTIES.timeOfDeviceRestart, () =>
        singleOf(timeStampField, { type: "dateTime", value: clock.local(this.#restartedAt) }),
      ),
      [PROPERTIES.restartNotificationRecipients, listProperty(recipients, false)],
    ];
  }
}

function bitsSet(length: number, set: readonly number[]): readonly boolean[] {
  const wanted = new Set(set);
  return Array.from({ length }, (_, bit) => wanted.has(bit));
}

/** BACnetSegmentation of what a station takes and sends. */
export function segmentationOf({ segmentsIn, segmentsOut }: Abilities): number {
  if (segmentsIn) return segmentsOut ? SEGMENTATION.both : SEGMENTATION.receive;
  return segmentsOut ? SEGMENTATION.transmit : SEGMENTATION.none;
}

function shown({ peer, processId, object, reference, confirmed, timeRemainingS, increment }: Held): CovSubscription {
  return {
    recipient: { recipient: recipientOf(peer), processId },
    monitoredProperty: { object: object.id, ...(reference ?? { property: PROPERTIES.presentValue }) },
    issueConfirmedNotifications: confirmed,
    timeRemainingS,
    ...(increment === undefined ? {} : { covIncrement: increment }),
  };
}

/** A peer as an address of a recipient list. [BACnet 21, BACnetAddress; Annex J.1.2] */
export function recipientOf({ host, port, station }: Peer): Recipient {
  if (station !== undefined) return { type: "address", value: { network: station.net, mac: station.mac } };
  const mac = Uint8Array.from([...host.split(".").map(Number), port >> 8, port & 0xff]);
  return { type: "address", value: { network: 0, mac } };
}
