import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";

/** Whom a certificate is for, and from when to when it holds, Unix ms. */
export interface CertificateContent {
  readonly commonName: string;
  readonly organization?: string;
  /** URI of an OPC UA application instance. [OPC 10000-6 §6.2.2] */
  readonly applicationUri?: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A certificate with its key, as a TLS server takes them, and its SHA-256 fingerprint: hexadecimal capitals with colons. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
  readonly fingerprint: string;
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

/** One part of a name. [RFC 5280 §4.1.2.4] */
const attribute = (id: string, text: string): Buffer => der(0x31, sequence(objectId(id), utf8(text)));

const SHA256_WITH_RSA = sequence(objectId("1.2.840.113549.1.1.11"), NULL);
const ECDSA_WITH_SHA256 = sequence(objectId("1.2.840.10045.4.3.2"));
/** digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment, keyCertSign (it signs itself). [OPC 10000-6 §6.2.2] */
const KEY_USAGE = Buffer.of(0b1111_0100);

/** Names under which a simulated server may be asked: its URI, `localhost` and the loopback address. [RFC 5280 §4.2.1.6] */
function alternativeNames(applicationUri: string | undefined): Buffer {
  const uri = applicationUri === undefined ? [] : [der(0x86, Buffer.from(applicationUri, "ascii"))];
  return sequence(...uri, der(0x82, Buffer.from("localhost", "ascii")), der(0x87, Buffer.of(127, 0, 0, 1)));
}

/** An EC key on P-256: made once by a device whose certificates may change. */
export function makeKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/**
 * A certificate of an RSA or EC key that it has signed itself, as PEM: Node makes keys and signatures, but no certificates.
 * @see RFC 5280 §4 for its form, OPC 10000-6 §6.2.2 for the fields of an application instance
 */
export function selfSigned(key: KeyObject, content: CertificateContent): string {
  return issued(key, content, { key, name: content });
}

/** Who signs a certificate. */
export interface Issuer {
  readonly key: KeyObject;
  readonly name: Pick<CertificateContent, "commonName" | "organization">;
}

function nameOf({ organization, commonName }: Issuer["name"]): Buffer {
  return sequence(
    ...(organization === undefined ? [] : [attribute("2.5.4.10", organization)]),
    attribute("2.5.4.3", commonName),
  );
}

function publicPart(key: KeyObject): { readonly publicKey: Buffer; readonly keyId: Buffer } {
  const publicKey = createPublicKey(key).export({ type: "spki", format: "der" });
  return { publicKey, keyId: createHash("sha1").update(publicKey).digest() };
}

/** As `selfSigned`, signed by an authority. */
export function issued(key: KeyObject, content: CertificateContent, issuer: Issuer): string {
  const algorithm = issuer.key.asymmetricKeyType === "rsa" ? SHA256_WITH_RSA : ECDSA_WITH_SHA256;
  const { publicKey, keyId } = publicPart(key);
  const extensions = sequence(
    extension("2.5.29.19", true, sequence()),
    extension("2.5.29.14", false, octets(keyId)),
    extension("2.5.29.35", false, sequence(der(0x80, publicPart(issuer.key).keyId))),
    extension("2.5.29.15", true, bits(KEY_USAGE, 2)),
    extension("2.5.29.37", false, sequence(objectId("1.3.6.1.5.5.7.3.1"), objectId("1.3.6.1.5.5.7.3.2"))),
    extension("2.5.29.17", false, alternativeNames(content.applicationUri)),
  );
  // a positive number of 16 bytes
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, serial),
    algorithm,
    nameOf(issuer.name),
    sequence(time(content.notBefore), time(content.notAfter)),
    nameOf(content),
    publicKey,
    der(0xa3, extensions),
  );
  const whole = sequence(body, algorithm, bits(sign("sha256", body, issuer.key)));
  const lines = whole.toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** What a TLS server shows. */
export function tlsIdentity(key: KeyObject, content: CertificateContent): TlsIdentity {
  const cert = selfSigned(key, content);
  return {
    key: key.export({ type: "pkcs8", format: "pem" }).toString(),
    cert,
    fingerprint: new X509Certificate(cert).fingerprint256,
  };
}
