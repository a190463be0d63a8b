import {
  DataChangeNotification,
  type EventFieldList,
  EventNotificationList,
  type MonitoredItemNotification,
  type NotificationMessage,
  PublishRequest,
  type PublishResponse,
  RepublishRequest,
  type RepublishResponse,
  StatusChangeNotification,
} from "node-opcua";
import type { Clock } from "#core/clock.ts";
import { HubError } from "#core/errors.ts";
import type { OpcuaCounters } from "./counters.ts";
import { OpcuaFault, timeoutError, translated } from "./errors.ts";

/** Sign-of-life intervals of a subscription that may pass in silence. */
const SILENT_KEEP_ALIVES = 3;
/** Publish requests that wait at the server besides one for each subscription. [OPC 10000-4 §5.14.5] */
const SPARE_REQUESTS = 2;
/** Messages that wait while missing ones are asked for; more than so many, and the connection is made anew. */
const MOST_WAITING = 1000;
/** A gap wider than any retransmission queue. */
const WIDEST_GAP = 1000;
const SETTLE_CHECK_MS = 20;
const ENDED = ["BadSubscriptionIdInvalid", "BadSessionIdInvalid", "BadSessionClosed", "BadNoSubscription"];

/** What a subscription's messages are for. */
export interface Notified {
  data(items: readonly MonitoredItemNotification[]): void;
  events(lists: readonly EventFieldList[]): void;
}

/** A subscription at the server; outlives connections. */
export interface Subscription extends Notified {
  readonly id: number;
  /** Longest time between two signs of life that was agreed, ms. */
  readonly keepAliveMs: number;
  /** Sequence number that comes next; 0 is never used. [OPC 10000-4 §7.25] */
  expected: number;
}

/** What the loop needs of its connection. */
export interface PublishingDeps {
  readonly clock: Clock;
  readonly counters: OpcuaCounters;
  ask<R>(request: object, limitMs?: number): Promise<R>;
  /** The loop has ended itself: silence, a subscription that is gone, a fault. */
  onBroken(cause: HubError): void;
  /** Messages are missing for good: what they told has to be read. */
  onMissed(): void;
}

interface Course {
  readonly subscription: Subscription;
  heardAt: number;
  /** Messages that came while earlier ones are asked for again; undefined when none are. */
  waiting: NotificationMessage[] | undefined;
  /** Has the server told everything it had queued? */
  settled: boolean;
}

const after = (sequenceNumber: number): number => (sequenceNumber % 0xffff_ffff) + 1;

/**
 * Keeps publish requests at the server, takes what comes in order, asks for missing messages again (UA-02), and notices silence:
 * a server that froze breaks no connection. One loop belongs to one connection.
 */
export class Publishing {
  readonly #deps: PublishingDeps;
  readonly #courses = new Map<number, Course>();
  readonly #cancelWatch: () => void;
  #acknowledgements: { subscriptionId: number; sequenceNumber: number }[] = [];
  #outstanding = 0;
  #most = Number.POSITIVE_INFINITY;
  #ended = false;

  constructor(deps: PublishingDeps) {
    this.#deps = deps;
    this.#cancelWatch = deps.clock.every(100, () => this.#watch());
  }

  /** Takes up a subscription, from its next expected message on. */
  add(subscription: Subscription): void {
    const heardAt = this.#deps.clock.monotonic();
    this.#courses.set(subscription.id, { subscription, heardAt, waiting: undefined, settled: false });
    this.#refill();
  }

  /** Lets go of a subscription that is about to be deleted. */
  remove(subscription: Subscription): void {
    this.#courses.delete(subscription.id);
  }

  end(): void {
    this.#ended = true;
    this.#cancelWatch();
  }

  #break(cause: HubError): void {
    if (this.#ended) return;
    this.end();
    this.#deps.onBroken(cause);
  }

  #watch(): void {
    const now = this.#deps.clock.monotonic();
    for (const { subscription, heardAt } of this.#courses.values()) {
      const silentMs = now - heardAt;
      if (silentMs <= subscription.keepAliveMs * SILENT_KEEP_ALIVES) continue;
      this.#deps.counters.silences++;
      this.#break(timeoutError(`subscription ${subscription.id}`, silentMs));
      return;
    }
  }

  #refill(): void {
    const wanted = Math.min(this.#courses.size + SPARE_REQUESTS, this.#most);
    while (!this.#ended && this.#courses.size > 0 && this.#outstanding < wanted) {
      this.#outstanding++;
      void this.#publish().then(() => this.#refill());
    }
  }

  async #publish(): Promise<void> {
    const subscriptionAcknowledgements = this.#acknowledgements;
    this.#acknowledgements = [];
    const longest = Math.max(...[...this.#courses.values()].map((course) => course.subscription.keepAliveMs));
    // the watch above is the true limit; this one must not come before it, nor before a queued request's turn
    const limitMs = (SILENT_KEEP_ALIVES + this.#outstanding) * longest + 30_000;
    try {
      const request = new PublishRequest({ subscriptionAcknowledgements });
      const response = await this.#deps.ask<PublishResponse>(request, limitMs);
      this.#outstanding--;
      if (!this.#ended) this.#received(response);
    } catch (error) {
      this.#outstanding--;
      this.#refused(error);
    }
  }

  #refused(error: unknown): void {
    const cause = translated("publish", error);
    const status = cause instanceof OpcuaFault ? cause.status : "";
    if (status === "BadTooManyPublishRequests" && this.#outstanding > 0) this.#most = this.#outstanding;
    else if (status !== "BadTimeout" && status !== "BadRequestTimeout") this.#break(cause);
  }

  #received(response: PublishResponse): void {
    const { subscriptionId, notificationMessage, moreNotifications } = response;
    const course = this.#courses.get(subscriptionId);
    if (course === undefined) return;
    course.heardAt = this.#deps.clock.monotonic();
    if (course.waiting === undefined) this.#take(course, notificationMessage);
    else if (course.waiting.length < MOST_WAITING) course.waiting.push(notificationMessage);
    else this.#break(new HubError("OPCUA_FAULT", `subscription ${subscriptionId}: too many messages wait`));
    if (!moreNotifications && course.waiting === undefined) course.settled = true;
  }

  #take(course: Course, message: NotificationMessage): void {
    const { subscription } = course;
    const ahead = (message.sequenceNumber - subscription.expected) | 0;
    // a keep-alive tells the number that the next message will have
    if (ahead === 0) this.#deliver(subscription, message);
    else if (ahead > 0) void this.#fill(course, message, ahead);
    // what comes again was taken already
  }

  /** Asks for the messages before `message`, then goes on with it and with what came meanwhile. */
  async #fill(course: Course, message: NotificationMessage, missing: number): Promise<void> {
    const { subscription } = course;
    course.waiting = [message];
    try {
      const before = subscription.expected;
      if (missing <= WIDEST_GAP) await this.#republish(subscription, message.sequenceNumber);
      const filled = (subscription.expected - before) | 0;
      if (filled < missing) {
        this.#deps.counters.missed += missing - filled;
        subscription.expected = message.sequenceNumber;
        if (!this.#ended) this.#deps.onMissed();
      }
    } catch (error) {
      this.#break(translated("republish", error));
    }
    const waiting = course.waiting;
    course.waiting = undefined;
    for (const [at, next] of waiting.entries()) {
      if (this.#ended) return;
      this.#take(course, next);
      if (course.waiting === undefined) continue;
      (course.waiting as NotificationMessage[]).push(...waiting.slice(at + 1));
      return;
    }
  }

  /**
   * Asks for the messages from the expected one on, up to but without `until` or up to the last the server has.
   * @throws OPCUA_FAULT where the subscription or the session is gone, OPCUA_TIMEOUT, OPCUA_UNREACHABLE
   */
  async #republish(subscription: Subscription, until?: number): Promise<void> {
    for (let asked = 0; asked < WIDEST_GAP && subscription.expected !== until && !this.#ended; asked++) {
      const request = new RepublishRequest({
        subscriptionId: subscription.id,
        retransmitSequenceNumber: subscription.expected,
      });
      try {
        const { notificationMessage } = await this.#deps.ask<RepublishResponse>(request);
        this.#deps.counters.republished++;
        this.#deliver(subscription, notificationMessage);
      } catch (error) {
        const fault = translated("republish", error);
        if (!(fault instanceof OpcuaFault) || ENDED.includes(fault.status)) throw fault;
        return;
      }
    }
  }

  /**
   * Takes up a subscription that survived a loss of the connection: first what the server kept meanwhile (UA-02). False when the
   * server does not know it any more. [OPC 10000-4 §6.7] @throws OPCUA_TIMEOUT, OPCUA_UNREACHABLE
   */
  async resume(subscription: Subscription): Promise<boolean> {
    try {
      await this.#republish(subscription);
    } catch (error) {
      if (error instanceof OpcuaFault) return false;
      throw error;
    }
    this.add(subscription);
    return true;
  }

  /** Waits, at most so long, until every subscription has told what the server had queued for it. */
  async settled(limitMs: number): Promise<void> {
    const { clock } = this.#deps;
    const until = clock.monotonic() + limitMs;
    const open = (): boolean => [...this.#courses.values()].some((course) => !course.settled);
    while (!this.#ended && open() && clock.monotonic() < until) {
      await new Promise<void>((resolve) => clock.after(SETTLE_CHECK_MS, resolve));
    }
  }

  #deliver(subscription: Subscription, message: NotificationMessage): void {
    const { notificationData, sequenceNumber } = message;
    if (notificationData === null || notificationData.length === 0) return;
    subscription.expected = after(sequenceNumber);
    this.#acknowledgements.push({ subscriptionId: subscription.id, sequenceNumber });
    this.#deps.counters.notifications++;
    for (const part of notificationData) {
      if (part instanceof DataChangeNotification) subscription.data(part.monitoredItems ?? []);
      else if (part instanceof EventNotificationList) subscription.events(part.events ?? []);
      else if (part instanceof StatusChangeNotification) {
        this.#break(new OpcuaFault(`subscription ${subscription.id}`, part.status.name));
      }
    }
  }
}
