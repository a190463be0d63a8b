import { NAMESPACES } from "./namespaces.ts";
import type { XmlElement } from "./xml.ts";

/** Address (XAddr) of a service by its namespace, as the device wrote it. */
export type ServiceAddresses = ReadonlyMap<string, string>;

/** Reads a GetServicesResponse. [ONVIF Core 8.1.2.2] */
export function decodeServices(response: XmlElement): ServiceAddresses {
  const found = new Map<string, string>();
  for (const service of response.all("Service")) {
    const namespace = service.textAt("Namespace");
    const address = service.textAt("XAddr");
    if (namespace !== undefined && address !== undefined) found.set(namespace, address);
  }
  return found;
}

/** Reads a GetCapabilitiesResponse, which older devices have instead of GetServices. [ONVIF Core 8.1.2.4] */
export function decodeCapabilities(response: XmlElement): ServiceAddresses {
  const found = new Map<string, string>();
  const names = [
    ["Media", NAMESPACES.trt],
    ["Events", NAMESPACES.tev],
    ["PTZ", NAMESPACES.tptz],
    ["Imaging", NAMESPACES.timg],
    ["DeviceIO", NAMESPACES.tmd],
  ] as const;
  for (const [name, namespace] of names) {
    const address =
      response.textAt("Capabilities", name, "XAddr") ?? response.textAt("Capabilities", "Extension", name, "XAddr");
    if (address !== undefined) found.set(namespace, address);
  }
  return found;
}

/** What is used of a media profile. */
export interface MediaProfile {
  readonly token: string;
  readonly video: boolean;
  readonly ptz: boolean;
  /** Token of the video source. */
  readonly source?: string;
  /** `H264`, `H265`, `JPEG`, `MPV4-ES` ... in capitals. */
  readonly codec?: string;
  readonly width?: number;
  readonly height?: number;
}

const MAX_PROFILES = 128;

/** Reads a GetProfilesResponse of either media service. [ONVIF Media 5.2; Media2 5.2] */
export function decodeProfiles(response: XmlElement): readonly MediaProfile[] {
  const found: MediaProfile[] = [];
  for (const profile of response.all("Profiles").slice(0, MAX_PROFILES)) {
    const token = profile.attributes.get("token");
    if (token === undefined) continue;
    // Media2 has the configurations one level deeper, under shorter names.
    const set = profile.child("Configurations");
    const part = (name: string): XmlElement | undefined =>
      set === undefined ? profile.child(`${name}Configuration`) : set.child(name);
    const encoder = part("VideoEncoder");
    const source = part("VideoSource")?.textAt("SourceToken");
    const codec = encoder?.textAt("Encoding")?.toUpperCase();
    const width = positive(encoder?.textAt("Resolution", "Width"));
    const height = positive(encoder?.textAt("Resolution", "Height"));
    found.push({
      token,
      video: part("VideoSource") !== undefined && encoder !== undefined,
      ptz: part("PTZ") !== undefined,
      ...(source === undefined ? {} : { source }),
      ...(codec === undefined ? {} : { codec }),
      ...(width === undefined ? {} : { width }),
      ...(height === undefined ? {} : { height }),
    });
  }
  return found;
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : undefined;
}

/** Address in a GetStreamUriResponse or GetSnapshotUriResponse of either media service. [ONVIF Media 5.15; Media2 5.6] */
export function decodeMediaUri(response: XmlElement): string | undefined {
  return response.textAt("MediaUri", "Uri") ?? response.textAt("Uri");
}

/** A position in the generic spaces: pan and tilt -1 to 1, zoom 0 to 1. [ONVIF PTZ 5.7.1] */
export interface PtzPosition {
  readonly pan?: number;
  readonly tilt?: number;
  readonly zoom?: number;
}

/** A preset; `position` where the device tells it. */
export interface PtzPreset {
  readonly token: string;
  readonly name: string;
  readonly position?: PtzPosition;
}

/** Position and movement; `moving` undefined where the device does not tell. [ONVIF PTZ 5.2.3] */
export interface PtzStatus {
  readonly position?: PtzPosition;
  readonly moving?: boolean;
}

function numberAttribute(element: XmlElement | undefined, name: string): number | undefined {
  const text = element?.attributes.get(name)?.trim();
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function decodePosition(element: XmlElement | undefined): PtzPosition | undefined {
  const pan = numberAttribute(element?.child("PanTilt"), "x");
  const tilt = numberAttribute(element?.child("PanTilt"), "y");
  const zoom = numberAttribute(element?.child("Zoom"), "x");
  if (pan === undefined && tilt === undefined && zoom === undefined) return undefined;
  return {
    ...(pan === undefined ? {} : { pan }),
    ...(tilt === undefined ? {} : { tilt }),
    ...(zoom === undefined ? {} : { zoom }),
  };
}

/** Reads a GetPresetsResponse. [ONVIF PTZ 5.4.2] */
export function decodePresets(response: XmlElement): readonly PtzPreset[] {
  const found: PtzPreset[] = [];
  for (const preset of response.all("Preset")) {
    const token = preset.attributes.get("token");
    if (token === undefined) continue;
    const position = decodePosition(preset.child("PTZPosition"));
    found.push({ token, name: preset.textAt("Name") ?? "", ...(position === undefined ? {} : { position }) });
  }
  return found;
}

/** Reads a GetStatusResponse. */
export function decodePtzStatus(response: XmlElement): PtzStatus {
  const status = response.child("PTZStatus");
  const position = decodePosition(status?.child("Position"));
  const states = (status?.child("MoveStatus")?.children ?? []).map((axis) => axis.text);
  const known = states.filter((state) => state === "IDLE" || state === "MOVING");
  return {
    ...(position === undefined ? {} : { position }),
    ...(known.length === 0 ? {} : { moving: known.includes("MOVING") }),
  };
}
