import { randomUUID } from "node:crypto";
import type { Clock } from "#core/clock.ts";
import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import { formatDateTime, parseDateTime, parseDuration } from "#protocols/onvif/codec/time.ts";
import { escapeXml, type XmlElement } from "#protocols/onvif/codec/xml.ts";
import type { OnvifFaults } from "./fault-menu.ts";
import { answer, type Operations, SERVICE_PATHS, type Service, type ServiceRequest, SoapRefusal } from "./service.ts";
import {
  type EventSource,
  type Happening,
  notification,
  type PropertyOperation,
  type TopicDescription,
  topicMatches,
  topicSet,
} from "./topics.ts";

const REBOOT: TopicDescription = {
  topic: "tns1:Monitoring/OperatingTime/LastReboot",
  property: true,
  source: [],
  data: [["Status", "xs:dateTime"]],
};
const MAX_QUEUED = 500;
const MAX_SUBSCRIPTIONS = 32;
const DEFAULT_LIFE_MS = 60_000;
const MAX_LIFE_MS = 3_600_000;
const MAX_PULL_MS = 60_000;
const MAX_PULLED = 100;

interface Subscription {
  terminatesAt: number;
  /** Topic expression; empty: everything. */
  readonly filter: string;
  queue: string[];
  wake: (() => void) | undefined;
}

/** What the event service has to know of its device. */
export interface EventContext {
  readonly clock: Clock;
  readonly faults: OnvifFaults;
  /** The device's own clock, Unix ms. */
  readonly deviceNow: () => number;
}

/** PullPoint subscriptions of one device. [ONVIF Core 9.1] */
export class EventService {
  readonly #source: EventSource;
  readonly #context: EventContext;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #stopListening: () => void;
  #startedAt: number;

  constructor(source: EventSource, context: EventContext) {
    this.#source = source;
    this.#context = context;
    this.#startedAt = context.deviceNow();
    this.#stopListening = source.listen((happening) => this.#tell(happening));
  }

  /** Number of subscriptions alive. */
  get size(): number {
    this.#expire();
    return this.#subscriptions.size;
  }

  /** Forgets every subscription, as a device does that loses power or memory. */
  dropAll(): void {
    const dropped = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    for (const subscription of dropped) subscription.wake?.();
  }

  /** The device has started anew. */
  restarted(): void {
    this.dropAll();
    this.#startedAt = this.#context.deviceNow();
  }

  close(): void {
    this.#stopListening();
    this.dropAll();
  }

  /** The event service, and the subscription manager behind it, which speaks a namespace of its own. */
  services(): readonly Service[] {
    const capabilities =
      '<tev:Capabilities WSSubscriptionPolicySupport="false" WSPausableSubscriptionManagerInterfaceSupport="false" ' +
      `MaxNotificationProducers="0" MaxPullPoints="${MAX_SUBSCRIPTIONS}" PersistentNotificationStorage="false"/>`;
    const events: Service = {
      name: "Events",
      namespace: NAMESPACES.tev,
      path: SERVICE_PATHS.events,
      version: [2, 60],
      capabilities,
      operations: this.#eventOperations(),
    };
    return [events, { ...events, name: "Subscription", namespace: NAMESPACES.wsnt, operations: this.#managed() }];
  }

  #eventOperations(): Operations {
    return {
      GetEventProperties: () => eventProperties([REBOOT, ...this.#source.topics]),
      CreatePullPointSubscription: (request) => this.#create(request),
      PullMessages: (request) => this.#pull(request),
      SetSynchronizationPoint: ({ path }) => {
        const subscription = this.#find(path);
        this.#enqueue(subscription, this.#properties(subscription.filter));
        return answer("tev", "SetSynchronizationPointResponse");
      },
    };
  }

  #managed(): Operations {
    return {
      Renew: ({ body, path }) => {
        const subscription = this.#find(path);
        if (this.#context.faults.has("no-renew")) {
          throw new SoapRefusal("Receiver", ["ActionNotSupported"], "Renew is not supported");
        }
        subscription.terminatesAt = this.#termination(body.child("TerminationTime"));
        const ends = `<wsnt:TerminationTime>${this.#deviceTime(subscription.terminatesAt)}</wsnt:TerminationTime>`;
        return answer("wsnt", "RenewResponse", ends + this.#currentTime("wsnt"));
      },
      Unsubscribe: ({ path }) => {
        this.#find(path);
        this.#drop(path.slice(path.lastIndexOf("/") + 1));
        return answer("wsnt", "UnsubscribeResponse");
      },
    };
  }

  #create({ body, addressOf }: ServiceRequest): string {
    this.#expire();
    if (this.#context.faults.has("create-pull-point-fault") || this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
      throw new SoapRefusal("Receiver", ["Action", "MaxPullPoints"], "no more pull points");
    }
    const filter = body.textAt("Filter", "TopicExpression") ?? "";
    const id = randomUUID();
    const subscription: Subscription = {
      terminatesAt: this.#termination(body.child("InitialTerminationTime")),
      filter,
      queue: this.#properties(filter),
      wake: undefined,
    };
    this.#subscriptions.set(id, subscription);
    const death = this.#context.faults.of("subscription-death");
    if (death !== undefined) this.#context.clock.after(Number(death["afterMs"]), () => this.#drop(id));
    const address = escapeXml(addressOf("subscription", `${SERVICE_PATHS.subscription}/${id}`));
    return answer(
      "tev",
      "CreatePullPointSubscriptionResponse",
      `<tev:SubscriptionReference><wsa:Address>${address}</wsa:Address></tev:SubscriptionReference>` +
        this.#times("wsnt", subscription),
    );
  }

  async #pull({ body, path, signal }: ServiceRequest): Promise<string> {
    const limit = Math.max(1, Math.min(MAX_PULLED, Number(body.textAt("MessageLimit") ?? 1) || 1));
    const timeoutMs = Math.min(MAX_PULL_MS, parseDuration(body.textAt("Timeout")) ?? MAX_PULL_MS);
    const subscription = this.#find(path);
    if (subscription.queue.length === 0) await this.#arrival(subscription, timeoutMs, signal);
    // It may have been dropped meanwhile.
    this.#find(path);
    // [ONVIF Core 9.1.1] a pull keeps the subscription alive for at least its own time-out
    subscription.terminatesAt = Math.max(subscription.terminatesAt, this.#context.clock.now() + timeoutMs);
    const messages = subscription.queue.splice(0, limit);
    const { faults } = this.#context;
    if (faults.has("events-out-of-order")) messages.reverse();
    const told = faults.has("events-duplicated") ? messages.flatMap((message) => [message, message]) : messages;
    return answer("tev", "PullMessagesResponse", this.#times("tev", subscription) + told.join(""));
  }

  #tell(happening: Happening): void {
    this.#expire();
    const message = this.#message(happening, "Changed");
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.filter !== "" && !topicMatches(subscription.filter, happening.topic)) continue;
      this.#enqueue(subscription, [message]);
    }
  }

  #properties(filter: string): string[] {
    const reboot: Happening = {
      topic: REBOOT.topic,
      property: true,
      source: [],
      data: [["Status", formatDateTime(this.#startedAt)]],
    };
    return [reboot, ...this.#source.properties()]
      .filter(({ topic }) => filter === "" || topicMatches(filter, topic))
      .map((happening) => this.#message(happening, "Initialized"));
  }

  #message(happening: Happening, operation: PropertyOperation): string {
    return notification(happening, this.#context.deviceNow(), operation);
  }

  #enqueue(subscription: Subscription, messages: readonly string[]): void {
    subscription.queue.push(...messages);
    if (subscription.queue.length > MAX_QUEUED) subscription.queue.splice(0, subscription.queue.length - MAX_QUEUED);
    if (subscription.queue.length > 0) subscription.wake?.();
  }

  #arrival(subscription: Subscription, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      // A second pull on the same subscription ends the first one's wait.
      subscription.wake?.();
      const wake = (): void => {
        cancel();
        signal.removeEventListener("abort", wake);
        if (subscription.wake === wake) subscription.wake = undefined;
        resolve();
      };
      const cancel = this.#context.clock.after(timeoutMs, wake);
      subscription.wake = wake;
      signal.addEventListener("abort", wake);
    });
  }

  #drop(id: string): void {
    const dropped = this.#subscriptions.get(id);
    this.#subscriptions.delete(id);
    dropped?.wake?.();
  }

  #find(path: string): Subscription {
    this.#expire();
    const found = this.#subscriptions.get(path.slice(path.lastIndexOf("/") + 1));
    if (found === undefined) throw new SoapRefusal("Sender", ["InvalidArgVal"], "the subscription does not exist");
    return found;
  }

  #expire(): void {
    const now = this.#context.clock.now();
    for (const [id, subscription] of this.#subscriptions) {
      if (subscription.terminatesAt > now || subscription.wake !== undefined) continue;
      this.#subscriptions.delete(id);
    }
  }

  /** [ONVIF Core 9.1.2] absolute and relative times are both taken. In the hub's clock. */
  #termination(wanted: XmlElement | undefined): number {
    const { clock, faults, deviceNow } = this.#context;
    const text = wanted?.text ?? "";
    const absolute = parseDateTime(text);
    const takes = faults.of("termination-form")?.["takes"];
    const refused = takes !== undefined && text !== "" && (absolute !== undefined) !== (takes === "absolute");
    const lifeMs = absolute === undefined ? (parseDuration(text) ?? DEFAULT_LIFE_MS) : absolute - deviceNow();
    if (refused || lifeMs <= 0) {
      throw new SoapRefusal("Sender", ["InvalidArgVal"], `unacceptable termination time ${text}`);
    }
    return clock.now() + Math.min(lifeMs, MAX_LIFE_MS);
  }

  #deviceTime(at: number): string {
    return formatDateTime(at - this.#context.clock.now() + this.#context.deviceNow());
  }

  #currentTime(prefix: "tev" | "wsnt"): string {
    if (this.#context.faults.has("missing-current-time")) return "";
    return `<${prefix}:CurrentTime>${formatDateTime(this.#context.deviceNow())}</${prefix}:CurrentTime>`;
  }

  #times(prefix: "tev" | "wsnt", subscription: Subscription): string {
    const ends = `<${prefix}:TerminationTime>${this.#deviceTime(subscription.terminatesAt)}</${prefix}:TerminationTime>`;
    return this.#currentTime(prefix) + ends;
  }
}

function eventProperties(topics: readonly TopicDescription[]): string {
  return answer(
    "tev",
    "GetEventPropertiesResponse",
    "<tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation>" +
      `<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet>${topicSet(topics)}` +
      "<wsnt:TopicExpressionDialect>http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet</wsnt:TopicExpressionDialect>" +
      "<tev:MessageContentFilterDialect>http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter</tev:MessageContentFilterDialect>" +
      "<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd</tev:MessageContentSchemaLocation>",
  );
}
