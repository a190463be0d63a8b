import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A certificate with its key, as a TLS server takes them, and its SHA-256 fingerprint: hex in capitals with colons. */
export interface SelfSigned {
  readonly key: string;
  readonly cert: string;
  readonly fingerprint: string;
}

/** How long a certificate is valid. Unix ms. */
export interface Validity {
  readonly from: number;
  readonly to: number;
}

// [X.690] tags
const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;

const ECDSA_WITH_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME = [0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const oid = (bytes: readonly number[]): Uint8Array => der(OBJECT_IDENTIFIER, Buffer.from(bytes));
const time = (ms: number): Uint8Array =>
  der(GENERALIZED_TIME, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`));
const name = (text: string): Uint8Array =>
  der(SEQUENCE, der(SET, der(SEQUENCE, oid(COMMON_NAME), der(UTF8_STRING, Buffer.from(text)))));

/** Names under which the server may be asked: the loopback address and `localhost`. [RFC 5280 §4.2.1.6] */
function alternativeNames(): Uint8Array {
  const names = der(SEQUENCE, der(0x82, Buffer.from("localhost")), der(0x87, Buffer.from([127, 0, 0, 1])));
  return der(0xa3, der(SEQUENCE, der(SEQUENCE, oid(SUBJECT_ALT_NAME), der(OCTET_STRING, names))));
}

const pem = (label: string, bytes: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${(
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? []
  ).join("\n")}\n-----END ${label}-----\n`;

/** Key of a device: made once, its certificates may change. */
export function makeKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/** A certificate that a device has signed for itself. [RFC 5280 §4.1] */
export function selfSigned(key: KeyObject, commonName: string, validity: Validity): SelfSigned {
  const publicKey = createPublicKey(key).export({ type: "spki", format: "der" });
  const algorithm = der(SEQUENCE, oid(ECDSA_WITH_SHA256));
  const subject = name(commonName);
  // A positive number of at most 20 bytes.
  const serial = der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(15)]));
  const version3 = der(0xa0, der(INTEGER, Buffer.from([2])));
  const valid = der(SEQUENCE, time(validity.from), time(validity.to));
  const body = der(SEQUENCE, version3, serial, algorithm, subject, valid, subject, publicKey, alternativeNames());
  const signature = sign("sha256", body, key);
  const certificate = der(SEQUENCE, body, algorithm, der(BIT_STRING, Buffer.from([0]), signature));
  const fingerprint = createHash("sha256").update(certificate).digest("hex").toUpperCase();
  return {
    key: key.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: pem("CERTIFICATE", certificate),
    fingerprint: (fingerprint.match(/../g) ?? []).join(":"),
  };
}
