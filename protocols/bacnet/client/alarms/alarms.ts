import { createHash } from "node:crypto";
import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { DeviceId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { FieldCondition } from "#core/model/field-condition.ts";
import type { ActionRequest, ActionResult, DriverDeps } from "../../../driver.ts";
import { EVENT_STATE, eventStateName, eventTypeName, NOTIFY_TYPE, OBJECT_TYPES } from "../../codec/enums.ts";
import type { EventNotification } from "../../codec/services/event-notification.ts";
import { type ObjectId, objectIdWord } from "../../codec/values.ts";
import type { Counters } from "../../counters.ts";
import type { AlarmSettings } from "../../settings.ts";
import { type Contact, repeat } from "../contact.ts";
import { type DeviceTime, sourceTimeOf } from "../control/clock.ts";
import { readObjectList } from "../object-list.ts";
import { acknowledge } from "./alarm-acknowledge.ts";
import { AlarmBook, isAlarm, type KeptBook } from "./alarm-book.ts";
import { canAlarm, type EventRow, readEventList, readEventRows, readMessageTexts } from "./alarm-information.ts";
import { objectName, objectOf, transitionTo } from "./alarm-map.ts";
import { type RecipientDeps, Recipients } from "./alarm-recipients.ts";
import { masked, messageOf, valuesOf } from "./alarm-text.ts";

/** What the alarms of one device need. */
export interface AlarmDeps
  extends Pick<DriverDeps, "onConditions" | "storeEvent">,
    Pick<RecipientDeps, "memory" | "recipientAt" | "instance"> {
  readonly device: DeviceId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly settings: AlarmSettings;
  /** What is known of the device's clock. */
  readonly time: () => DeviceTime | undefined;
  /** Conditions that we found at the device ourselves and that hold now. */
  readonly own: () => readonly FieldCondition[];
}

const BOOK = "events";
/** Kinds of device events of what is no alarm. */
const KINDS: ReadonlyMap<number, string> = new Map([
  [NOTIFY_TYPE.event, "eventNotification"],
  [NOTIFY_TYPE.ackNotification, "alarmAcknowledged"],
]);
const DAY_MS = 86_400_000;
const SAVE_AFTER_MS = 1000;
/** Notifications that are remembered, so that what a device tells again is stored once. */
const REMEMBERED = 500;
const LONGEST_MESSAGE = 1000;
/** Texts that are asked for after one look at all. */
const MOST_TEXTS = 100;

/**
 * Alarms of one device: it tells them because we are in its recipient lists, and is asked for all of them at each connection, so that
 * the alarms here are the alarms there; a device that does not take us into its lists is asked again and again. A notification is
 * answered for after it is on the gateway's disk. [BACnet 13]
 */
export class DeviceAlarms {
  readonly #deps: AlarmDeps;
  readonly #book: AlarmBook;
  readonly #recipients: Recipients;
  /** Notifications that are being stored, and those that are: their repeats need nothing more. */
  readonly #storing = new Map<string, Promise<boolean>>();
  readonly #stored = new Set<string>();
  #contact: Contact | undefined;
  #objects: readonly ObjectId[] | undefined;
  /** Objects that could be in alarm by their type, and have no alarms. */
  readonly #without = new Set<number>();
  /** Objects told by notifications while all of them are being read; undefined while they are not. */
  #touched: Set<number> | undefined;
  #looking: Promise<boolean> = Promise.resolve(true);
  #cancelSave: (() => void) | undefined;
  #closed = false;

  constructor(deps: AlarmDeps) {
    this.#deps = deps;
    const { clock, device, settings, memory, instance } = deps;
    this.#recipients = new Recipients(deps);
    this.#book = new AlarmBook(
      {
        device,
        settings,
        now: () => clock.now(),
        sourceTime: (stamp) => sourceTimeOf(stamp, deps.time(), clock.now()),
        ackRequired: (notificationClass) => this.#recipients.facts(notificationClass)?.ackRequired,
      },
      memory.remembered(BOOK, String(instance)) as KeptBook | undefined,
    );
  }

  /** The device is in touch. Resolves when its alarms are known, or it fell silent; then they are kept so. */
  async begin(contact: Contact): Promise<void> {
    if (!this.#deps.settings.take) return;
    this.#contact = contact;
    await this.#all(contact);
  }

  /** The device may have `restarted`, or its objects are others: registers and reads all anew. */
  async renewed(restarted: boolean): Promise<void> {
    const contact = this.#contact;
    if (contact === undefined || contact.signal.aborted) return;
    this.#objects = undefined;
    await this.#register(contact);
    await this.#look(contact, true, restarted);
  }

  /** Takes a notification; true when it is on the disk, so that it may be answered. Never rejects. */
  notified(notification: EventNotification): Promise<boolean> {
    const { counters, settings } = this.#deps;
    if (!settings.take) return Promise.resolve(true);
    const key = keyOf(notification);
    const running = this.#storing.get(key);
    if (running !== undefined || this.#stored.has(key)) {
      counters.add("eventsRepeated");
      return running ?? Promise.resolve(true);
    }
    counters.add("eventNotifications");
    const work = this.#store(notification, key).finally(() => this.#storing.delete(key));
    this.#storing.set(key, work);
    return work;
  }

  /** Performs `acknowledgeCondition {condition, by?}`: acknowledges at the device what still waits there for it. */
  async act({ device, action, params }: ActionRequest): Promise<ActionResult> {
    if (action !== "acknowledgeCondition") {
      return { status: "rejected", code: "ACTION_UNKNOWN", message: `BACnet conditions have no action "${action}"` };
    }
    const { condition, by } = params;
    const object = objectOf(condition);
    const known = object === undefined ? undefined : this.#book.known(object);
    const contact = this.#contact;
    if (known === undefined) {
      const message = `${device} has no condition "${String(condition)}"`;
      return { status: "rejected", code: "BACNET_CONDITION_UNKNOWN", message };
    }
    if (contact === undefined || contact.signal.aborted) {
      return { status: "rejected", code: "BACNET_OFFLINE", message: `${device} is offline` };
    }
    const { clock, settings } = this.#deps;
    const { result, states } = await acknowledge(contact, known, {
      processId: settings.processId,
      by: typeof by === "string" && by !== "" ? by : "Parkhub",
      now: clock.now(),
      utcOffsetMin: this.#deps.time()?.utcOffsetMin ?? 0,
    });
    for (const state of states) this.#tell(this.#book.acknowledged(known.object, state));
    // it was another transition that waits: whoever acknowledges has not seen that
    if (result.status === "failed") void this.#look(contact, false);
    return result;
  }

  /** Lets go of the device; nothing is told afterwards. */
  close(): void {
    this.#contact = undefined;
    this.#save();
    this.#closed = true;
  }

  async #all(contact: Contact): Promise<void> {
    const { clock, settings } = this.#deps;
    const registered = await this.#register(contact);
    if (contact.signal.aborted) return;
    await this.#look(contact, true);
    const periodMs = registered ? settings.checkMs : settings.pollMs;
    repeat(clock, contact.signal, periodMs, async () => void (await this.#look(contact, false)));
    repeat(clock, contact.signal, DAY_MS, () => {
      this.#without.clear();
      return this.renewed(false);
    });
  }

  /** Finds what can be in alarm, and puts us into the recipient lists. */
  async #register(contact: Contact): Promise<boolean> {
    try {
      const objects = this.#objects ?? (await readObjectList(contact, this.#deps.instance));
      if (objects === undefined) return false;
      this.#objects = objects;
      const classes = objects.filter(({ type }) => type === OBJECT_TYPES["notification-class"]);
      return await this.#recipients.register(contact, classes);
    } catch (error) {
      this.#deps.logger.error({ cause: errorMessage(error) }, "not registered for the alarms of the device");
      return false;
    }
  }

  /** Reads what is in alarm and tells it. One look at a time. `whole`: also what happened to objects that are normal again. */
  #look(contact: Contact, whole: boolean, restarted = false): Promise<boolean> {
    const read = (): Promise<boolean> =>
      this.#read(contact, whole, restarted).catch((error: unknown) => {
        this.#deps.logger.error({ cause: errorMessage(error) }, "alarms of the device could not be read");
        return false;
      });
    this.#looking = this.#looking.then(read);
    return this.#looking;
  }

  async #read(contact: Contact, whole: boolean, restarted: boolean): Promise<boolean> {
    if (contact.signal.aborted) return false;
    const touched = new Set<number>();
    this.#touched = touched;
    // of a restart before this moment the flags that are read say nothing, and of a later one the next look
    const startedAt = contact.startedAt();
    const again = restarted || this.#book.hasRestarted(startedAt);
    try {
      const rows = await this.#rows(contact, whole);
      if (rows === undefined || contact.signal.aborted || this.#contact !== contact) return false;
      const texts = await this.#texts(contact, rows);
      if (contact.signal.aborted || this.#contact !== contact) return false;
      // what was told meanwhile is newer than what was read
      const told = rows.filter(({ object }) => !touched.has(objectIdWord(object)));
      this.#tell(told.flatMap((row) => this.#book.read(row, texts.get(objectIdWord(row.object)), again)));
      this.#book.synced(startedAt);
      const { device, onConditions, own } = this.#deps;
      onConditions({ device, conditions: [...this.#book.conditions(), ...own()], complete: true });
      this.#saveSoon();
      return true;
    } finally {
      if (this.#touched === touched) this.#touched = undefined;
    }
  }

  /** The state of everything that is or was in alarm; undefined when it cannot be told now. */
  async #rows(contact: Contact, whole: boolean): Promise<readonly EventRow[] | undefined> {
    const list = await readEventList(contact, this.#deps.counters);
    if (list.kind === "silent" || list.kind === "failed") return undefined;
    const listed = list.kind === "told" ? list.rows : [];
    const complete = new Set(
      listed.filter(({ stamps }) => stamps !== undefined).map(({ object }) => objectIdWord(object)),
    );
    // an object whose state is told without its history, one that was in alarm or waited and is not in the list any more, and at times all of them
    const everything = whole || list.kind === "unsupported" ? this.#candidates(contact) : this.#book.open;
    const names = new Map(
      [...listed.map(({ object }) => object), ...everything].map((object) => [objectIdWord(object), object]),
    );
    const wanted = [...names].filter(([word, object]) => !complete.has(word) || this.#book.facts(object) === undefined);
    const read = await this.#states(
      contact,
      wanted.map(([, object]) => object),
    );
    if (read === undefined) return undefined;
    this.#book.learn(read);
    if (whole) this.#narrow(read, listed);
    const rows = new Map(read.map((row) => [objectIdWord(row.object), row]));
    // the list is older than what was read afterwards, but says more
    for (const row of listed) {
      const word = objectIdWord(row.object);
      rows.set(word, { ...row, ...rows.get(word) });
    }
    return [...rows.values()].filter(({ object, notifyType }) =>
      isAlarm(notifyType ?? this.#book.facts(object)?.notifyType),
    );
  }

  /** Reads the event properties of objects; of those that have any and are not known yet also what they say of themselves. */
  async #states(contact: Contact, objects: readonly ObjectId[]): Promise<readonly EventRow[] | undefined> {
    const rows = await readEventRows(contact, objects, false);
    const strangers = rows?.filter(({ object }) => this.#book.facts(object) === undefined) ?? [];
    const fresh = await readEventRows(
      contact,
      strangers.map(({ object }) => object),
      true,
    );
    // the second look at an object is the newer one
    return rows && fresh && [...rows, ...fresh];
  }

  /** Objects that may be in alarm: all that can, or without ReadPropertyMultiple those that were. */
  #candidates({ abilities }: Contact): readonly ObjectId[] {
    if (!abilities.readsMultiple) return this.#book.open;
    return (this.#objects ?? []).filter((object) => canAlarm(object) && !this.#without.has(objectIdWord(object)));
  }

  /** Objects without alarms are not asked again. */
  #narrow(read: readonly EventRow[], listed: readonly EventRow[]): void {
    const have = new Set([...read, ...listed].map(({ object }) => objectIdWord(object)));
    for (const object of this.#objects ?? []) {
      const word = objectIdWord(object);
      if (canAlarm(object) && !have.has(word)) this.#without.add(word);
    }
  }

  /** The device's own texts of alarms that it did not tell us itself. */
  #texts(contact: Contact, rows: readonly EventRow[]): Promise<ReadonlyMap<number, string>> {
    const untold = rows.filter(({ object, state }) => {
      const known = this.#book.known(object);
      return state !== EVENT_STATE.normal && (known?.message === undefined || known.state !== state);
    });
    const wanted = untold
      .slice(0, MOST_TEXTS)
      .map(({ object, state }) => ({ object, transition: transitionTo(state) }));
    return readMessageTexts(contact, wanted);
  }

  async #store(notification: EventNotification, key: string): Promise<boolean> {
    const { counters, logger, storeEvent } = this.#deps;
    this.#take(notification);
    try {
      // what it changed was told before: the event is on the disk only together with that
      await storeEvent(this.#event(notification, key));
    } catch (error) {
      counters.add("eventsNotStored");
      logger.warn({ cause: errorMessage(error) }, "alarm notification not stored, not acknowledged");
      return false;
    }
    this.#stored.add(key);
    const [oldest] = this.#stored;
    if (this.#stored.size > REMEMBERED && oldest !== undefined) this.#stored.delete(oldest);
    this.#saveSoon();
    return true;
  }

  #take(notification: EventNotification): void {
    const { eventObject, notifyType, toState, fromState } = notification;
    if (notifyType === NOTIFY_TYPE.ackNotification) {
      const told = this.#book.acknowledged(eventObject, toState, notification.timeStamp);
      if (told.length === 0 && this.#book.known(eventObject) !== undefined) this.#lookAnew(notification);
      else this.#touched?.add(objectIdWord(eventObject));
      this.#tell(told);
      return;
    }
    // a full buffer or a passed door is no state of its object
    const isState = toState !== EVENT_STATE.normal || fromState !== EVENT_STATE.normal;
    if (!isAlarm(notifyType) || !isState || this.#book.isKnown(notification)) return;
    if (this.#book.isOld(notification)) {
      this.#lookAnew(notification);
      return;
    }
    this.#touched?.add(objectIdWord(eventObject));
    this.#tell(this.#book.transit(notification));
  }

  /** What was told seems older than what is known: it came late, or the device's clock was set back. */
  #lookAnew({ eventObject, eventType }: EventNotification): void {
    const contact = this.#contact;
    this.#deps.logger.info({ object: objectName(eventObject), eventType }, "an old event was told late, looking anew");
    if (contact !== undefined) void this.#look(contact, false);
  }

  #tell(conditions: readonly FieldCondition[]): void {
    const { device, onConditions } = this.#deps;
    if (conditions.length > 0) onConditions({ device, conditions: [...conditions], complete: false });
  }

  #event(notification: EventNotification, key: string): DeviceEvent {
    const { clock, device, time } = this.#deps;
    const { eventObject, eventType, eventValues, fromState, notificationClass, notifyType, priority } = notification;
    const observedAt = clock.now();
    const sourceTime = sourceTimeOf(notification.timeStamp, time(), observedAt);
    const message = messageOf(notification, this.#book.facts(eventObject)).slice(0, LONGEST_MESSAGE);
    return {
      id: `bacnet-${createHash("sha256").update(`${device} ${key}`).digest("hex").slice(0, 32)}`,
      device,
      kind: KINDS.get(notifyType) ?? "alarmNotification",
      ...(sourceTime === undefined ? {} : { sourceTime }),
      observedAt,
      data: {
        object: objectName(eventObject),
        eventType: eventTypeName(eventType),
        ...(fromState === undefined ? {} : { fromState: eventStateName(fromState) }),
        toState: eventStateName(notification.toState),
        notificationClass,
        priority,
        message: masked(message),
        ...valuesOf(eventValues),
      },
    };
  }

  #saveSoon(): void {
    if (this.#closed) return;
    this.#cancelSave ??= this.#deps.clock.after(SAVE_AFTER_MS, () => this.#save());
  }

  #save(): void {
    if (this.#cancelSave === undefined) return;
    this.#cancelSave();
    this.#cancelSave = undefined;
    const { memory, instance } = this.#deps;
    memory.remember(BOOK, String(instance), this.#book.kept());
  }
}

/** The same transition has the same identity, however often and in whatever way it is told. */
function keyOf({ eventObject, toState, notifyType, timeStamp, eventType }: EventNotification): string {
  return `${objectIdWord(eventObject)} ${eventType} ${notifyType} ${toState} ${JSON.stringify(timeStamp)}`;
}
