import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, systemClock } from "#core/clock.ts";
import { pointId } from "#core/ids.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { Sample } from "#core/model/sample.ts";
import type { ActionResult, ProtocolDriver, WriteResult } from "#protocols/driver.ts";
import { parseEnvelope } from "#protocols/onvif/codec/envelope.ts";
import type { XmlElement } from "#protocols/onvif/codec/xml.ts";
import type { OnvifAddress, OnvifConfig, OnvifDevice } from "#protocols/onvif/config.ts";
import { onvif } from "#protocols/onvif/index.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";
import { CAMERA, CONFIG, CREDENTIALS, never, type PlainServer, plainServer } from "./onvif-field.ts";

/*
 * A device whose answers are written by hand from the service specifications: with other prefixes than the hub's own, so that
 * nothing here shares the codec it is a test of.
 */

const OPEN =
  '<?xml version="1.0"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:dev="http://www.onvif.org/ver10/device/wsdl" ' +
  'xmlns:m1="http://www.onvif.org/ver10/media/wsdl" xmlns:m2="http://www.onvif.org/ver20/media/wsdl" xmlns:evt="http://www.onvif.org/ver10/events/wsdl" ' +
  'xmlns:mv="http://www.onvif.org/ver20/ptz/wsdl" xmlns:img="http://www.onvif.org/ver20/imaging/wsdl" xmlns:io="http://www.onvif.org/ver10/deviceIO/wsdl" ' +
  'xmlns:ac="http://www.onvif.org/ver10/accesscontrol/wsdl" xmlns:dc="http://www.onvif.org/ver10/doorcontrol/wsdl" xmlns:sch="http://www.onvif.org/ver10/schema" ' +
  'xmlns:nt="http://docs.oasis-open.org/wsn/b-2" xmlns:addr="http://www.w3.org/2005/08/addressing" xmlns:onv="http://www.onvif.org/ver10/topics" ' +
  'xmlns:err="http://www.onvif.org/ver10/error"><env:Body>';
const CLOSE = "</env:Body></env:Envelope>";

/** A message with this body. */
export const message = (body: string): string => `${OPEN}${body}${CLOSE}`;

/** A fault with an ONVIF subcode, e.g. "NotFound". */
export const fault = (subcode: string): string =>
  message(
    `<env:Fault><env:Code><env:Value>env:Sender</env:Value><env:Subcode><env:Value>err:${subcode}</env:Value></env:Subcode>` +
      `</env:Code><env:Reason><env:Text xml:lang="en">${subcode}</env:Text></env:Reason></env:Fault>`,
  );

/** An item of a notification. */
export const item = (name: string, value: string): string => `<sch:SimpleItem Name="${name}" Value="${value}"/>`;

/** A notification as a device writes it; `topic` without prefix. */
export function notification(told: {
  readonly topic: string;
  readonly source?: string;
  readonly data?: string;
  readonly operation?: "Initialized" | "Changed" | "Deleted";
  readonly at?: string;
}): string {
  const operation = told.operation === undefined ? "" : ` PropertyOperation="${told.operation}"`;
  return (
    '<nt:NotificationMessage><nt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">' +
    `onv:${told.topic}</nt:Topic><nt:Message><sch:Message UtcTime="${told.at ?? "2026-11-21T08:00:00Z"}"${operation}>` +
    `<sch:Source>${told.source ?? ""}</sch:Source><sch:Data>${told.data ?? ""}</sch:Data></sch:Message></nt:Message>` +
    "</nt:NotificationMessage>"
  );
}

/** Gives the content of an answer's body, a whole message where it begins with `<?xml`, or undefined to say nothing at all. */
export type Answer = (body: XmlElement) => string | undefined;

/** A device under the test's hand. */
export interface ScriptedDevice {
  readonly url: string;
  readonly port: number;
  /** Bodies received, in order. */
  readonly received: readonly XmlElement[];
  /** Answers from now on to these operations. */
  answer(answers: Readonly<Record<string, Answer>>): void;
  /** Takes the next request for this operation and then resets its connection instead of answering. */
  breakOff(operation: string): void;
  /** Notifications for the next pull. */
  tell(...notifications: readonly string[]): void;
  /** Names of the operations asked for since `reset`, in order. */
  asked(): readonly string[];
  reset(): void;
  close(): Promise<void>;
}

const NAMESPACES: Readonly<Record<string, string>> = {
  events: "http://www.onvif.org/ver10/events/wsdl",
  media: "http://www.onvif.org/ver10/media/wsdl",
  media2: "http://www.onvif.org/ver20/media/wsdl",
  ptz: "http://www.onvif.org/ver20/ptz/wsdl",
  imaging: "http://www.onvif.org/ver20/imaging/wsdl",
  deviceio: "http://www.onvif.org/ver10/deviceIO/wsdl",
  access: "http://www.onvif.org/ver10/accesscontrol/wsdl",
  door: "http://www.onvif.org/ver10/doorcontrol/wsdl",
};

function basics(services: readonly string[], base: () => string): Readonly<Record<string, Answer>> {
  const list = services.map(
    (name) =>
      `<dev:Service><dev:Namespace>${NAMESPACES[name]}</dev:Namespace><dev:XAddr>${base()}/${name}</dev:XAddr></dev:Service>`,
  );
  const now = (): string => {
    const at = new Date(systemClock.now());
    return (
      `<sch:UTCDateTime><sch:Time><sch:Hour>${at.getUTCHours()}</sch:Hour><sch:Minute>${at.getUTCMinutes()}</sch:Minute>` +
      `<sch:Second>${at.getUTCSeconds()}</sch:Second></sch:Time><sch:Date><sch:Year>${at.getUTCFullYear()}</sch:Year>` +
      `<sch:Month>${at.getUTCMonth() + 1}</sch:Month><sch:Day>${at.getUTCDate()}</sch:Day></sch:Date></sch:UTCDateTime>`
    );
  };
  return {
    GetSystemDateAndTime: () =>
      `<dev:GetSystemDateAndTimeResponse><dev:SystemDateAndTime>${now()}</dev:SystemDateAndTime></dev:GetSystemDateAndTimeResponse>`,
    GetServices: () => `<dev:GetServicesResponse>${list.join("")}</dev:GetServicesResponse>`,
    GetDeviceInformation: () =>
      "<dev:GetDeviceInformationResponse><dev:Manufacturer>Test</dev:Manufacturer><dev:Model>Hand</dev:Model>" +
      "<dev:SerialNumber>0007</dev:SerialNumber></dev:GetDeviceInformationResponse>",
    CreatePullPointSubscription: () =>
      "<evt:CreatePullPointSubscriptionResponse><evt:SubscriptionReference>" +
      `<addr:Address>${base()}/subscription</addr:Address></evt:SubscriptionReference></evt:CreatePullPointSubscriptionResponse>`,
    SetSynchronizationPoint: () => "<evt:SetSynchronizationPointResponse/>",
    Unsubscribe: () => "<nt:UnsubscribeResponse/>",
    Renew: () => "<nt:RenewResponse/>",
  };
}

/** Serves a device with these services (names of NAMESPACES). An operation nobody answers is refused. */
export async function scriptedDevice(services: readonly string[]): Promise<ScriptedDevice> {
  let base = "";
  const answers: Record<string, Answer> = { ...basics(services, () => base) };
  const received: XmlElement[] = [];
  let since = 0;
  const queue: string[] = [];
  const breaking = new Set<string>();
  let pulling: (() => void) | undefined;

  const pulled = (): string => {
    const messages = queue.splice(0).join("");
    return message(`<evt:PullMessagesResponse>${messages}</evt:PullMessagesResponse>`);
  };
  const pull = (response: ServerResponse): void => {
    const finish = (): void => {
      cancel();
      pulling = undefined;
      response.end(pulled());
    };
    const cancel = systemClock.after(queue.length > 0 ? 0 : 300, finish);
    pulling = finish;
  };
  const serve = (request: IncomingMessage, text: string, response: ServerResponse): void => {
    const asked = parseEnvelope(text);
    if (asked.kind === "fault") throw new Error("a fault is no request");
    received.push(asked.body);
    const { name } = asked.body;
    if (breaking.delete(name)) {
      request.socket.resetAndDestroy();
      return;
    }
    response.setHeader("content-type", "application/soap+xml");
    if (name === "PullMessages" && answers[name] === undefined) {
      pull(response);
      return;
    }
    const content = (answers[name] ?? (() => fault("ActionNotSupported")))(asked.body);
    if (content === undefined) return;
    response.end(content.startsWith("<?xml") ? content : message(content));
  };
  const server: PlainServer = await plainServer(serve);
  base = `http://127.0.0.1:${server.port}`;
  return {
    url: server.url,
    port: server.port,
    received,
    answer(more) {
      Object.assign(answers, more);
    },
    breakOff(operation) {
      breaking.add(operation);
    },
    tell(...notifications) {
      queue.push(...notifications);
      pulling?.();
    },
    asked: () => received.slice(since).map(({ name }) => name),
    reset() {
      since = received.length;
    },
    close: () => server.close(),
  };
}

/** A driver on a scripted device. */
export interface ScriptedField {
  readonly driver: ProtocolDriver;
  readonly recording: Recording;
  latest(point: string): Sample | undefined;
  events(kind: string): readonly DeviceEvent[];
  act(
    action: string,
    params?: Readonly<Record<string, string | number | boolean>>,
    signal?: AbortSignal,
  ): Promise<ActionResult>;
  write(point: string, value: Sample["value"]): Promise<WriteResult>;
}

/** Observes a device; points by name, all writable. */
export async function observeScripted(
  device: ScriptedDevice,
  points: Readonly<Record<string, OnvifAddress>>,
  config: Partial<OnvifConfig> = {},
  clock: Clock = systemClock,
): Promise<ScriptedField> {
  const recording = recordDriver({ clock });
  const driver = await onvif.create({ ...CONFIG, confirmMs: 1000, ...config }, recording.deps);
  await driver.start(never);
  const section: OnvifDevice = { url: device.url, ...CREDENTIALS };
  const named = (name: string) => pointId(`${CAMERA}/${name}`);
  await driver.bind([
    {
      device: CAMERA,
      config: section,
      points: Object.entries(points).map(([name, address]) => ({ point: named(name), address, writable: true })),
    },
  ]);
  return {
    driver: driver as ProtocolDriver,
    recording,
    latest: (point) => recording.latest(named(point)),
    events: (kind) => recording.events.filter((event) => event.kind === kind),
    act: (action, params = {}, signal = never) => driver.act({ device: CAMERA, action, params }, signal),
    write: (point, value) => driver.write({ point: named(point), value, priority: 8 }, never),
  };
}

/** The JSON document that an action produced. */
export function documentOf(result: ActionResult): unknown {
  if (result.status !== "done" || result.blob === undefined) throw new Error(`no blob: ${JSON.stringify(result)}`);
  return JSON.parse(new TextDecoder().decode(result.blob.bytes));
}
