import { readFileSync, statSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { errorCode, errorMessage } from "#core/errors.ts";
import { EvidenceError } from "./errors.ts";
import { type PackVerdict, verifyPack } from "./verify.ts";

const USAGE = "npm run verify-evidence -- <pack.zip> [--key <fingerprint of the site's key, 16 to 64 digits>]";
/** Bytes of a file that is looked at. */
const MOST_BYTES = 1_300_000_000;

const SIGNATURES: Readonly<Record<PackVerdict["signature"], string>> = {
  good: "good",
  bad: "BAD: it does not fit the manifest",
  missing: "MISSING",
  foreign: "BY ANOTHER KEY than the one that was expected",
};

/** What of a text from elsewhere a terminal may be shown. */
function shown(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, "?");
}

/** The lines that tell a verdict. */
export function verdictLines(verdict: PackVerdict, keyNamed: boolean): readonly string[] {
  const { manifest, files, signature, fingerprint, journalFault, good } = verdict;
  const { alarm, exportedAt, exportedBy, reason, site, missing } = manifest;
  return [
    `alarm      ${shown(alarm.id)}  ${shown(alarm.message)} / ${shown(alarm.messageEn)}`,
    `exported   ${shown(exportedAt)} by ${shown(exportedBy)} at ${shown(site)}: ${shown(reason)}`,
    ...files.map(({ path, state }) => `${state.padEnd(10)} ${path}`),
    ...missing.map(({ what, why }) => `not in it  ${shown(what)} (${why} when it was made)`),
    `journal    ${journalFault ?? "fits its hashes"}`,
    `signature  ${SIGNATURES[signature]}`,
    `key        ${fingerprint ?? "none"}${keyNamed ? "" : "  (compare it with the one that the site tells, or name it with --key)"}`,
    good ? "good: everything is as it was signed" : "NOT GOOD: it is not as it was signed",
  ];
}

/** Verifies a pack as told by the command line and says what it found. Gives the exit code: 0 only for one that is as it was signed. */
export function verifyCommand(argv: readonly string[], say: (line: string) => void): number {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { key: { type: "string" } },
      allowPositionals: true,
    });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) throw new EvidenceError("USAGE", USAGE);
    const { size } = statSync(file);
    if (size > MOST_BYTES)
      throw new EvidenceError("EVIDENCE_PACK_INVALID", `${file} is ${size} bytes long: no pack is`);
    const verdict = verifyPack(readFileSync(file), values.key);
    for (const line of verdictLines(verdict, values.key !== undefined)) say(line);
    return verdict.good ? 0 : 1;
  } catch (error) {
    say(`${errorCode(error)} ${shown(errorMessage(error))}`);
    return 1;
  }
}

/** `npm run verify-evidence`. */
if (import.meta.main)
  process.exitCode = verifyCommand(process.argv.slice(2), (line) => process.stdout.write(`${line}\n`));
