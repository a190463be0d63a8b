import { InvalidInputError } from "#core/errors.ts";
import { DOOR_MODES, type DoorOperation } from "#core/model/door.ts";
import type { SignalValue, SimulatedDevice } from "../device.ts";
import { DEMO_CREDENTIALS, type DenyReason, denyReason, type SimulatedCredential } from "./credentials.ts";
import {
  type AccessTimes,
  Door,
  type DoorCapabilities,
  type DoorState,
  type DoorTimings,
  type DoorVerdict,
} from "./door.ts";
import {
  type DeviceIdentity,
  flagSignal,
  NORMAL_ALARM,
  NORMAL_FAULT,
  SignalDevice,
  type SignalSpec,
  stateSignal,
} from "./signal-device.ts";

/** What makes one door of a controller. */
export interface DoorOptions {
  /** What the protocol calls it; also the prefix of its signals. */
  readonly token: string;
  readonly name: string;
  readonly nameEn: string;
  /** What it can do beyond or short of the usual: all but double locking. */
  readonly capabilities?: Partial<DoorCapabilities>;
  /** 5 s, 30 s and 10 s when absent. */
  readonly timings?: Partial<DoorTimings>;
}

/** What makes a door controller. */
export interface DoorControllerOptions extends DeviceIdentity {
  /** Three doors, `door-1` to `door-3`, when absent. */
  readonly doors?: readonly DoorOptions[];
  /** {@link DEMO_CREDENTIALS} when absent. */
  readonly credentials?: readonly SimulatedCredential[];
}

/** What the protocol tells of a door that does not change. */
export interface DoorDescription {
  readonly token: string;
  readonly name: string;
  readonly nameEn: string;
  readonly capabilities: DoorCapabilities;
  readonly timings: DoorTimings;
  /** Token of the reader beside it. */
  readonly accessPoint: string;
}

/** What happens at a reader and is over. */
export interface AccessEvent {
  readonly kind: "granted" | "denied" | "not-found" | "taken" | "not-taken" | "duress";
  readonly door: string;
  readonly accessPoint: string;
  /** Absent where no credential has the card. */
  readonly credential?: SimulatedCredential;
  /** Of `not-found` only: what the reader read. */
  readonly card?: string;
  readonly reason?: DenyReason;
}

/** A simulated access controller with its doors and readers. */
export interface SimulatedDoorController extends SimulatedDevice {
  readonly doors: readonly DoorDescription[];
  readonly credentials: readonly SimulatedCredential[];
  /** Does what a client asks of a door. @throws SIM_DOOR_UNKNOWN */
  operate(door: string, operation: DoorOperation, times?: AccessTimes): DoorVerdict;
  /** Tells each changed signal at once. Gives the way to stop. */
  onChange(listener: (signal: string, value: SignalValue) => void): () => void;
  /** Tells what happens at the readers. Gives the way to stop. */
  onAccess(listener: (event: AccessEvent) => void): () => void;
}

const CAPABILITIES: DoorCapabilities = {
  access: true,
  accessTimingOverride: true,
  lock: true,
  unlock: true,
  block: true,
  doubleLock: false,
  lockDown: true,
  lockOpen: true,
  doorMonitor: true,
  lockMonitor: true,
  alarm: true,
  tamper: true,
  fault: true,
};
const TIMINGS: DoorTimings = { releaseSeconds: 5, openSeconds: 30, extendedSeconds: 10 };

const DEMO_DOORS: readonly DoorOptions[] = [
  { token: "door-1", name: "A 座大堂门", nameEn: "Building A lobby door" },
  { token: "door-2", name: "B 座大堂门", nameEn: "Building B lobby door" },
  {
    token: "door-3",
    name: "机房门",
    nameEn: "Plant room door",
    capabilities: { doubleLock: true, lockOpen: false },
    timings: { openSeconds: 20 },
  },
];

/** Texts of the door modes, in the order of DOOR_MODES. */
const MODE_STATES = [
  ["未知", "unknown"],
  ["锁闭", "locked"],
  ["开锁", "unlocked"],
  ["放行", "accessed"],
  ["禁行", "blocked"],
  ["紧急锁闭", "locked down"],
  ["常开", "locked open"],
  ["双重锁闭", "double locked"],
] as const;
/** States of the lock and of the alarm, counted from 1, in the order of their texts. */
const LOCKS = ["Unknown", "Locked", "Unlocked", "Fault"];
const LOCK_STATES = [
  ["未知", "unknown"],
  ["已锁", "locked"],
  ["已开", "unlocked"],
  ["故障", "fault"],
] as const;
const ALARMS = ["Normal", "DoorForcedOpen", "DoorOpenTooLong"];
const ALARM_STATES = [
  ["正常", "normal"],
  ["强行打开", "forced open"],
  ["开门超时", "open too long"],
] as const;
const CLOSED_OPEN = [
  ["关", "closed"],
  ["开", "open"],
] as const;
const OFF_ON = [
  ["停用", "disabled"],
  ["启用", "enabled"],
] as const;

function doorSignals({ token, name, nameEn }: DoorOptions): readonly SignalSpec[] {
  return [
    stateSignal(`${token}-mode`, `${name}模式`, `${nameEn} mode`, MODE_STATES, 2),
    flagSignal(`${token}-open`, `${name}门扇`, `${nameEn} leaf`, CLOSED_OPEN),
    stateSignal(`${token}-lock`, `${name}门锁`, `${nameEn} lock`, LOCK_STATES, 2),
    stateSignal(`${token}-alarm`, `${name}报警`, `${nameEn} alarm`, ALARM_STATES, 1),
    flagSignal(`${token}-tamper`, `${name}防拆`, `${nameEn} tamper`, NORMAL_ALARM),
    flagSignal(`${token}-fault`, `${name}故障`, `${nameEn} fault`, NORMAL_FAULT),
    { ...flagSignal(`${token}-reader`, `${name}读卡器`, `${nameEn} reader`, OFF_ON, true), writable: true },
    {
      name: `${token}-card`,
      label: `${name}刷卡`,
      labelEn: `${nameEn} card`,
      kind: "string",
      writable: false,
      initial: "",
    },
  ];
}

interface Gate {
  readonly door: Door;
  readonly description: DoorDescription;
  /** Whoever was let in and has not opened the door yet. */
  awaited: SimulatedCredential | undefined;
}

/** Splits `door-2-card` into the door and what of it. */
const PART = /^(.+)-(mode|open|lock|alarm|tamper|fault|reader|card)$/;

class DoorController extends SignalDevice implements SimulatedDoorController {
  readonly credentials: readonly SimulatedCredential[];
  readonly #gates: ReadonlyMap<string, Gate>;
  readonly #changeListeners = new Set<(signal: string, value: SignalValue) => void>();
  readonly #accessListeners = new Set<(event: AccessEvent) => void>();
  /** What was last told of each signal. */
  readonly #told = new Map<string, SignalValue>();
  #nowMs = 0;

  constructor(options: DoorControllerOptions) {
    const doors = options.doors ?? DEMO_DOORS;
    super(options, doors.flatMap(doorSignals));
    this.credentials = options.credentials ?? DEMO_CREDENTIALS;
    this.#gates = new Map(
      doors.map(({ token, name, nameEn, capabilities, timings }) => {
        const door = new Door({ ...CAPABILITIES, ...capabilities }, { ...TIMINGS, ...timings });
        const description = {
          token,
          name,
          nameEn,
          capabilities: door.capabilities,
          timings: door.timings,
          accessPoint: `reader-${token}`,
        };
        return [token, { door, description, awaited: undefined }];
      }),
    );
    for (const { name, initial } of this.signals) this.#told.set(name, initial);
  }

  get doors(): readonly DoorDescription[] {
    return [...this.#gates.values()].map(({ description }) => description);
  }

  operate(door: string, operation: DoorOperation, times?: AccessTimes): DoorVerdict {
    const gate = this.#gate(door);
    const verdict = gate.door.operate(operation, times);
    if (verdict === "done") gate.awaited = undefined;
    this.#show(gate);
    return verdict;
  }

  onChange(listener: (signal: string, value: SignalValue) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  onAccess(listener: (event: AccessEvent) => void): () => void {
    this.#accessListeners.add(listener);
    return () => this.#accessListeners.delete(listener);
  }

  override step(seconds: number, nowMs: number): void {
    this.#nowMs = nowMs;
    super.step(seconds, nowMs);
  }

  /** What a person does to a door or shows to its reader; the mode, the lock and the alarm follow and are not set. */
  protected override written(signal: string, value: SignalValue): void {
    const [, token = "", part] = PART.exec(signal) ?? [];
    const gate = this.#gate(token);
    if (part === "open") this.#moveLeaf(gate, value === true);
    else if (part === "tamper") gate.door.setTamper(value === true);
    else if (part === "fault") gate.door.setFault(value === true);
    else if (part === "card" && value !== "") this.#readCard(gate, String(value));
    else if (part === "reader") this.#tell(signal, value);
    this.#show(gate);
  }

  protected override advance(seconds: number): void {
    for (const gate of this.#gates.values()) {
      const ended = gate.door.step(seconds);
      if (ended && gate.awaited !== undefined) {
        this.#happened(gate, "not-taken", { credential: gate.awaited });
        gate.awaited = undefined;
      }
      this.#show(gate);
    }
  }

  #gate(token: string): Gate {
    const gate = this.#gates.get(token);
    if (gate !== undefined) return gate;
    throw new InvalidInputError("SIM_DOOR_UNKNOWN", `${this.id} has no door "${token}"`);
  }

  #moveLeaf(gate: Gate, open: boolean): void {
    gate.door.moveLeaf(open);
    if (!open || gate.awaited === undefined) return;
    this.#happened(gate, "taken", { credential: gate.awaited });
    gate.awaited = undefined;
  }

  #readCard(gate: Gate, card: string): void {
    const { token } = gate.description;
    const credential = this.credentials.find((candidate) => candidate.card === card);
    if (this.read(`${token}-reader`) !== true) return;
    if (credential === undefined) {
      this.#happened(gate, "not-found", { card });
      return;
    }
    const reason = denyReason(credential, token, this.#nowMs);
    const lets = reason === undefined && (gate.door.passable || gate.door.operate("access") === "done");
    if (!lets) {
      this.#happened(gate, "denied", { credential, reason: reason ?? "Other" });
      return;
    }
    this.#happened(gate, "granted", { credential });
    if (credential.duress === true) this.#happened(gate, "duress", { credential });
    gate.awaited = gate.door.passable ? undefined : credential;
  }

  #happened(
    { description }: Gate,
    kind: AccessEvent["kind"],
    more: Partial<Pick<AccessEvent, "credential" | "card" | "reason">>,
  ): void {
    const event = { kind, door: description.token, accessPoint: description.accessPoint, ...more };
    for (const listener of this.#accessListeners) listener(event);
  }

  /** Brings the signals up to the state of the door and tells which have changed. */
  #show({ door, description: { token } }: Gate): void {
    for (const [part, value] of shown(door.state)) {
      const signal = `${token}-${part}`;
      this.set(signal, value);
      this.#tell(signal, value);
    }
  }

  #tell(signal: string, value: SignalValue): void {
    if (this.#told.get(signal) === value) return;
    this.#told.set(signal, value);
    for (const listener of this.#changeListeners) listener(signal, value);
  }
}

function shown(state: DoorState): readonly (readonly [part: string, value: SignalValue])[] {
  return [
    ["mode", (DOOR_MODES as readonly string[]).indexOf(state.mode) + 1],
    ["open", state.open],
    ["lock", LOCKS.indexOf(state.lock) + 1],
    ["alarm", ALARMS.indexOf(state.alarm) + 1],
    ["tamper", state.tamper],
    ["fault", state.fault],
  ];
}

/**
 * Makes an access controller. A scenario writes `door-2-open` (somebody opens the leaf: forced where the lock is closed),
 * `door-2-card` (somebody shows a card), `door-2-tamper`, `door-2-fault` (the lock is broken and obeys nobody).
 */
export function createDoorController(options: DoorControllerOptions): SimulatedDoorController {
  return new DoorController(options);
}
