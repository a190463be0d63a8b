import type { SignalValue } from "../device.ts";
import { clamp, type Surroundings } from "./physics.ts";
import type { SignalSpec } from "./signal-device.ts";
import {
  commandSignal,
  type DeviceIdentity,
  flagSignal,
  NO_YES,
  NORMAL_ALARM,
  NORMAL_FAULT,
  numberSignal,
  SignalDevice,
  stateSignal,
} from "./signal-device.ts";

/** A lift and what surrounds it. */
export interface LiftOptions extends DeviceIdentity {
  /** Number of floors served, from 1. */
  readonly floors: number;
  /** Is there a fire alarm in its building? */
  readonly fire: () => boolean;
  /** Trips so far. */
  readonly trips: number;
}

/** What the rest of the park takes from a lift. */
export type Lift = SignalDevice;

const FLOOR_M = 3.6;
const SPEED_M_S = 1.6;
const ACCELERATION_M_S2 = 0.8;
const DOOR_SECONDS = 3;
const STAY_SECONDS = 6;
/** The floor at which people leave the building. */
const EXIT_FLOOR = 1;
const FULL_PCT = 110;

const DIRECTIONS = [
  ["停止", "stopped"],
  ["上行", "up"],
  ["下行", "down"],
] as const;
const STOPPED = 1;
const UP = 2;
const DOWN = 3;
const DOORS = [
  ["关闭", "closed"],
  ["正在打开", "opening"],
  ["打开", "open"],
  ["正在关闭", "closing"],
] as const;
const CLOSED = 1;
const OPENING = 2;
const OPEN = 3;
const CLOSING = 4;
const MODES = [
  ["正常", "normal"],
  ["检修", "inspection"],
  ["消防迫降", "fire recall"],
  ["停用", "out of service"],
] as const;
const NORMAL = 1;
const INSPECTION = 2;
const FIRE_RECALL = 3;
const OUT_OF_SERVICE = 4;

function signals(floors: number, trips: number): readonly SignalSpec[] {
  return [
    numberSignal("floor", "所在楼层", "Floor", undefined, 1, { decimals: 0, min: 1, max: floors, covIncrement: 1 }),
    numberSignal("position", "轿厢位置", "Car position", "m", 0, { decimals: 2, min: 0, max: (floors - 1) * FLOOR_M }),
    numberSignal("speed", "速度", "Speed", "m/s", 0, { decimals: 2, min: 0, max: 2.5 }),
    stateSignal("direction", "运行方向", "Direction", DIRECTIONS, STOPPED),
    stateSignal("door", "轿门", "Car door", DOORS, CLOSED),
    stateSignal("mode", "运行模式", "Mode", MODES, NORMAL),
    numberSignal("load", "载荷", "Load", "pct", 0, { decimals: 0, min: 0, max: 150, covIncrement: 1 }),
    flagSignal("overload", "超载", "Overload", NORMAL_ALARM),
    flagSignal("fault", "故障", "Fault", NORMAL_FAULT),
    flagSignal("trapped", "困人", "Passenger trapped", NO_YES),
    flagSignal("inspection-switch", "检修开关", "Inspection switch", NO_YES),
    commandSignal("out-of-service-command", "停用命令", "Out of service command"),
    numberSignal("call-floor", "呼梯楼层", "Called floor", undefined, 1, {
      decimals: 0,
      min: 1,
      max: floors,
      writable: true,
      covIncrement: 1,
    }),
    numberSignal("trips", "运行次数", "Trips", undefined, trips, { decimals: 0, min: 0, max: 4e9, retained: true }),
    numberSignal("run-hours", "运行时间", "Run hours", "h", trips / 90, {
      decimals: 2,
      min: 0,
      max: 1e6,
      retained: true,
    }),
  ];
}

/**
 * A passenger lift. It carries people in office hours, comes when it is called, goes to the exit floor and stays there with its
 * door open on a fire alarm of its building, and stands still on a fault. [EN 81-73 §5.3]
 */
class PassengerLift extends SignalDevice {
  readonly #floors: number;
  readonly #fire: () => boolean;
  #target = EXIT_FLOOR;
  #doorSeconds = 0;
  #idleSeconds = 0;

  constructor(options: LiftOptions) {
    super(options, signals(options.floors, options.trips));
    this.#floors = options.floors;
    this.#fire = options.fire;
  }

  protected override written(signal: string, value: SignalValue): void {
    if (signal === "call-floor" && this.number("mode") === NORMAL) this.#target = Math.round(Number(value));
  }

  protected override advance(seconds: number, { occupancy }: Surroundings): void {
    this.set("mode", this.#mode());
    const mode = this.number("mode");
    if (mode === FIRE_RECALL || mode === OUT_OF_SERVICE) this.#target = EXIT_FLOOR;
    this.set("overload", this.number("load") > FULL_PCT);
    if (this.flag("fault") || mode === INSPECTION) {
      this.set("speed", 0);
      this.set("direction", STOPPED);
    } else {
      this.#work(seconds, occupancy);
    }
    // people in a car that stands between floors or with its door shut
    const shut = this.number("door") !== OPEN;
    if (!this.flag("fault")) this.set("trapped", false);
    else if (shut && this.number("load") > 0) this.set("trapped", true);
  }

  #mode(): number {
    if (this.flag("inspection-switch")) return INSPECTION;
    if (this.#fire()) return FIRE_RECALL;
    return this.flag("out-of-service-command") ? OUT_OF_SERVICE : NORMAL;
  }

  #work(seconds: number, occupancy: number): void {
    const away = (this.#target - 1) * FLOOR_M - this.number("position");
    if (Math.abs(away) > 0.005) this.#travel(away, seconds);
    else this.#stand(seconds, occupancy);
  }

  #travel(away: number, seconds: number): void {
    if (this.number("door") !== CLOSED) {
      this.#doorSeconds += seconds;
      this.set("door", this.#doorSeconds < DOOR_SECONDS || this.flag("overload") ? CLOSING : CLOSED);
      return;
    }
    if (this.number("direction") === STOPPED) this.set("trips", this.number("trips") + 1);
    this.set("direction", away > 0 ? UP : DOWN);
    // brakes so that it stands at the floor
    const braking = Math.sqrt(2 * ACCELERATION_M_S2 * Math.abs(away));
    const speed = Math.max(0.1, Math.min(SPEED_M_S, this.number("speed") + ACCELERATION_M_S2 * seconds, braking));
    const moved = Math.min(Math.abs(away), speed * seconds);
    const position = clamp(this.number("position") + Math.sign(away) * moved, 0, (this.#floors - 1) * FLOOR_M);
    this.set("position", position);
    this.set("floor", Math.round(position / FLOOR_M) + 1);
    this.set("speed", speed);
    this.set("run-hours", this.number("run-hours") + seconds / 3600);
    this.#doorSeconds = 0;
    this.#idleSeconds = 0;
  }

  #stand(seconds: number, occupancy: number): void {
    this.set("speed", 0);
    const arrived = this.number("direction") !== STOPPED;
    this.set("direction", STOPPED);
    this.#doorSeconds = arrived ? 0 : this.#doorSeconds + seconds;
    this.#idleSeconds += seconds;
    const held = this.number("mode") === FIRE_RECALL;
    const opened = this.#doorSeconds >= DOOR_SECONDS;
    const stayed = this.#doorSeconds >= DOOR_SECONDS + STAY_SECONDS;
    if (held) this.set("load", 0);
    if (!opened) this.set("door", OPENING);
    else if (held || !stayed) this.set("door", OPEN);
    else this.set("door", this.#doorSeconds < 2 * DOOR_SECONDS + STAY_SECONDS ? CLOSING : CLOSED);
    if (this.number("mode") === NORMAL && stayed) this.#carry(seconds, occupancy);
  }

  /** Somebody gets in or calls: the busier the house, the sooner. */
  #carry(seconds: number, occupancy: number): void {
    if (this.random.next() > occupancy * 0.06 * seconds) return;
    const other = 1 + Math.floor(this.random.next() * (this.#floors - 1));
    const here = this.number("floor");
    this.#target = other >= here ? other + 1 : other;
    this.set("load", Math.round(5 + this.random.next() * 60));
    this.#doorSeconds = 0;
  }
}

/** Makes a passenger lift. */
export function createLift(options: LiftOptions): Lift {
  return new PassengerLift(options);
}
