import { canonicalJson, type StatementKey } from "#core/contracts/completeness.ts";
import {
  type EvidenceFile,
  type EvidenceGap,
  type EvidenceManifest,
  type EvidenceSignature,
  JOURNAL_FILE,
  MANIFEST_FILE,
  SIGNATURE_FILE,
} from "#core/contracts/evidence.ts";
import type { PackedMedium } from "./media.ts";
import { type AlarmFacts, clockOffsetsOf, type EvidenceSources } from "./sources.ts";
import { trendOf } from "./trends.ts";
import { type PackedFile, ZipWriter } from "./zip-writer.ts";

/** Signs what is said with the site's key. */
export interface EvidenceSigner {
  readonly key: StatementKey;
  /** Ed25519 over the text's UTF-8 bytes, base64. */
  sign(text: string): string;
}

/** What a pack is made from. */
export interface PackPlan {
  readonly sources: EvidenceSources;
  readonly facts: AlarmFacts;
  readonly media: readonly PackedMedium[];
  /** What is already known to be missing; more is added on the way. */
  readonly missing: EvidenceGap[];
  readonly report: string;
  readonly manifest: Omit<EvidenceManifest, "v" | "kind" | "timeBase" | "files" | "missing" | "clockOffsets" | "key">;
  readonly signer: EvidenceSigner;
  readonly mostBytes: number;
}

const TIME_BASE =
  "UTC. Times of an alarm are those of the gateway that told it; `received_at` and `receivedAt` in the journal are those of the cloud; clockOffsets says by how much they differ.";

/** The pack as pieces of a zip file; the manifest and its signature come last. @throws EVIDENCE_TOO_LARGE */
export async function* packOf(plan: PackPlan): AsyncGenerator<Uint8Array> {
  const { facts, signer, mostBytes, missing } = plan;
  const zip = new ZipWriter(Date.parse(plan.manifest.exportedAt), mostBytes);
  const files: EvidenceFile[] = [];
  for (const file of textsOf(plan)) files.push(yield* zip.add(file));
  for (const medium of plan.media) {
    const content = await plan.sources.blobs.read(medium.sha256);
    if (content === undefined) {
      missing.push({ what: medium.path, why: "gone" });
      continue;
    }
    const file = yield* zip.add({ path: medium.path, compress: false, content: content as AsyncIterable<Uint8Array> });
    files.push(file);
    if (file.sha256 !== medium.sha256) missing.push({ what: medium.path, why: "damaged" });
  }
  const manifest: EvidenceManifest = {
    v: 1,
    kind: "parkhub-evidence",
    ...plan.manifest,
    timeBase: TIME_BASE,
    clockOffsets: [...clockOffsetsOf(facts.journal, facts.alarm.gateway ?? plan.manifest.site)],
    files,
    missing,
    key: signer.key,
  };
  const text = canonicalJson(manifest);
  const signature: EvidenceSignature = { algorithm: "Ed25519", key: signer.key.key, signature: signer.sign(text) };
  yield* zip.add({ path: MANIFEST_FILE, compress: true, content: [Buffer.from(text)] });
  yield* zip.add({ path: SIGNATURE_FILE, compress: true, content: [Buffer.from(canonicalJson(signature))] });
  yield* zip.end();
}

function* textsOf({ sources, facts, missing, report }: PackPlan): Generator<PackedFile> {
  const { journal: _journal, ...alarm } = facts.alarm;
  yield textFile("report.html", report);
  yield jsonFile("alarm.json", alarm);
  yield jsonFile(JOURNAL_FILE, facts.journal);
  yield jsonFile("runs.json", facts.runs);
  yield jsonFile("commands.json", facts.commands);
  yield jsonFile("procedures.json", facts.procedures);
  yield jsonFile("audit.json", facts.audit);
  for (const [i, point] of facts.points.entries()) {
    const number = String(i + 1).padStart(2, "0");
    const name =
      point
        .split("/")
        .at(-1)
        ?.replace(/[^A-Za-z0-9._-]/g, "-")
        .slice(0, 60) ?? "";
    yield { path: `trends/${number}-${name}.csv`, compress: true, content: trendOf(sources, point, facts, missing) };
  }
}

function jsonFile(path: string, value: unknown): PackedFile {
  return textFile(path, `${JSON.stringify(value, null, 1)}\n`);
}

function textFile(path: string, text: string): PackedFile {
  return { path, compress: true, content: [Buffer.from(text)] };
}
