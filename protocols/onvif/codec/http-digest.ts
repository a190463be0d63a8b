import { createHash } from "node:crypto";

/** A server's demand for HTTP digest authentication. @see RFC 7616 §3.3 */
export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: "MD5" | "SHA-256";
  /** True where the server offers qop=auth; without it the older response of RFC 2069 is computed. */
  readonly auth: boolean;
  readonly opaque?: string;
}

/** What an Authorization header of the Digest scheme says, by parameter name in lower case. */
export type DigestParameters = Readonly<Record<string, string>>;

const HASHES = { MD5: "md5", "SHA-256": "sha256" } as const;

/** Parameters of a Digest header's value; undefined where it is of another scheme. */
export function parseDigest(header: string): DigestParameters | undefined {
  const match = /^\s*digest\s+(.*)$/is.exec(header);
  if (match === null || header.length > 4096) return undefined;
  const found: Record<string, string> = {};
  for (const part of (match[1] ?? "").matchAll(/([a-z]{1,20})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi)) {
    found[(part[1] ?? "").toLowerCase()] = (part[2] ?? part[3] ?? "").replace(/\\(.)/g, "$1");
  }
  return found;
}

/** The strongest challenge among the WWW-Authenticate headers that this hub can answer. */
export function chooseChallenge(headers: readonly string[]): DigestChallenge | undefined {
  const offered: DigestChallenge[] = [];
  for (const header of headers) {
    const found = parseDigest(header);
    const algorithm = (found?.["algorithm"] ?? "MD5").toUpperCase();
    if (found?.["nonce"] === undefined || (algorithm !== "MD5" && algorithm !== "SHA-256")) continue;
    const opaque = found["opaque"];
    offered.push({
      realm: found["realm"] ?? "",
      nonce: found["nonce"],
      algorithm,
      auth: (found["qop"] ?? "").split(",").some((word) => word.trim() === "auth"),
      ...(opaque === undefined ? {} : { opaque }),
    });
  }
  return offered.find((challenge) => challenge.algorithm === "SHA-256") ?? offered[0];
}

/** What a response is computed from. */
export interface DigestInput {
  readonly challenge: DigestChallenge;
  readonly username: string;
  readonly password: string;
  readonly method: string;
  /** Path and query as in the request line. */
  readonly uri: string;
  /** Count of requests with this nonce, from 1. */
  readonly count: number;
  readonly clientNonce: string;
}

const countText = (count: number): string => count.toString(16).padStart(8, "0");

/** The response value, hex. @see RFC 7616 §3.4.1 */
export function digestResponse(input: DigestInput): string {
  const { challenge } = input;
  const hash = (text: string): string => createHash(HASHES[challenge.algorithm]).update(text, "utf8").digest("hex");
  const a1 = hash(`${input.username}:${challenge.realm}:${input.password}`);
  const a2 = hash(`${input.method}:${input.uri}`);
  if (!challenge.auth) return hash(`${a1}:${challenge.nonce}:${a2}`);
  return hash(`${a1}:${challenge.nonce}:${countText(input.count)}:${input.clientNonce}:auth:${a2}`);
}

/** The Authorization header's value. */
export function digestAuthorization(input: DigestInput): string {
  const { challenge } = input;
  const quoted = (text: string): string => `"${text.replace(/[\r\n]/g, "").replace(/(["\\])/g, "\\$1")}"`;
  const parts = [
    `username=${quoted(input.username)}`,
    `realm=${quoted(challenge.realm)}`,
    `nonce=${quoted(challenge.nonce)}`,
    `uri=${quoted(input.uri)}`,
    `algorithm=${challenge.algorithm}`,
    `response="${digestResponse(input)}"`,
  ];
  if (challenge.auth) parts.push("qop=auth", `nc=${countText(input.count)}`, `cnonce=${quoted(input.clientNonce)}`);
  if (challenge.opaque !== undefined) parts.push(`opaque=${quoted(challenge.opaque)}`);
  return `Digest ${parts.join(", ")}`;
}
