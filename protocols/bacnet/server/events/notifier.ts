import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Destination } from "../../codec/destination.ts";
import { CONFIRMED, UNCONFIRMED } from "../../codec/enums.ts";
import { encodeBody } from "../../codec/fields.ts";
import type { Peer } from "../../codec/frame.ts";
import { type BacnetAddress, type Recipient, recipient as recipientField } from "../../codec/references.ts";
import { encodeWhoIs } from "../../codec/services/discovery.ts";
import { encodeEventNotification } from "../../codec/services/event-notification.ts";
import type { ObjectId } from "../../codec/values.ts";
import type { Station, Destination as Where } from "../../station/ports.ts";
import type { DeviceClock } from "../device-clock.ts";
import type { NotificationClass } from "./notification-class.ts";
import { type Transition, transitionTo } from "./reporter.ts";

/** What the notifier needs of its server. */
export interface NotifierDeps {
  readonly clock: Clock;
  readonly deviceClock: DeviceClock;
  readonly logger: Logger;
  readonly station: () => Station;
  readonly device: () => ObjectId;
  /** May the device speak by itself? [BACnet 16.1] */
  readonly initiates: () => boolean;
}

interface Message {
  readonly body: Uint8Array;
  readonly confirmed: boolean;
}

/** What waits for one recipient; told one after the other, so that none overtakes another. */
interface Queue {
  readonly recipient: Recipient;
  readonly messages: Message[];
  rounds: number;
  /** Ends the wait for the next round; undefined while a message is under way. */
  cancel: (() => void) | undefined;
}

// a recipient that has gone away must not hold memory for ever
const MAX_WAITING = 500;
const MAX_QUEUES = 64;
const MAX_BINDINGS = 64;
/** After the station's own repetitions have gone unanswered. */
const ROUND_MS = 10_000;
const MAX_ROUNDS = 30;
const LOCAL = 0;
const EVERYWHERE = 0xffff;
const IP_MAC_BYTES = 6;

/** Tells the recipients of notification classes; confirmed notifications are repeated until they are answered. [BACnet 13.8, 13.9] */
export class Notifier {
  readonly #deps: NotifierDeps;
  readonly #queues = new Map<string, Queue>();
  /** Where recipient devices were last heard, by instance. */
  readonly #bindings = new Map<number, Peer>();
  #life = new AbortController();
  #dropped = 0;

  constructor(deps: NotifierDeps) {
    this.#deps = deps;
  }

  /** Tells a transition to all who want it now. */
  tell(transition: Transition, notificationClass: NotificationClass): void {
    if (!this.#deps.initiates()) return;
    const index = transitionTo(transition.toState);
    const now = this.#deps.deviceClock.local();
    for (const wanted of notificationClass.recipients(index, now)) {
      this.#enqueue(wanted, this.#message(transition, notificationClass.priority(index), wanted));
    }
  }

  /** Tells recipients something else than a transition, unconfirmed; those that cannot be found now are not told. */
  announce(service: number, body: Uint8Array, recipients: readonly Recipient[]): void {
    for (const recipient of recipients) {
      const where = this.#whereIs(recipient);
      if (where === undefined || where instanceof Promise) continue;
      this.#deps.station().announce(service, body, where);
    }
  }

  /** A device has said where it is. */
  heard(instance: number, peer: Peer): void {
    this.#bindings.delete(instance);
    if (this.#bindings.size >= MAX_BINDINGS) {
      const [oldest] = this.#bindings.keys();
      if (oldest !== undefined) this.#bindings.delete(oldest);
    }
    this.#bindings.set(instance, peer);
    for (const queue of this.#queues.values()) {
      const { recipient } = queue;
      if (recipient.type !== "device" || recipient.value.instance !== instance || queue.cancel === undefined) continue;
      queue.cancel();
      queue.cancel = undefined;
      this.#next(queue);
    }
  }

  /** Forgets everything that waits: power loss, or the end. */
  clear(): void {
    this.#life.abort();
    this.#life = new AbortController();
    for (const { cancel } of this.#queues.values()) cancel?.();
    this.#queues.clear();
    this.#bindings.clear();
  }

  #message(transition: Transition, priority: number, { processId, issueConfirmedNotifications }: Destination): Message {
    const { object, notificationClass, eventType, notifyType, fromState, toState } = transition;
    const { timeStamp, messageText, ackRequired, parameters } = transition;
    const body = encodeEventNotification({
      processId,
      initiatingDevice: this.#deps.device(),
      eventObject: object,
      timeStamp,
      notificationClass,
      priority,
      eventType,
      notifyType,
      toState,
      ...(messageText === undefined ? {} : { messageText }),
      ...(fromState === undefined ? {} : { ackRequired, fromState }),
      ...(parameters === undefined ? {} : { eventValues: parameters }),
    });
    return { body, confirmed: issueConfirmedNotifications };
  }

  #enqueue({ recipient }: Destination, message: Message): void {
    const key = encodeBody(recipientField, recipient).join(".");
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      if (this.#queues.size >= MAX_QUEUES) {
        this.#drop();
        return;
      }
      queue = { recipient, messages: [], rounds: 0, cancel: undefined };
      this.#queues.set(key, queue);
    }
    queue.messages.push(message);
    if (queue.messages.length > MAX_WAITING) {
      // the first may be under way
      queue.messages.splice(1, 1);
      this.#drop();
    }
    if (queue.messages.length === 1) this.#next(queue);
  }

  #next(queue: Queue): void {
    const [message] = queue.messages;
    if (message === undefined) {
      this.#queues.delete(encodeBody(recipientField, queue.recipient).join("."));
      return;
    }
    const where = this.#whereIs(queue.recipient);
    if (!(where instanceof Promise)) {
      this.#send(queue, message, where);
      return;
    }
    const { signal } = this.#life;
    void where.then((found) => {
      if (!signal.aborted) this.#send(queue, message, found);
    });
  }

  #send(queue: Queue, message: Message, where: Where | undefined): void {
    if (where === undefined) this.#later(queue);
    else if (message.confirmed && !("broadcast" in where)) void this.#confirm(queue, message, where);
    else {
      this.#announce(message.body, where);
      this.#done(queue);
    }
  }

  async #confirm(queue: Queue, { body }: Message, peer: Peer): Promise<void> {
    const { signal } = this.#life;
    const { kind } = await this.#deps.station().request({
      peer,
      service: CONFIRMED.confirmedEventNotification,
      body,
      signal,
    });
    if (signal.aborted) return;
    if (kind === "timeout" || kind === "cancelled") this.#later(queue);
    else this.#done(queue);
  }

  #announce(body: Uint8Array, where: Where): void {
    try {
      this.#deps.station().announce(UNCONFIRMED.unconfirmedEventNotification, body, where);
    } catch (error) {
      this.#deps.logger.warn({ error: errorMessage(error) }, "BACnet event notification not sent");
    }
  }

  #done(queue: Queue): void {
    queue.messages.shift();
    queue.rounds = 0;
    this.#next(queue);
  }

  #later(queue: Queue): void {
    queue.rounds += 1;
    if (queue.rounds > MAX_ROUNDS) {
      this.#drop();
      this.#done(queue);
      return;
    }
    queue.cancel = this.#deps.clock.after(ROUND_MS, () => {
      queue.cancel = undefined;
      this.#next(queue);
    });
  }

  /** Gives a notification up: too many wait, or nobody answers. Told at the first and then at each hundredth. */
  #drop(): void {
    this.#dropped += 1;
    if (this.#dropped % 100 === 1) {
      this.#deps.logger.warn({ dropped: this.#dropped }, "BACnet event notifications given up");
    }
  }

  /** Where a recipient is; undefined while it is looked for. */
  #whereIs(recipient: Recipient): Where | undefined | Promise<Where | undefined> {
    if (recipient.type === "address") return this.#addressOf(recipient.value);
    const { instance } = recipient.value;
    const known = this.#bindings.get(instance);
    if (known !== undefined) return known;
    const body = encodeWhoIs({ low: instance, high: instance });
    this.#deps.station().announce(UNCONFIRMED.whoIs, body, { broadcast: "global" });
    return undefined;
  }

  /** An address of a recipient list as a destination. [BACnet 21, BACnetAddress; Annex J.1.2] */
  #addressOf({ network, mac }: BacnetAddress): Where | undefined | Promise<Where | undefined> {
    if (network === EVERYWHERE) return { broadcast: "global" };
    if (mac.length === 0) return { broadcast: network === LOCAL ? "local" : network };
    if (network !== LOCAL) return this.#behindRouter(network, mac);
    if (mac.length !== IP_MAC_BYTES) return undefined;
    return { host: mac.subarray(0, 4).join("."), port: (mac[4] ?? 0) * 256 + (mac[5] ?? 0) };
  }

  async #behindRouter(net: number, mac: Uint8Array): Promise<Where | undefined> {
    const router = await this.#deps.station().routeTo(net, this.#life.signal);
    return router === undefined ? undefined : { ...router, station: { net, mac } };
  }
}
