import type { Clock } from "#core/clock.ts";
import { errorCode } from "#core/errors.ts";
import type { DoorOperation } from "#core/model/door.ts";
import type { ActionRequest, ActionResult } from "../driver.ts";
import type { AccessPointInfo, DoorInfo } from "./codec/doors.ts";
import type { Notification } from "./codec/notification.ts";
import type { OnvifCounters } from "./counters.ts";
import type { DeviceServices } from "./device-client.ts";
import type { DoorClient } from "./door-client.ts";
import { type DoorEdge, DoorStates } from "./door-states.ts";
import type { PointValue } from "./point-values.ts";
import { failed, numberParam, rejected, resultOf, textParam } from "./results.ts";
import { sleep } from "./sleep.ts";
import { DOOR_OPERATIONS, type DoorOperationRule, type DoorSignal } from "./vocabulary.ts";

const LOOK_PERIOD_MS = 200;
const LONGEST_ACCESS_S = 3600;

/** What the doors of a controller need of its session. */
export interface DoorDeps {
  readonly client: DoorClient;
  readonly clock: Clock;
  readonly counters: OnvifCounters;
  readonly device: string;
  readonly confirmMs: number;
  /** The state of a door has changed, or was told anew. */
  readonly onChange: (edges: readonly DoorEdge[]) => void;
}

/** The doors of one access controller: their states, and what is asked of them. */
export class Doors {
  readonly #deps: DoorDeps;
  readonly #states = new DoorStates();
  readonly #modeListeners = new Set<(door: string, mode: string, asked: boolean) => void>();
  #url: URL | undefined;
  #accessControl: URL | undefined;
  #accessPoints: ReadonlyMap<string, AccessPointInfo> = new Map();
  #listOutdated = false;

  constructor(deps: DoorDeps) {
    this.#deps = deps;
  }

  /** Has the device doors? */
  get present(): boolean {
    return this.#url !== undefined;
  }

  get infos(): readonly DoorInfo[] {
    return this.#states.tokens.flatMap((token) => this.#states.info(token) ?? []);
  }

  /** Learns doors and access points. @throws as DoorClient */
  async connect(services: DeviceServices, signal: AbortSignal): Promise<void> {
    this.#url = services.doorControl;
    this.#accessControl = services.accessControl;
    await this.#learn(signal);
  }

  async #learn(signal: AbortSignal): Promise<void> {
    this.#listOutdated = false;
    this.#states.list(this.#url === undefined ? [] : await this.#deps.client.doors(this.#url, signal));
    const points =
      this.#accessControl === undefined ? [] : await this.#deps.client.accessPoints(this.#accessControl, signal);
    this.#accessPoints = new Map(points.map((point) => [point.token, point]));
  }

  /** Token of the door behind an access point, where it is known. */
  doorOf(accessPoint: string): string | undefined {
    return this.#accessPoints.get(accessPoint)?.door;
  }

  value(door: string | undefined, signal: DoorSignal): PointValue {
    return this.#states.value(door, signal);
  }

  /** Takes in a notification of the doors' topics; false where it is none of those or of no door known. */
  notified(notification: Notification): boolean {
    if (/^tns1:Configuration\/(Door|AccessPoint)\//.test(notification.topic)) {
      this.#listOutdated = true;
      return true;
    }
    const edges = this.#states.notified(notification);
    if (edges === undefined) return false;
    const door = notification.source.get("DoorToken") ?? "";
    if (notification.topic.endsWith("/DoorMode")) this.#tellMode(door, this.#states.mode(door), false);
    this.#deps.onChange(edges);
    return true;
  }

  /** Reads the states of doors, of all where none is named. @throws as DoorClient */
  async poll(wanted: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    if (this.#url === undefined) return;
    if (this.#listOutdated) await this.#learn(signal);
    for (const door of this.#states.tokens) if (wanted.has(door)) await this.#look(this.#url, door, signal);
  }

  async #look(url: URL, door: string, signal: AbortSignal): Promise<void> {
    const before = this.#states.changes(door);
    try {
      const states = await this.#deps.client.state(url, door, signal);
      const edges = this.#states.polled(door, states, before);
      this.#tellMode(door, states.get("DoorMode"), true);
      this.#deps.onChange(edges);
    } catch (error) {
      if (errorCode(error) !== "ONVIF_FAULT") throw error;
      this.#states.unknown(door);
      this.#deps.onChange([]);
    }
  }

  #tellMode(door: string, mode: string | undefined, asked: boolean): void {
    if (mode !== undefined) for (const listener of this.#modeListeners) listener(door, mode, asked);
  }

  /**
   * Performs `doorControl {door, operation, seconds?}` and waits until the door shows it: a door that only says yes is not done.
   * Never throws.
   */
  async control(params: ActionRequest["params"], signal: AbortSignal): Promise<ActionResult> {
    const { device } = this.#deps;
    const token = textParam(params, "door");
    const name = textParam(params, "operation") ?? "";
    const rule = Object.hasOwn(DOOR_OPERATIONS, name) ? DOOR_OPERATIONS[name as DoorOperation] : undefined;
    const seconds = numberParam(params, "seconds", { minimum: 1, maximum: LONGEST_ACCESS_S, absent: 0 });
    if (rule === undefined || seconds === undefined || (seconds > 0 && name !== "access"))
      return rejected(
        "ONVIF_PARAM_INVALID",
        `doorControl expected an operation of a door, and seconds 1 to ${LONGEST_ACCESS_S} with access only`,
      );
    if (this.#url === undefined) return rejected("ONVIF_NO_DOORS", `${device} has no doors`);
    const info = token === undefined ? undefined : this.#states.info(token);
    if (info === undefined) return rejected("ONVIF_DOOR_UNKNOWN", `${device} has no such door`);
    const missing = missingCapability(info, rule, seconds > 0);
    if (missing !== undefined)
      return rejected("ONVIF_DOOR_NOT_CAPABLE", `door ${info.token} of ${device} is not capable of ${missing}`);
    try {
      return await this.#operate(this.#url, info.token, name, rule, seconds, signal);
    } catch (error) {
      return resultOf(error);
    }
  }

  async #operate(
    url: URL,
    door: string,
    name: string,
    rule: DoorOperationRule,
    seconds: number,
    signal: AbortSignal,
  ): Promise<ActionResult> {
    const { client, clock, confirmMs, counters, device } = this.#deps;
    const shown = new AbortController();
    let taken = false;
    const listener = (changed: string, mode: string, asked: boolean): void => {
      // What the controller tells of its own may be older than the command; but a short access may be over before one can ask.
      const answers = asked ? taken : name === "access";
      if (changed === door && answers && confirms(rule, mode)) shown.abort();
    };
    this.#modeListeners.add(listener);
    try {
      await client.operate(url, rule.operation, door, seconds > 0 ? seconds * 1000 : undefined, signal);
      taken = true;
      const deadline = clock.monotonic() + confirmMs;
      const either = AbortSignal.any([signal, shown.signal]);
      while (!either.aborted && clock.monotonic() < deadline) {
        await this.#look(url, door, signal);
        await sleep(clock, LOOK_PERIOD_MS, either);
      }
    } finally {
      this.#modeListeners.delete(listener);
    }
    if (shown.signal.aborted) return { status: "done" };
    counters.unconfirmed++;
    const mode = this.#states.mode(door) ?? "unknown";
    return failed("ONVIF_DOOR_UNCONFIRMED", `door ${door} of ${device}: asked for ${name}, its mode is ${mode}`);
  }
}

function confirms(rule: DoorOperationRule, mode: string): boolean {
  return "is" in rule.confirmedBy ? rule.confirmedBy.is === mode : rule.confirmedBy.not !== mode;
}

/** A controller that tells no capabilities at all is asked; one that tells some has no others. [ONVIF Door Control 5.3.2] */
function missingCapability(info: DoorInfo, rule: DoorOperationRule, timed: boolean): string | undefined {
  if (info.capabilities === undefined) return undefined;
  if (!info.capabilities.has(rule.capability)) return rule.capability;
  return timed && !info.capabilities.has("AccessTimingOverride") ? "AccessTimingOverride" : undefined;
}
