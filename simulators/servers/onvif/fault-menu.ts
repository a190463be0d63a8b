import { InvalidInputError } from "#core/errors.ts";
import type { FaultMenu } from "../../device.ts";

export type FaultOptions = Readonly<Record<string, number | string | boolean>>;
type Defaults = Readonly<Record<string, number | string | boolean>>;

/**
 * What can go wrong with an ONVIF device, with the options of each and what holds where one is not given. `operation` restricts a
 * fault to one SOAP operation (or `snapshot`); empty: all of them.
 */
const FAULTS = {
  /** The answer comes so much later; what was asked is done at once. */
  late: { operation: "", ms: 2000 },
  /** The connection is reset instead of an answer; nothing is done. */
  dropped: { operation: "" },
  /** The connection is taken, nothing is ever answered. */
  "half-open": {},
  /** The answer trickles. */
  "slow-bytes": { operation: "", bytesPerSecond: 10 },
  /** Not what was asked for: other-element, no-content, empty-body, no-envelope, html, truncated, soap-1.1 or deep. */
  "wrong-shape": { operation: "", shape: "other-element" },
  /** Entities that expand to gigabytes. */
  "xml-bomb": { operation: "" },
  /** An entity that would fetch `/onvif/leak` of this device; requests there are counted as `leak`. */
  "external-entity": { operation: "" },
  "huge-answer": { operation: "", megabytes: 50 },
  /** Sends the client to another host. */
  redirect: { operation: "", location: "http://192.0.2.1/onvif/device_service", status: 307 },
  /** Addresses of services, subscriptions or media (or `all`) name another host, as behind a translating router. */
  "foreign-address": { host: "192.0.2.7", of: "all" },
  /** The clock is off, and runs away by `secondsPerHour`. */
  "clock-drift": { seconds: 3600, secondsPerHour: 0 },
  /** Every subscription is forgotten now, and each new one after `afterMs`. */
  "subscription-death": { afterMs: 1000 },
  /** Renew is not supported. */
  "no-renew": {},
  /** Takes only `absolute` or only `relative` termination times. */
  "termination-form": { takes: "absolute" },
  /** CurrentTime is left out of the answers of the event service. */
  "missing-current-time": {},
  "create-pull-point-fault": {},
  /** Pulls of events are never answered. */
  "frozen-events": {},
  /** The notifications of a pull come newest first. */
  "events-out-of-order": {},
  /** Each notification is told twice. */
  "events-duplicated": {},
  "http-digest-only": {},
  /** Nobody is let in. */
  "not-authorized": {},
  reboot: { downMs: 2000 },
} as const satisfies Readonly<Record<string, Defaults>>;

/** Faults of cameras alone. */
const CAMERA_FAULTS = {
  /** The main stream is H.265. */
  "h265-main": {},
} as const;

/** Faults of door controllers alone. */
const DOOR_FAULTS = {
  /** Operations on doors are acknowledged and not done. */
  "deaf-doors": {},
} as const;

/** Faults of what speaks TLS. */
const TLS_FAULTS = {
  /** The certificate's time is over. */
  "expired-certificate": {},
} as const;

const ALL = { ...FAULTS, ...CAMERA_FAULTS, ...DOOR_FAULTS, ...TLS_FAULTS };
export type OnvifFault = keyof typeof ALL;

/** Values that an option of a few words may have. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  shape: ["other-element", "no-content", "empty-body", "no-envelope", "html", "truncated", "soap-1.1", "deep"],
  takes: ["absolute", "relative"],
  of: ["services", "subscription", "media", "all"],
};
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  ms: [0, 600_000],
  bytesPerSecond: [0.1, 1_000_000],
  megabytes: [1, 1000],
  status: [300, 399],
  seconds: [-1e9, 1e9],
  secondsPerHour: [-3600, 3600],
  afterMs: [0, 3_600_000],
  downMs: [0, 3_600_000],
};

/** Which kinds of device there is a menu for. */
export interface FaultScope {
  readonly camera: boolean;
  readonly doors: boolean;
  readonly tls: boolean;
}

/** The menu of one device. */
export class OnvifFaults implements FaultMenu {
  readonly kinds: readonly string[];
  readonly #active = new Map<OnvifFault, FaultOptions>();
  readonly #changed: (kind: OnvifFault, options: FaultOptions | undefined) => void;

  /** `changed` hears of each fault that is switched on (with its options) or off. */
  constructor(scope: FaultScope, changed: (kind: OnvifFault, options: FaultOptions | undefined) => void) {
    this.kinds = [
      ...Object.keys(FAULTS),
      ...(scope.camera ? Object.keys(CAMERA_FAULTS) : []),
      ...(scope.doors ? Object.keys(DOOR_FAULTS) : []),
      ...(scope.tls ? Object.keys(TLS_FAULTS) : []),
    ];
    this.#changed = changed;
  }

  get active(): readonly string[] {
    return [...this.#active.keys()];
  }

  set(kind: string, options: FaultOptions = {}): void {
    if (!this.#offers(kind)) {
      throw new InvalidInputError("SIM_FAULT_UNKNOWN", `fault expected one of ${this.kinds.join(", ")}, got "${kind}"`);
    }
    const merged = { ...ALL[kind], ...checked(kind, options) };
    this.#active.set(kind, merged);
    this.#changed(kind, merged);
  }

  clear(kind?: string): void {
    for (const active of [...this.#active.keys()]) {
      if (kind !== undefined && kind !== active) continue;
      this.#active.delete(active);
      this.#changed(active, undefined);
    }
  }

  /** Options of a fault that is switched on; undefined where it is off, or is of another operation. */
  of(kind: OnvifFault, operation?: string): FaultOptions | undefined {
    const options = this.#active.get(kind);
    const only = options?.["operation"];
    return only === undefined || only === "" || only === operation ? options : undefined;
  }

  has(kind: OnvifFault, operation?: string): boolean {
    return this.of(kind, operation) !== undefined;
  }

  #offers(kind: string): kind is OnvifFault {
    return this.kinds.includes(kind);
  }
}

function checked(kind: OnvifFault, options: FaultOptions): FaultOptions {
  const known: Defaults = ALL[kind];
  for (const [name, value] of Object.entries(options)) {
    const expected = Object.hasOwn(known, name) ? problem(name, known[name], value) : "no such option";
    if (expected !== undefined) {
      throw new InvalidInputError("SIM_FAULT_OPTION_INVALID", `${kind} ${name}: expected ${expected}, got ${value}`);
    }
  }
  return options;
}

function problem(name: string, like: unknown, value: number | string | boolean): string | undefined {
  if (typeof value !== typeof like) return `a ${typeof like}`;
  const words = WORDS[name];
  if (words !== undefined && !words.includes(String(value))) return `one of ${words.join(", ")}`;
  const [least, most] = RANGES[name] ?? [-Infinity, Infinity];
  if (typeof value === "number" && !(value >= least && value <= most)) return `a number from ${least} to ${most}`;
  return undefined;
}
