import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Clock } from "#core/clock.ts";
import { HubError } from "#core/errors.ts";
import type { BlobStore, CameraPreset, CommandPerformer, PresetService } from "../media-ports.ts";
import type { Actor } from "../ports.ts";
import { arrivalOf, shaOf } from "./arrival.ts";

/** What a camera told, or that it told nothing, serves everybody who asks within so long. */
const FRESH_MS = 30_000;
const COMMAND_MS = 8000;
/** Longest answer that is read, bytes, and what is taken of it. */
const MOST_BYTES = 262_144;
const MOST_PRESETS = 256;
const MOST_TEXT = 64;

const ANSWER = Compile(
  Type.Object({ presets: Type.Array(Type.Object({ token: Type.String({ minLength: 1 }), name: Type.String() })) }),
);

export interface PresetDeps {
  readonly commands: CommandPerformer;
  readonly blobs: Pick<BlobStore, "find" | "onStored" | "read">;
  readonly clock: Clock;
}

/** A camera did not tell its presets, and why. */
export class PresetError extends HubError {}

/** The presets that cameras hold themselves, beside those that the site names. One question at a time for each camera. */
export class CameraPresets implements PresetService {
  readonly #deps: PresetDeps;
  /** Answers that are under way, or fresh. */
  readonly #told = new Map<string, Promise<readonly CameraPreset[]>>();

  constructor(deps: PresetDeps) {
    this.#deps = deps;
  }

  async beside(camera: string, named: readonly string[], actor: Actor): Promise<readonly CameraPreset[]> {
    const held = await this.#held(camera, actor);
    return held.filter(({ preset }) => !named.includes(preset));
  }

  #held(camera: string, actor: Actor): Promise<readonly CameraPreset[]> {
    const known = this.#told.get(camera);
    if (known !== undefined) return known;
    const told = this.#ask(camera, actor);
    this.#told.set(camera, told);
    const forget = (): void => void this.#told.delete(camera);
    const forgetLater = (): void => void this.#deps.clock.after(FRESH_MS, forget);
    told.then(forgetLater, (error: unknown) => {
      // Only what the camera did is about the camera: any other failure may be over in a moment.
      if (error instanceof PresetError) forgetLater();
      else forget();
    });
    return told;
  }

  async #ask(camera: string, { name, ip }: Actor): Promise<readonly CameraPreset[]> {
    const { commands, blobs, clock } = this.#deps;
    const { status, code, message, blob } = await commands.perform({
      request: { device: camera, action: "ptzPresets", expiresInMs: COMMAND_MS },
      requestedBy: name,
      quiet: true,
      ...(ip === undefined ? {} : { ip }),
    });
    const why = [code, message].filter((part) => part !== undefined).join(": ");
    if (status !== "done" || blob === undefined)
      throw new PresetError("PRESETS_FAILED", `camera ${camera} told no presets: ${why || status}`);
    const sha256 = shaOf(blob);
    if (!(await arrivalOf(sha256, blobs, clock)))
      throw new PresetError("PRESETS_FAILED", `the presets of ${camera} did not arrive in time`);
    return presetsOf(camera, await this.#text(camera, sha256));
  }

  async #text(camera: string, sha256: string): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of (await this.#deps.blobs.read(sha256)) ?? []) {
      chunks.push(Buffer.from(chunk));
      bytes += chunk.length;
      if (bytes > MOST_BYTES) throw new PresetError("PRESETS_FAILED", `camera ${camera} told too much`);
    }
    return Buffer.concat(chunks).toString("utf8");
  }
}

/** @throws PRESETS_FAILED */
function presetsOf(camera: string, text: string): readonly CameraPreset[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = undefined;
  }
  if (!ANSWER.Check(answer))
    throw new PresetError("PRESETS_FAILED", `camera ${camera} told what is no list of presets`);
  return answer.presets
    .filter(({ token }) => token.length <= MOST_TEXT)
    .slice(0, MOST_PRESETS)
    .map(({ token, name }) => ({ preset: token, name: name.trim().slice(0, MOST_TEXT) || token }));
}
