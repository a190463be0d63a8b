import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "#core/clock.ts";

const REALM = "parkhub-simulator";
const MAX_COUNTED_NONCES = 1024;

/** Who may see a camera's video. */
export interface VideoCredentials {
  readonly username: string;
  readonly password: string;
}

/** `stale`: right but for a nonce that is too old; the client is to try again without asking its user. [RFC 2617 3.2.1] */
export type Verdict = "accepted" | "refused" | "stale";

/** How a camera asks for its password: `current` by SHA-256 or MD5 with qop, `legacy` as cameras of RFC 2069 by MD5 without. */
export type DigestStyle = "current" | "legacy";

/** HTTP Digest as RTSP uses it. Nonces are signed and not kept. @see RFC 2617, RFC 7616, RFC 2326 §14 */
export class DigestGuard {
  readonly #credentials: VideoCredentials;
  readonly #clock: Clock;
  readonly #nonceLifeMs: number;
  readonly #style: DigestStyle;
  /** Highest request count of each nonce that was used with one. */
  readonly #counts = new Map<string, number>();
  #secret = randomBytes(32);

  constructor(credentials: VideoCredentials, clock: Clock, nonceLifeMs: number, style: DigestStyle) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#nonceLifeMs = nonceLifeMs;
    this.#style = style;
  }

  /** Values of the WWW-Authenticate headers of a 401. The weakest comes last: old clients take the last one. */
  challenges(stale: boolean): readonly string[] {
    // The time alone would be the same for two clients of one millisecond, and so would their counts.
    const issued = `${Math.floor(this.#clock.monotonic()).toString(36)}.${randomBytes(8).toString("hex")}`;
    const nonce = this.#sign(issued);
    const base = `Digest realm="${REALM}", nonce="${nonce}"${stale ? ", stale=true" : ""}`;
    if (this.#style === "legacy") return [base];
    return ["SHA-256", "MD5"].map((algorithm) => `${base}, qop="auth", algorithm=${algorithm}`);
  }

  /** Judges an Authorization header of a request. */
  judge(header: string | undefined, method: string, uri: string): Verdict {
    const given = parseDigest(header ?? "");
    if (given === undefined || given.get("uri") !== uri) return "refused";
    const nonce = given.get("nonce") ?? "";
    if (this.#sign(nonce.split("-")[0] ?? "") !== nonce) return "refused";
    if (given.get("username") !== this.#credentials.username || given.get("realm") !== REALM) return "refused";
    if (!this.#provesPassword(given, method)) return "refused";
    const issuedAt = Number.parseInt(nonce, 36);
    if (this.#clock.monotonic() - issuedAt > this.#nonceLifeMs) return "stale";
    return given.has("qop") ? this.#count(nonce, given.get("nc") ?? "") : "accepted";
  }

  /** Power was lost: no nonce handed out before counts. */
  forget(): void {
    this.#secret = randomBytes(32);
    this.#counts.clear();
  }

  #provesPassword(given: ReadonlyMap<string, string>, method: string): boolean {
    const algorithm = given.get("algorithm") ?? "MD5";
    if (algorithm !== "MD5" && (algorithm !== "SHA-256" || this.#style === "legacy")) return false;
    const hash = (text: string): string =>
      createHash(algorithm === "MD5" ? "md5" : "sha256")
        .update(text)
        .digest("hex");
    const secret = hash(`${this.#credentials.username}:${REALM}:${this.#credentials.password}`);
    const request = hash(`${method}:${given.get("uri")}`);
    const qop = given.get("qop");
    if (qop !== undefined && qop !== "auth") return false;
    const middle = qop === undefined ? "" : `${given.get("nc")}:${given.get("cnonce")}:${qop}:`;
    const expected = Buffer.from(hash(`${secret}:${given.get("nonce")}:${middle}${request}`));
    const response = Buffer.from((given.get("response") ?? "").toLowerCase());
    return response.length === expected.length && timingSafeEqual(response, expected);
  }

  /** A count that was used before is somebody else's repetition. */
  #count(nonce: string, text: string): Verdict {
    const count = /^[0-9a-f]{8}$/i.test(text) ? Number.parseInt(text, 16) : 0;
    if (count <= (this.#counts.get(nonce) ?? 0)) return "refused";
    this.#counts.delete(nonce);
    this.#counts.set(nonce, count);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > MAX_COUNTED_NONCES && oldest !== undefined) this.#counts.delete(oldest);
    return "accepted";
  }

  #sign(issued: string): string {
    return `${issued}-${createHmac("sha256", this.#secret).update(issued).digest("hex").slice(0, 32)}`;
  }
}

function parseDigest(header: string): ReadonlyMap<string, string> | undefined {
  if (!/^digest\s/i.test(header)) return undefined;
  const fields = header.slice(7).matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g);
  return new Map(
    [...fields].map(([, name = "", quoted, plain]) => [
      name.toLowerCase(),
      (quoted ?? plain ?? "").replaceAll(/\\(.)/g, "$1"),
    ]),
  );
}
