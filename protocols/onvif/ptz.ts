import type { Clock } from "#core/clock.ts";
import { errorCode } from "#core/errors.ts";
import type { ActionRequest, ActionResult } from "../driver.ts";
import type { MediaProfile, PtzPosition, PtzPreset, PtzStatus } from "./codec/services.ts";
import type { DeviceServices } from "./device-client.ts";
import { CONFIG_ERROR, good, type PointValue } from "./point-values.ts";
import type { PtzClient, PtzStart, PtzTarget } from "./ptz-client.ts";
import { followMove } from "./ptz-move.ts";
import { presetAt } from "./ptz-position.ts";
import { doneWithJson, failed, numberParam, rejected, resultOf, textParam } from "./results.ts";
import { sleep } from "./sleep.ts";

/** Longest movement by speed that one action may ask for, s. */
export const LONGEST_MOVE_S = 10;

type PtzSignal = "pan" | "tilt" | "zoom" | "moving" | "preset";
type Params = ActionRequest["params"];

/** What the head of a camera needs of its session. */
export interface PtzDeps {
  readonly client: PtzClient;
  readonly clock: Clock;
  readonly device: string;
  readonly moveTimeoutMs: number;
  /** Something about the head is known anew. */
  readonly onChange: () => void;
}

/** The head of one camera: where it is, and where it is sent. */
export class PtzHead {
  readonly #deps: PtzDeps;
  #target: PtzTarget | undefined;
  #presets: readonly PtzPreset[] = [];
  #status: PtzStatus | undefined;
  /** The preset last confirmed, for cameras that tell no positions. */
  #confirmedPreset: string | undefined;
  /** Counts moves; the highest one owns the motors. */
  #moves = 0;
  #takenOver = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(deps: PtzDeps) {
    this.#deps = deps;
  }

  /** Does the camera move? */
  get moves(): boolean {
    return this.#target !== undefined;
  }

  /** Learns whether and by which profile the camera moves, and its presets. @throws as PtzClient */
  async connect(services: DeviceServices, profiles: readonly MediaProfile[], signal: AbortSignal): Promise<void> {
    const url = services.ptz;
    const profile = profiles.find((one) => one.ptz && one.video) ?? profiles.find((one) => one.ptz);
    this.#target = url === undefined || profile === undefined ? undefined : { url, profile: profile.token };
    this.#presets = this.#target === undefined ? [] : await this.#deps.client.presets(this.#target, signal);
  }

  /** Reads position and movement. @throws as PtzClient */
  async poll(signal: AbortSignal): Promise<void> {
    if (this.#target === undefined) return;
    try {
      this.#seen(await this.#deps.client.status(this.#target, signal));
    } catch (error) {
      // Not every camera that moves tells its status.
      if (errorCode(error) !== "ONVIF_FAULT") throw error;
      this.#status = undefined;
    }
  }

  value(signal: PtzSignal): PointValue {
    if (this.#target === undefined) return CONFIG_ERROR;
    if (signal === "moving") return good(this.#status?.moving);
    if (signal !== "preset") return good(this.#status?.position?.[signal]);
    const byPosition = presetAt(this.#status, this.#presets);
    return good(byPosition ?? this.#confirmedPreset ?? (this.#status === undefined ? undefined : ""));
  }

  /** Performs one of PTZ_ACTIONS. A later movement or stop ends an earlier one. Never throws. */
  async act(action: string, params: Params, signal: AbortSignal): Promise<ActionResult> {
    const target = this.#target;
    if (target === undefined) return rejected("ONVIF_NO_PTZ", `${this.#deps.device} does not move`);
    const work = this.#perform(target, action, params, signal).catch(resultOf);
    this.#running.add(work);
    const result = await work;
    this.#running.delete(work);
    return result;
  }

  /** Resolves when no action is under way: each has told its motors to stop. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #perform(target: PtzTarget, action: string, params: Params, signal: AbortSignal): Promise<ActionResult> {
    switch (action) {
      case "ptzPreset":
        return await this.#gotoPreset(target, params, signal);
      case "ptzMove":
        return await this.#moveBySpeed(target, params, signal);
      case "ptzMoveTo":
      case "ptzMoveBy":
        return await this.#moveTo(target, action, params, signal);
      case "ptzHome":
        return await this.#follow(target, { kind: "home" }, undefined, signal);
      case "ptzPresets":
        this.#presets = await this.#deps.client.presets(target, signal);
        return doneWithJson({ presets: this.#presets });
      case "ptzSetPreset":
        return await this.#setPreset(target, params, signal);
      default:
        this.#begin();
        await this.#deps.client.stop(target, signal);
        await this.poll(signal);
        return { status: "done" };
    }
  }

  /** Takes the motors over; gives the number of this movement. */
  #begin(): number {
    this.#takenOver.abort();
    this.#takenOver = new AbortController();
    this.#moves++;
    return this.#moves;
  }

  async #gotoPreset(target: PtzTarget, params: Params, signal: AbortSignal): Promise<ActionResult> {
    const name = textParam(params, "preset") ?? "";
    // It may have been stored since the connection began.
    if (this.#preset(name) === undefined) this.#presets = await this.#deps.client.presets(target, signal);
    const preset = this.#preset(name);
    if (preset === undefined) return rejected("ONVIF_PRESET_UNKNOWN", `${this.#deps.device} has no preset "${name}"`);
    const result = await this.#follow(target, { kind: "preset", preset: preset.token }, preset.position, signal);
    if (result.status === "done") {
      this.#confirmedPreset = preset.token;
      this.#deps.onChange();
    }
    return result;
  }

  #preset(name: string): PtzPreset | undefined {
    return this.#presets.find(({ token }) => token === name) ?? this.#presets.find((preset) => preset.name === name);
  }

  async #moveTo(target: PtzTarget, action: string, params: Params, signal: AbortSignal): Promise<ActionResult> {
    const kind = action === "ptzMoveTo" ? "absolute" : "relative";
    const wanted = positionOf(params, kind === "absolute" ? 0 : -1);
    if (wanted === undefined) return rejected("ONVIF_PARAM_INVALID", `${action} expected pan, tilt -1 to 1 and zoom`);
    const here = (await this.#deps.client.status(target, signal)).position;
    if (kind === "relative") return await this.#follow(target, { kind, position: wanted }, sum(here, wanted), signal);
    // An axis that is not asked for stays; pan and tilt are sent together only.
    const position = { ...here, ...wanted };
    return await this.#follow(target, { kind, position }, position, signal);
  }

  async #follow(
    ptz: PtzTarget,
    start: PtzStart,
    target: PtzPosition | undefined,
    signal: AbortSignal,
  ): Promise<ActionResult> {
    const mine = this.#begin();
    const { client, clock, moveTimeoutMs } = this.#deps;
    const outcome = await followMove({
      client,
      ptz,
      start,
      target,
      timeoutMs: moveTimeoutMs,
      clock,
      signal,
      onStatus: (status) => this.#seen(status),
      superseded: () => this.#moves !== mine,
    });
    if (outcome === "reached") return { status: "done" };
    const message = `${this.#deps.device} on its way (${start.kind}): ${outcome}`;
    switch (outcome) {
      case "timeout":
        return { status: "timeout", code: "ONVIF_PTZ_TIMEOUT", message };
      case "superseded":
        return failed("ONVIF_PTZ_SUPERSEDED", message);
      case "aborted":
        return failed("ONVIF_CALLED_OFF", message);
      case "unconfirmed":
        return failed("ONVIF_PTZ_UNCONFIRMED", message);
      default:
        return outcome satisfies never;
    }
  }

  async #moveBySpeed(target: PtzTarget, params: Params, signal: AbortSignal): Promise<ActionResult> {
    const speed = positionOf(params, -1);
    const seconds = numberParam(params, "seconds", { minimum: 0.1, maximum: LONGEST_MOVE_S, absent: 1 });
    if (speed === undefined || seconds === undefined)
      return rejected(
        "ONVIF_PARAM_INVALID",
        `ptzMove expected pan, tilt, zoom -1 to 1 and seconds 0.1 to ${LONGEST_MOVE_S}`,
      );
    const mine = this.#begin();
    const takenOver = this.#takenOver.signal;
    try {
      await this.#deps.client.startContinuous(target, speed, seconds * 1000, signal);
      await sleep(this.#deps.clock, seconds * 1000, AbortSignal.any([signal, takenOver]));
    } finally {
      // Also when whoever asked has gone away, and when it is not known whether the movement has begun.
      if (this.#moves === mine) await this.#stopSurely(target);
    }
    if (signal.aborted) return failed("ONVIF_CALLED_OFF", `${this.#deps.device} was stopped: called off`);
    if (!takenOver.aborted) await this.poll(signal);
    return { status: "done" };
  }

  /** A head that runs on against its stop is worse than one request too many. */
  async #stopSurely(target: PtzTarget): Promise<void> {
    const own = new AbortController().signal;
    try {
      await this.#deps.client.stop(target, own);
    } catch {
      await this.#deps.client.stop(target, own);
    }
  }

  async #setPreset(target: PtzTarget, params: Params, signal: AbortSignal): Promise<ActionResult> {
    const name = textParam(params, "name");
    if (name === undefined) return rejected("ONVIF_PARAM_INVALID", "ptzSetPreset expected a name");
    const overwritten = textParam(params, "preset");
    const token = await this.#deps.client.setPreset(target, name, overwritten, signal);
    this.#presets = await this.#deps.client.presets(target, signal);
    this.#deps.onChange();
    if (this.#presets.some((preset) => preset.token === token)) return doneWithJson({ token, name });
    return failed("ONVIF_PRESET_UNCONFIRMED", `${this.#deps.device} took preset "${name}" and does not list it`);
  }

  #seen(status: PtzStatus): void {
    this.#status = status;
    if (status.moving === true) this.#confirmedPreset = undefined;
    this.#deps.onChange();
  }
}

/** Axes among the parameters, at least one; undefined where one is out of range. `zoomFrom` is the least zoom. */
function positionOf(params: Params, zoomFrom: number): PtzPosition | undefined {
  const axis = (name: string, minimum: number): number | undefined =>
    numberParam(params, name, { minimum, maximum: 1, absent: Number.NaN });
  const pan = axis("pan", -1);
  const tilt = axis("tilt", -1);
  const zoom = axis("zoom", zoomFrom);
  if (pan === undefined || tilt === undefined || zoom === undefined) return undefined;
  const given = Object.entries({ pan, tilt, zoom }).filter(([, value]) => !Number.isNaN(value));
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function sum(here: PtzPosition | undefined, by: PtzPosition): PtzPosition | undefined {
  if (here === undefined) return undefined;
  const within = (from: number, value: number): number => Math.max(from, Math.min(1, value));
  return {
    ...(here.pan === undefined ? {} : { pan: within(-1, here.pan + (by.pan ?? 0)) }),
    ...(here.tilt === undefined ? {} : { tilt: within(-1, here.tilt + (by.tilt ?? 0)) }),
    ...(here.zoom === undefined ? {} : { zoom: within(0, here.zoom + (by.zoom ?? 0)) }),
  };
}
