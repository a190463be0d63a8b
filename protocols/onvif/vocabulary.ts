import type { DOOR_MODES as CoreDoorModes, DoorOperation } from "#core/model/door.ts";

/** What holds where the channel's section says nothing. */
export const ONVIF_DEFAULTS = {
  timeoutMs: 3000,
  pollMs: 5000,
  slowPollMs: 30_000,
  pullMs: 15_000,
  subscriptionMs: 60_000,
  moveTimeoutMs: 15_000,
  confirmMs: 5000,
  discoveryMs: 3000,
} as const;

/** Signals that follow events. */
export const EVENT_SIGNALS = [
  "motion",
  "tamper",
  "lineCrossed",
  "fieldIntrusion",
  "loitering",
  "objectDetected",
  "digitalInput",
  "relay",
  "videoLoss",
  "hardwareFailure",
] as const;
export type EventSignal = (typeof EVENT_SIGNALS)[number];

/** Event signals that may be told as an instant: while events flow, none heard of is none. */
export const INSTANT_SIGNALS: readonly EventSignal[] = ["lineCrossed", "objectDetected"];

/** Signals that come from the status poll. */
export const STATUS_SIGNALS = ["online", "pan", "tilt", "zoom", "moving", "preset", "clockOffset"] as const;
export type StatusSignal = (typeof STATUS_SIGNALS)[number];

/** Settings of the picture, read by the slow poll and writable. */
export const IMAGING_SIGNALS = ["brightness", "irCutFilter", "autoFocus"] as const;
export type ImagingSignal = (typeof IMAGING_SIGNALS)[number];

/** States of one door of an access controller, by events and by the slow poll. */
export const DOOR_SIGNALS = [
  "doorMode",
  "doorPhysicalState",
  "lockPhysicalState",
  "doorAlarm",
  "doorTamper",
  "doorFault",
] as const;
export type DoorSignal = (typeof DOOR_SIGNALS)[number];

export type OnvifSignal = EventSignal | StatusSignal | ImagingSignal | DoorSignal;

const DOOR_MODES: typeof CoreDoorModes = [
  "Unknown",
  "Locked",
  "Unlocked",
  "Accessed",
  "Blocked",
  "LockedDown",
  "LockedOpen",
  "DoubleLocked",
];

/** Values of the door signals: a point's number is the index here. [ONVIF Door Control 5.3, doorcontrol.wsdl] */
export const DOOR_STATES = {
  doorMode: DOOR_MODES,
  doorPhysicalState: ["Unknown", "Open", "Closed", "Fault"],
  lockPhysicalState: ["Unknown", "Locked", "Unlocked", "Fault"],
  doorAlarm: ["Normal", "DoorForcedOpen", "DoorOpenTooLong"],
  doorTamper: ["Unknown", "NotInTamper", "TamperDetected"],
  doorFault: ["Unknown", "NotInFault", "FaultDetected"],
} as const satisfies Readonly<Record<DoorSignal, readonly string[]>>;

/** Values of `irCutFilter`: a point's number is the index here. [ONVIF schema IrCutFilterMode] */
export const IR_CUT_FILTER_MODES = ["ON", "OFF", "AUTO"] as const;

/** Is it a signal that follows events? */
export function isEventSignal(signal: OnvifSignal): signal is EventSignal {
  return (EVENT_SIGNALS as readonly string[]).includes(signal);
}

/** Is it a setting of the picture? */
export function isImagingSignal(signal: OnvifSignal): signal is ImagingSignal {
  return (IMAGING_SIGNALS as readonly string[]).includes(signal);
}

/** Is it a state of a door? */
export function isDoorSignal(signal: OnvifSignal): signal is DoorSignal {
  return (DOOR_SIGNALS as readonly string[]).includes(signal);
}

/** What an operation asks of a door: the SOAP operation, the capability it needs, and the mode that confirms it. */
export interface DoorOperationRule {
  readonly operation: string;
  readonly capability: string;
  /** Mode that the door is in afterwards; `not:` a mode that it has left. */
  readonly confirmedBy: { readonly is: string } | { readonly not: string };
}

/** [ONVIF Door Control 5.4] */
export const DOOR_OPERATIONS: Readonly<Record<DoorOperation, DoorOperationRule>> = {
  access: { operation: "AccessDoor", capability: "Access", confirmedBy: { is: "Accessed" } },
  lock: { operation: "LockDoor", capability: "Lock", confirmedBy: { is: "Locked" } },
  unlock: { operation: "UnlockDoor", capability: "Unlock", confirmedBy: { is: "Unlocked" } },
  block: { operation: "BlockDoor", capability: "Block", confirmedBy: { is: "Blocked" } },
  lockDown: { operation: "LockDownDoor", capability: "LockDown", confirmedBy: { is: "LockedDown" } },
  lockDownRelease: { operation: "LockDownReleaseDoor", capability: "LockDown", confirmedBy: { not: "LockedDown" } },
  lockOpen: { operation: "LockOpenDoor", capability: "LockOpen", confirmedBy: { is: "LockedOpen" } },
  lockOpenRelease: { operation: "LockOpenReleaseDoor", capability: "LockOpen", confirmedBy: { not: "LockedOpen" } },
  doubleLock: { operation: "DoubleLockDoor", capability: "DoubleLock", confirmedBy: { is: "DoubleLocked" } },
};

/** Actions on what moves. */
export const PTZ_ACTIONS = [
  "ptzPreset",
  "ptzMove",
  "ptzMoveTo",
  "ptzMoveBy",
  "ptzStop",
  "ptzHome",
  "ptzPresets",
  "ptzSetPreset",
] as const;

/** Actions of a device; `discover` also of the channel. Parameters are in this folder's README. */
export const ONVIF_ACTIONS = [...PTZ_ACTIONS, "snapshot", "doorControl", "discover"] as const;

/** Actions whose result holds the password of the device. */
export const ONVIF_INTERNAL_ACTIONS = ["streamUri"] as const;
