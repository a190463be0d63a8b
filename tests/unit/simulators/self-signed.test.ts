import { createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { makeKey, selfSigned, tlsIdentity } from "#simulators/self-signed.ts";

const times = { notBefore: Date.UTC(2026, 0, 1), notAfter: Date.UTC(2051, 5, 1, 12) };

it.each([
  ["an EC key", makeKey()],
  ["an RSA key", generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey],
])("a certificate of %s is one that others can check", (_, key) => {
  const pem = selfSigned(key, {
    organization: "Park",
    commonName: "pump",
    applicationUri: "urn:parkhub:pump",
    ...times,
  });
  const certificate = new X509Certificate(pem);
  expect(certificate.checkIssued(certificate)).toBe(true);
  expect(certificate.verify(createPublicKey(key))).toBe(true);
  expect(certificate.subject).toBe("O=Park\nCN=pump");
  expect(certificate.subjectAltName).toBe("URI:urn:parkhub:pump, DNS:localhost, IP Address:127.0.0.1");
  expect([Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]).toEqual([
    times.notBefore,
    times.notAfter,
  ]);
  expect(certificate.ca).toBe(false);
});

it("what a TLS server shows names its hosts, and bears its SHA-256 fingerprint", () => {
  const { cert, fingerprint } = tlsIdentity(makeKey(), { commonName: "camera", ...times });
  const certificate = new X509Certificate(cert);
  expect(certificate.checkHost("localhost")).toBe("localhost");
  expect(certificate.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(fingerprint).toBe(certificate.fingerprint256);
});
