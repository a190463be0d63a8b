import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv4 } from "node:net";
import type { Logger } from "#core/logger.ts";
import { type Destination, destination } from "../../codec/destination.ts";
import { CONFIRMED, PROPERTIES } from "../../codec/enums.ts";
import { encodeBody } from "../../codec/fields.ts";
import { type Peer, peerKey } from "../../codec/frame.ts";
import type { Endpoint } from "../../codec/link.ts";
import { rawList, rawValue, typedList } from "../../codec/property-values.ts";
import { type Recipient, recipient as recipientField } from "../../codec/references.ts";
import { encodeChangeList } from "../../codec/services/list-element.ts";
import { encodeWriteProperty } from "../../codec/services/property.ts";
import type { BacnetValue, ObjectId } from "../../codec/values.ts";
import type { AlarmSettings } from "../../settings.ts";
import type { Station } from "../../station/ports.ts";
import { type Contact, decodedOr, isUnknownService } from "../contact.ts";
import type { DeviceMemory } from "../memory.ts";
import { peerOf, type Where, whereOf } from "../writing/lease.ts";
import { objectName } from "./alarm-map.ts";

/** What a NotificationClass object says of its transitions: to-offnormal, to-fault, to-normal. */
export interface ClassFacts {
  readonly ackRequired?: readonly boolean[];
}

/** A registration as it is kept on the disk, so that it can be taken back. */
interface KeptRegistration {
  readonly where: Where;
  readonly classes: readonly ObjectId[];
  /** Our address in the lists, as octets; network 0 is the device's own. */
  readonly network: number;
  readonly mac: readonly number[];
  readonly processId: number;
  readonly confirmed: boolean;
}

const KEY = "recipient";
const EVERY_DAY = [true, true, true, true, true, true, true];
const MIDNIGHT = { hour: 0, minute: 0, second: 0, hundredths: 0 };
const END_OF_DAY = { hour: 23, minute: 59, second: 59, hundredths: 99 };

/** Ourselves as an element of a Recipient_List: always, of everything. [BACnet 21, BACnetDestination] */
function everything(recipient: Recipient, processId: number, confirmed: boolean): Destination {
  return {
    validDays: EVERY_DAY,
    fromTime: MIDNIGHT,
    toTime: END_OF_DAY,
    recipient,
    processId,
    issueConfirmedNotifications: confirmed,
    transitions: [true, true, true],
  };
}

function sameRecipient(a: Recipient, b: Recipient): boolean {
  return encodeBody(recipientField, a).join(".") === encodeBody(recipientField, b).join(".");
}

/** What counts of an element; days and times are the site's to limit. */
function isOurs(a: Destination, b: Destination): boolean {
  return sameRecipient(a.recipient, b.recipient) && a.processId === b.processId;
}

function isAsWanted(a: Destination, wanted: Destination): boolean {
  const { issueConfirmedNotifications: confirmed, transitions } = a;
  return isOurs(a, wanted) && confirmed === wanted.issueConfirmedNotifications && !transitions.includes(false);
}

function change(object: ObjectId, elements: readonly BacnetValue[]): Uint8Array {
  return encodeChangeList({ object, property: PROPERTIES.recipientList, elements });
}

/** The local address from which a peer is reached, as the machine's routing has it. */
async function localAddress({ host, port }: Endpoint): Promise<string | undefined> {
  const socket = createSocket("udp4");
  try {
    socket.connect(port, host);
    await once(socket, "connect");
    return socket.address().address;
  } catch {
    // no route to it: then it cannot reach us either
    return undefined;
  } finally {
    socket.close();
  }
}

/**
 * Our own address as a device has it in its lists. Undefined where that is not known: behind a router the number of our own network
 * must be configured. [BACnet J.1.2]
 */
export async function ownRecipient(
  peer: Peer,
  settings: AlarmSettings,
  endpoints: readonly Endpoint[],
): Promise<Recipient | undefined> {
  const network = peer.station === undefined ? 0 : settings.network;
  if (network === undefined) return undefined;
  const host = settings.address?.host ?? (await localAddress(peer));
  const port =
    settings.address?.port ?? (endpoints.find((endpoint) => endpoint.host === host) ?? endpoints.at(0))?.port;
  if (host === undefined || port === undefined || !isIPv4(host)) return undefined;
  const mac = Uint8Array.of(...host.split(".").map(Number), port >> 8, port & 0xff);
  return { type: "address", value: { network, mac } };
}

/** What registering needs of its device. */
export interface RecipientDeps {
  readonly instance: number;
  readonly logger: Logger;
  readonly settings: AlarmSettings;
  readonly memory: DeviceMemory;
  /** Our own address as this device has it; undefined where it is not known. */
  readonly recipientAt: (peer: Peer) => Promise<Recipient | undefined>;
}

/** Keeps us in the Recipient_Lists of a device's notification classes. [BACnet 12.21.8] */
export class Recipients {
  readonly #deps: RecipientDeps;
  readonly #facts = new Map<number, ClassFacts>();

  constructor(deps: RecipientDeps) {
    this.#deps = deps;
  }

  /** What a class said of itself when it was last looked at. */
  facts(notificationClass: number | undefined): ClassFacts | undefined {
    return notificationClass === undefined ? undefined : this.#facts.get(notificationClass);
  }

  /** Sees to it that each class tells us. True when all of them do; false when one refused or the device fell silent. */
  async register(contact: Contact, classes: readonly ObjectId[]): Promise<boolean> {
    const { settings, recipientAt, memory, instance } = this.#deps;
    for (const object of classes) await this.#learn(contact, object);
    const self = await recipientAt(contact.peer);
    if (self === undefined || self.type !== "address" || classes.length === 0) return false;
    const wanted = everything(self, settings.processId, settings.confirmed);
    const before = kept(memory, instance);
    const { network, mac } = self.value;
    // on the disk before it is in a list: whatever happens in between can be taken back
    memory.remember(KEY, String(instance), {
      where: whereOf(contact.peer),
      classes,
      network,
      mac: [...mac],
      processId: settings.processId,
      confirmed: settings.confirmed,
    } satisfies KeptRegistration);
    let all = true;
    for (const object of classes) {
      const done = await this.#registerAt(
        contact,
        object,
        wanted,
        before === undefined ? undefined : elementOf(before),
      );
      if (!done) all = false;
    }
    return all;
  }

  async #learn({ reader }: Contact, object: ObjectId): Promise<void> {
    const result = await reader.readOne({ object, property: PROPERTIES.ackRequired });
    const [value] = result !== undefined && "values" in result ? result.values : [];
    if (value?.type === "bitString" && value.value.length === 3)
      this.#facts.set(object.instance, { ackRequired: value.value });
  }

  async #registerAt(
    contact: Contact,
    object: ObjectId,
    wanted: Destination,
    former: Destination | undefined,
  ): Promise<boolean> {
    const read = await contact.reader.readOne({ object, property: PROPERTIES.recipientList });
    if (read === undefined) return false;
    const list = "values" in read ? decodedOr(() => typedList(destination, read.values)) : undefined;
    const stale = (list ?? []).filter(
      (element) =>
        !isAsWanted(element, wanted) && (isOurs(element, wanted) || (former !== undefined && isOurs(element, former))),
    );
    for (const element of stale)
      await contact.ask(CONFIRMED.removeListElement, change(object, rawValue(destination, element)));
    if (list?.some((element) => isAsWanted(element, wanted)) === true) return true;
    const added = await contact.ask(CONFIRMED.addListElement, change(object, rawValue(destination, wanted)));
    if (added.kind === "ack") return true;
    const { logger } = this.#deps;
    if (isUnknownService(added) && list !== undefined) {
      // without list services the list is written as a whole
      const values = rawList(destination, [...list.filter((element) => !stale.includes(element)), wanted]);
      const body = encodeWriteProperty({ object, property: PROPERTIES.recipientList, values });
      if ((await contact.ask(CONFIRMED.writeProperty, body)).kind === "ack") return true;
    }
    if (!contact.signal.aborted)
      logger.info({ class: objectName(object), how: added.kind }, "device does not take us among its recipients");
    return false;
  }
}

function kept(memory: DeviceMemory, instance: number): KeptRegistration | undefined {
  return memory.remembered(KEY, String(instance)) as KeptRegistration | undefined;
}

function elementOf({ network, mac, processId, confirmed }: KeptRegistration): Destination {
  const value = { network, mac: Uint8Array.from(mac) };
  return everything({ type: "address", value }, processId, confirmed);
}

/**
 * Takes us out of the lists of devices that are not kept in touch with any more, `known` being the instances of those that are. One
 * that does not answer is told at the next start or change of the configuration.
 */
export async function withdraw(
  station: Station,
  memory: DeviceMemory,
  known: ReadonlySet<number>,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const leaving = memory.rememberedAll(KEY).filter(([instance]) => !known.has(Number(instance)));
  await Promise.all(
    leaving.map(async ([instance, value]) => {
      const registration = value as KeptRegistration;
      const peer = peerOf(registration.where);
      const elements = rawValue(destination, elementOf(registration));
      const ends = await Promise.all(
        registration.classes.map((object) =>
          station.request({ peer, service: CONFIRMED.removeListElement, body: change(object, elements), signal }),
        ),
      );
      if (signal.aborted) return;
      if (ends.some(({ kind }) => kind === "timeout")) {
        logger.warn({ instance, at: peerKey(peer) }, "a device that has left goes on telling us its alarms");
        return;
      }
      memory.forget(KEY, instance);
    }),
  );
}
