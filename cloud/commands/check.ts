import { FIELD_ACTIONS } from "#core/alarm/field.ts";
import { InvalidInputError } from "#core/errors.ts";
import type { Device } from "#core/model/device.ts";
import type { Point } from "#core/model/point.ts";
import type { Value } from "#core/model/sample.ts";

const KIND_OF_VALUE = {
  number: "a number",
  boolean: "true or false",
  enum: "a whole number",
  string: "a text",
} as const satisfies Record<Point["kind"], string>;

function isOfKind(kind: Point["kind"], value: Value): boolean {
  switch (kind) {
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "boolean":
      return typeof value === "boolean";
    case "enum":
      return Number.isInteger(value);
    case "string":
      return typeof value === "string";
    default:
      return kind satisfies never;
  }
}

function rangeProblem({ kind, states, min, max }: Point, value: Value): string | undefined {
  if (typeof value !== "number") return undefined;
  if (kind === "enum" && states !== undefined && !states.some((state) => state.value === value))
    return `one of ${states.map((state) => state.value).join(", ")}`;
  if ((min !== undefined && value < min) || (max !== undefined && value > max))
    return [min === undefined ? [] : [`at least ${min}`], max === undefined ? [] : [`at most ${max}`]]
      .flat()
      .join(", ");
  return undefined;
}

/**
 * Checks that a value may be written to a point. `null` gives the point back to lower priorities and fits every kind;
 * whether the device can do that is the driver's to say. [BACnet 19.2]
 * @throws POINT_NOT_WRITABLE, VALUE_KIND, VALUE_OUT_OF_RANGE
 */
export function checkWrite(point: Point, value: Value): void {
  if (!point.writable) throw new InvalidInputError("POINT_NOT_WRITABLE", `point ${point.id} is not writable`);
  if (value === null) return;
  const got = JSON.stringify(value);
  if (!isOfKind(point.kind, value))
    throw new InvalidInputError("VALUE_KIND", `point ${point.id}: expected ${KIND_OF_VALUE[point.kind]}, got ${got}`);
  const range = rangeProblem(point, value);
  if (range !== undefined)
    throw new InvalidInputError("VALUE_OUT_OF_RANGE", `point ${point.id}: expected ${range}, got ${got}`);
}

/** Whom a channel trusts: asked of the channel, never of one device on it. */
const TRUST_ACTIONS = ["trustCertificate", "rejectCertificate"] as const;
/** What may be asked of a channel as a whole. */
const CHANNEL_ACTIONS: ReadonlySet<string> = new Set(["discover", "whoHas", "writeLeases", ...TRUST_ACTIONS]);
/** What no command asks of a device. */
const NOT_OF_DEVICES: ReadonlySet<string> = new Set([...TRUST_ACTIONS, ...FIELD_ACTIONS]);
/** What gateways do with a camera themselves, whatever its driver can. */
const CAMERA_ACTIONS = ["recordClip"] as const;

/**
 * A command is kept, audited and shown: it holds no secret. Passwords of devices stand in the secrets of their gateway.
 * @throws PARAM_SECRET
 */
export function checkParams(action: string, params: Readonly<Record<string, unknown>>): void {
  if (!Object.keys(params).some((name) => /password|secret/i.test(name))) return;
  const text = `${action}: a password is no parameter of a command; expected it in the device's section, as secret:<name>`;
  throw new InvalidInputError("PARAM_SECRET", text);
}

/** What an action is asked of: a device, or a channel by `<site>/<gateway>/<channel>`. */
export interface ActionTarget {
  readonly device: Pick<Device, "id" | "protocol" | "kind"> | undefined;
  readonly channel: { readonly id: string; readonly protocol: string } | undefined;
}

/**
 * Checks that an action may be asked of a device or channel. `actionsOf` gives what drivers of a protocol do for anybody but
 * their own gateway.
 * @throws DEVICE_UNKNOWN, ACTION_UNKNOWN
 */
export function checkAction(
  id: string,
  action: string,
  { device, channel }: ActionTarget,
  actionsOf: (protocol: string) => readonly string[],
): void {
  let known: readonly string[];
  if (device !== undefined)
    known = [
      ...actionsOf(device.protocol).filter((name) => !NOT_OF_DEVICES.has(name)),
      ...(device.kind.startsWith("camera") ? CAMERA_ACTIONS : []),
    ];
  else if (channel !== undefined) known = actionsOf(channel.protocol).filter((name) => CHANNEL_ACTIONS.has(name));
  else throw new InvalidInputError("DEVICE_UNKNOWN", `device ${id}: no such device`);
  if (known.includes(action)) return;
  throw new InvalidInputError(
    "ACTION_UNKNOWN",
    `${device === undefined ? "channel" : "device"} ${id}: expected one of ${known.join(", ") || "no action at all"}, got ${action}`,
  );
}
