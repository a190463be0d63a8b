import type { AlarmDetail } from "#core/contracts/alarms.ts";
import type { EvidenceGap } from "#core/contracts/evidence.ts";
import type { EvidenceSources } from "./sources.ts";

/** A picture or clip that is here. */
export interface PackedMedium {
  readonly sha256: string;
  readonly path: string;
  readonly kind: "snapshot" | "clip";
  readonly bytes: number;
  readonly camera?: string;
  readonly startedAt?: string;
}

const ENDINGS: Readonly<Record<string, string>> = { "image/jpeg": "jpg", "image/png": "png", "video/mp4": "mp4" };
const NAMED = /^\/api\/v1\/blobs\/([0-9a-f]{64})$/;

/** The pictures and clips of an alarm that are here; those that are not are named in `missing`. */
export function mediaOf(
  { blobs }: Pick<EvidenceSources, "blobs">,
  alarm: AlarmDetail,
  missing: EvidenceGap[],
): readonly PackedMedium[] {
  const wanted = [
    ...alarm.snapshots.flatMap((url) => {
      const sha256 = NAMED.exec(url)?.[1];
      return sha256 === undefined ? [] : [{ sha256, kind: "snapshot" as const }];
    }),
    ...alarm.clips.map(({ sha256, camera, startedAt }) => ({ sha256, kind: "clip" as const, camera, startedAt })),
  ];
  return wanted.flatMap((medium, i) => {
    const found = blobs.find(medium.sha256);
    if (found?.state !== "here") {
      const what = "camera" in medium ? `clip of ${medium.camera} from ${medium.startedAt}` : medium.kind;
      missing.push({ what: `${what}, ${medium.sha256}`, why: found === undefined ? "coming" : "expired" });
      return [];
    }
    const number = String(i + 1).padStart(2, "0");
    const ending = ENDINGS[found.contentType] ?? "bin";
    return [
      { ...medium, bytes: found.bytes, path: `media/${number}-${medium.kind}-${medium.sha256.slice(0, 12)}.${ending}` },
    ];
  });
}
