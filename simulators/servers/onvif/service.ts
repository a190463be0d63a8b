import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import type { XmlElement } from "#protocols/onvif/codec/xml.ts";

/** What an address in an answer leads to. */
export type AddressKind = "services" | "subscription" | "media";

/** One request as an operation sees it; authentication is done. */
export interface ServiceRequest {
  /** The body's element, e.g. GetProfiles. */
  readonly body: XmlElement;
  /** Path of the request line, without query. */
  readonly path: string;
  /** Absolute address of a path of this device, as a client is to use it. */
  addressOf(kind: AddressKind, path: string): string;
  /** Aborted when the client has gone away. */
  readonly signal: AbortSignal;
}

/** Gives the content of the response's body. @throws SoapRefusal */
export type Operation = (request: ServiceRequest) => string | Promise<string>;

/** Operations of one namespace by name, e.g. `GetProfiles`. */
export type Operations = Readonly<Record<string, Operation>>;

/** One ONVIF service of a device. */
export interface Service {
  /** Name in the old GetCapabilities answer and in logs. */
  readonly name: string;
  readonly namespace: string;
  /** Path after the base URL. */
  readonly path: string;
  /** Version of the service specification. */
  readonly version: readonly [major: number, minor: number];
  /** The service's Capabilities element, for GetServices and GetServiceCapabilities. */
  readonly capabilities: string;
  readonly operations: Operations;
}

/** Becomes an s:Fault with ONVIF subcodes. [ONVIF Core 5.8.2] */
export class SoapRefusal extends Error {
  readonly code: "Sender" | "Receiver";
  readonly subcodes: readonly string[];
  constructor(code: "Sender" | "Receiver", subcodes: readonly string[], reason: string) {
    super(reason);
    this.code = code;
    this.subcodes = subcodes;
  }
}

/** Paths of the services, after the base URL. */
export const SERVICE_PATHS = {
  device: "/onvif/device_service",
  media: "/onvif/media_service",
  media2: "/onvif/media2_service",
  ptz: "/onvif/ptz_service",
  imaging: "/onvif/imaging_service",
  deviceIo: "/onvif/deviceio_service",
  events: "/onvif/event_service",
  subscription: "/onvif/subscription",
  accessControl: "/onvif/accesscontrol_service",
  doorControl: "/onvif/doorcontrol_service",
  credential: "/onvif/credential_service",
  snapshot: "/onvif/snapshot",
} as const;

/** Namespaces that the hub's own codec has no use for. */
export const FURTHER_NAMESPACES = {
  tcr: "http://www.onvif.org/ver10/credential/wsdl",
  pt: "http://www.onvif.org/ver10/pacs",
} as const;

/** Every namespace of an answer by its prefix. */
export const ANSWER_NAMESPACES = { ...NAMESPACES, ...FURTHER_NAMESPACES } as const;

/** An answer's element with the declaration of its own prefix. */
export function answer(prefix: keyof typeof ANSWER_NAMESPACES, name: string, content = ""): string {
  const opened = `${prefix}:${name} xmlns:${prefix}="${ANSWER_NAMESPACES[prefix]}"`;
  return content === "" ? `<${opened}/>` : `<${opened}>${content}</${prefix}:${name}>`;
}

/** An xs:boolean of a request; undefined where it is none. */
export function parseBoolean(text: string | undefined): boolean | undefined {
  if (text === "true" || text === "1") return true;
  return text === "false" || text === "0" ? false : undefined;
}

/** Media profiles of every simulated camera: what its RTSP server gives under the same name. */
export const PROFILES = [
  { token: "profile_main", name: "main", encoder: "VEC_main", width: 640, height: 360, bitrateKbps: 2048 },
  { token: "profile_sub", name: "sub", encoder: "VEC_sub", width: 320, height: 180, bitrateKbps: 512 },
] as const;
export type CameraProfile = (typeof PROFILES)[number];

/** Codecs of the main stream; the sub stream is always H.264. */
export type VideoCodec = "H264" | "H265";

/** Pictures a second of both streams. */
export const FRAMES_PER_SECOND = 12.5;
/** Token of the only video source, and of its configuration. */
export const VIDEO_SOURCE = "VS_1";
export const VIDEO_SOURCE_CONFIGURATION = "VSC_1";
/** Tokens of the terminals. */
export const RELAY_OUTPUT = "RO_1";
export const DIGITAL_INPUT = "DI_1";

/** The profile a request names. @throws SoapRefusal ter:NoProfile */
export function profileOf(body: XmlElement, element = "ProfileToken"): CameraProfile {
  const token = body.textAt(element);
  const found = PROFILES.find((profile) => profile.token === token);
  if (found === undefined) throw new SoapRefusal("Sender", ["InvalidArgVal", "NoProfile"], `no profile ${token ?? ""}`);
  return found;
}
