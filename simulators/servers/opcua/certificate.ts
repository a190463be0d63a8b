import { createPrivateKey, generateKeyPair, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { type CertificateContent, selfSigned } from "../../self-signed.ts";

const makeKeyPair = promisify(generateKeyPair);
const ORGANIZATION = { organization: "Parkhub simulators" } as const;
const DAY_MS = 86_400_000;
const YEARS_10_MS = 3652 * DAY_MS;
/** The clock of whoever checks it may be behind. */
const BACKDATE_MS = DAY_MS;

/** An application instance certificate and the file of its private key. */
export interface ServerCertificate {
  readonly certificateFile: string;
  readonly privateKeyFile: string;
  /** SHA-1 of the DER form, hexadecimal. */
  readonly thumbprint: string;
}

/** Whom an application instance certificate is for. */
export type ApplicationIdentity = Required<Pick<CertificateContent, "commonName" | "applicationUri">>;

/** SHA-1 of a certificate's DER form, hexadecimal. */
export function thumbprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint.replaceAll(":", "").toLowerCase();
}

/**
 * The certificate that a server keeps in its folder, laid out as OPC UA servers do (`own/certs`, `own/private`); made at the first
 * start, so that clients which trust it go on trusting it.
 */
export async function keptCertificate(
  folder: string,
  content: ApplicationIdentity,
  now: number,
): Promise<ServerCertificate> {
  const privateKeyFile = path.join(folder, "own/private/private_key.pem");
  const certificateFile = path.join(folder, "own/certs/certificate.pem");
  if (!existsSync(privateKeyFile) || !existsSync(certificateFile)) {
    const { privateKey } = await makeKeyPair("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    mkdirSync(path.dirname(privateKeyFile), { recursive: true, mode: 0o700 });
    mkdirSync(path.dirname(certificateFile), { recursive: true });
    writeFileSync(privateKeyFile, privateKey, { mode: 0o600 });
    const times = { notBefore: now - BACKDATE_MS, notAfter: now + YEARS_10_MS };
    writeFileSync(certificateFile, selfSigned(createPrivateKey(privateKey), { ...ORGANIZATION, ...content, ...times }));
  }
  return { certificateFile, privateKeyFile, thumbprint: thumbprintOf(readFileSync(certificateFile, "utf8")) };
}

/** Another certificate for the same key, which ends `daysLeft` from now (negative: it has ended); beside the kept one. */
export function otherCertificate(
  kept: ServerCertificate,
  content: ApplicationIdentity,
  now: number,
  daysLeft: number,
): ServerCertificate {
  const key = createPrivateKey(readFileSync(kept.privateKeyFile));
  const notAfter = now + daysLeft * DAY_MS;
  const pem = selfSigned(key, {
    ...ORGANIZATION,
    ...content,
    notBefore: Math.min(now, notAfter) - 365 * DAY_MS,
    notAfter,
  });
  const certificateFile = path.join(path.dirname(kept.certificateFile), "other.pem");
  writeFileSync(certificateFile, pem);
  return { certificateFile, privateKeyFile: kept.privateKeyFile, thumbprint: thumbprintOf(pem) };
}
