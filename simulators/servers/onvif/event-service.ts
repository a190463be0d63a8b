import { randomUUID } from "node:crypto";
import type { Clock } from "#core/clock.ts";
import { CONCRETE_TOPIC } from "#protocols/onvif/codec/namespaces.ts";
import { formatDateTime, parseDateTime, parseDuration } from "#protocols/onvif/codec/time.ts";
import { escapeXml, type XmlElement } from "#protocols/onvif/codec/xml.ts";
import type { SimulatedCamera } from "../../devices/camera.ts";
import { type Operations, SERVICE_PATHS, SoapRefusal, VIDEO_SOURCE } from "./service.ts";

/** How one detector of the camera is told. [ONVIF Imaging, Analytics and Device IO service specifications, events] */
interface TopicOfSignal {
  readonly signal: string;
  readonly topic: string;
  readonly source: readonly (readonly [name: string, value: string])[];
  readonly dataName: string;
  /** A property has a state that a subscriber is told at once; the others happen and are over. */
  readonly property: boolean;
}

const RULE_SOURCE = (rule: string): TopicOfSignal["source"] => [
  ["VideoSourceConfigurationToken", "VSC_1"],
  ["VideoAnalyticsConfigurationToken", "VAC_1"],
  ["Rule", rule],
];

const TOPICS: readonly TopicOfSignal[] = [
  {
    signal: "motion",
    topic: "tns1:VideoSource/MotionAlarm",
    source: [["Source", VIDEO_SOURCE]],
    dataName: "State",
    property: true,
  },
  {
    signal: "tamper",
    topic: "tns1:VideoSource/GlobalSceneChange/ImagingService",
    source: [["Source", VIDEO_SOURCE]],
    dataName: "State",
    property: true,
  },
  {
    signal: "field-intrusion",
    topic: "tns1:RuleEngine/FieldDetector/ObjectsInside",
    source: RULE_SOURCE("field-1"),
    dataName: "IsInside",
    property: true,
  },
  {
    signal: "digital-input",
    topic: "tns1:Device/Trigger/DigitalInput",
    source: [["InputToken", "DI_1"]],
    dataName: "LogicalState",
    property: true,
  },
  {
    signal: "line-crossed",
    topic: "tns1:RuleEngine/LineDetector/Crossed",
    source: RULE_SOURCE("line-1"),
    dataName: "ObjectId",
    property: false,
  },
];

const LAST_REBOOT = "tns1:Monitoring/OperatingTime/LastReboot";
const MAX_QUEUED = 500;
const DEFAULT_LIFE_MS = 60_000;
const MAX_LIFE_MS = 3_600_000;
const MAX_PULL_MS = 60_000;

interface Subscription {
  terminatesAt: number;
  queue: string[];
  wake: (() => void) | undefined;
}

type PropertyOperation = "Initialized" | "Changed";

/** PullPoint subscriptions of one camera. [ONVIF Core 9.1] `deviceNow` is the camera's own clock, Unix ms. */
export class EventService {
  readonly #camera: SimulatedCamera;
  readonly #clock: Clock;
  readonly #deviceNow: () => number;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #stopListening: () => void;
  #startedAt: number;
  #crossings = 0;

  constructor(camera: SimulatedCamera, clock: Clock, deviceNow: () => number) {
    this.#camera = camera;
    this.#clock = clock;
    this.#deviceNow = deviceNow;
    this.#startedAt = deviceNow();
    this.#stopListening = camera.onDetection((signal, value) => this.#detected(signal, value));
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

  /** The camera has started anew. */
  restarted(): void {
    this.dropAll();
    this.#startedAt = this.#deviceNow();
  }

  close(): void {
    this.#stopListening();
    this.dropAll();
  }

  operations(): Operations {
    return {
      GetEventProperties: () => eventProperties(),
      CreatePullPointSubscription: ({ body, baseUrl }) => {
        const id = randomUUID();
        const subscription: Subscription = {
          terminatesAt: this.#termination(body.child("InitialTerminationTime")),
          queue: this.#properties(),
          wake: undefined,
        };
        this.#expire();
        this.#subscriptions.set(id, subscription);
        return (
          "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>" +
          `<wsa:Address>${escapeXml(`${baseUrl}${SERVICE_PATHS.subscription}/${id}`)}</wsa:Address></tev:SubscriptionReference>` +
          `${this.#times("wsnt", subscription)}</tev:CreatePullPointSubscriptionResponse>`
        );
      },
      PullMessages: async ({ body, path, signal }) => {
        const limit = Math.max(1, Math.min(100, Number(body.textAt("MessageLimit") ?? 1) || 1));
        const timeoutMs = Math.min(MAX_PULL_MS, parseDuration(body.textAt("Timeout")) ?? MAX_PULL_MS);
        const subscription = this.#find(path);
        if (subscription.queue.length === 0) await this.#arrival(subscription, timeoutMs, signal);
        // It may have been dropped meanwhile.
        this.#find(path);
        // [ONVIF Core 9.1.1] a pull keeps the subscription alive for at least its own time-out
        subscription.terminatesAt = Math.max(subscription.terminatesAt, this.#clock.now() + timeoutMs);
        const messages = subscription.queue.splice(0, limit).join("");
        return `<tev:PullMessagesResponse>${this.#times("tev", subscription)}${messages}</tev:PullMessagesResponse>`;
      },
      SetSynchronizationPoint: ({ path }) => {
        this.#enqueue(this.#find(path), this.#properties());
        return "<tev:SetSynchronizationPointResponse/>";
      },
      Renew: ({ body, path }) => {
        const subscription = this.#find(path);
        subscription.terminatesAt = this.#termination(body.child("TerminationTime"));
        return (
          `<wsnt:RenewResponse><wsnt:TerminationTime>${this.#deviceTime(subscription.terminatesAt)}</wsnt:TerminationTime>` +
          `<wsnt:CurrentTime>${formatDateTime(this.#deviceNow())}</wsnt:CurrentTime></wsnt:RenewResponse>`
        );
      },
      Unsubscribe: ({ path }) => {
        const subscription = this.#find(path);
        this.#subscriptions.delete(path.slice(path.lastIndexOf("/") + 1));
        subscription.wake?.();
        return "<wsnt:UnsubscribeResponse/>";
      },
    };
  }

  #detected(signal: string, value: boolean): void {
    const topic = TOPICS.find((candidate) => candidate.signal === signal);
    if (topic === undefined || (!topic.property && !value)) return;
    if (!topic.property) this.#crossings++;
    this.#expire();
    const message = this.#message(topic, topic.property ? String(value) : String(this.#crossings), "Changed");
    for (const subscription of this.#subscriptions.values()) this.#enqueue(subscription, [message]);
  }

  #properties(): string[] {
    const reboot = notification(
      LAST_REBOOT,
      [],
      ["Status", formatDateTime(this.#startedAt)],
      this.#deviceNow(),
      "Initialized",
    );
    const states = TOPICS.filter((topic) => topic.property);
    return [
      reboot,
      ...states.map((t) => this.#message(t, String(this.#camera.read(t.signal) === true), "Initialized")),
    ];
  }

  #message(topic: TopicOfSignal, value: string, operation: PropertyOperation): string {
    const told = topic.property ? operation : undefined;
    return notification(topic.topic, topic.source, [topic.dataName, value], this.#deviceNow(), told);
  }

  #enqueue(subscription: Subscription, messages: readonly string[]): void {
    subscription.queue.push(...messages);
    if (subscription.queue.length > MAX_QUEUED) subscription.queue.splice(0, subscription.queue.length - MAX_QUEUED);
    subscription.wake?.();
  }

  #arrival(subscription: Subscription, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(timeoutMs, () => subscription.wake?.());
      // A second pull on the same subscription ends the first one's wait.
      subscription.wake?.();
      const wake = (): void => {
        cancel();
        signal.removeEventListener("abort", wake);
        if (subscription.wake === wake) subscription.wake = undefined;
        resolve();
      };
      subscription.wake = wake;
      signal.addEventListener("abort", wake);
    });
  }

  #find(path: string): Subscription {
    this.#expire();
    const found = this.#subscriptions.get(path.slice(path.lastIndexOf("/") + 1));
    if (found === undefined) throw new SoapRefusal("Sender", ["InvalidArgVal"], "the subscription does not exist");
    return found;
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const [id, subscription] of this.#subscriptions) {
      if (subscription.terminatesAt > now || subscription.wake !== undefined) continue;
      this.#subscriptions.delete(id);
    }
  }

  /** [ONVIF Core 9.1.2] absolute and relative times are both taken. In the hub's clock. */
  #termination(wanted: XmlElement | undefined): number {
    const now = this.#clock.now();
    const text = wanted?.text ?? "";
    const absolute = parseDateTime(text);
    const lifeMs = absolute === undefined ? (parseDuration(text) ?? DEFAULT_LIFE_MS) : absolute - this.#deviceNow();
    if (lifeMs <= 0) throw new SoapRefusal("Sender", ["InvalidArgVal"], `unacceptable termination time ${text}`);
    return now + Math.min(lifeMs, MAX_LIFE_MS);
  }

  #deviceTime(at: number): string {
    return formatDateTime(at - this.#clock.now() + this.#deviceNow());
  }

  #times(prefix: "tev" | "wsnt", subscription: Subscription): string {
    return (
      `<${prefix}:CurrentTime>${formatDateTime(this.#deviceNow())}</${prefix}:CurrentTime>` +
      `<${prefix}:TerminationTime>${this.#deviceTime(subscription.terminatesAt)}</${prefix}:TerminationTime>`
    );
  }
}

function notification(
  topic: string,
  source: TopicOfSignal["source"],
  data: readonly [name: string, value: string],
  at: number,
  operation: PropertyOperation | undefined,
): string {
  const item = ([name, value]: readonly [string, string]): string =>
    `<tt:SimpleItem Name="${escapeXml(name)}" Value="${escapeXml(value)}"/>`;
  const property = operation === undefined ? "" : ` PropertyOperation="${operation}"`;
  return (
    `<wsnt:NotificationMessage><wsnt:Topic Dialect="${CONCRETE_TOPIC}">${topic}</wsnt:Topic><wsnt:Message>` +
    `<tt:Message UtcTime="${formatDateTime(at)}"${property}><tt:Source>${source.map(item).join("")}</tt:Source>` +
    `<tt:Data>${item(data)}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`
  );
}

/** One level of the topic tree: each name stands once among its siblings. [WS-Topics 1.3 §6] */
interface TopicNode {
  readonly children: Map<string, TopicNode>;
  description: string;
}

function describe(source: TopicOfSignal["source"], dataName: string, dataType: string, property: boolean): string {
  const item = (name: string, type: string): string => `<tt:SimpleItemDescription Name="${name}" Type="${type}"/>`;
  return (
    `<tt:MessageDescription IsProperty="${property}"><tt:Source>` +
    `${source.map(([name]) => item(name, "tt:ReferenceToken")).join("")}</tt:Source>` +
    `<tt:Data>${item(dataName, dataType)}</tt:Data></tt:MessageDescription>`
  );
}

function topicSet(): string {
  const root: TopicNode = { children: new Map(), description: "" };
  const add = (topic: string, description: string): void => {
    let at = root;
    for (const name of topic.split("/")) {
      const next = at.children.get(name) ?? { children: new Map(), description: "" };
      at.children.set(name, next);
      at = next;
    }
    at.description = description;
  };
  for (const { topic, source, dataName, property } of TOPICS) {
    add(topic, describe(source, dataName, property ? "xs:boolean" : "xs:integer", property));
  }
  add(LAST_REBOOT, describe([], "Status", "xs:dateTime", true));
  const write = ({ children, description }: TopicNode): string => {
    const inner = [...children].map(([name, node]) => {
      const leaf = node.description === "" ? "" : ' wstop:topic="true"';
      return `<${name}${leaf}>${write(node)}</${name}>`;
    });
    return description + inner.join("");
  };
  return `<wstop:TopicSet>${write(root)}</wstop:TopicSet>`;
}

function eventProperties(): string {
  return (
    "<tev:GetEventPropertiesResponse>" +
    "<tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation>" +
    `<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet>${topicSet()}` +
    `<wsnt:TopicExpressionDialect>${CONCRETE_TOPIC}</wsnt:TopicExpressionDialect>` +
    "<tev:MessageContentFilterDialect>http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter</tev:MessageContentFilterDialect>" +
    "<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd</tev:MessageContentSchemaLocation>" +
    "</tev:GetEventPropertiesResponse>"
  );
}
