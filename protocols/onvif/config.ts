import { type Static, Type } from "typebox";
import { DOOR_SIGNALS, EVENT_SIGNALS, IMAGING_SIGNALS, ONVIF_DEFAULTS, STATUS_SIGNALS } from "./vocabulary.ts";

const closed = { additionalProperties: false } as const;

function time(name: keyof typeof ONVIF_DEFAULTS, minimum: number, maximum: number, description: string) {
  return Type.Optional(Type.Integer({ minimum, maximum, default: ONVIF_DEFAULTS[name], description }));
}

/** The channel's section: one set of devices. */
export const OnvifConfig = Type.Object(
  {
    timeoutMs: time(
      "timeoutMs",
      200,
      30_000,
      "How long an answer may take, ms. A pull of events may take `pullMs` more.",
    ),
    pollMs: time(
      "pollMs",
      500,
      30_000,
      "Period of the status poll (reachability, clock, PTZ position), ms. Doors are polled so often while their events do not flow.",
    ),
    slowPollMs: time(
      "slowPollMs",
      500,
      600_000,
      "Period of the slow poll (states of doors, settings of pictures), ms.",
    ),
    pullMs: time("pullMs", 1000, 60_000, "How long the device may hold an empty pull of events, ms."),
    subscriptionMs: time(
      "subscriptionMs",
      10_000,
      3_600_000,
      "Life that is asked for an event subscription, ms; renewed at half of what is granted.",
    ),
    moveTimeoutMs: time("moveTimeoutMs", 1000, 60_000, "How long a camera may take to reach a position, ms."),
    confirmMs: time("confirmMs", 500, 30_000, "How long a door or a relay may take to show the state asked for, ms."),
    discoveryInterfaces: Type.Optional(
      Type.Array(Type.String({ pattern: "^\\d{1,3}(\\.\\d{1,3}){3}$" }), {
        maxItems: 16,
        description: "Own IPv4 addresses whose networks are searched by multicast; none when absent.",
      }),
    ),
    discoveryTargets: Type.Optional(
      Type.Array(Type.String({ pattern: "^[A-Za-z0-9_.-]{1,253}(:\\d{1,5})?$" }), {
        maxItems: 256,
        description: "Hosts, `host` or `host:port`, that are asked one by one, for networks without multicast.",
      }),
    ),
    discoveryMs: time("discoveryMs", 200, 30_000, "How long a search waits for answers, ms."),
  },
  { ...closed, description: "ONVIF channel: a set of cameras and access controllers." },
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
    videoSource: Type.Optional(
      Type.String({
        maxLength: 64,
        description: "Token of the video source that is meant, for an encoder or recorder with several.",
      }),
    ),
    tls: Type.Optional(
      Type.Object(
        {
          serverFingerprint: Type.Optional(
            Type.String({
              pattern: "^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$",
              description: "SHA-256 of the certificate the device must show; nothing else is checked then.",
            }),
          ),
          allowSelfSigned: Type.Optional(
            Type.Boolean({
              description: "Takes any certificate that is in date. Guards against listeners, not against impostors.",
            }),
          ),
        },
        {
          ...closed,
          description:
            "Trust in an https device: `{serverFingerprint}` or `{allowSelfSigned: true}`; by the system's authorities when absent.",
        },
      ),
    ),
  },
  closed,
);
export type OnvifDevice = Static<typeof OnvifDevice>;

/** Where a value is in the device. */
export const OnvifAddress = Type.Object(
  {
    signal: Type.Enum([...STATUS_SIGNALS, ...EVENT_SIGNALS, ...IMAGING_SIGNALS, ...DOOR_SIGNALS], {
      description:
        "online (boolean); motion, tamper, lineCrossed, fieldIntrusion, loitering, objectDetected, digitalInput, videoLoss, hardwareFailure (boolean, from events); " +
        "relay (boolean, from events; writable); pan, tilt (-1 to 1), zoom (0 to 1); moving (boolean); preset (token, empty between presets); " +
        "clockOffset (device clock minus ours, s); brightness (number, writable), irCutFilter (0 ON, 1 OFF, 2 AUTO; writable), autoFocus (boolean, writable); " +
        "with `door`: doorMode (0 Unknown, 1 Locked, 2 Unlocked, 3 Accessed, 4 Blocked, 5 LockedDown, 6 LockedOpen, 7 DoubleLocked), " +
        "doorPhysicalState (0 Unknown, 1 Open, 2 Closed, 3 Fault), lockPhysicalState (0 Unknown, 1 Locked, 2 Unlocked, 3 Fault), " +
        "doorAlarm (0 Normal, 1 DoorForcedOpen, 2 DoorOpenTooLong), doorTamper (0 Unknown, 1 NotInTamper, 2 TamperDetected), " +
        "doorFault (0 Unknown, 1 NotInFault, 2 FaultDetected).",
    }),
    token: Type.Optional(
      Type.String({
        maxLength: 128,
        description: "Only events of this source, input, relay or rule; of any where absent. For event signals only.",
      }),
    ),
    door: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: "Token of the door; for door signals only." }),
    ),
  },
  closed,
);
export type OnvifAddress = Static<typeof OnvifAddress>;
