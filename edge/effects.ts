import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { DeviceId } from "#core/ids.ts";
import type { Effect } from "#core/linkage/action.ts";
import type { RunStepStatus } from "#core/linkage/rule.ts";
import type { ActionResult } from "#protocols/driver.ts";
import type { BlobQueue } from "./blobs.ts";
import type { Outbox } from "./outbox.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Writes } from "./writes.ts";

/** For whom an effect is performed. */
export interface EffectContext {
  readonly timeoutMs: number;
  readonly run?: string;
  readonly rule?: string;
  readonly alarm?: string;
  readonly occurrence?: number;
}

/** How an effect ended. */
export interface EffectResult {
  readonly status: RunStepStatus;
  /** Stable code when it was not done. */
  readonly code?: string;
  readonly detail?: string;
  /** SHA-256 of what it produced. */
  readonly blob?: string;
}

export interface EffectsOptions {
  readonly writes: Writes;
  readonly supervisor: Pick<Supervisor, "act">;
  readonly blobs: BlobQueue;
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** Keeps the video around now; done when the recording runs. Absent where the gateway has no video. */
  readonly recordClip?: (request: ClipRequest) => Promise<EffectResult>;
}

/** Which video is to be kept, and for what. */
export interface ClipRequest extends Pick<EffectContext, "run" | "alarm" | "occurrence"> {
  readonly camera: DeviceId;
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** Longest clip an action may ask for, before and after, ms. */
const MAX_CLIP_MS = 120_000;
const PICTURE = /^image\//;

const STATUS = { rejected: "refused", failed: "failed", timeout: "timeout" } as const;

function notDone(result: { status: keyof typeof STATUS; code: string; message: string }): EffectResult {
  return { status: STATUS[result.status], code: result.code, detail: result.message };
}

/** Performs what linkages and commands have planned. The only place of the gateway that causes anything. */
export class Effects {
  readonly #options: EffectsOptions;

  constructor(options: EffectsOptions) {
    this.#options = options;
  }

  /** Performs one effect. Never throws. */
  async perform(effect: Effect, context: EffectContext): Promise<EffectResult> {
    switch (effect.kind) {
      case "write":
        return this.#write(effect, context);
      case "ptzPreset":
        return this.act(effect.device, "ptzPreset", { preset: effect.preset }, context);
      case "snapshot":
        return this.act(effect.device, "snapshot", {}, context);
      case "door":
        return this.act(effect.device, "doorControl", { door: effect.door, operation: effect.operation }, context);
      case "recordClip":
        return this.#clip(effect.device, effect, context);
      case "notifyConsole":
        return this.#notify(effect, context);
      default:
        return effect satisfies never;
    }
  }

  async #write(effect: Effect & { kind: "write" }, { timeoutMs, rule }: EffectContext): Promise<EffectResult> {
    const { point, value, priority, leaseMs } = effect;
    const lease = leaseMs === undefined ? {} : { leaseMs };
    const owner = rule === undefined ? {} : { owner: `rule:${rule}` };
    const result = await this.#options.writes.write({ point, value, priority, timeoutMs, ...owner, ...lease });
    if (result.status !== "done") return notDone(result);
    return { status: "done", detail: `read back ${JSON.stringify(result.readBack)}` };
  }

  #notify(effect: Effect & { kind: "notifyConsole" }, { alarm, rule }: EffectContext): EffectResult {
    const { text, textEn, popup, camera } = effect;
    this.#options.outbox.append("events", {
      kind: "notify",
      text,
      textEn,
      popup,
      ...(camera === undefined ? {} : { camera }),
      ...(alarm === undefined ? {} : { alarm }),
      ...(rule === undefined ? {} : { rule }),
    });
    return { status: "done" };
  }

  async #clip(
    camera: DeviceId,
    { beforeMs, afterMs }: { beforeMs: number; afterMs: number },
    { run, alarm, occurrence }: EffectContext,
  ): Promise<EffectResult> {
    const { recordClip } = this.#options;
    if (recordClip === undefined)
      return { status: "refused", code: "VIDEO_NOT_AVAILABLE", detail: "this gateway records no video" };
    return recordClip({
      camera,
      beforeMs,
      afterMs,
      ...(run === undefined ? {} : { run }),
      ...(alarm === undefined ? {} : { alarm }),
      ...(occurrence === undefined ? {} : { occurrence }),
    });
  }

  /** Performs a device action; a picture it gives is stored and queued for the cloud before this resolves. Never throws. */
  async act(
    device: DeviceId,
    action: string,
    params: Readonly<Record<string, string | number | boolean>>,
    context: EffectContext,
  ): Promise<EffectResult> {
    if (action === "recordClip") return this.#clip(device, clipTimes(params), context);
    const result = await this.#options.supervisor.act({ device, action, params }, context.timeoutMs);
    if (result.status !== "done") return notDone(result);
    return result.blob === undefined ? { status: "done" } : this.#keep(device, result.blob, context);
  }

  async #keep(
    camera: DeviceId,
    blob: NonNullable<Extract<ActionResult, { status: "done" }>["blob"]>,
    { alarm, occurrence, run }: EffectContext,
  ): Promise<EffectResult> {
    const takenAt = this.#options.clock.now();
    try {
      const { sha256, bytes, contentType } = await this.#options.blobs.add(blob.bytes, blob.contentType);
      if (!PICTURE.test(contentType)) return { status: "done", blob: sha256 };
      // after the file is safe: the item says that the picture exists
      this.#options.outbox.append("events", {
        kind: "snapshot",
        sha256,
        bytes,
        contentType,
        camera,
        takenAt,
        ...(alarm === undefined ? {} : { alarm }),
        ...(occurrence === undefined ? {} : { occurrence }),
        ...(run === undefined ? {} : { run }),
      });
      return { status: "done", blob: sha256 };
    } catch (error) {
      return { status: "failed", code: "BLOB_NOT_STORED", detail: errorMessage(error) };
    }
  }
}

/** The times of a clip that a command asks for. */
function clipTimes(params: Readonly<Record<string, string | number | boolean>>): { beforeMs: number; afterMs: number } {
  const ms = (name: string, otherwise: number): number => {
    const value = Number(params[name] ?? otherwise);
    return Number.isFinite(value) ? Math.min(Math.max(0, Math.round(value)), MAX_CLIP_MS) : otherwise;
  };
  return { beforeMs: ms("beforeMs", 10_000), afterMs: ms("afterMs", 30_000) };
}
