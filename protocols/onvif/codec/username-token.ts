import { createHash, timingSafeEqual } from "node:crypto";
import { BASE64_BINARY, NAMESPACES, PASSWORD_DIGEST } from "./namespaces.ts";
import { escapeXml, type XmlElement } from "./xml.ts";

/** What a UsernameToken says. */
export interface UsernameToken {
  readonly username: string;
  /** Base64 of SHA-1(nonce + created + password). */
  readonly digest: string;
  /** Base64 of the nonce's bytes. */
  readonly nonce: string;
  /** As written; it is part of the digest. */
  readonly created: string;
}

/** Base64 of SHA-1(nonce + created + password). @see WSS UsernameToken Profile 1.1 §3.1 */
export function passwordDigest(nonce: Uint8Array, created: string, password: string): string {
  return createHash("sha1").update(nonce).update(created, "utf8").update(password, "utf8").digest("base64");
}

/** The wsse:Security block of a request. `created` is in the device's time. */
export function securityHeader(username: string, password: string, nonce: Uint8Array, created: string): string {
  return (
    '<wsse:Security s:mustUnderstand="1"><wsse:UsernameToken>' +
    `<wsse:Username>${escapeXml(username)}</wsse:Username>` +
    `<wsse:Password Type="${PASSWORD_DIGEST}">${passwordDigest(nonce, created, password)}</wsse:Password>` +
    `<wsse:Nonce EncodingType="${BASE64_BINARY}">${Buffer.from(nonce).toString("base64")}</wsse:Nonce>` +
    `<wsu:Created>${escapeXml(created)}</wsu:Created></wsse:UsernameToken></wsse:Security>`
  );
}

/** The token among a message's header blocks, if any. */
export function findUsernameToken(headers: readonly XmlElement[]): UsernameToken | undefined {
  const security = headers.find((block) => block.name === "Security" && block.namespace === NAMESPACES.wsse);
  const token = security?.child("UsernameToken", NAMESPACES.wsse);
  if (token === undefined) return undefined;
  return {
    username: token.textAt("Username") ?? "",
    digest: token.textAt("Password") ?? "",
    nonce: token.textAt("Nonce") ?? "",
    created: token.textAt("Created") ?? "",
  };
}

/** Does the token prove that its sender knows the password? Says nothing about its age or about a replay. */
export function provesPassword(token: UsernameToken, password: string): boolean {
  const expected = passwordDigest(Buffer.from(token.nonce, "base64"), token.created, password);
  return sameText(expected, token.digest);
}

/** Compares without telling by its duration where two texts differ. */
export function sameText(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest();
  return timingSafeEqual(hash(a), hash(b));
}
