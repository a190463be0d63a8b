import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import {
  EvidenceManifest,
  EvidenceSignature,
  JOURNAL_FILE,
  MANIFEST_FILE,
  SIGNATURE_FILE,
} from "#core/contracts/evidence.ts";
import { chainedText } from "#core/journal-chain.ts";
import { EvidenceError } from "./errors.ts";
import { PackReader } from "./pack-reader.ts";

const TextOrNull = Type.Union([Type.String(), Type.Null()]);
const Entry = Type.Object({
  prev_hash: Type.String(),
  seq: Type.Integer(),
  happening: Type.String(),
  alarm: Type.String(),
  occurrence: Type.Integer(),
  transition: Type.String(),
  at: Type.Number(),
  received_at: Type.Number(),
  clock_offset_ms: Type.Union([Type.Number(), Type.Null()]),
  actor: TextOrNull,
  station: TextOrNull,
  comment: TextOrNull,
  law: Type.String(),
  category: Type.String(),
  priority: Type.String(),
  definition: Type.String(),
  source: Type.String(),
  point: TextOrNull,
  device: TextOrNull,
  zone: TextOrNull,
  area: TextOrNull,
  message: Type.String(),
  message_en: Type.String(),
  hash: Type.String(),
});
const Entries = Type.Array(Entry, { maxItems: 1_000_000 });

/** How a file of a pack stands against the manifest. */
export interface FileVerdict {
  readonly path: string;
  readonly state: "ok" | "changed" | "missing" | "added";
}

/** What is found about a pack. */
export interface PackVerdict {
  /** Is everything as it was signed, by the key that was expected? */
  readonly good: boolean;
  /** good: by the key in the pack, which is the expected one if one was named; foreign: by another one than was expected. */
  readonly signature: "good" | "bad" | "missing" | "foreign";
  /** SHA-256 of the public key (SPKI, DER), hex. */
  readonly fingerprint: string | undefined;
  readonly files: readonly FileVerdict[];
  /** What is wrong with the entries of the journal; undefined when they fit their hashes and each other. */
  readonly journalFault: string | undefined;
  readonly manifest: EvidenceManifest;
}

function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // No JSON is as good as none: told by who asked.
    return undefined;
  }
}

/** The key of a manifest, if it is one and bears its own name. */
function keyOf({ key }: EvidenceManifest): { readonly key: KeyObject; readonly fingerprint: string } | undefined {
  try {
    const object = createPublicKey(key.publicKey);
    const fingerprint = sha256(object.export({ type: "spki", format: "der" }));
    return object.asymmetricKeyType === "ed25519" && fingerprint.startsWith(key.key) && key.key.length === 16
      ? { key: object, fingerprint }
      : undefined;
  } catch {
    // What is no key has signed nothing.
    return undefined;
  }
}

function signatureOf(
  pack: PackReader,
  manifest: EvidenceManifest,
  text: string,
  expected: string | undefined,
): Pick<PackVerdict, "signature" | "fingerprint"> {
  const known = keyOf(manifest);
  const given = parsed(pack.text(SIGNATURE_FILE));
  const fingerprint = known?.fingerprint;
  if (given === undefined) return { signature: "missing", fingerprint };
  if (!Check(EvidenceSignature, given) || known === undefined || given.key !== manifest.key.key)
    return { signature: "bad", fingerprint };
  const good = verify(null, Buffer.from(text), known.key, Buffer.from(given.signature, "base64"));
  if (!good) return { signature: "bad", fingerprint };
  const foreign = expected !== undefined && !known.fingerprint.startsWith(expected.toLowerCase());
  return { signature: foreign ? "foreign" : "good", fingerprint };
}

function filesOf(pack: PackReader, { files }: EvidenceManifest): readonly FileVerdict[] {
  const listed = new Set(files.map(({ path }) => path));
  const verdicts = files.map(({ path, bytes, sha256: hash }): FileVerdict => {
    const found = pack.read(path);
    if (found === undefined) return { path, state: "missing" };
    return { path, state: found.length === bytes && sha256(found) === hash ? "ok" : "changed" };
  });
  const own = new Set([MANIFEST_FILE, SIGNATURE_FILE]);
  const added = pack.paths.filter((path) => !listed.has(path) && !own.has(path));
  return [...verdicts, ...added.map((path): FileVerdict => ({ path, state: "added" }))];
}

function journalFaultOf(pack: PackReader, { alarm, journalHead }: EvidenceManifest): string | undefined {
  const entries = parsed(pack.text(JOURNAL_FILE));
  if (!Check(Entries, entries)) return `${JOURNAL_FILE} is missing or not what it should be`;
  let before: Static<typeof Entry> | undefined;
  for (const entry of entries) {
    if (entry.alarm !== alarm.id) return `entry ${entry.seq} is about another alarm`;
    if (sha256(chainedText(entry)) !== entry.hash) return `entry ${entry.seq} does not fit its hash`;
    if (before !== undefined && entry.seq <= before.seq) return `entry ${entry.seq} comes after ${before.seq}`;
    if (before !== undefined && entry.seq === before.seq + 1 && entry.prev_hash !== before.hash)
      return `entry ${entry.seq} does not follow ${before.seq}`;
    before = entry;
  }
  if (before === undefined) return undefined;
  if (before.seq > journalHead.seq || (before.seq === journalHead.seq && before.hash !== journalHead.hash))
    return `entry ${before.seq} does not fit the head of the journal`;
  return undefined;
}

/**
 * Compares a pack with what was signed. `expected`: first digits of the fingerprint of the site's key, at least 16; without it
 * anybody's signature is taken, as the pack brings its own key along.
 * @throws EVIDENCE_PACK_INVALID when it is no pack, or one that is not safe to unpack
 */
export function verifyPack(bytes: Uint8Array, expected?: string): PackVerdict {
  if (expected !== undefined && !/^[0-9a-f]{16,64}$/i.test(expected))
    throw new EvidenceError("EVIDENCE_KEY_INVALID", "expected 16 to 64 hexadecimal digits of the key's fingerprint");
  const pack = new PackReader(bytes);
  const text = pack.text(MANIFEST_FILE);
  const manifest = parsed(text);
  if (text === undefined || !Check(EvidenceManifest, manifest))
    throw new EvidenceError("EVIDENCE_PACK_INVALID", `no evidence pack: ${MANIFEST_FILE} is missing or not one`);
  const { signature, fingerprint } = signatureOf(pack, manifest, text, expected);
  const files = filesOf(pack, manifest);
  const journalFault = journalFaultOf(pack, manifest);
  const good = signature === "good" && files.every(({ state }) => state === "ok") && journalFault === undefined;
  return { good, signature, fingerprint, files, journalFault, manifest };
}
