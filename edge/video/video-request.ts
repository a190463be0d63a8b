import type { VideoRequest } from "#core/contracts/video.ts";

const MAX_STREAM = 0xffff_ffff;
const MAX_CAMERA = 200;

/** Reads what the cloud asks for; undefined where it is nothing that the contract knows. The schema library stays out of this thread. */
export function readVideoRequest(text: string): VideoRequest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { t, stream, camera, quality } = value as Readonly<Record<string, unknown>>;
  if (typeof stream !== "number" || !Number.isInteger(stream) || stream < 1 || stream > MAX_STREAM) return undefined;
  if (t === "stop") return { t, stream };
  if (t !== "play" || typeof camera !== "string" || camera.length > MAX_CAMERA) return undefined;
  return quality === "main" || quality === "sub" ? { t, stream, camera, quality } : undefined;
}
