import { InvalidInputError } from "./errors.ts";

/** One part of an id: letters, digits, `_`, `.` and `-`; at most 64 characters. None of Sparkplug's reserved `+ / #`. */
export const ID_PART = /^[A-Za-z0-9_.-]{1,64}$/;
export const ID_PART_PATTERN = "^[A-Za-z0-9_.-]{1,64}$";

/** `<site>/<gateway>/<device>/<point>`. Branded so that a device id cannot be passed by mistake. */
export type PointId = string & { readonly __brand: "PointId" };
/** `<site>/<gateway>/<device>`. */
export type DeviceId = string & { readonly __brand: "DeviceId" };
/** `<site>/<gateway>`. */
export type GatewayId = string & { readonly __brand: "GatewayId" };

function split(text: string, parts: number, what: string): readonly string[] {
  const found = text.split("/");
  if (found.length === parts && found.every((part) => ID_PART.test(part))) return found;
  throw new InvalidInputError(
    "ID_INVALID",
    `${what} "${text}": expected ${parts} parts of ${ID_PART.source} joined by "/"`,
  );
}

/** Checks and brands. @throws ID_INVALID */
export function pointId(text: string): PointId {
  split(text, 4, "point id");
  return text as PointId;
}
/** Checks and brands. @throws ID_INVALID */
export function deviceId(text: string): DeviceId {
  split(text, 3, "device id");
  return text as DeviceId;
}
/** Checks and brands. @throws ID_INVALID */
export function gatewayId(text: string): GatewayId {
  split(text, 2, "gateway id");
  return text as GatewayId;
}

/** The parts of a point id. @throws ID_INVALID */
export function pointParts(id: string): { site: string; gateway: string; device: string; point: string } {
  const [site = "", gateway = "", device = "", point = ""] = split(id, 4, "point id");
  return { site, gateway, device, point };
}
/** The device a point belongs to. */
export function deviceOf(id: PointId): DeviceId {
  return id.slice(0, id.lastIndexOf("/")) as DeviceId;
}
/** The gateway of a point or device. */
export function gatewayOf(id: PointId | DeviceId): GatewayId {
  return id.split("/", 2).join("/") as GatewayId;
}

/** A new sortable identifier (UUID version 7, RFC 9562 §5.7). `nowMs` is Unix milliseconds. */
export function newId(nowMs: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(nowMs / 0x1_0000));
  view.setUint16(4, nowMs % 0x1_0000);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x70);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** A new epoch: 128 random bits as 32 hex digits. */
export function newEpoch(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
