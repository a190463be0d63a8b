import { type Static, Type } from "typebox";
import { EVENT_SIGNALS, ONVIF_DEFAULTS, STATUS_SIGNALS } from "./vocabulary.ts";

const closed = { additionalProperties: false } as const;

function time(name: keyof typeof ONVIF_DEFAULTS, minimum: number, maximum: number, description: string) {
  return Type.Optional(Type.Integer({ minimum, maximum, default: ONVIF_DEFAULTS[name], description }));
}

/** The channel's section: one set of cameras. */
export const OnvifConfig = Type.Object(
  {
    timeoutMs: time(
      "timeoutMs",
      200,
      30_000,
      "How long an answer may take, ms. A pull of events may take `pullMs` more.",
    ),
    pollMs: time("pollMs", 500, 30_000, "Period of the status poll (reachability, clock, PTZ position), ms."),
    pullMs: time("pullMs", 1000, 60_000, "How long the device may hold an empty pull of events, ms."),
    subscriptionMs: time(
      "subscriptionMs",
      10_000,
      3_600_000,
      "Life that is asked for an event subscription, ms; renewed at half of what is granted.",
    ),
    moveTimeoutMs: time("moveTimeoutMs", 1000, 60_000, "How long a camera may take to reach a preset, ms."),
  },
  { ...closed, description: "ONVIF channel: a set of cameras." },
);
export type OnvifConfig = Static<typeof OnvifConfig>;

/** The channel's section with its defaults. */
export type OnvifSettings = Required<OnvifConfig>;

/** How to reach one device. */
export const OnvifDevice = Type.Object(
  {
    url: Type.String({
      pattern: "^https?://[^/?#@\\s]+(/[^\\s]*)?$",
      maxLength: 300,
      description: "Address of the device service, e.g. http://host:80/onvif/device_service.",
    }),
    username: Type.String({ maxLength: 128, description: "User of the device; empty for a device without users." }),
    password: Type.String({ maxLength: 256, description: "Its password; a secret reference in the site's files." }),
    serialNumber: Type.Optional(
      Type.String({
        maxLength: 128,
        description: "Serial number that the device must report; guards against a swapped address.",
      }),
    ),
  },
  closed,
);
export type OnvifDevice = Static<typeof OnvifDevice>;

/** Where a value is in the device. */
export const OnvifAddress = Type.Object(
  {
    signal: Type.Enum([...STATUS_SIGNALS, ...EVENT_SIGNALS], {
      description:
        "online (boolean); motion, tamper, lineCrossed, fieldIntrusion, digitalInput, relay, hardwareFailure (boolean, from events); " +
        "pan, tilt (-1 to 1), zoom (0 to 1); moving (boolean); preset (token, empty between presets); clockOffset (device clock minus ours, s).",
    }),
    token: Type.Optional(
      Type.String({
        maxLength: 128,
        description: "Only events of this source, input, relay or rule; of any where absent. For event signals only.",
      }),
    ),
  },
  closed,
);
export type OnvifAddress = Static<typeof OnvifAddress>;
