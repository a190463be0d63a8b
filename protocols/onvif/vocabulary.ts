/** What holds where the channel's section says nothing. */
export const ONVIF_DEFAULTS = {
  timeoutMs: 3000,
  pollMs: 5000,
  pullMs: 15_000,
  subscriptionMs: 60_000,
  moveTimeoutMs: 15_000,
} as const;

/** Signals that follow events. */
export const EVENT_SIGNALS = [
  "motion",
  "tamper",
  "lineCrossed",
  "fieldIntrusion",
  "digitalInput",
  "relay",
  "hardwareFailure",
] as const;
export type EventSignal = (typeof EVENT_SIGNALS)[number];

/** Signals that come from the status poll. */
export const STATUS_SIGNALS = ["online", "pan", "tilt", "zoom", "moving", "preset", "clockOffset"] as const;
export type StatusSignal = (typeof STATUS_SIGNALS)[number];

/** Is it a signal that follows events? */
export function isEventSignal(signal: EventSignal | StatusSignal): signal is EventSignal {
  return (EVENT_SIGNALS as readonly string[]).includes(signal);
}

/** Actions of a camera: `ptzPreset {preset: token or name}`, `snapshot {}`. */
export const ONVIF_ACTIONS = ["ptzPreset", "snapshot"] as const;
