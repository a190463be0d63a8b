import { createHash, createPublicKey, generateKeyPair, randomBytes, sign, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const makeKeyPair = promisify(generateKeyPair);
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

/** Whom a certificate is for, and from when to when it holds, Unix ms. */
export interface CertificateContent {
  readonly commonName: string;
  readonly applicationUri: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

// --- DER [X.690 8, 10, 11]

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 128) return Buffer.concat([Buffer.of(tag, content.length), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const short = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.of(tag, 0x80 | short.length), short, content]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text, "utf8"));
const octets = (content: Uint8Array): Buffer => der(0x04, content);
const bits = (content: Uint8Array, unused = 0): Buffer => der(0x03, Buffer.of(unused), content);
const TRUE = der(0x01, Buffer.of(0xff));
const NULL = der(0x05);

function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...others] = text.split(".").map(Number);
  const bytes = [40 * first + second, ...others].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let rest = arc >>> 7; rest > 0; rest >>>= 7) groups.unshift((rest & 0x7f) | 0x80);
    return groups;
  });
  return der(0x06, Buffer.from(bytes));
}

/** UTCTime before 2050, GeneralizedTime from then on. [RFC 5280 §4.1.2.5] */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
  return new Date(ms).getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(digits.slice(2), "ascii"))
    : der(0x18, Buffer.from(digits, "ascii"));
}

function extension(id: string, critical: boolean, content: Uint8Array): Buffer {
  return sequence(objectId(id), ...(critical ? [TRUE] : []), octets(content));
}

const SHA256_WITH_RSA = sequence(objectId("1.2.840.113549.1.1.11"), NULL);
/** digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment, keyCertSign (it signs itself). [OPC 10000-6 §6.2.2] */
const KEY_USAGE = Buffer.of(0b1111_0100);

/**
 * A self-signed application instance certificate as PEM: Node makes keys and signatures, but no certificate.
 * @see OPC 10000-6 §6.2.2 for the fields, RFC 5280 §4 for their form
 */
export function selfSigned(privateKeyPem: string, content: CertificateContent): string {
  const publicKey = createPublicKey(privateKeyPem).export({ type: "spki", format: "der" });
  const keyId = createHash("sha1").update(publicKey).digest();
  const name = sequence(
    der(0x31, sequence(objectId("2.5.4.10"), utf8("Parkhub simulators"))),
    der(0x31, sequence(objectId("2.5.4.3"), utf8(content.commonName))),
  );
  // uniformResourceIdentifier [6], dNSName [2], iPAddress [7]
  const alternativeNames = sequence(
    der(0x86, Buffer.from(content.applicationUri, "ascii")),
    der(0x82, Buffer.from("localhost", "ascii")),
    der(0x87, Buffer.of(127, 0, 0, 1)),
  );
  const extensions = sequence(
    extension("2.5.29.19", true, sequence()),
    extension("2.5.29.14", false, octets(keyId)),
    extension("2.5.29.35", false, sequence(der(0x80, keyId))),
    extension("2.5.29.15", true, bits(KEY_USAGE, 2)),
    extension("2.5.29.37", false, sequence(objectId("1.3.6.1.5.5.7.3.1"), objectId("1.3.6.1.5.5.7.3.2"))),
    extension("2.5.29.17", false, alternativeNames),
  );
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, serial),
    SHA256_WITH_RSA,
    name,
    sequence(time(content.notBefore), time(content.notAfter)),
    name,
    publicKey,
    der(0xa3, extensions),
  );
  const whole = sequence(body, SHA256_WITH_RSA, bits(sign("sha256", body, privateKeyPem)));
  const lines = whole.toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

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
  content: Pick<CertificateContent, "commonName" | "applicationUri">,
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
    writeFileSync(certificateFile, selfSigned(privateKey, { ...content, ...times }));
  }
  return { certificateFile, privateKeyFile, thumbprint: thumbprintOf(readFileSync(certificateFile, "utf8")) };
}

/** Another certificate for the same key, which ends `daysLeft` from now (negative: it has ended); beside the kept one. */
export function otherCertificate(
  kept: ServerCertificate,
  content: Pick<CertificateContent, "commonName" | "applicationUri">,
  now: number,
  daysLeft: number,
): ServerCertificate {
  const key = readFileSync(kept.privateKeyFile, "utf8");
  const notAfter = now + daysLeft * DAY_MS;
  const pem = selfSigned(key, { ...content, notBefore: Math.min(now, notAfter) - 365 * DAY_MS, notAfter });
  const certificateFile = path.join(path.dirname(kept.certificateFile), "other.pem");
  writeFileSync(certificateFile, pem);
  return { certificateFile, privateKeyFile: kept.privateKeyFile, thumbprint: thumbprintOf(pem) };
}
