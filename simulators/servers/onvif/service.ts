import type { XmlElement } from "#protocols/onvif/codec/xml.ts";

/** One request as an operation sees it; authentication is done. */
export interface ServiceRequest {
  /** The body's element, e.g. GetProfiles. */
  readonly body: XmlElement;
  /** Path of the request line, without query. */
  readonly path: string;
  /** `http://host:port` under which the client reached the camera. */
  readonly baseUrl: string;
  /** Aborted when the client has gone away. */
  readonly signal: AbortSignal;
}

/** Gives the content of the response's body. @throws SoapRefusal */
export type Operation = (request: ServiceRequest) => string | Promise<string>;

/** Operations by name, e.g. `GetProfiles`. Names do not repeat across the services simulated here. */
export type Operations = Readonly<Record<string, Operation>>;

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
  ptz: "/onvif/ptz_service",
  events: "/onvif/event_service",
  subscription: "/onvif/subscription",
  snapshot: "/onvif/snapshot",
} as const;

/** Media profiles of every simulated camera. */
export const PROFILES = [
  { token: "profile_main", name: "main", encoder: "VEC_main", width: 1280, height: 720, bitrateKbps: 2048 },
  { token: "profile_sub", name: "sub", encoder: "VEC_sub", width: 640, height: 360, bitrateKbps: 512 },
] as const;

/** Token of the only video source. */
export const VIDEO_SOURCE = "VS_1";

/** The profile a request names. @throws SoapRefusal ter:NoProfile */
export function profileOf(body: XmlElement): (typeof PROFILES)[number] {
  const token = body.textAt("ProfileToken");
  const found = PROFILES.find((profile) => profile.token === token);
  if (found === undefined) throw new SoapRefusal("Sender", ["InvalidArgVal", "NoProfile"], `no profile ${token ?? ""}`);
  return found;
}
