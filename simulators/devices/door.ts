import type { DOOR_MODES, DoorOperation } from "#core/model/door.ts";

/** Mode of a door. [ONVIF Door Control, DoorMode] */
export type DoorMode = (typeof DOOR_MODES)[number];

/** What a door can do and tell. [ONVIF Door Control, DoorCapabilities] */
export interface DoorCapabilities {
  readonly access: boolean;
  readonly accessTimingOverride: boolean;
  readonly lock: boolean;
  readonly unlock: boolean;
  readonly block: boolean;
  readonly doubleLock: boolean;
  readonly lockDown: boolean;
  readonly lockOpen: boolean;
  readonly doorMonitor: boolean;
  readonly lockMonitor: boolean;
  readonly alarm: boolean;
  readonly tamper: boolean;
  readonly fault: boolean;
}

/** Times of a door, seconds. [ONVIF Door Control, Timings] */
export interface DoorTimings {
  /** From the unlocking until it is locked again, when access is granted. */
  readonly releaseSeconds: number;
  /** From the opening of the leaf until it has been open too long. */
  readonly openSeconds: number;
  /** What each of them grows by for people who need longer. */
  readonly extendedSeconds: number;
}

/** Times that one access asks for, seconds. */
export interface AccessTimes {
  readonly extended?: boolean;
  readonly accessSeconds?: number;
  readonly openTooLongSeconds?: number;
}

/** What became of a door operation. */
export type DoorVerdict = "done" | "not-supported" | "failed";

/** State of a door as its sensors and its controller tell it. */
export interface DoorState {
  readonly mode: DoorMode;
  readonly open: boolean;
  readonly lock: "Locked" | "Unlocked" | "Fault";
  readonly alarm: "Normal" | "DoorForcedOpen" | "DoorOpenTooLong";
  readonly tamper: boolean;
  readonly fault: boolean;
}

/** What a controller is able to keep a lock released for, seconds. */
const ACCESS_RANGE = [1, 3600] as const;
const RELEASED: readonly DoorMode[] = ["Unlocked", "LockedOpen", "Accessed"];

/** What each operation needs to be supported. */
const NEEDS: Readonly<Record<DoorOperation, keyof DoorCapabilities>> = {
  access: "access",
  lock: "lock",
  unlock: "unlock",
  block: "block",
  lockDown: "lockDown",
  lockDownRelease: "lockDown",
  lockOpen: "lockOpen",
  lockOpenRelease: "lockOpen",
  doubleLock: "doubleLock",
};
/** Mode that an operation leads to. Which one a release leads to the standard leaves open: the typical ones. */
const LEADS_TO: Readonly<Record<DoorOperation, DoorMode>> = {
  access: "Accessed",
  lock: "Locked",
  unlock: "Unlocked",
  block: "Blocked",
  lockDown: "LockedDown",
  lockDownRelease: "Locked",
  lockOpen: "LockedOpen",
  lockOpenRelease: "Unlocked",
  doubleLock: "DoubleLocked",
};

/** One door: a leaf with a contact, a lock with a monitor, and the controller's logic for it. [ONVIF Door Control, DoorMode] */
export class Door {
  readonly capabilities: DoorCapabilities;
  readonly timings: DoorTimings;
  #mode: DoorMode = "Locked";
  /** Mode to go back to when the access is over. */
  #modeBefore: DoorMode = "Locked";
  #accessSeconds = 0;
  #openLimitSeconds: number;
  #open = false;
  #openSeconds = 0;
  #forced = false;
  #tooLong = false;
  #tamper = false;
  #fault = false;

  constructor(capabilities: DoorCapabilities, timings: DoorTimings) {
    this.capabilities = capabilities;
    this.timings = timings;
    this.#openLimitSeconds = timings.openSeconds;
  }

  get state(): DoorState {
    return {
      mode: this.#mode,
      open: this.#open,
      lock: this.#fault ? "Fault" : this.#released() ? "Unlocked" : "Locked",
      alarm: this.#forced ? "DoorForcedOpen" : this.#tooLong ? "DoorOpenTooLong" : "Normal",
      tamper: this.#tamper,
      fault: this.#fault,
    };
  }

  /** Does what is asked, if the door can, the lock works and the mode allows it. */
  operate(operation: DoorOperation, times: AccessTimes = {}): DoorVerdict {
    if (!this.capabilities[NEEDS[operation]]) return "not-supported";
    if (this.#fault || !this.#allows(operation)) return "failed";
    if (operation === "access") this.#access(times);
    else this.#enter(LEADS_TO[operation]);
    return "done";
  }

  /** May somebody pass now without any more ado? */
  get passable(): boolean {
    return this.#mode === "Unlocked" || this.#mode === "LockedOpen";
  }

  /** Somebody opens or closes the leaf, with the key of the lock or with a crowbar. */
  moveLeaf(open: boolean): void {
    if (this.#open === open) return;
    this.#open = open;
    this.#openSeconds = 0;
    if (open) this.#forced = !this.#released() && this.capabilities.alarm;
    else {
      this.#forced = false;
      this.#tooLong = false;
      this.#openLimitSeconds = this.timings.openSeconds;
    }
  }

  setTamper(tampered: boolean): void {
    this.#tamper = tampered;
  }

  /** A broken lock neither moves nor obeys. */
  setFault(broken: boolean): void {
    this.#fault = broken;
  }

  /** Lets time pass; true when an access has come to its end. */
  step(seconds: number): boolean {
    let ended = false;
    if (this.#mode === "Accessed") {
      this.#accessSeconds -= seconds;
      ended = this.#accessSeconds <= 0;
      if (ended) this.#mode = this.#modeBefore;
    }
    if (this.#open) this.#openSeconds += seconds;
    const watched = this.#open && !this.#released() && this.capabilities.alarm;
    if (watched && !this.#forced && this.#openSeconds > this.#openLimitSeconds) this.#tooLong = true;
    return ended;
  }

  #released(): boolean {
    return RELEASED.includes(this.#mode);
  }

  #allows(operation: DoorOperation): boolean {
    switch (this.#mode) {
      case "LockedDown":
        return operation === "lockDownRelease";
      case "LockedOpen":
        return operation === "lockOpenRelease";
      case "Blocked":
        return operation !== "access" && operation !== "lockDownRelease" && operation !== "lockOpenRelease";
      default:
        return operation !== "lockDownRelease" && operation !== "lockOpenRelease";
    }
  }

  #access(times: AccessTimes): void {
    const override = this.capabilities.accessTimingOverride;
    const extra = times.extended === true ? this.timings.extendedSeconds : 0;
    const asked = (override ? times.accessSeconds : undefined) ?? this.timings.releaseSeconds + extra;
    this.#openLimitSeconds = (override ? times.openTooLongSeconds : undefined) ?? this.timings.openSeconds + extra;
    this.#accessSeconds = Math.max(ACCESS_RANGE[0], Math.min(ACCESS_RANGE[1], asked));
    if (this.#mode !== "Accessed") this.#modeBefore = this.#mode;
    this.#enter("Accessed");
  }

  /** Alarms of timing and of force are masked where the door is meant to be open. */
  #enter(mode: DoorMode): void {
    this.#mode = mode;
    if (!this.#released()) return;
    this.#forced = false;
    this.#tooLong = false;
  }
}
