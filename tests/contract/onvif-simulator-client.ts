import { randomBytes } from "node:crypto";
import { buildEnvelope, parseEnvelope, type SoapFault } from "#protocols/onvif/codec/envelope.ts";
import { securityHeader } from "#protocols/onvif/codec/username-token.ts";
import type { XmlElement } from "#protocols/onvif/codec/xml.ts";
import type { OnvifServer } from "#simulators/servers/onvif.ts";
import { CREDENTIALS } from "./onvif-field.ts";

/** What came back from one request. */
export interface SoapAnswer {
  readonly status: number;
  readonly text: string;
  /** The body's element; undefined for a fault. */
  readonly body: XmlElement | undefined;
  readonly fault: SoapFault | undefined;
}

/** Sends one request to a simulated device, with a UsernameToken in the time of the device's clock. */
export async function soap(
  server: OnvifServer,
  body: string,
  options: {
    readonly url?: string;
    readonly now?: number;
    readonly signal?: AbortSignal;
    readonly header?: string;
  } = {},
): Promise<SoapAnswer> {
  const created = new Date(options.now ?? Date.now()).toISOString();
  const header = options.header ?? securityHeader(CREDENTIALS.username, CREDENTIALS.password, randomBytes(16), created);
  const response = await fetch(options.url ?? server.url, {
    method: "POST",
    body: buildEnvelope(body, header),
    redirect: "manual",
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const text = await response.text();
  const message = parseEnvelope(text);
  return {
    status: response.status,
    text,
    body: message.kind === "body" ? message.body : undefined,
    fault: message.kind === "fault" ? message.fault : undefined,
  };
}

/** The body of an answer that must be no fault. */
export async function bodyOf(answer: Promise<SoapAnswer>): Promise<XmlElement> {
  const { body, fault } = await answer;
  if (body === undefined) throw new Error(`fault ${JSON.stringify(fault)}`);
  return body;
}

/** Code and subcodes of an answer that must be a fault. */
export async function faultOf(answer: Promise<SoapAnswer>): Promise<readonly [status: number, ...codes: string[]]> {
  const { status, fault, text } = await answer;
  if (fault === undefined) throw new Error(`no fault but ${text.slice(0, 300)}`);
  return [status, fault.code, ...fault.subcodes];
}

/** An event subscription of a test. */
export interface TestSubscription {
  readonly url: string;
  readonly answer: XmlElement;
  /** `topic {items} operation` of each notification, in order; the pull waits at most two seconds. */
  pull(): Promise<readonly string[]>;
  ask(body: string): Promise<SoapAnswer>;
}

/** Subscribes to a device, to everything or to a topic expression. */
export async function subscribe(server: OnvifServer, filter = ""): Promise<TestSubscription> {
  const expression = `<tev:Filter><wsnt:TopicExpression Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">${filter}</wsnt:TopicExpression></tev:Filter>`;
  const body = `<tev:CreatePullPointSubscription>${filter === "" ? "" : expression}</tev:CreatePullPointSubscription>`;
  const answer = await bodyOf(soap(server, body));
  const url = answer.textAt("SubscriptionReference", "Address") ?? "";
  const ask = (request: string): Promise<SoapAnswer> => soap(server, request, { url });
  return {
    url,
    answer,
    ask,
    pull: async () => {
      const pulled = await bodyOf(
        ask(
          "<tev:PullMessages><tev:Timeout>PT2S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit></tev:PullMessages>",
        ),
      );
      return pulled.all("NotificationMessage").map(toldBy);
    },
  };
}

function toldBy(notification: XmlElement): string {
  const message = notification.at("Message", "Message");
  const items = ["Source", "Data"]
    .flatMap((list) => message?.child(list)?.all("SimpleItem") ?? [])
    .map((item) => `${item.attributes.get("Name")}=${item.attributes.get("Value")}`);
  const operation = message?.attributes.get("PropertyOperation") ?? "instant";
  return `${notification.textAt("Topic")} {${items.join(" ")}} ${operation}`;
}

/** Names of an element's children, in order. */
export function childNames(element: XmlElement | undefined): readonly string[] {
  return (element?.children ?? []).map(({ name }) => name);
}
