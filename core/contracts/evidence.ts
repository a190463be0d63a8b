import { type Static, Type } from "typebox";
import { StatementKey } from "./completeness.ts";
import { Time } from "./http.ts";

const closed = { additionalProperties: false } as const;
const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });

/** Asks for the evidence pack of an alarm. The reason is audited and stands in the pack. */
export const EvidenceRequest = Type.Object(
  {
    reason: Type.String({ minLength: 3, maxLength: 500, pattern: "\\S" }),
    lang: Type.Optional(Type.Enum(["zh-CN", "en"], { description: "Language of the report; zh-CN when absent." })),
  },
  closed,
);
export type EvidenceRequest = Static<typeof EvidenceRequest>;

/** A file of a pack. */
export const EvidenceFile = Type.Object({
  path: Type.String({ maxLength: 200 }),
  bytes: Type.Integer({ minimum: 0 }),
  sha256: Sha256,
});
export type EvidenceFile = Static<typeof EvidenceFile>;

/** What belongs to the alarm and is not, or not as it should be, in the pack. */
export const EvidenceGap = Type.Object({
  what: Type.String(),
  why: Type.Enum(["expired", "coming", "gone", "damaged", "unavailable", "truncated"], {
    description:
      "expired: removed by retention; coming: not yet brought by the gateway; gone: its bytes are not there; damaged: they are not those that were stored; unavailable: its store is away; truncated: there was more than a pack holds.",
  }),
});
export type EvidenceGap = Static<typeof EvidenceGap>;

/** `manifest.json` of an evidence pack: what it is, and every file of it but itself and its signature. Canonical JSON. */
export const EvidenceManifest = Type.Object({
  v: Type.Literal(1),
  kind: Type.Literal("parkhub-evidence"),
  software: Type.String(),
  site: Type.String(),
  timeZone: Type.String(),
  alarm: Type.Object({
    id: Type.String(),
    occurrence: Type.Integer(),
    message: Type.String(),
    messageEn: Type.String(),
  }),
  exportedAt: Time,
  exportedBy: Type.String(),
  reason: Type.String(),
  timeBase: Type.String({ description: "What times in the pack mean." }),
  clockOffsets: Type.Array(Type.Object({ source: Type.String(), offsetMs: Type.Integer() }), {
    description: "Clock of each gateway that told something minus the cloud's, as it was when it told it last.",
  }),
  journalHead: Type.Object(
    { seq: Type.Integer(), hash: Sha256 },
    { description: "The journal's last entry at that time." },
  ),
  files: Type.Array(EvidenceFile),
  missing: Type.Array(EvidenceGap),
  key: StatementKey,
});
export type EvidenceManifest = Static<typeof EvidenceManifest>;

/** `manifest.sig` of an evidence pack. */
export const EvidenceSignature = Type.Object({
  algorithm: Type.Literal("Ed25519"),
  key: Type.String({ description: "Id of the key: SHA-256 of the public key (SPKI, DER), its first 16 digits." }),
  signature: Type.String({ description: "Over the bytes of manifest.json, base64." }),
});
export type EvidenceSignature = Static<typeof EvidenceSignature>;

/** Names of the two files that no manifest lists. */
export const MANIFEST_FILE = "manifest.json";
export const SIGNATURE_FILE = "manifest.sig";
/** The entries of the alarm's journal as they are chained. */
export const JOURNAL_FILE = "journal.json";
